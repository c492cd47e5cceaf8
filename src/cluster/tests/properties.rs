//! Whatever happens in whichever order: what is counted on the way is what a recount gives.

use std::collections::HashMap;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

use super::make::{
    OURS, Snapshot, agent, agent_added, agent_removed, at, change, framework, framework_removed,
    framework_updated, scheduler_snapshot, status, task, task_added, task_updated, view,
};
use crate::{
    cluster::{
        Change, ClusterView, Gauges, StateCounts,
        agent::AgentState,
        rows::{Key, Rows as _},
    },
    mesos::v1::{self, TaskState},
};

const STATES: [TaskState; 8] = [
    TaskState::TaskStaging,
    TaskState::TaskStarting,
    TaskState::TaskRunning,
    TaskState::TaskKilling,
    TaskState::TaskFinished,
    TaskState::TaskFailed,
    TaskState::TaskLost,
    TaskState::TaskUnreachable,
];
const FRAMEWORKS: [&str; 2] = [OURS, "F-other"];

fn some_task() -> impl Strategy<Value = v1::Task> {
    (0..2_usize, 0..6, 0..3, prop::option::of(0..STATES.len())).prop_map(|(framework, id, agent, state)| {
        let id = format!("t{id}");
        let statuses = state.map(|state| status(&id, STATES[state], state as f64)).into_iter().collect();
        task(FRAMEWORKS[framework], &id, &format!("A{agent}"), statuses)
    })
}

fn some_agent() -> impl Strategy<Value = v1::master::response::get_agents::Agent> {
    (0..3, any::<bool>(), 0..4).prop_map(|(id, active, used)| {
        let used = format!("cpus:{used}.3;mem:{used}");
        v1::master::response::get_agents::Agent {
            active,
            ..agent(&format!("A{id}"), &format!("agent-{id}"), &used)
        }
    })
}

fn some_snapshot() -> impl Strategy<Value = Snapshot> {
    let list = || prop::collection::vec(some_task(), 0..6);
    (list(), list(), prop::collection::vec(some_agent(), 0..3)).prop_map(|(tasks, completed, agents)| {
        let frameworks = vec![framework(OURS, "web")];
        Snapshot { agents, frameworks, tasks, completed }
    })
}

fn some_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => some_task().prop_map(|task| change(task_added(task))),
        8 => (0..2_usize, 0..6, 0..STATES.len()).prop_map(|(framework, id, state)| {
            change(task_updated(FRAMEWORKS[framework], status(&format!("t{id}"), STATES[state], state as f64)))
        }),
        2 => some_agent().prop_map(|agent| change(agent_added(agent))),
        1 => (0..3).prop_map(|id| change(agent_removed(&format!("A{id}")))),
        1 => (0..2_usize).prop_map(|at| change(framework_updated(framework(FRAMEWORKS[at], "name")))),
        1 => (0..2_usize).prop_map(|at| change(framework_removed(framework(FRAMEWORKS[at], "name")))),
        1 => some_snapshot().prop_map(Snapshot::change),
        1 => some_snapshot().prop_map(Snapshot::refresh),
        1 => Just(0).prop_map(|_| scheduler_snapshot(vec![view("t0", 0)])),
    ]
}

fn recount(view: &ClusterView) -> (StateCounts, Gauges) {
    let mut counts = StateCounts::default();
    view.tasks.iter().for_each(|task| *counts.of(task.state) += 1);
    let active = view.agents.iter().filter(|agent| agent.state == AgentState::Active);
    let gauges = active.fold(Gauges::default(), |sum, agent| Gauges {
        total: sum.total.plus(&agent.total),
        used: sum.used.plus(&agent.used),
        offered: sum.offered.plus(&agent.offered),
    });
    (counts, gauges)
}

fn check(view: &ClusterView) {
    assert_eq!((view.counts, view.gauges), recount(view));
    let live = |wanted: &dyn Fn(&crate::cluster::task::Task) -> bool| {
        view.tasks.iter().filter(|task| !task.is_over() && wanted(task)).count()
    };
    for agent in view.agents.iter() {
        assert_eq!(agent.tasks, live(&|task| task.agent_id == agent.id), "{}", agent.id);
    }
    for framework in view.frameworks.iter() {
        assert_eq!(framework.tasks, live(&|task| task.framework_id == framework.id), "{}", framework.id);
    }
    for task in view.tasks.iter() {
        if let Some(agent) = view.agents.find(&task.agent_id) {
            assert_eq!(task.agent, agent.hostname);
        }
        if let Some(framework) = view.frameworks.find(&task.framework_id) {
            assert_eq!(task.framework, framework.name);
        }
    }
}

/// Which task is in which row.
fn places(view: &ClusterView) -> HashMap<(String, String), Key> {
    let row = |key| view.tasks.get(key).map(|task| ((task.framework_id.to_string(), task.id.clone()), key));
    view.tasks.keys().filter_map(row).collect()
}

proptest! {
    #[test]
    fn counting_on_the_way_is_a_recount(changes in prop::collection::vec(some_change(), 1..60)) {
        let mut view = ClusterView::default();
        for (second, change) in changes.into_iter().enumerate() {
            let before = places(&view);
            view.apply(at(second as f64 / 3.0), change);
            check(&view);
            let after = places(&view);
            assert_eq!(after.len(), view.tasks.len(), "each task has one row");
            for (task, key) in before {
                assert!(after.get(&task).is_none_or(|now| *now == key), "{task:?} has moved");
            }
        }
    }
}
