//! What tasks use, with real processes: files, secrets, limits, volumes.

use std::fs;

use tokio::io::AsyncReadExt;

use super::*;

/// A server that takes connections and never answers; its port.
async fn silent_server(lab: &Lab) -> u16 {
    let listener = listener().await;
    let port = listener.local_addr().unwrap().port();
    lab.tasks.spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _begin = stream.read_u8().await;
            open.push(stream);
        }
    });
    port
}

fn sandbox_of(lab: &Lab, executor: &str) -> String {
    lab.agent.with(|agent| {
        let live = agent.frameworks.values().chain(&agent.completed_frameworks);
        let executors = live.flat_map(|it| it.executors.values().chain(&it.completed_executors));
        let found = executors.filter(|it| it.id().as_str() == executor).map(|it| it.directory.clone()).next();
        found.expect("the executor is known")
    })
}

pub(super) async fn a_task_gets_its_files_and_secrets(wire: Wire) {
    let mut lab = lab(wire).await;
    let program = lab.directory.path().join("say.sh");
    fs::write(&program, "#!/bin/sh\necho \"$SECRET $PLAIN\"; ulimit -n; cat data/there\n").unwrap();
    let host = lab.directory.path().join("host");
    fs::create_dir(&host).unwrap();
    fs::write(host.join("there"), "shared\n").unwrap();
    let secret = json!({"type": "VALUE", "value": {"data": "aGlkZGVu"}});
    let mut task = lab.framework.task(
        "t",
        "",
        json!({"container": {
        "type": "MESOS",
        "volumes": [{"container_path": "data", "host_path": host, "mode": "RW"}],
        "rlimit_info": {"rlimits": [{"type": "RLMT_NOFILE", "soft": 77, "hard": 78}]}}}),
    );
    task["command"] = json!({
        "value": "./say.sh",
        "uris": [{"value": program, "executable": true}],
        "environment": {"variables": [
            {"name": "SECRET", "type": "SECRET", "secret": secret}, {"name": "PLAIN", "value": "plain"}]}});
    lab.framework.launch(vec![task]).await;
    lab.framework.state("TASK_FINISHED").await;
    let sandbox = sandbox_of(&lab, "t");
    assert_eq!(fs::read_to_string(format!("{sandbox}/stdout")).unwrap(), "hidden plain\n77\nshared\n");
    let log = fs::read_to_string(format!("{sandbox}/stderr")).unwrap();
    assert!(log.contains("Successfully fetched all URIs into"), "{log}");
    let metrics = lab.json("/metrics/snapshot").await;
    assert_eq!(metrics["containerizer/fetcher/task_fetches_succeeded"], 1.0);
    lab.down().await;
}

pub(super) async fn what_is_fetched_can_be_killed(wire: Wire) {
    let mut lab = lab(wire).await;
    let port = silent_server(&lab).await;
    let fetches = |mut task: Value| {
        task["command"]["uris"] = json!([{"value": format!("http://127.0.0.1:{port}/f")}]);
        task
    };
    let bad = |mut task: Value| {
        task["command"]["uris"] = json!([{"value": "/no/such/file"}]);
        task
    };
    let slow = fetches(lab.framework.task("slow", "true", json!({})));
    let failing = bad(lab.framework.task("failing", "true", json!({})));
    lab.framework.launch(vec![slow, failing]).await;
    let failed = lab.framework.state("TASK_FAILED").await;
    assert_eq!(failed["reason"], "REASON_CONTAINER_LAUNCH_FAILED");
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.starts_with("Failed to launch container: Failed to fetch all URIs for container '"),
        "{message}"
    );
    assert!(message.ends_with("': exited with status 1"), "{message}");
    lab.framework.kill("slow").await;
    let killed = lab.framework.state("TASK_KILLED").await;
    assert_eq!(killed["reason"], "REASON_TASK_KILLED_DURING_LAUNCH");
    until_completed(&lab).await;
    lab.down().await;
}

pub(super) async fn a_pod_that_fetches_can_be_killed(wire: Wire) {
    let mut lab = lab(wire).await;
    let port = silent_server(&lab).await;
    let fetches = |mut task: Value| {
        task["command"]["uris"] = json!([{"value": format!("http://127.0.0.1:{port}/f")}]);
        task
    };
    let pod = [fetches(lab.framework.task("waits", "true", json!({})))];
    lab.framework.launch_group("pod", pod.into()).await;
    lab.framework.of("waits", "TASK_STARTING").await;
    lab.framework.kill("waits").await;
    lab.framework.of("waits", "TASK_KILLED").await;
    until_completed(&lab).await;
    lab.down().await;
}

pub(super) async fn a_pod_shares_a_volume(wire: Wire) {
    let mut lab = lab(wire).await;
    let shared = json!({"container": {"type": "MESOS", "volumes": [{"container_path": "shared", "mode": "RW",
        "source": {"type": "SANDBOX_PATH", "sandbox_path": {"type": "PARENT", "path": "common"}}}]}});
    let writes = lab.framework.task(
        "writes",
        "echo said > shared/.f; mv shared/.f shared/f; sleep 1000",
        shared.clone(),
    );
    let reads = "until cat shared/f; do sleep 0.01; done; sleep 1000";
    let reads = lab.framework.task("reads", reads, shared);
    lab.framework.launch_group("pod", vec![writes, reads]).await;
    lab.framework.of("reads", "TASK_RUNNING").await;
    let sandbox = sandbox_of(&lab, "pod");
    until(|| fs::read_to_string(format!("{sandbox}/tasks/reads/stdout")).is_ok_and(|it| it == "said\n"))
        .await;
    assert_eq!(fs::read_to_string(format!("{sandbox}/common/f")).unwrap(), "said\n");
    lab.down().await;
}
