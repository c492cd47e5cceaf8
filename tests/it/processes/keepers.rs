//! The processes that keep tasks while no agent is there: killed, and waiting in vain.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::cluster::Cluster;
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

fn keeper(cluster: &Cluster) -> Pid {
    let lock = fs::read_to_string(cluster.site.dir("agent-1").join("meta/keeper.lock")).expect("a keeper");
    lock.trim().parse().ok().and_then(Pid::from_raw).expect("a pid")
}

#[test]
fn tasks_that_die_with_their_keeper_are_told_of() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("first", STAYS)]);
    kill_process(keeper(&cluster), Signal::KILL).expect("kill the keeper");
    framework.until_state("first", "TASK_FAILED");
    assert!(cluster.site.tasks().is_empty());
    framework.decline();
    framework.run(&id, &[("second", STAYS)]);
    cluster.agents[0].kill();
    kill_process(keeper(&cluster), Signal::KILL).expect("kill the keeper");
    cluster.is_away(&id);
    cluster.restart_agent(0);
    let failed = framework.until_state("second", "TASK_FAILED");
    assert_eq!(failed["reason"], "REASON_EXECUTOR_TERMINATED", "{failed}");
    cluster.is_active(&id);
    assert!(cluster.site.tasks().is_empty());
    framework.teardown();
    cluster.end();
}

#[test]
fn tasks_that_no_agent_takes_over_end_in_time() {
    let mut cluster = Cluster::start(1, &[], &["--recovery_timeout=1secs"]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("ends", STAYS)]);
    let keeper = keeper(&cluster);
    cluster.agents[0].kill();
    assert_eq!(cluster.site.tasks().len(), 1);
    eventually("the task is ended", || cluster.site.tasks().is_empty());
    eventually("the keeper goes", || rustix::process::test_kill_process(keeper).is_err());
    cluster.restart_agent(0);
    framework.until_state("ends", "TASK_FAILED");
    cluster.is_active(&id);
    framework.teardown();
    cluster.end();
}

/// Two agents on one work directory would run into each other's tasks.
#[test]
fn a_work_directory_has_one_agent() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS)]);
    let tasks = cluster.site.settled(1);
    let line: Vec<String> =
        cluster.agent_line(0).into_iter().filter(|flag| !flag.starts_with("--port=")).collect();
    for flag in ["--recover=reconnect", "--recover=cleanup"] {
        let line = [&line[..], &["--port=0".into(), flag.into()]].concat();
        let mut second = cluster.site.spawn(&cluster.site.host(), "second", &line);
        assert_eq!(second.ended(), 1, "{}", second.said());
        assert!(second.said().contains("agent-1"), "{}", second.said());
    }
    cluster.is_active(&id);
    assert_eq!(cluster.site.tasks(), tasks);
    framework.teardown();
    cluster.end();
}
