//! What the agent knows of frameworks, their executors and their tasks.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    engine::executor::{Program, custom::CustomExecutor},
    mesos::{
        time::Time,
        v1::{
            ContainerId, ContainerStatus, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy,
            NetworkInfo, Resource, Task, TaskId, TaskInfo, TaskState, TaskStatus,
            framework_info::capability,
            network_info::{IpAddress, Protocol},
            task_status::Source,
        },
    },
};

/// Completed tasks that are kept with their executor, as in Mesos.
pub const MAX_COMPLETED_TASKS_PER_EXECUTOR: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameworkState {
    Running,
    Terminating,
}

/// A framework with something on this agent.
#[derive(Clone, Debug)]
pub struct Framework {
    /// With its id.
    pub info: FrameworkInfo,
    pub state: FrameworkState,
    pub executors: BTreeMap<ExecutorId, Executor>,
    /// Oldest first.
    pub completed_executors: VecDeque<Executor>,
}

impl Framework {
    pub fn new(info: FrameworkInfo) -> Self {
        Self {
            info,
            state: FrameworkState::Running,
            executors: BTreeMap::new(),
            completed_executors: VecDeque::new(),
        }
    }

    pub fn id(&self) -> FrameworkId {
        self.info.id.clone().unwrap_or_default()
    }

    pub fn is_idle(&self) -> bool {
        self.executors.is_empty()
    }

    pub fn has_capability(&self, kind: capability::Type) -> bool {
        self.info.capabilities.iter().any(|capability| capability.r#type() == kind)
    }

    /// The executor that has this task, queued, launched or terminated.
    pub fn executor_of(&self, task_id: &TaskId) -> Option<&Executor> {
        self.executors
            .get(&ExecutorId::new(task_id.as_str()))
            .filter(|executor| executor.has_task(task_id))
            .or_else(|| self.executors.values().find(|executor| executor.has_task(task_id)))
    }

    /// Tasks that have not ended, with their kill policy.
    pub(super) fn live_tasks(&self) -> impl Iterator<Item = (TaskId, Option<KillPolicy>)> {
        self.executors.values().flat_map(|executor| {
            let queued = executor.queued_tasks.values().map(|task| (task.task_id.clone(), task.kill_policy));
            let launched =
                executor.launched_tasks.values().map(|task| (task.task_id.clone(), task.kill_policy));
            queued.chain(launched)
        })
    }

    pub(super) fn complete(&mut self, executor: Executor, limit: usize) {
        push_bounded(&mut self.completed_executors, executor, limit);
    }
}

/// How long a command executor stays after its task, so that what it said last has time to arrive: `reaped` in Mesos'
/// `launcher/executor.cpp`.
pub const COMMAND_EXECUTOR_STAYS: Duration = Duration::from_secs(1);

/// The states of an executor in Mesos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutorState {
    Registering,
    Running,
    Terminating,
    Terminated,
}

/// A container and the tasks in it.
#[derive(Clone, Debug)]
pub struct Executor {
    pub info: ExecutorInfo,
    pub container_id: ContainerId,
    /// The sandbox.
    pub directory: String,
    pub state: ExecutorState,
    /// The process, while it runs and after.
    pub pid: Option<u32>,
    /// Made up by the agent for a task that brought a command, not an executor.
    pub generated_for_command_task: bool,
    pub queued_tasks: BTreeMap<TaskId, TaskInfo>,
    pub launched_tasks: BTreeMap<TaskId, Task>,
    /// Terminal, with an update that is not yet acknowledged.
    pub terminated_tasks: BTreeMap<TaskId, Task>,
    /// Oldest first.
    pub completed_tasks: VecDeque<Task>,
    /// Those of a default executor whose tasks are not over.
    pub nested: BTreeMap<ContainerId, Nested>,
    /// None when it is over, and of an executor that this agent cannot run.
    pub(super) program: Option<Program>,
    /// Killed then, if it has not ended by itself.
    pub(super) destroy_at: Option<Time>,
    /// Its one task has ended, and it goes then.
    pub(super) leaves_at: Option<Time>,
    pub(super) shutdown_grace_period: Duration,
}

/// The container of a task in a group, inside of its executor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    pub task_id: TaskId,
    /// The process, as soon as it runs.
    pub pid: Option<u32>,
}

impl Executor {
    pub fn id(&self) -> &ExecutorId {
        &self.info.executor_id
    }

    pub fn has_task(&self, task_id: &TaskId) -> bool {
        self.queued_tasks.contains_key(task_id)
            || self.launched_tasks.contains_key(task_id)
            || self.terminated_tasks.contains_key(task_id)
    }

    pub fn has_incomplete_tasks(&self) -> bool {
        !(self.queued_tasks.is_empty() && self.launched_tasks.is_empty() && self.terminated_tasks.is_empty())
    }

    /// What the executor and its live tasks use.
    pub fn allocated(&self) -> impl Iterator<Item = &Resource> {
        let queued = self.queued_tasks.values().flat_map(|task| &task.resources);
        let launched = self.launched_tasks.values().flat_map(|task| &task.resources);
        self.info.resources.iter().chain(queued).chain(launched)
    }

    /// The process of the executor, or those of its tasks.
    pub fn processes(&self) -> impl Iterator<Item = u32> {
        let own = self.pid.filter(|_| !self.is_leaving());
        own.into_iter().chain(self.nested.values().filter_map(|nested| nested.pid))
    }

    /// Whether its one task has ended, and with it the process, while the executor itself stays a moment.
    pub fn is_leaving(&self) -> bool {
        self.leaves_at.is_some()
    }

    /// The status of the executor's container, or of the nested one of a task, which is bare while there is no process.
    pub fn container_status(
        &self,
        container_id: &ContainerId,
        state: TaskState,
        ip: core::net::IpAddr,
    ) -> ContainerStatus {
        let bare = ContainerStatus { container_id: Some(container_id.clone()), ..ContainerStatus::default() };
        let own = *container_id == self.container_id;
        let pid = if own { self.pid } else { self.nested.get(container_id).and_then(|nested| nested.pid) };
        if !own && (pid.is_none() || is_terminal(state)) {
            return bare;
        }
        let protocol = ip.is_ipv6().then(|| Protocol::IPv6.into());
        let address = IpAddress { protocol, ip_address: Some(ip.to_string()) };
        let network = NetworkInfo { ip_addresses: vec![address], ..NetworkInfo::default() };
        ContainerStatus { network_infos: vec![network], executor_pid: pid, ..bare }
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        let program = self.program.as_ref().and_then(Program::next_deadline);
        program.into_iter().chain(self.destroy_at).chain(self.leaves_at).min()
    }

    /// Its process has this number. The one of an image is Docker Engine's, and none of ours.
    pub(super) fn started(&mut self, pid: u32) {
        self.pid = Some(pid).filter(|_| !self.is_docker());
    }

    /// One for a task with an image.
    pub(super) fn is_docker(&self) -> bool {
        matches!(self.program, Some(Program::Docker(_)))
    }

    /// Its process has not begun, and something is fetched for it before.
    pub(super) fn is_fetching(&self) -> bool {
        let fetches = self.info.command.as_ref().is_some_and(|command| !command.uris.is_empty());
        fetches && self.state == ExecutorState::Registering && self.pid.is_none()
    }

    /// One for groups of tasks.
    pub(super) fn is_default(&self) -> bool {
        matches!(self.program, Some(Program::Default(_)))
    }

    /// One that is a process of its own.
    pub(super) fn is_custom(&self) -> bool {
        self.custom().is_some()
    }

    pub(super) fn custom(&self) -> Option<&CustomExecutor> {
        match &self.program {
            Some(Program::Custom(custom)) => Some(custom),
            _ => None,
        }
    }

    pub(super) fn custom_mut(&mut self) -> Option<&mut CustomExecutor> {
        match &mut self.program {
            Some(Program::Custom(custom)) => Some(custom),
            _ => None,
        }
    }

    /// Whether any task has reached the executor.
    pub(super) fn ever_sent_task(&self) -> bool {
        let ended = self.terminated_tasks.values().chain(&self.completed_tasks);
        let mut said = ended.flat_map(|task| &task.statuses);
        !self.launched_tasks.is_empty() || said.any(|status| status.source() == Source::Executor)
    }

    /// Where an input for a task has to go: its nested container, or the one of the executor. None when it is over.
    pub(super) fn container_of(&self, task_id: &TaskId) -> Option<&ContainerId> {
        match &self.program {
            Some(Program::Default(default)) => default.container_of(task_id),
            _ => Some(&self.container_id),
        }
    }

    /// Moves a queued task to the launched ones.
    pub(super) fn launch_queued(&mut self, framework_id: &FrameworkId) {
        for (id, task) in std::mem::take(&mut self.queued_tasks) {
            self.launched_tasks.insert(id, create_task(&task, TaskState::TaskStaging, framework_id));
        }
    }

    /// Writes a status into its task. None when the task is not live here; else its newest state.
    pub(super) fn update_task(
        &mut self,
        status: &TaskStatus,
        framework_id: &FrameworkId,
    ) -> Option<TaskState> {
        let mut task = self.live_task(&status.task_id, framework_id)?;
        if task.statuses.last().is_some_and(|last| last.state == status.state) {
            task.statuses.pop();
        }
        task.statuses.push(status.clone());
        task.state = status.state;
        let live =
            if is_terminal(status.state()) { &mut self.terminated_tasks } else { &mut self.launched_tasks };
        live.insert(status.task_id.clone(), task);
        Some(status.state())
    }

    fn live_task(&mut self, task_id: &TaskId, framework_id: &FrameworkId) -> Option<Task> {
        let queued = self.queued_tasks.remove(task_id);
        queued
            .map(|task| create_task(&task, TaskState::TaskStaging, framework_id))
            .or_else(|| self.launched_tasks.remove(task_id))
    }

    pub(super) fn complete_task(&mut self, task_id: &TaskId) {
        self.custom_mut().into_iter().for_each(|custom| custom.forget(task_id));
        if let Some(task) = self.terminated_tasks.remove(task_id) {
            push_bounded(&mut self.completed_tasks, task, MAX_COMPLETED_TASKS_PER_EXECUTOR);
        }
    }

    /// For a framework that is going and will acknowledge nothing more.
    pub(super) fn abandon_tasks(&mut self) {
        self.queued_tasks.clear();
        let launched = std::mem::take(&mut self.launched_tasks);
        let tasks: Vec<Task> =
            launched.into_values().chain(std::mem::take(&mut self.terminated_tasks).into_values()).collect();
        for task in tasks {
            push_bounded(&mut self.completed_tasks, task, MAX_COMPLETED_TASKS_PER_EXECUTOR);
        }
    }
}

pub(super) fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, limit: usize) {
    queue.push_back(item);
    while queue.len() > limit {
        queue.pop_front();
    }
}

/// Whether a task in this state will never run again.
pub fn is_terminal(state: TaskState) -> bool {
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

/// The task that Mesos keeps for a task description.
pub fn create_task(task: &TaskInfo, state: TaskState, framework_id: &FrameworkId) -> Task {
    let user = task.command.as_ref().and_then(|command| command.user.clone());
    let executor_command = task.executor.as_ref().and_then(|executor| executor.command.as_ref());
    Task {
        name: task.name.clone(),
        task_id: task.task_id.clone(),
        framework_id: framework_id.clone(),
        executor_id: task.executor.as_ref().map(|executor| executor.executor_id.clone()),
        agent_id: task.agent_id.clone(),
        state: state.into(),
        resources: task.resources.clone(),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        container: task.container.clone(),
        health_check: task.health_check.clone(),
        kill_policy: task.kill_policy,
        user: user.or_else(|| executor_command.and_then(|command| command.user.clone())),
        limits: task.limits.clone(),
        ..Task::default()
    }
}
