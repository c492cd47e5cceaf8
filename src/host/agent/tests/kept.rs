//! An agent whose tasks are run by a keeper: nobody else can tell.

use super::*;
use crate::host::keeper;

async fn kept_lab(tasks: &Tasks) -> (Lab, KeeperHub) {
    let directory = tempfile::tempdir().unwrap();
    let config = keeper::tests::config(directory.path());
    let (hub, _none) = KeeperHub::attach(config, tasks).await.unwrap();
    (lab_in(directory, Some(hub.clone()), Wire::Libprocess).await, hub)
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_live_and_die_as_ever() {
    let tasks = Tasks::new();
    let (mut lab, hub) = kept_lab(&tasks).await;
    let fails = lab.framework.task("fails", "exit 3", json!({}));
    let runs = lab.framework.task("runs", "setsid sleep 1000 & sleep 1000; true", json!({}));
    lab.framework.launch(vec![fails, runs]).await;
    let failed = lab.framework.state("TASK_FAILED").await;
    assert_eq!(failed["message"], "Command exited with status 3");
    let heard = |agent: &Agent| {
        let mut executors = agent.frameworks.values().flat_map(|framework| framework.executors.values());
        executors.any(|executor| executor.id().as_str() == "runs" && executor.pid.is_some())
    };
    until(|| lab.processes() == 3 && lab.agent.with(heard)).await;
    lab.framework.kill("runs").await;
    let killed = lab.framework.state("TASK_KILLED").await;
    assert_eq!(killed["message"], "Command terminated with signal Terminated");
    until(|| lab.processes() == 0).await;
    hub.goodbye().await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_do_not_survive_die_with_the_agent() {
    let tasks = Tasks::new();
    let (mut lab, _hub) = kept_lab(&tasks).await;
    let task = lab.framework.task("t", "setsid sleep 1000 & sleep 1000; true", json!({}));
    lab.framework.launch(vec![task]).await;
    lab.framework.state("TASK_RUNNING").await;
    until(|| lab.processes() == 3).await;
    tasks.stop().await;
    let socket = lab.directory.path().join("meta/keeper.sock");
    until(|| lab.processes() == 0 && !socket.exists()).await;
    lab.down().await;
}
