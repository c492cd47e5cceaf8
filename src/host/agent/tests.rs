//! An agent with real processes under a real master, driven by a small framework over HTTP.

mod features;
mod groups;
mod guests;
mod kept;

use std::net::Ipv4Addr;

use features::{
    a_pod_shares_a_volume, a_pod_that_fetches_can_be_killed, a_task_gets_its_files_and_secrets,
    what_is_fetched_can_be_killed,
};
use groups::a_group_lives_in_one_sandbox_and_dies_together;
use serde_json::{Value, json};

use super::*;
use crate::{
    engine::master::MasterConfig,
    host::{master, process::table::Table},
    mesos::{resources::Resources, v1::AgentInfo},
};

struct Lab {
    directory: tempfile::TempDir,
    tasks: Tasks,
    agent: AgentHandle,
    framework: Framework,
}

/// How the agent's messages travel. Nobody else can tell: every test below runs over both.
#[derive(Clone, Copy)]
enum Wire {
    Channel,
    Libprocess,
}

macro_rules! over_both_wires {
    ($($test:ident)*) => {
        mod over_the_channel {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Wire::Channel).await;
            })*
        }

        mod over_libprocess {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Wire::Libprocess).await;
            })*
        }
    };
}

over_both_wires! {
    a_task_lives_and_its_sandbox_can_be_read
    a_kill_ends_the_whole_tree
    an_unhealthy_task_is_killed
    checks_ask_ports_and_servers
    a_stop_ends_what_runs_and_unregisters
    many_tasks_run_soon_and_leave_nothing
    a_fifo_in_a_sandbox_stops_nobody
    answers_as_recorded
    a_group_lives_in_one_sandbox_and_dies_together
    a_task_gets_its_files_and_secrets
    what_is_fetched_can_be_killed
    a_pod_shares_a_volume
    a_pod_that_fetches_can_be_killed
}

async fn lab(wire: Wire) -> Lab {
    lab_in(tempfile::tempdir().unwrap(), None, wire).await
}

async fn lab_in(directory: tempfile::TempDir, keeper: Option<KeeperHub>, wire: Wire) -> Lab {
    let (tasks, clock) = (Tasks::new(), Clock::start());
    let master = master::start(&tasks, clock, listener().await, MasterConfig::default()).unwrap();
    let resources = Resources::parse("cpus:100;mem:10000;disk:1000;ports:[31000-31100]", "*").unwrap();
    let info = AgentInfo {
        hostname: "localhost".to_owned(),
        resources: resources.to_protos(),
        ..AgentInfo::default()
    };
    let agent = AgentConfig::new(info, directory.path().display().to_string());
    let config = Config { keeper, ..Config::new(agent) };
    let way = match wire {
        Wire::Channel => MasterAt::Here(master.clone()),
        Wire::Libprocess => MasterAt::Address(master.endpoint()),
    };
    let agent = start(&tasks, clock, listener().await, config, way).unwrap();
    let framework = Framework::subscribe(master.endpoint()).await;
    Lab { directory, tasks, agent, framework }
}

async fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

impl Lab {
    async fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.agent.endpoint());
        let response = self.framework.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.1).unwrap()
    }

    fn processes(&self) -> usize {
        Table::read().of_sandboxes(&[self.directory.path().to_path_buf()]).len()
    }

    async fn down(self) {
        self.tasks.stop().await;
        until(|| self.processes() == 0).await;
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the condition never came true");
}

/// A framework that acknowledges whatever it gets.
struct Framework {
    http: reqwest::Client,
    url: String,
    stream_id: String,
    id: String,
    events: reqwest::Response,
    buffer: Vec<u8>,
    offer: Value,
}

impl Framework {
    async fn subscribe(master: SocketAddr) -> Self {
        Self::subscribe_as(master, json!({})).await
    }

    /// With whatever else its description has.
    async fn subscribe_as(master: SocketAddr, mut info: Value) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{master}/api/v1/scheduler");
        info["user"] = json!("u");
        info["name"] = json!("n");
        info["roles"] = json!(["dev"]);
        info["capabilities"] = json!([{"type": "MULTI_ROLE"}, {"type": "TASK_KILLING_STATE"}]);
        let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
        let request = http.post(&url).header("Content-Type", "application/json");
        let events = request.body(call.to_string()).send().await.unwrap();
        assert_eq!(events.status(), 200);
        let stream_id = events.headers()["Mesos-Stream-Id"].to_str().unwrap().to_owned();
        let mut framework =
            Self { http, url, stream_id, id: String::new(), events, buffer: Vec::new(), offer: Value::Null };
        let subscribed = framework.event("SUBSCRIBED").await;
        framework.id = subscribed["subscribed"]["framework_id"]["value"].as_str().unwrap().to_owned();
        framework.offer = framework.event("OFFERS").await["offers"]["offers"][0].clone();
        framework
    }

    /// The next event of a kind.
    async fn event(&mut self, kind: &str) -> Value {
        let waiting = async {
            loop {
                let event = self.next().await;
                if event["type"] == kind {
                    return event;
                }
            }
        };
        let event = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        event.unwrap_or_else(|_| panic!("no {kind}"))
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let length: usize = std::str::from_utf8(&self.buffer[..end]).unwrap().parse().unwrap();
                if self.buffer.len() > end + length {
                    let record = self.buffer[end + 1..=end + length].to_vec();
                    self.buffer.drain(..=end + length);
                    return serde_json::from_slice(&record).unwrap();
                }
            }
            let chunk = self.events.chunk().await.unwrap().expect("the stream goes on");
            self.buffer.extend_from_slice(&chunk);
        }
    }

    async fn call(&self, mut call: Value) {
        call["framework_id"] = json!({"value": self.id});
        let request = self.http.post(&self.url).header("Content-Type", "application/json");
        let request = request.header("Mesos-Stream-Id", &self.stream_id).body(call.to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 202, "{}", response.text().await.unwrap());
    }

    /// A task of a shell command, with whatever else it has.
    fn task(&self, id: &str, command: &str, mut more: Value) -> Value {
        more["name"] = json!(id);
        more["task_id"] = json!({"value": id});
        more["agent_id"] = self.offer["agent_id"].clone();
        more["command"] = json!({"value": command});
        more["resources"] = json!([
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}, "allocation_info": {"role": "dev"}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 1}, "allocation_info": {"role": "dev"}},
        ]);
        more
    }

    async fn launch(&self, tasks: Vec<Value>) {
        let operation = json!({"type": "LAUNCH", "launch": {"task_infos": tasks}});
        self.call(json!({"type": "ACCEPT", "accept": {
            "offer_ids": [self.offer["id"]], "operations": [operation]}}))
            .await;
    }

    /// Acknowledges updates until one satisfies.
    async fn update(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = self.event("UPDATE").await["update"]["status"].clone();
            self.acknowledge(&status).await;
            if wanted(&status) {
                return status;
            }
        }
    }

    async fn acknowledge(&self, status: &Value) {
        if status["uuid"].is_string() {
            let acknowledge = json!({"agent_id": status["agent_id"], "task_id": status["task_id"],
                "uuid": status["uuid"]});
            self.call(json!({"type": "ACKNOWLEDGE", "acknowledge": acknowledge})).await;
        }
    }

    async fn state(&mut self, state: &str) -> Value {
        self.update(|status| status["state"] == state).await
    }

    async fn kill(&self, id: &str) {
        self.call(json!({"type": "KILL", "kill": {"task_id": {"value": id}}})).await;
    }
}

async fn a_task_lives_and_its_sandbox_can_be_read(wire: Wire) {
    let mut lab = lab(wire).await;
    let task = lab.framework.task("t", "echo out; echo err >&2; exit 3", json!({}));
    lab.framework.launch(vec![task]).await;
    let starting = lab.framework.state("TASK_STARTING").await;
    assert!(starting["container_status"]["executor_pid"].as_u64().unwrap() > 1);
    assert_eq!(
        starting["container_status"]["network_infos"][0]["ip_addresses"][0]["ip_address"],
        "127.0.0.1"
    );
    lab.framework.state("TASK_RUNNING").await;
    let failed = lab.framework.state("TASK_FAILED").await;
    assert_eq!(failed["message"], "Command exited with status 3");
    let latest = format!("/frameworks/{}/executors/t/runs/latest", lab.framework.id);
    let read = lab.json(&format!("/files/read?path={latest}/stdout&offset=0")).await;
    assert_eq!(read, json!({"data": "out\n", "offset": 0}));
    assert_eq!(lab.get(&format!("/files/download?path={latest}/stderr")).await, (200, "err\n".to_owned()));
    let browsed = lab.json(&format!("/files/browse?path={latest}")).await;
    assert_eq!(browsed[1]["path"], format!("{latest}/stdout"));
    until_completed(&lab).await;
    lab.down().await;
}

async fn until_completed(lab: &Lab) {
    until(|| lab.agent.with(|agent| agent.frameworks.is_empty() && agent.completed_frameworks.len() == 1))
        .await;
}

async fn a_kill_ends_the_whole_tree(wire: Wire) {
    let mut lab = lab(wire).await;
    let task = lab.framework.task("t", "setsid sleep 1000 & sleep 1000; true", json!({}));
    lab.framework.launch(vec![task]).await;
    lab.framework.state("TASK_RUNNING").await;
    until(|| lab.processes() == 3).await;
    let statistics = lab.json("/slave(1)/monitor/statistics").await;
    assert!(statistics[0]["statistics"]["mem_rss_bytes"].as_u64().unwrap() > 0, "{statistics}");
    lab.framework.kill("t").await;
    lab.framework.state("TASK_KILLING").await;
    let killed = lab.framework.state("TASK_KILLED").await;
    assert_eq!(killed["message"], "Command terminated with signal Terminated");
    until(|| lab.processes() == 0).await;
    lab.down().await;
}

async fn an_unhealthy_task_is_killed(wire: Wire) {
    let mut lab = lab(wire).await;
    let health = json!({"health_check": {"type": "COMMAND", "command": {"value": "echo probed; test ! -e bad"},
        "delay_seconds": 0, "interval_seconds": 0.01, "grace_period_seconds": 0, "consecutive_failures": 2}});
    let task = lab.framework.task("t", "sleep 1000", health);
    lab.framework.launch(vec![task]).await;
    lab.framework.update(|status| status["healthy"] == true).await;
    let latest = lab.agent.with(|agent| {
        let executors = agent.frameworks.values().flat_map(|framework| framework.executors.values());
        executors.map(|executor| executor.directory.clone()).next().unwrap()
    });
    std::fs::write(format!("{latest}/bad"), "").unwrap();
    let ill = lab.framework.update(|status| status["healthy"] == false).await;
    assert_eq!(ill["reason"], "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED");
    let killed = lab.framework.state("TASK_KILLED").await;
    assert_eq!(killed["healthy"], false);
    assert!(std::fs::read_to_string(format!("{latest}/stderr")).unwrap().starts_with("probed\n"));
    lab.down().await;
}

async fn checks_ask_ports_and_servers(wire: Wire) {
    let mut lab = lab(wire).await;
    let port = lab.agent.endpoint().port();
    let refused = listener().await.local_addr().unwrap().port();
    let rhythm = |mut check: Value| {
        check["delay_seconds"] = json!(0);
        check["interval_seconds"] = json!(1000);
        json!({"check": check})
    };
    let http = rhythm(json!({"type": "HTTP", "http": {"port": port, "path": "/nope"}}));
    let open = rhythm(json!({"type": "TCP", "tcp": {"port": port}}));
    let closed = rhythm(json!({"type": "TCP", "tcp": {"port": refused}}));
    let slow = json!({"check": {"type": "COMMAND", "command": {"command": {"value": "exit 7"}},
        "delay_seconds": 0, "interval_seconds": 1000}});
    let tasks = [("http", http), ("open", open), ("closed", closed), ("command", slow)];
    let tasks = tasks.map(|(id, more)| lab.framework.task(id, "sleep 1000", more)).into();
    lab.framework.launch(tasks).await;
    let expected = [
        ("http", json!({"type": "HTTP", "http": {"status_code": 404}})),
        ("open", json!({"type": "TCP", "tcp": {"succeeded": true}})),
        ("closed", json!({"type": "TCP", "tcp": {"succeeded": false}})),
        ("command", json!({"type": "COMMAND", "command": {"exit_code": 7}})),
    ];
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < expected.len() {
        let status =
            lab.framework.update(|status| status["reason"] == "REASON_TASK_CHECK_STATUS_UPDATED").await;
        seen.insert(status["task_id"]["value"].as_str().unwrap().to_owned(), status["check_status"].clone());
    }
    for (task, check_status) in expected {
        assert_eq!(seen[task], check_status, "{task}");
    }
    lab.down().await;
}

async fn a_stop_ends_what_runs_and_unregisters(wire: Wire) {
    let mut lab = lab(wire).await;
    let task = lab.framework.task("t", "sleep 1000", json!({}));
    lab.framework.launch(vec![task]).await;
    lab.framework.state("TASK_RUNNING").await;
    assert!(lab.agent.stop(Duration::from_secs(20)).await);
    until(|| lab.processes() == 0).await;
    let gone = lab.framework.event("FAILURE").await;
    assert!(gone["failure"]["agent_id"].is_object());
    lab.down().await;
}

async fn many_tasks_run_soon_and_leave_nothing(wire: Wire) {
    let mut lab = lab(wire).await;
    let tasks = (0..100).map(|n| lab.framework.task(&format!("t{n}"), "sleep 1000", json!({}))).collect();
    let started = lab.agent.now();
    lab.framework.launch(tasks).await;
    for _ in 0..100 {
        lab.framework.state("TASK_RUNNING").await;
    }
    let elapsed = lab.agent.now().since(started);
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    if let Some(report) = std::env::var_os("MESOSLAB_FIGURES") {
        std::fs::write(report, format!("{elapsed:?}")).unwrap();
    }
    lab.down().await;
}

async fn a_fifo_in_a_sandbox_stops_nobody(wire: Wire) {
    let mut lab = lab(wire).await;
    let task = lab.framework.task("t", "mkfifo fifo; sleep 1000", json!({}));
    lab.framework.launch(vec![task]).await;
    lab.framework.state("TASK_RUNNING").await;
    let latest = format!("/frameworks/{}/executors/t/runs/latest", lab.framework.id);
    let fifo = format!("{latest}/fifo");
    while !lab.get(&format!("/files/browse?path={latest}")).await.1.contains("fifo") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let asked = async {
        let downloaded = lab.get(&format!("/files/download?path={fifo}")).await;
        assert_eq!(downloaded, (404, "404 Not Found.".to_owned()));
        assert_eq!(lab.get(&format!("/files/read?path={fifo}&offset=0")).await.0, 500);
        assert_eq!(lab.get(&format!("/files/browse?path={fifo}")).await, (200, "[]".to_owned()));
        assert_eq!(lab.get("/health").await.0, 200);
    };
    tokio::time::timeout(Duration::from_secs(5), asked).await.expect("the agent answers");
    lab.down().await;
}

async fn answers_as_recorded(wire: Wire) {
    let lab = lab(wire).await;
    let expected = [
        ("/health", 200, ""),
        ("/slave(1)/health", 200, ""),
        ("/slave/state", 404, "404 Not Found."),
        ("/containers?container_id=zz", 200, "[]"),
        ("/files/browse", 400, "Expecting 'path=value' in query.\n"),
        ("/files/browse?path=/etc", 404, ""),
        ("/files/read?path=/nope&offset=0", 404, ""),
        (
            "/files/read?path=/nope&offset=zz",
            400,
            "Failed to parse offset: Failed to convert 'zz' to number.\n",
        ),
        ("/files/read?path=/nope&offset=-2", 400, "Negative offset provided: -2.\n"),
        ("/files/download?path=/etc/passwd", 404, "404 Not Found."),
        ("/files/read?path=%2Fslave%2Flog", 404, ""),
    ];
    for (path, status, text) in expected {
        assert_eq!(lab.get(path).await, (status, text.to_owned()), "{path}");
    }
    let state = lab.json("/state").await;
    assert_eq!(state["pid"], format!("slave(1)@{}", lab.agent.endpoint()));
    let call = |body: &'static str| {
        let url = format!("http://{}/api/v1", lab.agent.endpoint());
        let request = lab.framework.http.post(url).header("Content-Type", "application/json").body(body);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    let health = r#"{"type":"GET_HEALTH","get_health":{"healthy":true}}"#;
    assert_eq!(call(r#"{"type": "GET_HEALTH"}"#).await, (200, health.to_owned()));
    let no_type = "Failed to validate agent::Call: Expecting 'type' to be present";
    assert_eq!(call("{}").await, (400, no_type.to_owned()));
    let outside = r#"{"type": "LIST_FILES", "list_files": {"path": "/etc"}}"#;
    assert_eq!(call(outside).await, (404, String::new()));
    lab.down().await;
}
