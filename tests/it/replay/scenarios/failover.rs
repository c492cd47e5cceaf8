//! Group 09: frameworks that fail over, and an agent that is lost, comes back, is drained and goes.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::task;
use crate::replay::{
    cluster::{Cluster, Setup},
    session::{Session, master_id},
    verdict::judge,
};

const FIRST: &str = "09-failover-and-loss/01-SUBSCRIBE-first";
const AGAIN: &str = "09-failover-and-loss/02-SUBSCRIBE-again-same-id";
const BACK: &str = "09-failover-and-loss/07-SUBSCRIBE-after-disconnect";
const NOT_AWARE: &str = "09-failover-and-loss/08-SUBSCRIBE-not-partition-aware";
const COMPLETED: &str = "09-failover-and-loss/25-SUBSCRIBE-completed-framework";

#[tokio::test(flavor = "multi_thread")]
async fn failover_and_loss() {
    let ping_timeout = Duration::from_secs(1);
    let cluster = Cluster::start(Setup { ping_timeout, ..Setup::new(master_id("09-")) }).await;
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    fail_over(&mut s).await;
    lose_the_agent(&mut s).await;
    drain_and_mark_gone(&mut s).await;
    s.close(BACK).await;
    s.until("/frameworks", "disconnected", |f| f["frameworks"][0]["connected"] == false).await;
    perform(&mut s, &["24-GET_FRAMEWORKS"]).await;
    s.open(COMPLETED).await;
    s.ended(COMPLETED).await;
    s.close(COMPLETED).await;
    let done = s.done;
    judge("09", &["09-"], &cluster.place(), &done);
    cluster.stop().await;
}

async fn perform(s: &mut Session<'_>, names: &[&str]) {
    for name in names {
        s.perform(&format!("09-failover-and-loss/{name}")).await;
    }
}

async fn fail_over(s: &mut Session<'_>) {
    s.open(FIRST).await;
    s.launch(FIRST, 4.0, |agent| vec![task("t1", "sleep 1000", agent)]).await;
    s.acknowledge_until(FIRST, &[("t1", "TASK_RUNNING")]).await;
    s.offered(FIRST, 3.9).await;
    s.open(AGAIN).await;
    s.ended(FIRST).await;
    s.offered(AGAIN, 3.9).await;
    s.close(FIRST).await;
    perform(s, &["03-call-with-old-stream-id"]).await;
    s.close(AGAIN).await;
    s.until("/frameworks", "disconnected", |f| f["frameworks"][0]["connected"] == false).await;
    let disconnected =
        ["04-GET_FRAMEWORKS-disconnected", "05-frameworks-disconnected", "06-call-while-disconnected"];
    perform(s, &disconnected).await;
    s.open(BACK).await;
    s.offered(BACK, 3.9).await;
    s.call(BACK, json!({ "type": "RECONCILE", "reconcile": { "tasks": [] } })).await;
    s.update(BACK, "t1", "TASK_RUNNING").await;
}

async fn lose_the_agent(s: &mut Session<'_>) {
    s.open(NOT_AWARE).await;
    s.call(BACK, json!({ "type": "SUPPRESS" })).await;
    let (agent, offers) = s.take_offers(BACK, 3.9).await;
    s.call(BACK, json!({ "type": "DECLINE", "decline": { "offer_ids": offers } })).await;
    s.launch(NOT_AWARE, 3.9, |agent| vec![task("n1", "sleep 1000", agent)]).await;
    s.acknowledge_until(NOT_AWARE, &[("n1", "TASK_RUNNING")]).await;
    s.offered(NOT_AWARE, 3.8).await;
    s.cluster.kill_agent().await;
    s.until("/slaves", "inactive", |f| f["slaves"][0]["active"] == false).await;
    perform(s, &["09-slaves-agent-just-killed"]).await;
    s.until("/slaves", "unreachable", |f| f["slaves"].as_array().is_some_and(Vec::is_empty)).await;
    let lost =
        ["10-slaves-agent-unreachable", "11-tasks-agent-unreachable", "12-GET_STATE-agent-unreachable"];
    perform(s, &lost).await;
    perform(s, &["12-state-agent-unreachable"]).await;
    reconcile(s, BACK, "t1", &agent).await;
    reconcile(s, NOT_AWARE, "n1", &agent).await;
    s.cluster.start_agent().await;
    s.until("/slaves", "back", |f| f["slaves"][0]["active"] == true).await;
    perform(s, &["14-GET_TASKS-agent-back"]).await;
    s.call(BACK, json!({ "type": "RECONCILE", "reconcile": { "tasks": [] } })).await;
    s.close(NOT_AWARE).await;
}

async fn reconcile(s: &mut Session<'_>, stream: &str, task: &str, agent: &Value) {
    let before = s.events(stream).len();
    let tasks = json!([{ "task_id": { "value": task }, "agent_id": agent }]);
    s.call(stream, json!({ "type": "RECONCILE", "reconcile": { "tasks": tasks } })).await;
    s.more_events(stream, before).await;
}

async fn drain_and_mark_gone(s: &mut Session<'_>) {
    s.call(BACK, json!({ "type": "REVIVE" })).await;
    // The recorded agent came back with its id and its tasks; ours is a new one.
    let agent = s.offered(BACK, 3.0).await[0]["agent_id"].clone();
    let text = |id: &Value| id["value"].as_str().unwrap_or_default().to_owned();
    s.pairs.push((text(&s.agent_id(BACK)), text(&agent)));
    s.launch(BACK, 3.0, |agent| vec![task("t2", "trap \"\" TERM; touch deaf; sleep 1000", agent)]).await;
    s.acknowledge_until(BACK, &[("t2", "TASK_RUNNING")]).await;
    let is_deaf = |state: &Value| {
        let sandbox = state["frameworks"][0]["executors"][0]["directory"].as_str();
        sandbox.is_some_and(|sandbox| Path::new(sandbox).join("deaf").exists())
    };
    s.until_the_agent("/state", "with a task that is deaf to signals", is_deaf).await;
    perform(s, &["15-DRAIN_AGENT"]).await;
    let drain = json!({ "agent_id": agent, "max_grace_period": { "seconds": 3 } });
    s.operate(json!({ "type": "DRAIN_AGENT", "drain_agent": drain })).await;
    // Until agents can be drained, see differences.toml.
    s.kill(BACK, "t2").await;
    s.acknowledge_until(BACK, &[("t2", "TASK_KILLED")]).await;
    perform(s, &["19-GET_AGENTS-drained", "20-REACTIVATE_AGENT"]).await;
    s.until_the_agent_is_empty().await;
    s.launch(BACK, 3.0, |agent| vec![task("t3", "sleep 1000", agent)]).await;
    s.acknowledge_until(BACK, &[("t3", "TASK_RUNNING")]).await;
    // An agent that goes takes its offers back.
    s.offered(BACK, 3.0).await;
    perform(s, &["21-MARK_AGENT_GONE"]).await;
    s.update(BACK, "t3", "TASK_GONE_BY_OPERATOR").await;
    perform(s, &["22-slaves-gone"]).await;
}
