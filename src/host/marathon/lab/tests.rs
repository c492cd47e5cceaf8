//! Marathon with the master and agents of this crate: real tasks over real sockets, seen through the HTTP API.

use std::{path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::{Config, MarathonHandle, Place, start};
use crate::{
    client::masters::Masters,
    engine::{agent::AgentConfig, master::MasterConfig},
    host::{agent, master},
    mesos::{resources::Resources, v1::AgentInfo},
    runtime::{Clock, Tasks},
};

struct Lab {
    dir: tempfile::TempDir,
    tasks: Tasks,
    clock: Clock,
    master: String,
    agents: Vec<agent::AgentHandle>,
}

impl Lab {
    /// Agents on 127.0.0.1, 127.0.0.2 and so on, by their names.
    async fn up(agents: usize) -> Self {
        let (dir, tasks, clock) = (tempfile::tempdir().unwrap(), Tasks::new(), Clock::start());
        let master = master::start(&tasks, clock, listener().await, MasterConfig::default()).unwrap();
        let url = format!("http://{}", master.endpoint());
        let mut lab = Self { dir, tasks, clock, master: url, agents: Vec::new() };
        for n in 1..=agents {
            let resources = Resources::parse("cpus:2;mem:1024;disk:1024;ports:[31000-31999]", "*").unwrap();
            let info = AgentInfo {
                hostname: format!("127.0.0.{n}"),
                resources: resources.to_protos(),
                ..AgentInfo::default()
            };
            let work_dir = lab.dir.path().join(format!("agent-{n}")).display().to_string();
            let config = agent::Config::new(AgentConfig::new(info, work_dir));
            let agent = agent::start(&lab.tasks, clock, listener().await, config, master.clone()).unwrap();
            lab.agents.push(agent);
        }
        lab
    }

    async fn marathon(&self) -> Api {
        let place = Place::Dir(self.dir.path().join("marathon"));
        let mut config = Config::new(Masters::parse(&self.master).unwrap(), place);
        config.options.launcher.min_revive_interval = Duration::ZERO;
        let handle = start(&self.tasks, self.clock, listener().await, config).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), handle.subscribed()).await.unwrap();
        Api { base: format!("{}/v2", handle.endpoint()), http: reqwest::Client::new(), handle }
    }

    async fn down(self) {
        for agent in &self.agents {
            agent.stop(Duration::from_secs(5)).await;
        }
        self.tasks.stop().await;
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// A Marathon as its users have it.
struct Api {
    handle: MarathonHandle,
    base: String,
    http: reqwest::Client,
}

impl Api {
    async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        response.json().await.unwrap()
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let response = request.json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    async fn create(&self, app: &Value) {
        let (status, body) = self.send(reqwest::Method::POST, "/apps", app).await;
        assert_eq!(status, 201, "{body}");
    }

    async fn until(&self, path: &str, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1500 {
            let value = self.get(path).await;
            if reached(&value) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {what}: {}, queue {}", self.get(path).await, self.get("/queue").await)
    }

    /// The tasks of the app when that many run and no deployment is on its way.
    async fn running(&self, app: &str, count: usize) -> Vec<Value> {
        let settled = |value: &Value| {
            value["app"]["tasksRunning"] == count
                && value["app"]["deployments"] == json!([])
                && value["app"]["tasks"].as_array().is_some_and(|tasks| tasks.len() == count)
        };
        let app = self.until(&format!("/apps{app}"), &format!("{count} running"), settled).await;
        app["app"]["tasks"].as_array().unwrap().clone()
    }
}

fn ids(tasks: &[Value]) -> Vec<String> {
    let mut ids: Vec<_> = tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// The environment of the process of a task.
fn environment_of(task: &str) -> Option<(Pid, Vec<String>)> {
    let wanted = format!("MESOS_TASK_ID={task}");
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    processes.filter_map(|name| name.parse().ok()).find_map(|pid: i32| {
        let read = std::fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).ok()?;
        let variables = read.split(|byte| *byte == 0).map(|each| String::from_utf8_lossy(each).into_owned());
        let variables: Vec<_> = variables.collect();
        variables.contains(&wanted).then(|| Some((Pid::from_raw(pid)?, variables))).flatten()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_lives_through_scaling_death_upgrade_and_end() {
    let lab = Lab::up(2).await;
    let api = lab.marathon().await;
    let app = json!({"id": "/g/sleeper", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 3,
        "portDefinitions": [{"port": 0, "name": "web"}], "labels": {"a.b": "c"}, "backoffSeconds": 1});
    api.create(&app).await;
    let tasks = api.running("/g/sleeper", 3).await;
    let port = tasks[0]["ports"][0].as_u64().unwrap();
    let (pid, environment) = environment_of(tasks[0]["id"].as_str().unwrap()).unwrap();
    for variable in [
        format!("PORT0={port}"),
        format!("PORT_WEB={port}"),
        format!("HOST={}", tasks[0]["host"].as_str().unwrap()),
        "MARATHON_APP_ID=/g/sleeper".to_owned(),
        "MARATHON_APP_LABEL_A_B=c".to_owned(),
        "MARATHON_APP_RESOURCE_CPUS=0.1".to_owned(),
    ] {
        assert!(environment.contains(&variable), "{variable} in {environment:?}");
    }

    kill_process(pid, Signal::KILL).unwrap();
    let failure = |value: &Value| value["app"]["lastTaskFailure"]["state"] == "TASK_FAILED";
    api.until("/apps/g/sleeper", "failed", failure).await;
    let tasks = api.running("/g/sleeper", 3).await;
    assert!(tasks.iter().any(|task| task["id"].as_str().unwrap().ends_with("._app.2")), "{tasks:?}");

    let victim = ids(&tasks).remove(0);
    let path = format!("/apps/g/sleeper/tasks/{victim}?scale=true");
    assert_eq!(api.send(reqwest::Method::DELETE, &path, &Value::Null).await.0, 200);
    let old = ids(&api.running("/g/sleeper", 2).await);
    assert!(!old.contains(&victim));

    let change = json!({"cmd": "sleep 2000"});
    assert_eq!(api.send(reqwest::Method::PUT, "/apps/g/sleeper", &change).await.0, 200);
    let tasks = api.running("/g/sleeper", 2).await;
    assert!(ids(&tasks).iter().all(|id| !old.contains(id)), "{tasks:?} beside {old:?}");

    assert_eq!(api.send(reqwest::Method::DELETE, "/apps/g/sleeper", &Value::Null).await.0, 200);
    api.until("/tasks", "gone", |value| value["tasks"] == json!([])).await;
    api.until("/deployments", "done", |value| *value == json!([])).await;
    assert!(ids(&tasks).iter().all(|id| environment_of(id).is_none()));
    api.handle.stop().await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_hold_and_the_queue_says_why() {
    let lab = Lab::up(2).await;
    let api = lab.marathon().await;
    let app = json!({"id": "/unique", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 3,
        "constraints": [["hostname", "UNIQUE"]]});
    api.create(&app).await;
    let two = |value: &Value| value["app"]["tasksRunning"] == 2;
    let app = api.until("/apps/unique", "two running", two).await;
    let tasks = app["app"]["tasks"].as_array().unwrap();
    assert_ne!(tasks[0]["host"], tasks[1]["host"]);
    let queue = api.until("/queue", "refused", |value| {
        let steps = &value["queue"][0]["processedOffersSummary"]["rejectSummaryLastOffers"];
        steps.as_array().is_some_and(|steps| {
            steps.iter().any(|step| step["reason"] == "UnfulfilledConstraint" && step["declined"] == 2)
        })
    });
    let queue = queue.await;
    assert_eq!(queue["queue"][0]["count"], 1);
    let scaled = api.send(reqwest::Method::PUT, "/apps/unique?force=true", &json!({"instances": 2})).await;
    assert_eq!(scaled.0, 200, "{}", scaled.1);
    api.running("/unique", 2).await;
    assert_eq!(api.get("/queue").await["queue"], json!([]));
    api.handle.stop().await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_outlive_marathon_and_are_neither_doubled_nor_restarted() {
    let lab = Lab::up(2).await;
    let api = lab.marathon().await;
    api.create(&json!({"id": "/stay", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 4})).await;
    let before = ids(&api.running("/stay", 4).await);
    let framework = api.get("/info").await["frameworkId"].clone();
    api.handle.kill().await;

    let doomed = environment_of(&before[0]).unwrap().0;
    kill_process(doomed, Signal::KILL).unwrap();
    let api = lab.marathon().await;
    assert_eq!(api.get("/info").await["frameworkId"], framework);
    let lost = |value: &Value| {
        value["app"]["tasksRunning"] == 4
            && value["app"]["tasks"].as_array().is_some_and(|tasks| !ids(tasks).contains(&before[0]))
    };
    let app = api.until("/apps/stay", "four running again", lost).await;
    let after = ids(app["app"]["tasks"].as_array().unwrap());
    assert!(before[1..].iter().all(|id| after.contains(id)), "{before:?} and {after:?}");
    assert_eq!(after.len(), 4);
    api.handle.stop().await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_stops_answering_is_killed_and_replaced() {
    let lab = Lab::up(1).await;
    let api = lab.marathon().await;
    let probed = listener().await;
    let port = probed.local_addr().unwrap().port();
    let app = json!({"id": "/checked", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16,
        "healthChecks": [{"protocol": "TCP", "port": port, "gracePeriodSeconds": 1, "intervalSeconds": 1,
            "timeoutSeconds": 1, "maxConsecutiveFailures": 1}]});
    api.create(&app).await;
    let healthy = |value: &Value| value["app"]["tasksHealthy"] == 1;
    let app = api.until("/apps/checked", "healthy", healthy).await;
    let first = ids(app["app"]["tasks"].as_array().unwrap());
    assert_eq!(app["app"]["tasks"][0]["healthCheckResults"][0]["alive"], true);
    drop(probed);
    let killed = |value: &Value| {
        let message = value["app"]["lastTaskFailure"]["message"].as_str().unwrap_or_default();
        message.starts_with("Task was killed since health check failed")
    };
    api.until("/apps/checked", "killed", killed).await;
    let _probed = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let replaced = |value: &Value| healthy(value) && ids(value["app"]["tasks"].as_array().unwrap()) != first;
    api.until("/apps/checked", "healthy again", replaced).await;
    api.handle.stop().await;
    lab.down().await;
}
