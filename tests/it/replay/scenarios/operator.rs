//! Groups 04 to 07: what operators and curl see of a master and an agent, from the empty cluster to the agent's goodbye.

use serde_json::{Value, json};

use super::{scalar, task};
use crate::replay::{
    cluster::{Cluster, Setup},
    exchange::golden,
    session::{Session, master_id},
    verdict::judge,
};

const STREAM: &str = "04-master-api-v1/91-framework-stream";
const OPERATOR: &str = "04-master-api-v1/90-SUBSCRIBE-stream";

#[tokio::test(flavor = "multi_thread")]
async fn operator_and_curl() {
    let setup = Setup { attributes: "rack:abc;level:10", ..Setup::new(master_id("04-")) };
    let cluster = Cluster::start(setup).await;
    let mut s = Session::new(&cluster);
    s.perform_all("04-master-api-v1/00-", |_| true).await;
    s.perform_all("05-master-legacy/00-", |_| true).await;
    s.open(OPERATOR).await;
    cluster.start_agent().await;
    s.open(STREAM).await;
    s.offered(STREAM, 4.0).await;
    s.perform("04-master-api-v1/01-GET_FRAMEWORKS-with-outstanding-offer").await;
    s.perform("05-master-legacy/01-frameworks-with-outstanding-offer").await;
    let framework = s.framework_id(STREAM);
    s.accept(STREAM, 4.0, |agent| operations(agent, &framework)).await;
    let pod = [("g-1", "TASK_RUNNING"), ("g-2", "TASK_RUNNING")];
    let others = [("run-1", "TASK_RUNNING"), ("fin-1", "TASK_FINISHED"), ("fail-1", "TASK_FAILED")];
    s.acknowledge_until(STREAM, &[&pod[..], &others].concat()).await;
    s.offered(STREAM, 3.6).await;
    master_calls(&mut s).await;
    curl(&mut s).await;
    agent_calls(&mut s).await;
    // Changed weights have taken all offers back.
    s.offered(STREAM, 3.6).await;
    s.kill(STREAM, "run-1").await;
    s.acknowledge_until(STREAM, &[("run-1", "TASK_KILLED")]).await;
    s.kill(STREAM, "g-1").await;
    for task in ["g-1", "g-2"] {
        s.acknowledge(STREAM, task, "TASK_KILLING").await;
        // The recorder left the ends of both without acknowledgement.
        s.update(STREAM, task, "TASK_KILLED").await;
    }
    s.event(STREAM, "FAILURE", |e| e["type"] == "FAILURE").await;
    s.offered(STREAM, 4.0).await;
    s.perform("04-master-api-v1/95-GET_STATE-after-kills").await;
    s.perform("05-master-legacy/95-state-after-kills").await;
    s.operate(json!({ "type": "TEARDOWN", "teardown": { "framework_id": framework } })).await;
    s.ended(STREAM).await;
    s.close(STREAM).await;
    s.perform("04-master-api-v1/97-GET_FRAMEWORKS-completed").await;
    s.perform("05-master-legacy/96-state-completed").await;
    cluster.unregister_agent().await;
    s.event(OPERATOR, "AGENT_REMOVED", |e| e["type"] == "AGENT_REMOVED").await;
    s.perform("05-master-legacy/98-slaves-after-agent-SIGUSR1").await;
    s.as_many_as_recorded(OPERATOR, "FRAMEWORK_REMOVED").await;
    s.close(OPERATOR).await;
    let done = s.done;
    judge("04", &["04-", "05-", "06-", "07-"], &cluster.place(), &done);
    cluster.stop().await;
}

fn at_the_end(name: &str) -> bool {
    ["95-state-after-kills", "96-state-completed", "97-frameworks-completed", "98-slaves-after"]
        .iter()
        .any(|e| name.contains(e))
}

fn run_1(agent: &Value) -> Value {
    let mut run = task("run-1", "echo out; echo err >&2; sleep 1000", agent);
    let ports = json!({ "range": [{ "begin": 31000, "end": 31001 }] });
    let ports = json!({ "name": "ports", "type": "RANGES", "ranges": ports });
    run["resources"] = json!([scalar("cpus", 0.1), scalar("mem", 32.0), ports]);
    run["labels"] = json!({ "labels": [{ "key": "L", "value": "V" }] });
    let port = json!({ "number": 31000, "name": "http", "protocol": "tcp" });
    run["discovery"] = json!({ "visibility": "FRAMEWORK", "name": "d", "ports": { "ports": [port] } });
    run
}

/// Three tasks, and a pod of two.
fn operations(agent: &Value, framework: &Value) -> Value {
    let short = [("fin-1", "echo done"), ("fail-1", "exit 7")].map(|(id, command)| task(id, command, agent));
    let pod = ["g-1", "g-2"].map(|id| task(id, "sleep 1000", agent));
    let executor = json!({
        "type": "DEFAULT",
        "executor_id": { "value": "dx" },
        "framework_id": framework,
        "resources": [scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 32.0)],
    });
    let tasks = [vec![run_1(agent)], short.to_vec()].concat();
    json!([
        { "type": "LAUNCH", "launch": { "task_infos": tasks } },
        { "type": "LAUNCH_GROUP", "launch_group": { "executor": executor, "task_group": { "tasks": pod } } },
    ])
}

async fn master_calls(s: &mut Session<'_>) {
    let late = |name: &str| ["/00-", "/01-", "/9"].iter().any(|n| name.contains(n));
    s.perform_all("04-master-api-v1/", |name| !late(name) && name < "04-master-api-v1/38").await;
    s.operate(quota_of_dev()).await;
    s.perform_all("04-master-api-v1/", |name| !late(name) && name < "04-master-api-v1/45").await;
    s.operate(json!({ "type": "REMOVE_QUOTA", "remove_quota": { "role": "dev2" } })).await;
    s.perform_all("04-master-api-v1/", |name| !late(name) && name < "04-master-api-v1/49").await;
    s.perform("05-master-legacy/02-slaves-reserved-volume").await;
    s.perform_all("04-master-api-v1/", |name| !late(name) && name < "04-master-api-v1/62").await;
    s.decline_all(STREAM).await;
    s.perform("04-master-api-v1/62-DEACTIVATE_AGENT").await;
    let agent = s.agent_id(STREAM);
    s.operate(json!({ "type": "REACTIVATE_AGENT", "reactivate_agent": { "agent_id": agent } })).await;
    s.perform_all("04-master-api-v1/", |name| !late(name)).await;
    s.perform("04-master-api-v1/98-GET").await;
}

/// What was sent before what is recorded of quotas, and is not recorded itself.
fn quota_of_dev() -> Value {
    let limits = json!({ "cpus": { "value": 2 }, "mem": { "value": 1024 } });
    let config = json!({ "role": "dev", "guarantees": { "cpus": { "value": 1 } }, "limits": limits });
    json!({ "type": "UPDATE_QUOTA", "update_quota": { "quota_configs": [config] } })
}

async fn curl(s: &mut Session<'_>) {
    // The agent has just been reactivated: its resources are offered again before what the recordings show from 72 on.
    let early =
        |name: &str| name.split(['/', '-']).nth(3).and_then(|n| n.parse().ok()).is_some_and(|n: u32| n < 72);
    s.perform_all("05-master-legacy/", |name| early(name) && !at_the_end(name)).await;
    s.offered(STREAM, 3.6).await;
    s.perform_all("05-master-legacy/", |name| !at_the_end(name)).await;
}

/// The sandboxes and containers of the recording are ours now.
async fn agent_calls(s: &mut Session<'_>) {
    let recorded = golden("07-agent-legacy/05-GET-state").answers().remove(0).body;
    let recorded: Value = serde_json::from_slice(&recorded).unwrap();
    let ours = s.agent_state().await;
    for field in ["directory", "container"] {
        for id in ["run-1", "dx"] {
            if let (Some(from), Some(to)) = (executor(&recorded, id, field), executor(&ours, id, field)) {
                s.pairs.push((from, to));
            }
        }
    }
    s.perform_all("06-agent-api-v1/", |_| true).await;
    s.perform_all("07-agent-legacy/", |name| !name.contains("/96-")).await;
}

fn executor(state: &Value, id: &str, field: &str) -> Option<String> {
    let executors = state["frameworks"][0]["executors"].as_array()?;
    executors.iter().find(|e| e["id"] == id)?[field].as_str().map(str::to_owned)
}
