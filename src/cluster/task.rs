//! One task of the cluster.

use std::sync::Arc;

use crate::{
    cluster::{
        amounts::{ports_text, quantities},
        fold::Names,
    },
    mesos::{
        time::Time,
        v1::{self, TaskState},
    },
    scheduler::{
        api::{Executor, KillReason, TaskView},
        quantities::Quantities,
    },
};

#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: String,
    pub name: String,
    pub framework_id: Arc<str>,
    /// The framework's name, or its id while that is not known.
    pub framework: Arc<str>,
    pub agent_id: Arc<str>,
    /// The agent's name, or its id while that is not known.
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
    /// Its id in the table, where another framework has a task of the same id.
    pub alias: Option<Box<str>>,
}

/// What only the detail of a task shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct More {
    /// `31000-31001,31005`
    pub ports: String,
    pub labels: Vec<(String, String)>,
    pub user: Option<String>,
    pub container_id: Option<String>,
    /// The container of the pod that it is in.
    pub pod: Option<String>,
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
    /// The strategy it was launched with.
    pub executor: Executor,
}

impl Task {
    /// Its id in the table of tasks: its own, or `FRAMEWORK/TASK` where that was taken.
    pub fn row(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.id)
    }

    pub fn is_over(&self) -> bool {
        is_over(self.state)
    }

    /// Framework and agent go by their ids, until somebody tells their names.
    pub(super) fn read(task: v1::Task, names: &mut Names) -> Self {
        let state = task.state();
        let framework_id = names.get(task.framework_id.as_str());
        let agent_id = names.get(task.agent_id.as_str());
        let executor_id = task.executor_id.map(|id| id.value).filter(|id| !id.is_empty());
        let mut read = Self {
            executor_id: executor_id.unwrap_or_else(|| task.task_id.value.clone()),
            id: task.task_id.value,
            name: task.name,
            framework: Arc::clone(&framework_id),
            framework_id,
            agent: Arc::clone(&agent_id),
            agent_id,
            state,
            started: None,
            since: None,
            healthy: None,
            message: String::new(),
            history: Vec::with_capacity(task.statuses.len()),
            resources: quantities(&task.resources),
            more: More {
                ports: ports_text(&task.resources),
                labels: task.labels.map(pairs).unwrap_or_default(),
                user: task.user,
                container: task.container.as_ref().map(container_text),
                discovery: task.discovery.and_then(|discovery| discovery.name),
                ..More::default()
            },
            ours: None,
            order: 0,
            alias: None,
        };
        task.statuses.into_iter().for_each(|status| read.take(status));
        read
    }

    /// Enters an update into the history, as Mesos does: one of the state of the last one replaces it.
    pub(super) fn take(&mut self, mut status: v1::TaskStatus) {
        if let Some(container) = status.container_status.take() {
            self.more.take(container);
        }
        let status = Status::read(status);
        self.started = self.started.or(status.at);
        self.healthy = status.healthy.or(self.healthy);
        if !status.message.is_empty() {
            self.message.clone_from(&status.message);
        }
        match self.history.last_mut() {
            Some(last) if last.state == status.state => *last = status,
            _ => {
                self.since = status.at.or(self.since);
                self.history.push(status);
            }
        }
    }
}

impl More {
    fn take(&mut self, status: v1::ContainerStatus) {
        if let Some(id) = status.container_id {
            self.container_id = Some(id.value);
            self.pod = id.parent.map(|parent| parent.value);
        }
        let addresses = status.network_infos.into_iter().flat_map(|network| network.ip_addresses);
        let addresses: Vec<_> = addresses.filter_map(|address| address.ip_address).collect();
        if !addresses.is_empty() {
            self.addresses = addresses;
        }
    }
}

impl Status {
    fn read(status: v1::TaskStatus) -> Self {
        Self {
            at: status.timestamp.and_then(Time::from_secs_f64),
            state: status.state(),
            reason: status.reason.is_some().then(|| status.reason()),
            source: status.source.is_some().then(|| status.source()),
            healthy: status.healthy,
            message: status.message.unwrap_or_default(),
        }
    }

    /// `Command exited with status 1 (REASON_COMMAND_EXECUTOR_FAILED)`; empty when nothing is said.
    pub fn why(&self) -> String {
        let reason = self.reason.map(|reason| reason.as_str_name());
        match (self.message.as_str(), reason) {
            (message, None) => message.to_owned(),
            ("", Some(reason)) => reason.to_owned(),
            (message, Some(reason)) => format!("{message} ({reason})"),
        }
    }
}

impl Ours {
    pub(super) fn of(view: &TaskView) -> Self {
        Self {
            slot: view.slot,
            restarts: view.restarts,
            killing: view.killing,
            outdated: view.outdated,
            config_version: view.config_version,
            executor: view.executor,
        }
    }
}

fn pairs(labels: v1::Labels) -> Vec<(String, String)> {
    labels.labels.into_iter().map(|label| (label.key, label.value.unwrap_or_default())).collect()
}

fn container_text(container: &v1::ContainerInfo) -> String {
    let image = container.docker.as_ref().map(|docker| docker.image.as_str());
    let kind = container.r#type().as_str_name().to_lowercase();
    image.map_or_else(|| kind.clone(), |image| format!("{kind} {image}"))
}

/// `running` for `TASK_RUNNING`, and so on.
pub fn word(state: TaskState) -> &'static str {
    match state {
        TaskState::TaskStaging => "staging",
        TaskState::TaskStarting => "starting",
        TaskState::TaskRunning => "running",
        TaskState::TaskKilling => "killing",
        TaskState::TaskFinished => "finished",
        TaskState::TaskFailed => "failed",
        TaskState::TaskKilled => "killed",
        TaskState::TaskError => "error",
        TaskState::TaskLost => "lost",
        TaskState::TaskDropped => "dropped",
        TaskState::TaskUnreachable => "unreachable",
        TaskState::TaskGone => "gone",
        TaskState::TaskGoneByOperator => "gone by operator",
        TaskState::TaskUnknown => "unknown",
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
