//! What an agent keeps of an executor that is a process of its own and speaks the executor API: its stream, its
//! deadlines, and what waits for it. What is done with that is `agent/custom`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::mesos::{
    time::Time,
    v1::{TaskGroupInfo, TaskId, TaskState, task_status::Reason},
};

/// A request of an executor, and the event stream that it opens if it is SUBSCRIBE. Named by whoever runs the IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutorStream(pub u64);

/// What waits until its executor has subscribed.
#[derive(Clone, Debug, PartialEq)]
pub enum Queued {
    Task(TaskId),
    /// Delivered as a whole, or not at all.
    Group(TaskGroupInfo),
}

impl Queued {
    pub fn has(&self, task_id: &TaskId) -> bool {
        match self {
            Self::Task(own) => own == task_id,
            Self::Group(group) => group.tasks.iter().any(|task| task.task_id == *task_id),
        }
    }
}

/// Why an executor ends, where the agent has ended it: what becomes of its tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub state: TaskState,
    pub reason: Reason,
    pub message: String,
}

/// One custom executor.
#[derive(Clone, Debug, Default)]
pub struct CustomExecutor {
    /// Where its events go; none while it is not connected.
    pub stream: Option<ExecutorStream>,
    /// It is ended then, if it has not subscribed.
    pub subscribe_by: Option<Time>,
    /// It was launched by an earlier agent.
    pub is_recovered: bool,
    pub heartbeat_at: Option<Time>,
    /// In the order in which it came.
    pub queued: Vec<Queued>,
    pub cause: Option<Cause>,
    /// The updates of its tasks that have come, by their uuid: one that comes again is no news.
    received: BTreeMap<TaskId, BTreeSet<Bytes>>,
}

impl CustomExecutor {
    /// One that an earlier agent has launched.
    pub fn recovered() -> Self {
        Self { is_recovered: true, ..Self::default() }
    }

    /// Takes note of an update; false when it has come before.
    pub fn receive(&mut self, task_id: &TaskId, uuid: &Bytes) -> bool {
        self.received.entry(task_id.clone()).or_default().insert(uuid.clone())
    }

    /// The task is complete: nobody says anything of it any more.
    pub fn forget(&mut self, task_id: &TaskId) {
        self.received.remove(task_id);
    }

    /// Takes what waits, tasks before groups as Mesos sends them.
    pub fn take_queued(&mut self) -> Vec<Queued> {
        let mut queued = std::mem::take(&mut self.queued);
        queued.sort_by_key(|queued| matches!(queued, Queued::Group(_)));
        queued
    }

    /// When something is to be done for it.
    pub fn next_deadline(&self) -> Option<Time> {
        self.subscribe_by.into_iter().chain(self.heartbeat_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_news_once() {
        let mut executor = CustomExecutor::default();
        let (task, uuid) = (TaskId::new("t"), Bytes::from_static(b"1"));
        assert!(executor.receive(&task, &uuid));
        assert!(!executor.receive(&task, &uuid));
        executor.forget(&task);
        assert!(executor.receive(&task, &uuid));
    }

    #[test]
    fn tasks_go_before_groups() {
        let task = |id: &str| Queued::Task(TaskId::new(id));
        let group = Queued::Group(TaskGroupInfo::default());
        let queued = vec![task("b"), group.clone(), task("a")];
        let mut executor = CustomExecutor { queued, ..CustomExecutor::default() };
        assert_eq!(executor.take_queued(), [task("b"), task("a"), group]);
        assert!(executor.take_queued().is_empty());
    }
}
