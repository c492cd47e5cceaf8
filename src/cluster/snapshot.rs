//! All there is in a cluster at one moment, read from a master's answer. The reading of 100,000 tasks takes its time: the
//! feeds do it, not the owner of the read model.

use std::cmp::Reverse;

use crate::{
    cluster::{
        fold::Names,
        task::{Task, is_over},
    },
    mesos::v1::{
        self,
        master::response::{GetAgents, GetFrameworks, GetState, GetTasks},
    },
};

/// So many ended tasks are kept.
pub const ENDED: usize = 1000;

#[derive(Debug, Default)]
pub struct Snapshot {
    pub agents: GetAgents,
    pub frameworks: GetFrameworks,
    /// The newest that ended, oldest first, and then the others: a task that is there and one that has ended may have the
    /// same id, and the one that is there stays.
    pub(super) tasks: Vec<Task>,
}

impl From<GetState> for Snapshot {
    fn from(state: GetState) -> Self {
        Self {
            agents: state.get_agents.unwrap_or_default(),
            frameworks: state.get_frameworks.unwrap_or_default(),
            tasks: tasks(state.get_tasks.unwrap_or_default()),
        }
    }
}

#[expect(deprecated, reason = "pending and orphan tasks of older masters are tasks all the same")]
fn tasks(answer: GetTasks) -> Vec<Task> {
    let mut names = Names::default();
    let mut ended = Vec::new();
    let mut others = Vec::with_capacity(answer.tasks.len());
    let groups = [
        answer.completed_tasks,
        answer.orphan_tasks,
        answer.pending_tasks,
        answer.unreachable_tasks,
        answer.tasks,
    ];
    for task in groups.into_iter().flatten() {
        let kind = if is_over(v1::Task::state(&task)) { &mut ended } else { &mut others };
        kind.push(Task::read(task, &mut names));
    }
    if ended.len() > ENDED {
        ended.sort_by(|a, b| (Reverse(a.since), &a.id).cmp(&(Reverse(b.since), &b.id)));
        ended.truncate(ENDED);
    }
    ended.sort_by_key(|task| task.since);
    ended.append(&mut others);
    ended
}
