//! Group 10: a custom executor, whom the test speaks for, then tasks with files, arguments and users.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{scalar, task};
use crate::replay::{
    cluster::{Cluster, Setup},
    session::{Session, master_id},
    verdict::judge,
};

const FRAMEWORK: &str = "10-executor-api/scheduler-stream";
const EXECUTOR: &str = "10-executor-api/01-SUBSCRIBE-stream";

/// Waits until it may end. What the recorded one said, the test says.
const SCRIPT: &str = "#!/bin/sh\nuntil test -e \"$0.end\"; do sleep 0.01; done\n";

async fn perform(s: &mut Session<'_>, names: &[&str]) {
    for name in names {
        s.perform(&format!("10-executor-api/{name}")).await;
    }
}

fn script(work_dir: &Path) -> String {
    let path = work_dir.join("exec_rec.py");
    fs::write(&path, SCRIPT).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn executor(framework: &Value, script: &str) -> Value {
    let environment = json!({ "variables": [{ "name": "FOO", "value": "bar" }] });
    json!({
        "type": "CUSTOM", "executor_id": { "value": "cx" }, "framework_id": framework,
        "command": { "value": format!("{script} 10-executor-api"), "environment": environment },
        "resources": [scalar("cpus", 0.1), scalar("mem", 64.0)], "name": "my executor", "data": "ZGF0YQ==",
    })
}

fn custom(id: &str, agent: &Value, executor: &Value) -> Value {
    let mut task = task(id, "", agent);
    task.as_object_mut().unwrap().remove("command");
    task["executor"] = executor.clone();
    task
}

fn archive(path: &Path) {
    let mut archive = tar::Builder::new(GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    archive.append_data(&mut header, "hello.txt", b"hi".as_slice()).unwrap();
    archive.into_inner().and_then(GzEncoder::finish).unwrap();
}

/// Tasks with files, and without the executor.
fn plain(agent: &Value, archive: &str, version: &str) -> Vec<Value> {
    let with = |id: &str, command: Value| {
        let mut task = task(id, "", agent);
        task["command"] = command;
        task
    };
    let uris = json!([
        { "value": format!("file://{archive}") },
        { "value": archive, "extract": false, "output_file": "x.tgz" },
        { "value": version, "output_file": "v.json" },
    ]);
    let arguments = ["echo", "a b", "c"];
    vec![
        with("f-ok", json!({ "value": "ls -l; cat hello.txt; env; id", "uris": uris })),
        with("f-bad", json!({ "value": "true", "uris": [{ "value": "file:///no/such/file" }] })),
        with("f-args", json!({ "shell": false, "value": "/bin/echo", "arguments": arguments })),
        with("f-user", json!({ "value": "id", "user": "nobody" })),
        with("f-nouser", json!({ "value": "id", "user": "nosuchuser" })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn executor_api() {
    let cluster = Cluster::start(Setup::new(master_id("10-"))).await;
    let script = script(cluster.work_dir());
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    s.open(FRAMEWORK).await;
    let own = executor(&s.framework_id(FRAMEWORK), &script);
    s.launch(FRAMEWORK, 1.0, |agent| {
        let mut first = custom("c1", agent, &own);
        first["data"] = json!("dGFzaw==");
        vec![first, custom("c2", agent, &own)]
    })
    .await;
    let runs = |containers: &Value| containers[0]["statistics"].is_object();
    s.until_the_agent("/containers", "with an executor that runs", runs).await;
    s.open(EXECUTOR).await;
    perform(&mut s, &["02-err-UPDATE-no-uuid", "03-err-UPDATE-bad-source", "04-err-UPDATE-staging"]).await;
    perform(&mut s, &["05-err-no-body", "08-UPDATE-c1-TASK_RUNNING"]).await;
    s.perform_for("10-executor-api/11-MESSAGE", FRAMEWORK).await;
    perform(&mut s, &["10-UPDATE-c2-TASK_RUNNING", "11-MESSAGE"]).await;
    s.acknowledge(FRAMEWORK, "c1", "TASK_RUNNING").await;
    s.update(FRAMEWORK, "c2", "TASK_RUNNING").await;
    perform(&mut s, &["02-MESSAGE"]).await;
    s.event(EXECUTOR, "MESSAGE", |event| event["type"] == "MESSAGE").await;
    perform(&mut s, &["03-KILL-c1"]).await;
    s.event(EXECUTOR, "KILL", |event| event["type"] == "KILL").await;
    let killed = json!({
        "task_id": { "value": "c1" }, "state": "TASK_KILLED", "source": "SOURCE_EXECUTOR",
        "executor_id": { "value": "cx" }, "uuid": "vik53w+jQYOwDiSnbLcxHQ==", "timestamp": 1.0,
    });
    let update = json!({
        "type": "UPDATE", "executor_id": { "value": "cx" }, "framework_id": s.framework_id(FRAMEWORK),
        "update": { "status": killed },
    });
    assert_eq!(s.call_agent(update).await, 202);
    s.acknowledge(FRAMEWORK, "c1", "TASK_KILLED").await;
    s.acknowledge(FRAMEWORK, "c2", "TASK_RUNNING").await;
    s.until_the_agent_has_completed(1).await;
    perform(&mut s, &["50-agent-GET_EXECUTORS", "51-agent-state", "52-master-GET_EXECUTORS"]).await;
    perform(&mut s, &["53-containers"]).await;
    s.launch(FRAMEWORK, 1.0, |agent| {
        let mut task = custom("c3", agent, &own);
        task["executor"]["name"] = json!("other");
        vec![task]
    })
    .await;
    s.update(FRAMEWORK, "c3", "TASK_ERROR").await;
    perform(&mut s, &["04-SHUTDOWN"]).await;
    s.event(EXECUTOR, "SHUTDOWN", |event| event["type"] == "SHUTDOWN").await;
    s.close(EXECUTOR).await;
    fs::write(format!("{script}.end"), "").unwrap();
    s.update(FRAMEWORK, "c2", "TASK_FAILED").await;
    s.launch(FRAMEWORK, 1.0, |agent| {
        let mut task = custom("c4", agent, &own);
        task["executor"] = json!({
            "type": "CUSTOM", "executor_id": { "value": "bad" }, "framework_id": own["framework_id"],
            "command": { "value": "exit 9" }, "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
        });
        vec![task]
    })
    .await;
    s.acknowledge(FRAMEWORK, "c4", "TASK_FAILED").await;
    let file = cluster.work_dir().join("h.tgz");
    archive(&file);
    let (file, version) =
        (file.display().to_string(), format!("http://{}/version", cluster.master_address()));
    s.launch(FRAMEWORK, 1.0, |agent| plain(agent, &file, &version)).await;
    let ends = [
        ("f-ok", "TASK_FINISHED"),
        ("f-bad", "TASK_FAILED"),
        ("f-args", "TASK_FINISHED"),
        ("f-user", "TASK_FINISHED"),
        ("f-nouser", "TASK_LOST"),
    ];
    s.acknowledge_until(FRAMEWORK, &ends).await;
    perform(&mut s, &["05-TEARDOWN"]).await;
    s.ended(FRAMEWORK).await;
    s.close(FRAMEWORK).await;
    let done = s.done;
    judge("10", &["10-"], &cluster.place(), &done);
    cluster.stop().await;
}
