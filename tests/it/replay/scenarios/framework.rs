//! Groups 01 and 11: the good path of a framework, and one that never acknowledges.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::task;
use crate::replay::{
    cluster::{Cluster, Setup},
    session::{Session, master_id},
    verdict::judge,
};

#[tokio::test(flavor = "multi_thread")]
async fn good_path() {
    const STREAM: &str = "01-scheduler-json/01-SUBSCRIBE-stream";
    let setup = Setup { attributes: "rack:abc;level:10;span:[1-100]", ..Setup::new(master_id("01-")) };
    let cluster = Cluster::start(setup).await;
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    s.open(STREAM).await;
    for name in ["02-ACCEPT-LAUNCH", "03-ACKNOWLEDGE-STARTING", "04-ACKNOWLEDGE-RUNNING"] {
        s.perform(&format!("01-scheduler-json/{name}")).await;
    }
    for name in ["05-RECONCILE-explicit", "06-RECONCILE-implicit", "07-ACKNOWLEDGE-FINISHED"] {
        s.perform(&format!("01-scheduler-json/{name}")).await;
    }
    let four = |agent: &serde_json::Value| {
        let mut first = task("task-2", "sleep 1000", agent);
        first["labels"] = json!({ "labels": [{ "key": "k", "value": "v" }] });
        let rest = [("task-3", "exit 3"), ("task-4", "kill -9 $$"), ("task-5", "/no/such/command")];
        [vec![first], rest.map(|(id, command)| task(id, command, agent)).to_vec()].concat()
    };
    s.launch(STREAM, 4.0, four).await;
    let tasks = [("task-2", "TASK_RUNNING"), ("task-3", "TASK_FAILED"), ("task-4", "TASK_FAILED")];
    s.perform_acknowledgements("01-scheduler-json/", STREAM, &tasks).await;
    s.perform_acknowledgements("01-scheduler-json/", STREAM, &[("task-5", "TASK_FAILED")]).await;
    s.kill(STREAM, "task-2").await;
    s.perform("01-scheduler-json/21-ACKNOWLEDGE-KILLED").await;
    s.perform("01-scheduler-json/22-KILL-unknown-task").await;
    s.kill(STREAM, "nope2").await;
    for name in ["24-DECLINE-refuse-1s", "25-DECLINE-default-filters", "26-DECLINE-long"] {
        s.perform(&format!("01-scheduler-json/{name}")).await;
    }
    s.call(STREAM, json!({ "type": "REVIVE" })).await;
    s.offered(STREAM, 4.0).await;
    for name in ["28-SUPPRESS", "29-DECLINE-while-suppressed", "30-REVIVE-roles"] {
        s.perform(&format!("01-scheduler-json/{name}")).await;
    }
    s.offered(STREAM, 4.0).await;
    for name in ["31-REQUEST", "32-UPDATE_FRAMEWORK"] {
        s.perform(&format!("01-scheduler-json/{name}")).await;
    }
    s.call(STREAM, json!({ "type": "TEARDOWN" })).await;
    s.ended(STREAM).await;
    s.perform("01-scheduler-json/34-call-after-TEARDOWN").await;
    s.close(STREAM).await;
    let done = s.done;
    judge("01", &["01-"], &cluster.place(), &done);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn update_retries() {
    const STREAM: &str = "11-update-retries/01-SUBSCRIBE-stream";
    let cluster = Cluster::start(Setup::new(master_id("11-"))).await;
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    s.open(STREAM).await;
    s.launch(STREAM, 1.0, |agent| vec![task("na", "sleep 1000", agent)]).await;
    let first = s.update(STREAM, "na", "TASK_STARTING").await;
    let start = Instant::now();
    s.updates(STREAM, "na", 2).await;
    let waited = start.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(12)).contains(&waited), "again after {waited:?}");
    let again = s.updates(STREAM, "na", 2).await;
    assert!(again.iter().all(|status| *status == first), "the same update again: {again:?}");
    s.call(STREAM, json!({ "type": "TEARDOWN" })).await;
    s.ended(STREAM).await;
    s.close(STREAM).await;
    let done = s.done;
    judge("11", &["11-"], &cluster.place(), &done);
    cluster.stop().await;
}
