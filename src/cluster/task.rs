//! One task of the cluster.

use std::sync::Arc;

use crate::{
    mesos::{
        time::Time,
        v1::{self, TaskState},
    },
    scheduler::{api::KillReason, quantities::Quantities},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: String,
    pub name: String,
    pub framework_id: Arc<str>,
    /// The framework's name, or its id while that is not known.
    pub framework: Arc<str>,
    pub agent_id: Arc<str>,
    /// The agent's hostname, or its id while that is not known.
    pub agent: Arc<str>,
    /// That of the task for a command task.
    pub executor_id: String,
    pub state: TaskState,
    /// When the first update came.
    pub started: Option<Time>,
    /// When it came into its state.
    pub since: Option<Time>,
    pub healthy: Option<bool>,
    /// Of the newest update that has one.
    pub message: String,
    /// Oldest first, one per state.
    pub history: Vec<Status>,
    pub resources: Quantities,
    pub more: More,
    /// What our scheduler says of it; none for tasks of others.
    pub ours: Option<Ours>,
    /// The order in which tasks came to be known.
    pub order: u64,
}

/// What only the detail of a task shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct More {
    /// `31000-31001,31005`
    pub ports: String,
    pub labels: Vec<(String, String)>,
    pub user: Option<String>,
    pub container_id: Option<String>,
    pub addresses: Vec<String>,
    /// `docker nginx:1.27`, `mesos`.
    pub container: Option<String>,
    /// The name of its discovery information.
    pub discovery: Option<String>,
}

/// One status update.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub at: Option<Time>,
    pub state: TaskState,
    /// Mesos' word: `REASON_COMMAND_EXECUTOR_FAILED`.
    pub reason: Option<v1::task_status::Reason>,
    pub source: Option<v1::task_status::Source>,
    pub message: String,
    pub healthy: Option<bool>,
}

/// What our scheduler knows of a task beyond what the master does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ours {
    pub slot: Option<u32>,
    /// How many tasks ended in its slot before it.
    pub restarts: u32,
    pub killing: Option<KillReason>,
    /// Launched with an older definition, to be replaced.
    pub outdated: bool,
    pub config_version: u64,
}

impl Task {
    pub fn is_over(&self) -> bool {
        is_over(self.state)
    }
}

/// Whether a task in this state never moves again.
pub fn is_over(state: TaskState) -> bool {
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
