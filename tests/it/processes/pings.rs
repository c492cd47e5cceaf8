//! Agents that do not answer: stopped, given up, and back.

use rustix::process::Signal;

use super::{
    cluster::{Cluster, PINGS},
    http::json,
    process::Process,
    scheduler::WAITS,
};
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

#[test]
fn an_agent_that_is_stopped_becomes_unreachable_and_comes_back() {
    let mut cluster = Cluster::start(1, &PINGS, &[]);
    let id = cluster.id_of(0);
    let mut aware = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    aware.run(&id, &[("aware", STAYS)]);
    aware.wants_nothing();
    let mut plain = cluster.framework("plain", true, &[]);
    plain.run(&id, &[("plain", STAYS)]);
    let tasks = cluster.site.settled(2);

    cluster.agents[0].signal(Signal::STOP);
    let unreachable = aware.until_state("aware", "TASK_UNREACHABLE");
    assert_eq!(unreachable["reason"], "REASON_AGENT_REMOVED", "{unreachable}");
    assert_eq!(unreachable["message"], "health check timed out");
    let lost = plain.until_state("plain", "TASK_LOST");
    assert_eq!(lost["reason"], "REASON_AGENT_REMOVED", "{lost}");
    assert_eq!(cluster.metric("master/slave_unreachable_completed"), 1.0);
    assert!(cluster.active().is_empty());

    cluster.agents[0].signal(Signal::CONT);
    cluster.is_active(&id);
    let back = aware.until_state("aware", "TASK_RUNNING");
    assert_eq!(back["reason"], "REASON_AGENT_REREGISTERED", "{back}");
    plain.until_state("plain", "TASK_RUNNING");
    assert_eq!(cluster.site.tasks(), tasks, "the same processes");
    assert_eq!(cluster.running().len(), 2);
    assert_eq!(aware.states("aware"), ["TASK_STARTING", "TASK_RUNNING", "TASK_UNREACHABLE", "TASK_RUNNING"]);
    aware.teardown();
    plain.teardown();
    eventually("the tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}

/// One agent in a minute becomes unreachable; the other has its turn later, and is back before.
#[test]
fn a_rate_limit_spares_the_second_agent() {
    let flags = [PINGS[0], PINGS[1], "--agent_removal_rate_limit=1/1mins"];
    let mut cluster = Cluster::start(2, &flags, &[]);
    let ids = [cluster.id_of(0), cluster.id_of(1)];
    let mut framework = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    framework.run(&ids[0], &[("0", STAYS)]);
    framework.decline();
    framework.run(&ids[1], &[("1", STAYS)]);
    for agent in &cluster.agents {
        agent.signal(Signal::STOP);
    }
    eventually("both agents are about to be unreachable", || {
        cluster.metric("master/slave_unreachable_scheduled") >= 2.0
    });
    assert_eq!(cluster.metric("master/slave_unreachable_completed"), 1.0);
    let is_lost = |task: &str, it: &super::framework::Framework| {
        it.states(task).last().is_some_and(|state| state == "TASK_UNREACHABLE")
    };
    framework.until("one task is unreachable", |it| is_lost("0", it) || is_lost("1", it));
    let lost = if is_lost("0", &framework) { "0" } else { "1" };
    let spared = if lost == "0" { "1" } else { "0" };
    for agent in &cluster.agents {
        agent.signal(Signal::CONT);
    }
    framework.until_state(lost, "TASK_RUNNING");
    cluster.has_agents(2);
    eventually("the second agent is spared", || cluster.metric("master/slave_unreachable_canceled") >= 1.0);
    assert_eq!(framework.states(spared), ["TASK_STARTING", "TASK_RUNNING"]);
    framework.teardown();
    cluster.end();
}

#[test]
fn a_new_master_knows_who_was_unreachable() {
    let mut cluster = Cluster::start(2, &PINGS, &[]);
    let (stopped, other) = (cluster.id_of(0), cluster.id_of(1));
    let mut framework = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    framework.run(&stopped, &[("stays", STAYS)]);
    let tasks = cluster.site.settled(1);
    cluster.agents[0].signal(Signal::STOP);
    framework.until_state("stays", "TASK_UNREACHABLE");
    cluster.master.kill();
    cluster.restart_master();
    cluster.is_active(&other);
    framework.has_subscribed(2);
    framework.reconcile("stays", &stopped);
    framework.until("the task is still unreachable", |it| it.states("stays").len() == 4);
    let unreachable = framework.until_state("stays", "TASK_UNREACHABLE");
    assert_eq!(unreachable["reason"], "REASON_RECONCILIATION", "{unreachable}");
    cluster.agents[0].signal(Signal::CONT);
    cluster.is_active(&stopped);
    framework.reconcile("stays", &stopped);
    framework.until_state("stays", "TASK_RUNNING");
    assert_eq!(cluster.site.tasks(), tasks, "the same process");
    framework.teardown();
    cluster.end();
}

#[test]
fn a_master_that_is_stopped_for_a_while_gives_nobody_up() {
    let mut cluster = Cluster::start(2, &PINGS, &[]);
    let ids: Vec<String> = cluster.active().into_keys().collect();
    let mut framework = cluster.framework("plain", false, &[]);
    framework.run(&ids[0], &[("stays", STAYS), ("ends", WAITS)]);
    let mut tasks = cluster.site.settled(2);
    cluster.master.signal(Signal::STOP);
    cluster.site.open_gate("ends");
    let is_lonely = |agent: &Process| json(agent.address(), "/metrics/snapshot")["slave/registered"] == 0.0;
    eventually("the agents miss their master", || cluster.agents.iter().all(is_lonely));
    cluster.master.signal(Signal::CONT);
    eventually("the agents are registered again", || !cluster.agents.iter().any(is_lonely));
    framework.until_state("ends", "TASK_FAILED");
    tasks.remove("ends");
    assert_eq!(cluster.active().into_keys().collect::<Vec<_>>(), ids);
    assert_eq!(cluster.site.tasks(), tasks);
    assert_eq!(framework.states("stays"), ["TASK_STARTING", "TASK_RUNNING"]);
    assert_eq!(cluster.metric("master/slave_unreachable_completed"), 0.0);
    framework.teardown();
    cluster.end();
}

/// A launch that waits in the buffers of an agent that is given up, and is delivered when it wakes: whether it runs
/// then or not, master, framework and machine agree.
#[test]
fn a_launch_that_comes_too_late_leaves_no_stray() {
    let mut cluster = Cluster::start(1, &PINGS, &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    framework.run(&id, &[("first", STAYS)]);
    framework.decline();
    cluster.agents[0].signal(Signal::STOP);
    framework.launch(&id, &[("late", STAYS)]);
    framework.until_state("late", "TASK_UNREACHABLE");
    cluster.agents[0].signal(Signal::CONT);
    cluster.is_active(&id);
    framework.until_state("first", "TASK_RUNNING");
    framework.reconcile("late", &id);
    eventually("all agree", || {
        framework.look();
        let known: Vec<String> = cluster.running().into_iter().map(|(task, _)| task).collect();
        let late = known.iter().any(|task| task == "late");
        let is_told =
            if late { framework.is_last("late", "TASK_RUNNING") } else { framework.is_ended("late") };
        cluster.site.tasks().into_keys().eq(known) && is_told
    });
    framework.teardown();
    eventually("all tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}
