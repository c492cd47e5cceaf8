//! Task states and the statuses that a master itself makes up.

use crate::mesos::{
    time::Time,
    v1::{
        AgentId, ContainerStatus, Task, TaskId, TaskState, TaskStatus, TimeInfo,
        task_status::{Reason, Source},
    },
};

/// Nothing comes after these.
pub(super) fn is_terminal(state: TaskState) -> bool {
    match state {
        TaskState::TaskFinished
        | TaskState::TaskFailed
        | TaskState::TaskKilled
        | TaskState::TaskError
        | TaskState::TaskLost
        | TaskState::TaskDropped
        | TaskState::TaskGone
        | TaskState::TaskGoneByOperator => true,
        TaskState::TaskStaging
        | TaskState::TaskStarting
        | TaskState::TaskRunning
        | TaskState::TaskKilling
        | TaskState::TaskUnreachable
        | TaskState::TaskUnknown => false,
    }
}

/// Whether the task holds no resources of its agent any more.
pub(super) fn has_left(state: TaskState) -> bool {
    is_terminal(state) || state == TaskState::TaskUnreachable
}

/// What a master says of a task, and why.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub state: TaskState,
    pub reason: Reason,
    pub message: String,
}

impl Verdict {
    pub fn new(state: TaskState, reason: Reason, message: impl Into<String>) -> Self {
        Self { state, reason, message: message.into() }
    }

    pub fn status(&self, now: Time, task_id: TaskId, agent_id: Option<AgentId>) -> TaskStatus {
        TaskStatus {
            task_id,
            state: self.state.into(),
            message: Some(self.message.clone()),
            source: Some(Source::Master.into()),
            reason: Some(self.reason.into()),
            agent_id,
            timestamp: Some(now.as_secs_f64()),
            ..TaskStatus::default()
        }
    }

    /// The status of a known task, which also names its executor.
    pub fn of(&self, now: Time, task: &Task) -> TaskStatus {
        let status = self.status(now, task.task_id.clone(), Some(task.agent_id.clone()));
        TaskStatus { executor_id: task.executor_id.clone(), ..status }
    }
}

/// The state that the framework was last told, and the newest health, check and container of the task.
pub(super) fn latest(task: &Task, reason: Reason, message: &str, now: Time) -> TaskStatus {
    let state = task.status_update_state.and_then(|state| TaskState::try_from(state).ok());
    let last = task.statuses.last();
    TaskStatus {
        healthy: last.and_then(|status| status.healthy),
        check_status: last.and_then(|status| status.check_status),
        container_status: container_status(task),
        ..Verdict::new(state.unwrap_or_else(|| task.state()), reason, message).of(now, task)
    }
}

fn container_status(task: &Task) -> Option<ContainerStatus> {
    task.statuses.iter().rev().find_map(|status| status.container_status.clone())
}

pub(super) fn time_info(time: Time) -> TimeInfo {
    TimeInfo { nanoseconds: time.as_nanos() }
}
