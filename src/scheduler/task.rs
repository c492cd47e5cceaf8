//! One task as the framework knows it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    mesos::{
        time::Time,
        v1::{AgentId, TaskId, TaskState, TaskStatus, task_status::Reason},
    },
    scheduler::{api::KillReason, config::Executor},
};

/// A task that was launched and has not been seen to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: TaskId,
    /// The place it fills among the `num_of_node`; none for one too many.
    pub slot: Option<u32>,
    /// How many tasks left that place before it.
    pub restarts: u32,
    pub agent: Place,
    /// The version and fingerprint of the configuration it was launched with.
    pub version: u64,
    pub fingerprint: String,
    /// What runs it.
    pub executor: Executor,
    pub state: TaskState,
    pub launched_at: Time,
    pub running_since: Option<Time>,
    pub updated_at: Time,
    /// As its health check says, once it has said something.
    pub healthy: Option<bool>,
    pub ports: Vec<u32>,
    pub message: Option<String>,
    pub reason: Option<Reason>,
    pub kill: Option<Kill>,
}

/// Where a task runs, as the offer said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    pub id: Option<AgentId>,
    pub hostname: String,
    /// The fields that constraints speak of: attributes, `hostname`, `@region`, `@zone`.
    pub fields: BTreeMap<String, String>,
}

/// A task that is to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Kill {
    pub why: KillReason,
    /// How often KILL was sent.
    pub attempts: u32,
    /// When it is sent again.
    pub next: Time,
}

impl Task {
    /// A task of which only an update has told: launched by an earlier life of this framework.
    pub fn found(id: TaskId, now: Time) -> Self {
        Self {
            id,
            slot: None,
            restarts: 0,
            agent: Place::default(),
            version: 0,
            fingerprint: String::new(),
            executor: Executor::default(),
            state: TaskState::TaskStaging,
            launched_at: now,
            running_since: None,
            updated_at: now,
            healthy: None,
            ports: Vec::new(),
            message: None,
            reason: None,
            kill: None,
        }
    }

    /// Takes over what `status` says.
    pub fn observe(&mut self, now: Time, status: &TaskStatus) {
        self.state = status.state();
        self.updated_at = now;
        self.message.clone_from(&status.message);
        self.reason = status.reason.and_then(|reason| Reason::try_from(reason).ok());
        self.healthy = status.healthy.or(self.healthy);
        if self.agent.id.is_none() {
            self.agent.id.clone_from(&status.agent_id);
        }
        if self.state == TaskState::TaskRunning {
            self.running_since.get_or_insert(now);
        }
    }

    /// Runs, and no health check says otherwise; with `checked`, one has said so.
    pub fn is_settled(&self, checked: bool) -> bool {
        let healthy = if checked { self.healthy == Some(true) } else { self.healthy != Some(false) };
        self.state == TaskState::TaskRunning && healthy && self.kill.is_none()
    }

    pub fn is_unreachable(&self) -> bool {
        self.state == TaskState::TaskUnreachable
    }

    pub fn ran(&self, now: Time) -> Duration {
        self.running_since.map(|since| now.since(since)).unwrap_or_default()
    }
}

/// What a task state means for the place that the task fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It fills its place.
    Present,
    /// Its agent cannot be reached: it may return.
    Unreachable,
    /// The master knows nothing of it.
    Unknown,
    /// It has ended by itself or was killed.
    Ended,
    /// It went with its agent or never got there.
    Lost,
}

impl Standing {
    pub fn of(state: TaskState) -> Self {
        match state {
            TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling => Self::Present,
            TaskState::TaskUnreachable => Self::Unreachable,
            TaskState::TaskUnknown => Self::Unknown,
            TaskState::TaskFinished
            | TaskState::TaskFailed
            | TaskState::TaskKilled
            | TaskState::TaskError => Self::Ended,
            TaskState::TaskLost
            | TaskState::TaskDropped
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator => Self::Lost,
        }
    }
}
