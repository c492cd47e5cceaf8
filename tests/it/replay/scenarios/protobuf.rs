//! Group 08: the same in protobuf, and mixed with JSON.

use serde_json::json;

use crate::replay::{
    cluster::{Cluster, Setup},
    session::{Session, master_id},
    verdict::judge,
};

#[tokio::test(flavor = "multi_thread")]
async fn protobuf() {
    const STREAM: &str = "08-protobuf/01-SUBSCRIBE-stream";
    const OPERATOR: &str = "08-protobuf/60-operator-SUBSCRIBE-stream";
    let setup = Setup { attributes: "rack:abc", ..Setup::new(master_id("08-")) };
    let cluster = Cluster::start(setup).await;
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    s.open(STREAM).await;
    for name in ["02-ACCEPT-LAUNCH", "03-ACKNOWLEDGE-TASK_STARTING", "04-ACKNOWLEDGE-TASK_RUNNING"] {
        s.perform(&format!("08-protobuf/{name}")).await;
    }
    s.acknowledge(STREAM, "pb-1", "TASK_FINISHED").await;
    s.perform("08-protobuf/06-RECONCILE").await;
    s.perform("08-protobuf/07-SUPPRESS").await;
    s.perform_all("08-protobuf/50-", |_| true).await;
    s.open(OPERATOR).await;
    let info =
        json!({ "user": "root", "name": "pb", "roles": ["*"], "capabilities": [{ "type": "MULTI_ROLE" }] });
    let subscribe = json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": info } });
    // On a slow machine its filter has run out before it was suppressed.
    s.give_back(STREAM).await;
    s.open_own("own", "/api/v1/scheduler", subscribe).await;
    s.event("own", "offers", |e| e["type"] == "OFFERS").await;
    s.close("own").await;
    s.perform_all("08-protobuf/6", |_| true).await;
    s.perform("08-protobuf/10-TEARDOWN").await;
    s.ended(STREAM).await;
    s.close(STREAM).await;
    s.as_many_as_recorded(OPERATOR, "FRAMEWORK_REMOVED").await;
    s.close(OPERATOR).await;
    let done = s.done;
    judge("08", &["08-"], &cluster.place(), &done);
    cluster.stop().await;
}
