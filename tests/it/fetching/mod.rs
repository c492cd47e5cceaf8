//! What tasks, executors and containers name as URIs, fetched by an agent of the real binary from a server of the test.

mod server;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use self::server::Server;
use crate::{
    processes::{cluster::Cluster, framework::Framework, http::call},
    python::python,
    support::eventually,
};

const SCRIPT: &str = "#!/bin/sh\ncat bundle/hello conf/app.conf\ntest -x bundle/tool && echo executable\n";

struct Lab {
    server: Server,
    framework: Framework,
    agent: String,
    // Dropped after the framework, which is on its master.
    cluster: Cluster,
}

impl Lab {
    async fn start() -> Self {
        let executor = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/custom_executor.py");
        let server = Server::start(BTreeMap::from([
            ("bundle.tar.gz", bundle()),
            ("run.sh", SCRIPT.into()),
            ("plain", b"plain\n".into()),
            ("custom_executor.py", fs::read(executor).expect("the executor")),
        ]));
        let server = server.await;
        let cluster = Cluster::start(1, &[], &[]);
        let (agent, framework) = (cluster.id_of(0), cluster.framework("fetching", false, &[]));
        Self { server, framework, agent, cluster }
    }

    /// A task that runs a shell command once these are there.
    fn task(&self, id: &str, command: &str, uris: &Value) -> Value {
        json!({
            "name": id, "task_id": { "value": id }, "agent_id": { "value": self.agent }, "resources": resources(),
            "command": { "value": command, "uris": uris },
        })
    }

    fn launch(&mut self, task: Value) {
        self.framework.launch_infos(&self.agent, vec![task]);
    }

    /// The sandbox of an executor, or of the task that has none.
    fn sandbox(&self, executor: &str) -> PathBuf {
        let (agent, framework) = (&self.agent, self.framework.id());
        let runs = format!("slaves/{agent}/frameworks/{framework}/executors/{executor}/runs/latest");
        self.cluster.site.dir("agent-1").join(runs)
    }

    fn said(&self, executor: &str, file: &str) -> String {
        fs::read_to_string(self.sandbox(executor).join(file)).expect("a file of the sandbox")
    }

    /// A call of the agent API: code and body.
    fn ask_agent(&self, body: &Value) -> (u16, String) {
        let answer = call(self.cluster.agents[0].address(), "/api/v1", "", body).expect("an answer");
        (answer.code(), String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Launches a container by the agent API.
    fn launch_container(&self, id: &Value, command: &Value) -> (u16, String) {
        let resources = if id["parent"].is_null() { resources() } else { json!([]) };
        let launch = json!({ "container_id": id, "command": command, "resources": resources });
        self.ask_agent(&json!({ "type": "LAUNCH_CONTAINER", "launch_container": launch }))
    }

    /// Launches a nested container and waits for it: how it has ended is kept as long as its parent.
    fn nested_container(&self, id: &Value, command: &Value) -> (u16, String) {
        let (code, text) = self.launch_container(id, command);
        if code != 200 {
            return (code, text);
        }
        let wait = json!({ "type": "WAIT_CONTAINER", "wait_container": { "container_id": id } });
        self.ask_agent(&wait)
    }

    async fn end(mut self) {
        self.framework.teardown();
        self.cluster.end();
        self.server.stop().await;
    }
}

fn resources() -> Value {
    let scalar =
        |name: &str, value: f64| json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } });
    json!([scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 1.0)])
}

/// `bundle/hello`, and the program `bundle/tool`.
fn bundle() -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text, mode) in [("bundle/hello", "hello\n", 0o644), ("bundle/tool", "#!/bin/sh\n", 0o755)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len()).expect("a size"));
        header.set_mode(mode);
        archive.append_data(&mut header, path, text.as_bytes()).expect("append a file");
    }
    archive.into_inner().and_then(GzEncoder::finish).expect("an archive")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_finds_its_files_as_it_has_named_them() {
    let mut lab = Lab::start().await;
    let uris = json!([
        { "value": lab.server.url("bundle.tar.gz") },
        { "value": lab.server.url("run.sh"), "executable": true },
        { "value": lab.server.url("plain"), "output_file": "conf/app.conf" },
        { "value": lab.server.url("bundle.tar.gz"), "extract": false, "output_file": "whole.tar.gz" },
    ]);
    lab.launch(lab.task("t", "./run.sh", &uris));
    lab.framework.until_state("t", "TASK_FINISHED");
    assert_eq!(lab.said("t", "stdout"), "hello\nplain\nexecutable\n");
    let sandbox = lab.sandbox("t");
    assert_eq!(mode(&sandbox.join("run.sh")), 0o755);
    assert_eq!(mode(&sandbox.join("conf/app.conf")) & 0o111, 0);
    assert_eq!(fs::read(sandbox.join("whole.tar.gz")).unwrap(), bundle());
    let log = lab.said("t", "stderr");
    let extracted =
        format!("Extracted '{}/bundle.tar.gz' into", fs::canonicalize(&sandbox).unwrap().display());
    assert!(log.contains(&extracted), "{log}");
    assert!(log.contains("Successfully fetched all URIs into "), "{log}");
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_cache_is_not_asked_for_again() {
    let mut lab = Lab::start().await;
    let uris = |cache: bool| {
        json!([
            { "value": lab.server.url("bundle.tar.gz"), "cache": cache },
            { "value": lab.server.url("plain"), "cache": cache, "output_file": "conf/app.conf" },
            { "value": lab.server.url("run.sh"), "cache": cache, "executable": true },
        ])
    };
    let (cached, past) = (uris(true), uris(false));
    for (task, uris, asked) in [("first", &cached, 1), ("second", &cached, 1), ("past", &past, 2)] {
        lab.launch(lab.task(task, "./run.sh", uris));
        lab.framework.until_state(task, "TASK_FINISHED");
        assert_eq!(lab.said(task, "stdout"), "hello\nplain\nexecutable\n", "{task}");
        for file in ["bundle.tar.gz", "plain", "run.sh"] {
            assert_eq!(lab.server.gets(file), asked, "{file} for {task}");
        }
    }
    let log = lab.said("second", "stderr");
    assert!(log.contains(&format!("Fetching URI '{}' from cache", lab.server.url("plain"))), "{log}");
    // As in Mesos, an archive is extracted from where it is.
    assert!(!lab.sandbox("second").join("bundle.tar.gz").exists());
    assert!(lab.sandbox("past").join("bundle.tar.gz").exists());
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_file_is_not_there_fails_in_the_words_of_mesos() {
    let mut lab = Lab::start().await;
    let missing = lab.server.url("missing");
    let cases = [
        (missing.as_str(), "Error downloading resource, received HTTP return code 404"),
        // Nobody is there, or nobody who is trusted.
        (
            "https://127.0.0.1/file",
            "Error downloading resource: https://127.0.0.1/file: client error (Connect)",
        ),
        ("ftp://127.0.0.1/file", "Error downloading resource: this agent does not speak FTP"),
    ];
    for (n, (uri, why)) in cases.into_iter().enumerate() {
        let task = format!("t{n}");
        lab.launch(lab.task(&task, "true", &json!([{ "value": uri }])));
        let status = lab.framework.until_state(&task, "TASK_FAILED");
        assert_eq!(lab.framework.states(&task), ["TASK_FAILED"], "nothing ran");
        assert_eq!(status["reason"], "REASON_CONTAINER_LAUNCH_FAILED");
        assert_eq!(status["source"], "SOURCE_AGENT");
        let container = fs::canonicalize(lab.sandbox(&task)).unwrap();
        let id = container.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            status["message"],
            format!(
                "Failed to launch container: Failed to fetch all URIs for container '{id}': exited with status 1"
            )
        );
        let log = lab.said(&task, "stderr");
        assert!(log.contains(&format!("Failed to fetch '{uri}': {why}")), "{log}");
    }
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_ends_of_whose_tasks_one_has_no_file() {
    let mut lab = Lab::start().await;
    let has = lab.task("has", "cat plain; sleep 1000", &json!([{ "value": lab.server.url("plain") }]));
    let has_not = lab.task("has-not", "true", &json!([{ "value": lab.server.url("missing") }]));
    let executor = json!({
        "type": "DEFAULT", "executor_id": { "value": "pod" }, "framework_id": { "value": lab.framework.id() },
        "resources": resources(),
    });
    let group = json!({ "executor": executor, "task_group": { "tasks": [has, has_not] } });
    let operations = json!([{ "type": "LAUNCH_GROUP", "launch_group": group }]);
    lab.framework.accept(&lab.agent, &operations);
    let failed = lab.framework.until_state("has-not", "TASK_FAILED");
    let message = failed["message"].as_str().unwrap();
    assert!(message.starts_with("Failed to fetch all URIs for container '"), "{message}");
    lab.framework.until_state("has", "TASK_KILLED");
    assert_eq!(lab.said("pod", "tasks/has/plain"), "plain\n");
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_is_fetched_and_runs() {
    if python("http.client").await.is_none() {
        return;
    }
    let mut lab = Lab::start().await;
    let uris = json!([
        { "value": lab.server.url("custom_executor.py"), "executable": true },
        { "value": lab.server.url("bundle.tar.gz") },
    ]);
    let mut task = json!({
        "name": "t", "task_id": { "value": "t" }, "agent_id": { "value": lab.agent }, "resources": resources(),
    });
    task["executor"] = json!({
        "type": "CUSTOM", "executor_id": { "value": "cx" }, "framework_id": { "value": lab.framework.id() },
        "command": { "value": "cat bundle/hello >&2; exec ./custom_executor.py", "uris": uris },
    });
    lab.launch(task.clone());
    lab.framework.until_state("t", "TASK_RUNNING");
    let log = lab.said("cx", "stderr");
    assert!(log.ends_with("hello\n"), "{log}");
    lab.framework.kill("t", &lab.agent);
    lab.framework.until_state("t", "TASK_KILLED");
    // One that cannot be had fails its task.
    task["task_id"]["value"] = json!("none");
    task["executor"]["executor_id"]["value"] = json!("none");
    task["executor"]["command"]["uris"] = json!([{ "value": lab.server.url("missing") }]);
    lab.launch(task);
    let failed = lab.framework.until_state("none", "TASK_FAILED");
    assert_eq!(failed["reason"], "REASON_CONTAINER_LAUNCH_FAILED");
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_the_agent_api_get_files_too() {
    let mut lab = Lab::start().await;
    let uris = json!([{ "value": lab.server.url("bundle.tar.gz") }]);
    let command = json!({ "value": "test \"$(cat bundle/hello)\" = hello || exit 3; exit 7", "uris": uris });
    let ended = r#"{"type":"WAIT_CONTAINER","wait_container":{"exit_status":1792}}"#;
    // One that stands alone is forgotten when it has ended.
    let result = lab.cluster.site.path().join("alone");
    let line = format!("cat bundle/hello > '{}'", result.display());
    let alone = json!({ "value": line, "uris": uris });
    assert_eq!(lab.launch_container(&json!({ "value": "alone" }), &alone).0, 200);
    eventually("it has read what was fetched", || {
        fs::read_to_string(&result).is_ok_and(|text| text.trim_end() == "hello")
    });
    lab.launch(lab.task("t", "sleep 1000", &json!([])));
    let status = lab.framework.until_state("t", "TASK_RUNNING");
    let parent = &status["container_status"]["container_id"];
    let nested = |id: &str| json!({ "value": id, "parent": parent });
    assert_eq!(lab.nested_container(&nested("in"), &command), (200, ended.to_owned()));
    assert!(lab.sandbox("t").join("containers/in/bundle/hello").exists());
    let missing = json!({ "value": "true", "uris": [{ "value": lab.server.url("missing") }] });
    let name = format!("{}.none", parent["value"].as_str().unwrap());
    let refused = format!("Failed to fetch all URIs for container '{name}': exited with status 1");
    assert_eq!(lab.nested_container(&nested("none"), &missing), (400, refused));
    lab.end().await;
}
