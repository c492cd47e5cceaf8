//! `/state` as Mesos writes it, read into what the v1 API says of the same cluster.

use crate::{
    cluster::{
        Change, ClusterView,
        task::{Status, Task},
        tests::make::at,
        watch::state_json::{self, Read},
    },
    engine::golden,
    mesos::{json, v1::master::Response},
};

fn folded(state: crate::mesos::v1::master::response::GetState) -> ClusterView {
    let mut view = ClusterView::default();
    view.apply(at(0.0), Change::Snapshot(Box::new(state.into())));
    view
}

/// What `/state` does not have: messages, reasons and sources of updates.
fn without_words(task: &Task) -> Task {
    let status =
        |status: &Status| Status { reason: None, source: None, message: String::new(), ..status.clone() };
    let history = task.history.iter().map(status).collect();
    Task { message: String::new(), order: 0, history, ..task.clone() }
}

fn tasks(view: &ClusterView) -> Vec<Task> {
    let mut tasks: Vec<_> = view.tasks.iter().map(without_words).collect();
    tasks.sort_by(|a, b| a.id.cmp(&b.id));
    tasks
}

#[test]
fn both_apis_tell_the_same_of_one_cluster() {
    let Read { master, version, state } =
        state_json::read(&golden::body("05-master-legacy/16-GET-state")).unwrap();
    let old = folded(state);
    let answer: Response = json::from_json(golden::text("04-master-api-v1/14-GET_STATE")).unwrap();
    let new = folded(answer.get_state.unwrap());
    assert_eq!(tasks(&old), tasks(&new));
    assert_eq!((old.counts, old.gauges.used), (new.counts, new.gauges.used));
    let mut agents = old.agents.iter().zip(new.agents.iter());
    let (old_agent, new_agent) = agents.next().unwrap();
    assert_eq!(
        (&old_agent.id, &old_agent.url, old_agent.state),
        (&new_agent.id, &new_agent.url, new_agent.state)
    );
    assert_eq!((old_agent.total, &old_agent.version), (new_agent.total, &new_agent.version));
    let (old_framework, new_framework) = (old.frameworks.iter().next(), new.frameworks.iter().next());
    assert_eq!(
        old_framework.map(|it| (&it.roles, &it.capabilities)),
        new_framework.map(|it| (&it.roles, &it.capabilities))
    );
    assert_eq!((version.as_str(), master.start_time.is_some()), ("1.11.0", true));
}

#[test]
fn every_recorded_state_is_read() {
    let table = [
        ("05-master-legacy/00-empty-cluster-state", 0, 0),
        ("05-master-legacy/77-GET-state", 1, 1),
        ("05-master-legacy/96-state-completed", 1, 1),
        ("09-failover-and-loss/12-state-agent-unreachable", 0, 2),
    ];
    for (name, agents, frameworks) in table {
        let view = folded(state_json::read(&golden::body(name)).unwrap().state);
        assert_eq!(
            (view.agents.iter().count(), view.frameworks.iter().count()),
            (agents, frameworks),
            "{name}"
        );
        assert_eq!(view.tasks.iter().count() > 0, frameworks > 0, "{name}");
    }
}

#[test]
fn little_is_enough_and_something_else_is_refused() {
    let text = r#"{"slaves": [{"id": "A1", "resources": {"cpus": 2, "ports": "[1-3]", "disks": "{a,b}", "mem": 0.0},
        "unreserved_resources": {"cpus": 1.5}, "reserved_resources": {"ops": {"cpus": 0.5}}, "drain_info": {}}],
        "frameworks": [{"id": "F1", "role": "ops", "active": true, "tasks": [{"id": "t", "state": "TASK_ODD"}],
        "offers": [{"id": "O1", "slave_id": "A1", "resources": {"cpus": 1}}]}]}"#;
    let view = folded(state_json::read(text.as_bytes()).unwrap().state);
    let agent = view.agents.find("A1").unwrap();
    assert_eq!((agent.total.cpus, agent.state), (2.0, crate::cluster::agent::AgentState::Draining));
    assert_eq!(agent.total_resources[1].reservations[0].role(), "ops");
    assert_eq!(view.frameworks.find("F1").unwrap().roles, ["ops"]);
    assert_eq!(view.tasks.find("t").unwrap().state.as_str_name(), "TASK_UNKNOWN");
    assert_eq!(view.offers.find("O1").unwrap().resources.cpus, 1.0);
    for text in ["{}", "[1]", "<html>", r#"{"slaves": 5}"#] {
        let problem = state_json::read(text.as_bytes()).unwrap_err();
        assert!(problem.starts_with("no state of a master: "), "{problem}");
    }
}
