//! Masters that die and come back, with a registry and without one.

use serde_json::json;

use super::{cluster::Cluster, http::json, scheduler::Scheduler};
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

#[test]
fn a_master_that_is_back_finds_everything_as_it_was() {
    let mut cluster = Cluster::start(3, &[], &[]);
    let ids: Vec<String> = cluster.active().into_keys().collect();
    let scheduler = Scheduler::start(&cluster, 5);
    let tasks = cluster.site.settled(5);
    let running = cluster.running();
    for _ in 0..2 {
        cluster.master.kill();
        cluster.restart_master();
        cluster.has_agents(3);
        assert_eq!(cluster.active().into_keys().collect::<Vec<_>>(), ids);
        eventually("the scheduler is back", || cluster.running() == running);
        scheduler.has_not_replaced(5);
        assert_eq!(cluster.site.tasks(), tasks, "the same processes");
    }
    scheduler.scale(7);
    scheduler.has_not_replaced(7);
    scheduler.scale(0);
    eventually("all tasks are killed", || cluster.site.tasks().is_empty());
    scheduler.end();
    cluster.end();
}

#[test]
fn an_agent_of_the_registry_has_time_to_come_back() {
    let mut cluster = Cluster::start(2, &["--agent_reregister_timeout=1500ms"], &[]);
    let (there, away) = (cluster.id_of(0), cluster.id_of(1));
    let mut framework = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    framework.run(&away, &[("away", STAYS)]);
    let tasks = cluster.site.settled(1);
    cluster.master.kill();
    cluster.agents[1].kill();
    cluster.restart_master();
    cluster.is_active(&there);
    let recovered = json(cluster.master.address(), "/slaves")["recovered_slaves"].clone();
    assert_eq!(recovered[0]["id"], away, "{recovered}");
    framework.has_subscribed(2);
    eventually("the agent is given up", || {
        json(cluster.master.address(), "/slaves")["recovered_slaves"] == json!([])
    });
    framework.reconcile("away", &away);
    // The master knows of the task only what it is told: the agent is unreachable, so its task may be.
    let status = framework.until_state("away", "TASK_UNREACHABLE");
    assert_eq!(status["reason"], "REASON_RECONCILIATION", "{status}");

    cluster.restart_agent(1);
    cluster.is_active(&away);
    assert_eq!(cluster.site.tasks(), tasks);
    framework.reconcile("away", &away);
    framework.until_state("away", "TASK_RUNNING");
    framework.teardown();
    cluster.end();
}

#[test]
fn an_agent_that_is_marked_gone_stays_gone() {
    let mut cluster = Cluster::start(3, &[], &[]);
    let (gone, other, alive) = (cluster.id_of(0), cluster.id_of(1), cluster.id_of(2));
    let mut framework = cluster.framework("frame", true, &["PARTITION_AWARE"]);
    framework.run(&gone, &[("gone", STAYS)]);
    framework.run(&alive, &[("alive", STAYS)]);
    cluster.agents[0].kill();
    cluster.is_away(&gone);
    for id in [&gone, &alive] {
        cluster.operate(
            &json!({ "type": "MARK_AGENT_GONE", "mark_agent_gone": { "agent_id": { "value": id } } }),
        );
    }
    framework.until_state("gone", "TASK_GONE_BY_OPERATOR");
    framework.until_state("alive", "TASK_GONE_BY_OPERATOR");
    assert_eq!(cluster.agents[2].ended(), 0, "{}", cluster.agents[2].said());
    assert!(cluster.site.tasks().keys().eq(["gone"]), "{:?}", cluster.site.tasks());
    cluster.master.kill();
    cluster.restart_master();
    cluster.is_active(&other);
    let line = cluster.agent_line(0);
    let mut again = cluster.site.spawn(&cluster.site.host(), "agent-1", &line);
    assert_eq!(again.ended(), 0, "{}", again.said());
    eventually("its tasks are killed", || cluster.site.tasks().is_empty());
    assert!(!cluster.active().contains_key(&gone));
    framework.has_subscribed(2);
    framework.teardown();
    drop(again);
    cluster.agents.remove(2);
    cluster.agents.remove(0);
    cluster.end();
}

#[test]
fn a_master_without_a_registry_takes_agents_under_their_ids() {
    let mut cluster = Cluster::start(2, &["--registry=in_memory"], &[]);
    let ids: Vec<String> = cluster.active().into_keys().collect();
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&ids[0], &[("stays", STAYS)]);
    let tasks = cluster.site.settled(1);
    cluster.master.kill();
    cluster.restart_master();
    cluster.has_agents(2);
    assert_eq!(cluster.active().into_keys().collect::<Vec<_>>(), ids);
    let recovered = json(cluster.master.address(), "/slaves")["recovered_slaves"].clone();
    assert_eq!(recovered, json!([]));
    framework.has_subscribed(2);
    framework.reconcile("stays", &ids[0]);
    framework.until("the task runs", |it| it.states("stays").len() == 3);
    assert_eq!(framework.last("stays")["state"], "TASK_RUNNING");
    assert_eq!(cluster.site.tasks(), tasks);
    framework.teardown();
    eventually("the task ends", || cluster.site.tasks().is_empty());
    cluster.end();
}
