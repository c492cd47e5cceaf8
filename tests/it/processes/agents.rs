//! Agents that die and come back: their tasks run on where the framework checkpoints, and die where it does not.

use serde_json::json;

use super::{
    cluster::{Cluster, RESOURCES},
    http::json,
    scheduler::{Scheduler, WAITS},
};
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

#[test]
fn five_tasks_run_on_while_an_agent_is_dead() {
    let mut cluster = Cluster::start(3, &[], &[]);
    let ids: Vec<String> = (0..3).map(|at| cluster.id_of(at)).collect();
    let mut own = cluster.framework("own", true, &[]);
    own.run(&ids[0], &[("ends", WAITS), ("stays", STAYS)]);
    own.wants_nothing();
    let scheduler = Scheduler::start(&cluster, 5);
    let before = cluster.site.settled(7);

    cluster.agents[0].kill();
    cluster.is_away(&ids[0]);
    assert_eq!(cluster.site.tasks(), before, "the tasks run on");
    cluster.site.open_gate("ends");
    eventually("the task ends", || !cluster.site.tasks().contains_key("ends"));
    cluster.restart_agent(0);
    cluster.is_active(&ids[0]);

    assert_eq!(cluster.id_of(0), ids[0]);
    let failed = own.until_state("ends", "TASK_FAILED");
    assert_eq!(failed["message"], "Command exited with status 3");
    let mut after = before;
    after.remove("ends");
    assert_eq!(cluster.site.tasks(), after, "the same processes");
    let running: Vec<String> = cluster.running().into_iter().map(|(task, _)| task).collect();
    assert_eq!(running, after.keys().cloned().collect::<Vec<_>>());
    assert_eq!(own.states("stays"), ["TASK_STARTING", "TASK_RUNNING"]);
    assert_eq!(own.states("ends"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
    scheduler.has_not_replaced(5);

    own.kill("stays", &ids[0]);
    own.until_state("stays", "TASK_KILLED");
    own.teardown();
    scheduler.scale(0);
    eventually("all tasks are killed", || cluster.site.tasks().is_empty());
    scheduler.end();
    cluster.end();
}

#[test]
fn tasks_die_with_the_agent_when_their_framework_does_not_checkpoint() {
    let mut cluster = Cluster::start(2, &[], &[]);
    let (lost, other) = (cluster.id_of(0), cluster.id_of(1));
    let mut framework = cluster.framework("mortal", false, &[]);
    framework.run(&lost, &[("dies", STAYS)]);
    framework.decline();
    framework.run(&other, &[("lives", STAYS)]);
    cluster.agents[0].kill();
    let status = framework.until_state("dies", "TASK_LOST");
    assert_eq!(status["reason"], "REASON_AGENT_DISCONNECTED");
    assert_eq!(status["message"], "Agent HOST disconnected".replace("HOST", &host(&cluster)));
    eventually("the task dies", || cluster.site.tasks().keys().eq(["lives"]));
    cluster.restart_agent(0);
    cluster.is_active(&lost);
    framework.decline();
    framework.run(&lost, &[("again", STAYS)]);
    assert_eq!(framework.states("lives"), ["TASK_STARTING", "TASK_RUNNING"]);
    assert_eq!(framework.states("dies"), ["TASK_STARTING", "TASK_RUNNING", "TASK_LOST"]);
    framework.teardown();
    eventually("the tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}

fn host(cluster: &Cluster) -> String {
    json(cluster.agents[1].address(), "/state")["hostname"].as_str().expect("a name").to_owned()
}

#[test]
fn a_kill_waits_for_an_agent_that_is_away() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("killer", true, &["TASK_KILLING_STATE"]);
    framework.run(&id, &[("now", STAYS), ("later", STAYS), ("stays", STAYS)]);
    framework.kill("now", &id);
    framework.until_state("now", "TASK_KILLED");
    assert_eq!(framework.states("now"), ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]);

    cluster.agents[0].kill();
    cluster.is_away(&id);
    framework.kill("later", &id);
    assert_eq!(cluster.site.tasks().len(), 2);
    cluster.restart_agent(0);
    framework.until_state("later", "TASK_KILLED");
    assert!(cluster.site.tasks().keys().eq(["stays"]), "{:?}", cluster.site.tasks());

    framework.teardown();
    eventually("the task ends with its framework", || cluster.site.tasks().is_empty());
    let state = json(cluster.master.address(), "/state");
    let completed = state["completed_frameworks"][0]["completed_tasks"].as_array().expect("tasks");
    assert_eq!(completed.len(), 3, "{state}");
    cluster.end();
}

#[test]
fn three_agents_of_one_process_come_back_with_their_tasks() {
    let mut cluster = Cluster::start(0, &[], &["--count=3", RESOURCES]);
    // A block of ports of an address of its own is free.
    cluster.add_agent(5051);
    cluster.has_agents(3);
    let agents: Vec<String> = cluster.active().into_keys().collect();
    let mut framework = cluster.framework("count", true, &[]);
    for (at, agent) in agents.iter().enumerate() {
        framework.run(agent, &[(&format!("ends-{at}"), WAITS), (&format!("stays-{at}"), STAYS)]);
        framework.decline();
    }
    let mut before = cluster.site.settled(6);

    cluster.agents[0].kill();
    cluster.has_agents(0);
    assert_eq!(cluster.site.tasks(), before);
    for at in 0..3 {
        cluster.site.open_gate(&format!("ends-{at}"));
    }
    cluster.restart_agent(0);
    cluster.has_agents(3);
    assert_eq!(cluster.active().into_keys().collect::<Vec<_>>(), agents);
    for at in 0..3 {
        framework.until_state(&format!("ends-{at}"), "TASK_FAILED");
        before.remove(&format!("ends-{at}"));
        assert_eq!(framework.states(&format!("stays-{at}")), ["TASK_STARTING", "TASK_RUNNING"]);
    }
    assert_eq!(cluster.site.tasks(), before, "the same processes");
    let running: Vec<_> = cluster.running().into_iter().map(|(_, agent)| agent).collect();
    assert_eq!(running, agents, "each where it was");
    cluster.operate(&json!({ "type": "TEARDOWN", "teardown": {
        "framework_id": { "value": framework.id() } } }));
    eventually("the tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}
