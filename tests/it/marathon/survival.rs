//! What becomes of tasks when Marathon dies, and when it abdicates.

use std::collections::BTreeSet;

use serde_json::json;

use super::lab::{Lab, until};

fn set(ids: Vec<String>) -> BTreeSet<String> {
    ids.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_is_restarted_when_marathon_dies() {
    let mut lab = Lab::up().await;
    for (id, instances) in [("/a", 3), ("/team/b", 2)] {
        let app = json!({"id": id, "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": instances});
        assert_eq!(lab.put("POST", "/v2/apps", app).await.status, 201);
    }
    let before = set(lab.running(5).await);
    let framework = lab.ask("GET", "/v2/info").await.json()["frameworkId"].clone();
    for _ in 0..3 {
        lab.marathon.take().unwrap().kill().await;
        lab.start_marathon().await;
        assert_eq!(set(lab.running(5).await), before);
        assert_eq!(lab.ask("GET", "/v2/info").await.json()["frameworkId"], framework);
    }
    let versions = lab.ask("GET", "/v2/apps//a/versions").await.json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
    lab.put("PUT", "/v2/apps//a", json!({"instances": 1})).await;
    assert!(set(lab.running(3).await).is_subset(&before));
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dies_without_a_marathon_is_replaced_by_the_next() {
    let mut lab = Lab::up().await;
    let pid = lab.dir.path().join("pid");
    let cmd = format!("echo $$ > {}.$MARATHON_APP_VERSION-$PORT0; exec sleep 1000", pid.display());
    let app = json!({"id": "/a", "cmd": cmd, "cpus": 0.1, "mem": 16, "backoffSeconds": 0});
    lab.put("POST", "/v2/apps", app).await;
    let before = lab.running(1).await;
    let written = until("the pid", async || {
        let names = std::fs::read_dir(lab.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut found = names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("pid."));
        std::fs::read_to_string(found.next()?).ok()?.trim().parse::<i32>().ok()
    })
    .await;
    lab.marathon.take().unwrap().kill().await;
    let pid = rustix::process::Pid::from_raw(written).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    lab.start_marathon().await;
    let after = until("another task", async || {
        let tasks = lab.running(1).await;
        (tasks != before).then_some(tasks)
    })
    .await;
    let instance = |ids: &[String]| ids[0].rsplit_once("._app.").unwrap().0.to_owned();
    assert_eq!(instance(&after), instance(&before), "the instance has another task");
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_leader_goes_on_with_what_is_kept() {
    let lab = Lab::up().await;
    lab.put("POST", "/v2/apps", json!({"id": "/a", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16})).await;
    let before = lab.running(1).await;
    let uptime = "marathon.mesos.subscribed.gauge";
    let answer = lab.ask("DELETE", "/v2/leader").await;
    assert_eq!((answer.status, &answer.json()["message"]), (200, &json!("Leadership abdicated")));
    until("the next leader's subscription", async || {
        let metrics = lab.ask("GET", "/metrics").await;
        (metrics.status == 200 && metrics.json()["gauges"][uptime]["value"] == 1).then_some(())
    })
    .await;
    assert_eq!(lab.running(1).await, before);
    lab.down().await;
}
