//! The scheduler with the master and agents of this crate: real tasks, over real sockets.

use std::{path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;

use super::{super::SchedulerHandle, scheduler, until};
use crate::{
    client::{
        Http,
        agent_files::{AgentFiles, sandbox_of},
        masters::Masters,
        operator::Operator,
        scheduler_api::SchedulerApi,
    },
    engine::{agent::AgentConfig, master::MasterConfig},
    host::{agent, master},
    mesos::{resources::Resources, v1::AgentInfo},
    runtime::{Clock, Tasks},
    scheduler::api::{Executor, TaskView},
};

struct Lab {
    dir: tempfile::TempDir,
    tasks: Tasks,
    master: String,
    agents: Vec<agent::AgentHandle>,
}

impl Lab {
    async fn up(agents: usize) -> Self {
        let (dir, tasks, clock) = (tempfile::tempdir().unwrap(), Tasks::new(), Clock::start());
        let master = master::start(&tasks, clock, listener().await, MasterConfig::default()).unwrap();
        let mut lab =
            Self { dir, tasks, master: format!("http://{}", master.endpoint()), agents: Vec::new() };
        for n in 0..agents {
            let resources = Resources::parse("cpus:4;mem:2048;disk:1024;ports:[31000-32000]", "*").unwrap();
            let info = AgentInfo {
                hostname: format!("host-{n}"),
                resources: resources.to_protos(),
                ..AgentInfo::default()
            };
            let work_dir = lab.dir.path().join(format!("agent-{n}")).display().to_string();
            let config = agent::Config::new(AgentConfig::new(info, work_dir));
            let agent = agent::start(&lab.tasks, clock, listener().await, config, master.clone()).unwrap();
            lab.agents.push(agent);
        }
        lab
    }

    fn state_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("scheduler")
    }

    fn operator(&self) -> Operator {
        Operator::new(Http::new(), Masters::parse(&self.master).unwrap())
    }

    async fn down(self) {
        for agent in &self.agents {
            agent.stop(Duration::from_secs(5)).await;
        }
        self.tasks.stop().await;
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn running(api: &SchedulerApi, count: u64) -> Vec<TaskView> {
    until(api, |state| {
        state.counts.running == count && state.summary == format!("{count}/{count} tasks running")
    })
    .await;
    api.tasks().await.unwrap().tasks
}

async fn stdout(lab: &Lab, handle: &SchedulerHandle, task: &TaskView) -> String {
    let agent_id = task.agent_id.clone().unwrap().into();
    let agent = lab.operator().agent_url(&agent_id).await.unwrap();
    let files = AgentFiles::new(Http::new(), agent.as_str()).unwrap();
    let framework = handle.with(|scheduler| scheduler.state().framework_id).unwrap();
    let known = lab.operator().get_tasks().await.unwrap().tasks;
    let known = known.into_iter().find(|known| known.task_id.as_str() == task.id).unwrap();
    assert_eq!(known.framework_id.as_str(), framework);
    let path = format!("{}/stdout", sandbox_of(&known));
    let mut follow = files.follow(&path, 0);
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(" is up") {
        text.extend_from_slice(&follow.next().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// The process whose environment names this task.
fn process_of(task: &str) -> Option<Pid> {
    let wanted = format!("MESOS_TASK_ID={task}");
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    processes.filter_map(|name| name.parse().ok()).find_map(|pid: i32| {
        let environment = std::fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).ok()?;
        let named = environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes());
        named.then(|| Pid::from_raw(pid)).flatten()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn scales_survives_and_ends_on_a_real_lab() {
    let lab = Lab::up(3).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 0).await;
    until(&api, |state| state.phase == crate::scheduler::api::Phase::Subscribed).await;
    api.scale(6).await.unwrap();
    let tasks = running(&api, 6).await;
    for host in ["host-0", "host-1", "host-2"] {
        assert_eq!(tasks.iter().filter(|task| task.hostname == host).count(), 2, "spread evenly");
    }
    let text = stdout(&lab, &handle, &tasks[0]).await;
    assert!(text.contains(&format!("{} is up", tasks[0].id)), "{text}");

    kill_process(process_of(&tasks[0].id).unwrap(), Signal::KILL).unwrap();
    until(&api, |state| state.counts.backing_off == 1).await;
    let replaced = running(&api, 6).await;
    assert!(replaced.iter().all(|task| task.id != tasks[0].id));

    handle.stop(false).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 0).await;
    let same = running(&api, 6).await;
    let ids = |tasks: &[TaskView]| {
        tasks.iter().map(|task| task.id.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&replaced), ids(&same), "none doubled, none lost");

    api.scale(2).await.unwrap();
    running(&api, 2).await;
    // The master keeps an ended task until its agent has heard that we know.
    let operator = lab.operator();
    let mut known = operator.get_tasks().await.unwrap();
    while known.tasks.len() > 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        known = operator.get_tasks().await.unwrap();
    }
    assert_eq!((known.tasks.len(), known.completed_tasks.len()), (2, 5));

    handle.stop(true).await;
    assert!(lab.operator().get_frameworks().await.unwrap().frameworks.is_empty());
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_is_missing_and_runs_what_fits() {
    let lab = Lab::up(1).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 0).await;
    api.patch_config(&serde_json::json!({"num_of_node": 1_000_000, "cpus": 1.5})).await.unwrap();
    let state = until(&api, |state| state.counts.running == 2).await;
    assert_eq!(state.counts.unplaced, 999_998);
    let explain = api.explain().await.unwrap();
    assert_eq!(explain.missing[0].text, "cpus: wants 1.5, largest offer has 1");
    handle.stop(true).await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_definition_rolls_through() {
    let lab = Lab::up(1).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 3).await;
    let old = running(&api, 3).await;
    let check = serde_json::json!({"command": "true", "interval": 0.1});
    api.patch_config(&serde_json::json!({"env": {"A": "1"}, "ports": 1, "health_check": check}))
        .await
        .unwrap();
    let new = running(&api, 3).await;
    assert!(new.iter().all(|task| task.config_version == 2 && task.ports.len() == 1));
    assert!(new.iter().all(|task| old.iter().all(|gone| gone.id != task.id)));
    handle.stop(true).await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_to_pods_and_back_one_by_one() {
    let lab = Lab::up(1).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 3).await;
    let old = running(&api, 3).await;
    let pods = serde_json::json!({"executor": "default", "executor_mem": 48});
    api.patch_config(&pods).await.unwrap();
    let new = running(&api, 3).await;
    assert!(new.iter().all(|task| task.executor == Executor::Default), "{new:?}");
    assert!(new.iter().all(|task| old.iter().all(|gone| gone.id != task.id)));
    let text = stdout(&lab, &handle, &new[0]).await;
    assert!(text.contains(&format!("{} is up", new[0].id)), "{text}");

    kill_process(process_of(&new[0].id).unwrap(), Signal::KILL).unwrap();
    until(&api, |state| state.counts.backing_off == 1).await;
    let state = api.state().await.unwrap();
    assert!(
        state.summary.contains("last failure: Command terminated with signal Killed"),
        "{}",
        state.summary
    );
    running(&api, 3).await;

    api.patch_config(&serde_json::json!({"executor": "command"})).await.unwrap();
    let back = running(&api, 3).await;
    assert!(back.iter().all(|task| task.executor == Executor::Command));
    let executors = lab.operator().get_executors().await.unwrap().executors;
    assert!(executors.is_empty(), "the pods are gone: {executors:?}");
    handle.stop(true).await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_counts_with_its_executor() {
    let lab = Lab::up(1).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 0).await;
    let large =
        serde_json::json!({"num_of_node": 9, "executor": "default", "cpus": 0.9, "executor_cpus": 0.5});
    api.patch_config(&large).await.unwrap();
    let state = until(&api, |state| state.counts.running == 2).await;
    assert_eq!(state.counts.unplaced, 7);
    let explain = api.explain().await.unwrap();
    assert_eq!(explain.missing[0].text, "cpus: wants 1.4, largest offer has 1.2");
    handle.stop(true).await;
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_executor_must_be_known() {
    let lab = Lab::up(1).await;
    let (handle, api) = scheduler(&lab.state_dir(), &lab.master, 1).await;
    running(&api, 1).await;
    let refused = api.patch_config(&serde_json::json!({"executor": "custom"})).await.unwrap_err();
    assert!(refused.to_string().contains("what starts the custom executor"), "{refused}");
    running(&api, 1).await;
    handle.stop(true).await;
    lab.down().await;
}
