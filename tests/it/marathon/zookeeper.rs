//! Marathon's state in ZooKeeper.

use std::path::Path;

use mesoslab::{
    client::zookeeper::ZooKeeperUrl,
    host::{marathon::Place, zookeeper},
    runtime::{Clock, Tasks},
};
use serde_json::json;

use super::lab::{Lab, listener, until};

/// A ZooKeeper that can die; gives its port.
async fn start(tasks: &Tasks, dir: &Path, port: u16) -> u16 {
    let listener = listener(port).await;
    let port = listener.local_addr().unwrap().port();
    let config = zookeeper::Config { data_dir: Some(dir.join("zookeeper")), ..zookeeper::Config::default() };
    zookeeper::start(tasks, Clock::start(), listener, config).unwrap();
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn state_survives_marathon_and_zookeeper() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let first = Tasks::new();
    let port = start(&first, &root, 0).await;
    let url = ZooKeeperUrl::parse_any(&format!("zk://127.0.0.1:{port}/marathon")).unwrap();
    let mut lab = Lab::with(dir, Place::ZooKeeper(url)).await;
    // More than one node can hold.
    let long = "x".repeat(1_500_000);
    let app = json!({"id": "/a", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "labels": {"long": long}});
    assert_eq!(lab.put("POST", "/v2/apps", app).await.status, 201);
    let before = lab.running(1).await;

    first.stop().await;
    let second = Tasks::new();
    let waits = lab.put("POST", "/v2/apps", json!({"id": "/b", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16}));
    let comes = async {
        // The answer waits for the state to be safe; what is only read needs no ZooKeeper.
        until("the app", async || (lab.with_marathon(|m| m.app_count()) == 2).then_some(())).await;
        start(&second, &root, port).await;
    };
    let (made, ()) = tokio::join!(waits, comes);
    assert_eq!(made.status, 201);
    let both = lab.running(2).await;

    lab.marathon.take().unwrap().kill().await;
    lab.start_marathon().await;
    assert_eq!((lab.running(2).await, both.contains(&before[0])), (both.clone(), true));
    let label = lab.ask("GET", "/v2/apps//a").await.json()["app"]["labels"]["long"].clone();
    assert_eq!(label.as_str().map(str::len), Some(1_500_000));
    lab.ask("DELETE", "/v2/apps//a").await;
    lab.running(1).await;
    lab.down().await;
    second.stop().await;
}
