//! Deaths one after the other, in the middle of launches and kills: what the framework, the master and the agents hold
//! for running is what runs, once.

use std::collections::BTreeSet;

use super::{cluster::Cluster, framework::Framework, process::Process, scheduler::Scheduler};
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

/// How many storms a task has to live through.
const ROUNDS: usize = 6;

/// Waits until all agree; every task that was ever launched has run or has an end.
fn is_agreed(cluster: &Cluster, framework: &mut Framework, launched: &BTreeSet<String>) {
    eventually("framework, master and machine agree on what runs", || {
        framework.look();
        let known: BTreeSet<String> = cluster.running().into_iter().map(|(task, _)| task).collect();
        let there = cluster.site.tasks();
        let is_running = |task: &&String| framework.is_last(task, "TASK_RUNNING");
        let told: BTreeSet<String> = launched.iter().filter(is_running).cloned().collect();
        let is_settled = |task: &String| told.contains(task) || framework.is_ended(task);
        launched.iter().all(is_settled) && known == told && there.keys().eq(&told)
    });
    let twice: Vec<_> = cluster.site.tasks().into_iter().filter(|(_, pids)| pids.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Launches two tasks of a round, waits for nothing.
fn launch(framework: &mut Framework, agent: &str, round: usize, launched: &mut BTreeSet<String>) {
    let names = [format!("{round}-a"), format!("{round}-b")];
    framework.launch(agent, &[(&names[0], STAYS), (&names[1], STAYS)]);
    launched.extend(names);
}

#[test]
fn an_agent_that_dies_again_and_again_neither_loses_nor_doubles() {
    let mut cluster = Cluster::start(1, &[], &["--resources=cpus:64;mem:65536"]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("storm", true, &["PARTITION_AWARE"]);
    let mut launched = BTreeSet::new();
    for round in 0..ROUNDS {
        launch(&mut framework, &id, round, &mut launched);
        if round > 0 {
            framework.kill(&format!("{}-a", round - 1), &id);
        }
        cluster.agents[0].kill();
        cluster.restart_agent(0);
        if round % 2 == 0 {
            // The next death finds a recovery under way.
            is_agreed(&cluster, &mut framework, &launched);
        }
        cluster.is_active(&id);
    }
    is_agreed(&cluster, &mut framework, &launched);
    framework.teardown();
    eventually("all tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}

#[test]
fn a_master_that_dies_again_and_again_neither_loses_nor_doubles() {
    let mut cluster = Cluster::start(2, &[], &["--resources=cpus:64;mem:65536"]);
    let ids = [cluster.id_of(0), cluster.id_of(1)];
    let mut framework = cluster.framework("storm", true, &["PARTITION_AWARE"]);
    let mut launched = BTreeSet::new();
    for round in 0..ROUNDS {
        let id = &ids[round % 2];
        launch(&mut framework, id, round, &mut launched);
        cluster.master.kill();
        if round % 3 == 1 {
            cluster.agents[round % 2].kill();
            cluster.restart_agent(round % 2);
        }
        cluster.restart_master();
        framework.has_subscribed(round + 2);
        cluster.has_agents(2);
        // What the master had not passed on is told by nobody but who asks.
        for task in launched.clone() {
            let at = task.split('-').next().and_then(|round| round.parse::<usize>().ok()).expect("a round");
            framework.reconcile(&task, &ids[at % 2]);
        }
        is_agreed(&cluster, &mut framework, &launched);
    }
    framework.teardown();
    eventually("all tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}

#[test]
fn a_cluster_that_dies_at_once_is_the_same_when_it_is_back() {
    let mut cluster = Cluster::start(3, &[], &[]);
    let ids: Vec<String> = cluster.active().into_keys().collect();
    let mut scheduler = Scheduler::start(&cluster, 5);
    let tasks = cluster.site.settled(5);
    scheduler.kill();
    cluster.master.kill();
    cluster.agents.iter_mut().for_each(Process::kill);
    assert_eq!(cluster.site.tasks(), tasks);
    let mut scheduler = Scheduler::again(&cluster);
    for agent in 0..3 {
        cluster.restart_agent(agent);
    }
    cluster.restart_master();
    cluster.has_agents(3);
    assert_eq!(cluster.active().into_keys().collect::<Vec<_>>(), ids);
    scheduler.is_connected();
    scheduler.has_not_replaced(5);
    assert_eq!(cluster.site.tasks(), tasks, "the same processes");
    let running: Vec<String> = cluster.running().into_iter().map(|(task, _)| task).collect();
    assert_eq!(running, tasks.into_keys().collect::<Vec<_>>());
    scheduler.scale(0);
    eventually("all tasks end", || cluster.site.tasks().is_empty());
    scheduler.end();
    cluster.end();
}
