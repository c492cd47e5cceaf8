//! Frameworks in Python, on packages that others wrote against Apache Mesos, run on our master.
//!
//! They need an interpreter with the packages of `tests/python/*.txt`: the one that
//! `MESOSLAB_TEST_PYTHON` names, or `python3`. Without it these tests say so and pass.

use std::{path::Path, time::Duration};

use serde_json::Value;
use tokio::{process::Command, time::timeout};

use crate::{
    replay::cluster::{Cluster, Setup},
    support::{Lab, skipped},
};

/// The interpreter, if it has the module.
pub async fn python(module: &str) -> Option<String> {
    let python = std::env::var("MESOSLAB_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let import = format!("import {module}");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let found = Command::new(&python)
        .args(["-c", &import])
        .env("PYTHONPATH", scripts)
        .output()
        .await
        .is_ok_and(|o| o.status.success());
    if !found {
        skipped(&format!("{python} has no module {module}; see tests/python/*.txt"));
    }
    found.then_some(python)
}

/// Runs a script of `tests/python` against a master with one agent: exit code, and what it said.
async fn run(python: &str, script: &str, url: impl Fn(&Cluster) -> String) -> (Option<i32>, Vec<Value>) {
    // mesoshttp hands an event on when the next one begins.
    let heartbeat_interval = Duration::from_millis(200);
    let cluster = Cluster::start(Setup { heartbeat_interval, ..Setup::new("python".into()) }).await;
    cluster.start_agent().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let framework = Command::new(python).arg(script).arg(url(&cluster)).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(60), framework).await.expect("the framework ends").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{errors}");
    cluster.stop().await;
    (output.status.code(), said)
}

fn states(said: &[Value], task: &str) -> Vec<String> {
    let updates = said.iter().filter(|s| s["what"] == "update" && s["task"] == task);
    updates.filter_map(|u| u["state"].as_str()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mesoshttp() {
    let Some(python) = python("mesoshttp.client").await else { return };
    let url = |cluster: &Cluster| format!("http://{}", cluster.master_address());
    let (code, said) = run(&python, "mesoshttp_framework.py", url).await;
    assert_eq!(code, Some(0));
    assert_eq!(said[0]["what"], "subscribed");
    assert_eq!(said[0]["version"], "1.11.0");
    assert_eq!(states(&said, "py-1"), ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"]);
    assert_eq!(states(&said, "py-2"), ["TASK_STARTING", "TASK_RUNNING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pymesos() {
    let Some(python) = python("pymesos").await else { return };
    let (code, said) =
        run(&python, "pymesos_framework.py", |cluster| cluster.master_address().to_string()).await;
    assert_eq!(code, Some(0));
    assert_eq!(said[0]["version"], "1.11.0");
    assert_eq!(states(&said, "pm-ends"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    let stays = ["TASK_STARTING", "TASK_RUNNING", "TASK_RUNNING", "TASK_KILLED"];
    assert_eq!(states(&said, "pm-stays"), stays);
}

/// By the URL that Mesos' own tools take, through kazoo: the leader is found among three masters.
#[tokio::test(flavor = "multi_thread")]
async fn pymesos_finds_the_leader_in_zookeeper() {
    let Some(python) = python("pymesos").await else { return };
    let lab = Lab::new().up(&["--masters", "3", "--agents", "1"]);
    let variables = lab.ok(&["env", "-q"]).stdout();
    let zookeeper =
        variables.lines().find_map(|line| line.strip_prefix("export MESOS_ZK=")).expect("MESOS_ZK");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/pymesos_framework.py");
    let mut framework = Command::new(python);
    framework.arg(script).arg(zookeeper.trim_matches('\'')).kill_on_drop(true);
    let ended = timeout(Duration::from_secs(60), framework.output()).await.expect("the framework ends");
    let output = ended.expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(states(&said, "pm-ends"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
}
