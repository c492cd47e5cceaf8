//! From a task description to a running container.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Agent, AgentConfig, AgentState, Command, Effect, Executor, ExecutorState, Framework, FrameworkState,
    account::Account,
    docker::is_docker,
    environment::{Surroundings, environment},
    nested::{Attended, Streams},
    refusal::Refusal,
    setup::{self, Setup},
};
use crate::{
    engine::{
        executor::{
            self, CommandExecutor, Program, Signal,
            docker::{DockerExecutor, Inspected},
            grace_period,
        },
        wire::LaunchTerms,
    },
    mesos::{
        time::Time,
        v1::{
            AgentId, CommandInfo, ContainerId, DurationInfo, ExecutorId, ExecutorInfo, FrameworkInfo,
            Resource, TaskInfo, container_info, framework_info::capability, resource::AllocationInfo,
            task_status::Reason, value,
        },
    },
};

/// Mesos gives the executor this much more than the task's kill policy asks, and takes it off again.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(2);

/// A container to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    pub container_id: ContainerId,
    /// The sandbox, to be created; also the working directory.
    pub directory: String,
    /// A symbolic link to the sandbox, to be created or moved: `latest` of an executor, `tasks/ID` in that of a group;
    /// empty where there is none.
    pub latest: String,
    pub command: Command,
    /// The whole environment; nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// It outlives the agent's process, for the next one to take over.
    pub survives: bool,
    /// What comes before the start of the process.
    #[serde(default)]
    pub setup: Setup,
}

impl Agent {
    /// A task for another agent, or for one that is going, is dropped as in Mesos.
    pub(super) fn run_task(
        &mut self,
        now: Time,
        framework: FrameworkInfo,
        task: TaskInfo,
        terms: &LaunchTerms,
    ) {
        let (Some(framework_id), Some(agent_id)) = (framework.id.clone(), self.info.id.clone()) else {
            return;
        };
        if task.agent_id != agent_id || self.state == AgentState::Terminating {
            return;
        }
        let own = task.executor.is_none();
        let executor_id = task.executor.as_ref().map(|executor| executor.executor_id.clone());
        let executor_id = executor_id.unwrap_or_else(|| ExecutorId::new(task.task_id.as_str()));
        if let Some(refusal) = self.refusal_of_all(&executor_id, std::slice::from_ref(&task)) {
            return self.drop_task(now, &framework, &task.task_id, &refusal);
        }
        let known = self.framework_of(framework);
        if known.state == FrameworkState::Terminating || known.executor_of(&task.task_id).is_some() {
            return;
        }
        let framework = known.info.clone();
        let there = known.executors.get(&executor_id).filter(|executor| own || executor.is_default());
        if let Some(leaving) = there.filter(|executor| executor.is_leaving()) {
            let container_id = leaving.container_id.clone();
            return self.refuse_second_task(now, &container_id, task);
        }
        if there.is_some() {
            let terminating = Refusal::new(Reason::ExecutorTerminated, "Executor terminating");
            return self.drop_task(now, &framework, &task.task_id, &terminating);
        }
        if task.executor.is_some() {
            return self.run_custom_task(now, &framework, task, terms);
        }
        let Some(container_id) = self.add_command_executor(now, &framework, &agent_id, &task) else { return };
        match self.prepare(&framework, &agent_id, &container_id, &task) {
            Ok(launch) => {
                self.fetch_by(now, &container_id);
                self.remember_launch(&framework_id, &container_id, &task);
                self.effects.push(launch);
            }
            Err(unsupported) => self.unsupported(now, &container_id, unsupported),
        }
    }

    /// The framework that something is launched for; one that was here before is here again, with what it had.
    pub(super) fn framework_of(&mut self, info: FrameworkInfo) -> &mut Framework {
        let id = info.id.clone().unwrap_or_default();
        let before = self.completed_frameworks.iter().position(|framework| framework.id() == id);
        let before = before.filter(|_| !self.frameworks.contains_key(&id));
        let before = before.and_then(|at| self.completed_frameworks.remove(at));
        self.frameworks.entry(id).or_insert_with(|| Framework {
            completed_executors: before.map(|framework| framework.completed_executors).unwrap_or_default(),
            ..Framework::new(info)
        })
    }

    /// Ends a task as Mesos' agent and executor do that cannot run it either.
    pub(super) fn unsupported(&mut self, now: Time, container_id: &ContainerId, unsupported: Unsupported) {
        match unsupported {
            Unsupported::Here(message) => self.launch_failed(now, container_id, &message),
            Unsupported::Container => {
                let message = "Abnormal executor termination: unknown container";
                self.executor_terminated(now, container_id, Reason::ExecutorTerminated, message);
            }
            Unsupported::Options(message) => {
                let message = format!("Failed to create docker run options: {message}");
                self.command(now, container_id, executor::Input::Starting);
                self.command(now, container_id, executor::Input::Missing(message));
                let terminated = "Executor terminated";
                self.executor_terminated(now, container_id, Reason::ExecutorTerminated, terminated);
            }
            Unsupported::NoCommand => {
                self.command(now, container_id, executor::Input::Aborted);
                self.executor_terminated(
                    now,
                    container_id,
                    Reason::ExecutorTerminated,
                    "Executor terminated",
                );
            }
        }
    }

    /// None when it can have no sandbox; the task is dropped then.
    fn add_command_executor(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        agent_id: &AgentId,
        task: &TaskInfo,
    ) -> Option<ContainerId> {
        let info = command_executor_info(framework, task, &self.config.launcher_dir);
        let framework_id = framework.id.clone().unwrap_or_default();
        let executor_id = info.executor_id.clone();
        let container_id = ContainerId { value: self.uuid().to_string(), parent: None };
        let runs = runs_directory(&self.config.work_dir, agent_id, framework, &info);
        let place = (container_id.clone(), format!("{runs}/{container_id}"));
        if self.drop_without_sandbox(now, framework, (&info, &place.1), std::slice::from_ref(task)) {
            return None;
        }
        let killing_state = has_capability(framework, capability::Type::TaskKillingState);
        let program = task_program(&self.config, &info, task, killing_state);
        let executor = new_executor(&self.config, info, place, Some(program), vec![task.clone()]);
        self.containers.insert(container_id.clone(), (framework_id.clone(), executor_id.clone()));
        if let Some(framework) = self.frameworks.get_mut(&framework_id) {
            framework.executors.insert(executor_id, executor);
        }
        Some(container_id)
    }

    fn prepare(
        &mut self,
        framework: &FrameworkInfo,
        agent_id: &AgentId,
        container_id: &ContainerId,
        task: &TaskInfo,
    ) -> Result<Effect, Unsupported> {
        let Some(info) = &task.command else {
            return Err(Unsupported::Here("the task has neither a command nor an executor".to_owned()));
        };
        let config = self.config.clone();
        let framework_id = framework.id.clone().unwrap_or_default();
        let account = self.account_at(container_id);
        let Some(executor) = self.executor_mut(container_id) else {
            return Err(Unsupported::Here("the executor is gone".to_owned()));
        };
        let runs = runs_directory(&config.work_dir, agent_id, framework, &executor.info);
        let place = Place {
            container_id: container_id.clone(),
            directory: executor.directory.clone(),
            latest: format!("{runs}/latest"),
            survives: config.checkpoints && framework.checkpoint(),
            account,
        };
        if is_docker(task) {
            return self.prepare_docker(&framework_id, task, place).map(|run| Effect::Run(Box::new(run)));
        }
        let setup = setup::setup(info, task.container.as_ref(), None)?;
        let command = Command::from_info(info).ok_or(Unsupported::NoCommand)?;
        let environment = environment(&Surroundings {
            config: &config,
            agent_id,
            framework,
            executor: &executor.info,
            task,
            directory: &executor.directory,
            shutdown_grace_period: executor.shutdown_grace_period,
        });
        let Place { container_id, directory, latest, survives, account } = place;
        let setup = Setup { account, ..setup };
        let launch = Launch { container_id, directory, latest, command, environment, survives, setup };
        Ok(started(launch, task))
    }

    /// As in Mesos an executor has as long to register as a fetch may take.
    fn fetch_by(&mut self, now: Time, container_id: &ContainerId) {
        let timeout = self.config.executor_registration_timeout;
        let fetching = self.executor_mut(container_id).filter(|executor| executor.is_fetching());
        fetching.into_iter().for_each(|executor| executor.destroy_at = Some(now + timeout));
    }

    /// What Docker Engine says of a container is for its executor to tell.
    pub(super) fn inspected(&mut self, container_id: &ContainerId, inspected: Inspected) {
        let program = self.executor_mut(container_id).and_then(|executor| executor.program.as_mut());
        if let Some(Program::Docker(docker)) = program {
            docker.inspected(inspected);
        }
    }

    pub(super) fn launched(&mut self, now: Time, container_id: &ContainerId, pid: u32) {
        if container_id.parent.is_some() {
            return self.nested_launched(now, container_id, pid);
        }
        let known = self.containers.get(container_id).cloned();
        let (Some((framework_id, _)), Some(executor)) = (known, self.executor_mut(container_id)) else {
            self.signal(container_id, Signal::Kill);
            return;
        };
        if executor.is_custom() {
            return self.custom_launched(container_id, pid);
        }
        executor.started(pid);
        if executor.state == ExecutorState::Registering && !executor.queued_tasks.is_empty() {
            executor.destroy_at = None;
            executor.state = ExecutorState::Running;
            executor.launch_queued(&framework_id);
            self.command(now, container_id, executor::Input::Launched);
        } else {
            self.signal(container_id, Signal::Kill);
        }
    }

    pub(super) fn launch_failed(&mut self, now: Time, container_id: &ContainerId, message: &str) {
        if container_id.parent.is_some() {
            return self.command(now, container_id, executor::Input::Missing(message.to_owned()));
        }
        self.counters.container_launch_errors += 1;
        let message = format!("Failed to launch container: {message}");
        self.executor_terminated(now, container_id, Reason::ContainerLaunchFailed, &message);
    }
}

/// The start of a task's process. One with a terminal does not outlive the agent, who holds the other end.
pub(super) fn started(launch: Launch, task: &TaskInfo) -> Effect {
    match Streams::of(task.container.as_ref(), false) {
        Streams::Files => Effect::Launch(Box::new(launch)),
        streams => {
            let launch = Launch { survives: false, ..launch };
            Effect::Attend(Box::new(Attended { launch, streams, inherits: None }))
        }
    }
}

/// Where a container is to be, and how long.
pub(super) struct Place {
    pub container_id: ContainerId,
    pub directory: String,
    pub latest: String,
    pub survives: bool,
    pub account: Option<Account>,
}

/// Why a task cannot run.
pub(super) enum Unsupported {
    /// Mesos could run it, this agent cannot: in words.
    Here(String),
    /// No containerizer takes it.
    Container,
    /// Mesos' docker executor cannot run it either: why.
    Options(String),
    /// Mesos' command executor aborts when there is nothing to execute.
    NoCommand,
}

/// Limits need isolators that posix agents do not have.
pub(super) fn supported_limits(task: &TaskInfo) -> Result<(), &'static str> {
    if task.container.as_ref().is_some_and(|container| container.r#type() == container_info::Type::Docker) {
        return Ok(());
    }
    if task.limits.contains_key("cpus") {
        return Err("CPU limits can only be set on tasks launched in Mesos containers when the agent has \
                    loaded the 'cgroups/cpu' isolator");
    }
    if task.limits.contains_key("mem") {
        return Err(
            "Memory limits can only be set on tasks launched in Mesos containers when the agent has \
                    loaded the 'cgroups/mem' isolator",
        );
    }
    Ok(())
}

pub(super) fn has_capability(framework: &FrameworkInfo, kind: capability::Type) -> bool {
    framework.capabilities.iter().any(|capability| capability.r#type() == kind)
}

/// `work_dir/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs`, ids made safe for a path.
pub(super) fn runs_directory(
    work_dir: &str,
    agent_id: &AgentId,
    framework: &FrameworkInfo,
    executor: &ExecutorInfo,
) -> String {
    let framework_id = framework.id.as_ref().map(|id| id.value.as_str()).unwrap_or_default();
    format!(
        "{work_dir}/slaves/{}/frameworks/{}/executors/{}/runs",
        path_component(agent_id.as_str()),
        path_component(framework_id),
        path_component(executor.executor_id.as_str()),
    )
}

/// What executes a task that brings no executor.
pub(super) fn task_program(
    config: &AgentConfig,
    info: &ExecutorInfo,
    task: &TaskInfo,
    killing_state: bool,
) -> Program {
    match config.docker.as_ref().filter(|_| is_docker(task)) {
        None => Program::Command(Box::new(CommandExecutor::new(task.clone(), killing_state))),
        Some(docker) => {
            let longest = shutdown_grace_period(info, config.executor_shutdown_grace_period);
            let grace_period = docker.stop_timeout.unwrap_or(longest);
            Program::Docker(Box::new(DockerExecutor::new(task.clone(), killing_state, grace_period)))
        }
    }
}

/// An executor whose container is about to start; without `program` it is one that this agent cannot run.
pub(super) fn new_executor(
    config: &AgentConfig,
    info: ExecutorInfo,
    (container_id, directory): (ContainerId, String),
    program: Option<Program>,
    tasks: Vec<TaskInfo>,
) -> Executor {
    Executor {
        shutdown_grace_period: shutdown_grace_period(&info, config.executor_shutdown_grace_period),
        info,
        container_id,
        directory,
        state: ExecutorState::Registering,
        pid: None,
        generated_for_command_task: matches!(program, Some(Program::Command(_) | Program::Docker(_))),
        program,
        nested: BTreeMap::new(),
        queued_tasks: tasks.into_iter().map(|task| (task.task_id.clone(), task)).collect(),
        launched_tasks: BTreeMap::new(),
        terminated_tasks: BTreeMap::new(),
        completed_tasks: std::collections::VecDeque::new(),
        destroy_at: None,
        leaves_at: None,
    }
}

/// The master refuses ids that are no file names; this holds even if one slips through.
pub(super) fn path_component(id: &str) -> String {
    match id {
        "" | "." | ".." => format!("_{id}"),
        _ => id.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect(),
    }
}

fn shutdown_grace_period(info: &ExecutorInfo, default: Duration) -> Duration {
    let own = info.shutdown_grace_period.as_ref().and_then(|period| u64::try_from(period.nanoseconds).ok());
    own.map_or(default, Duration::from_nanos)
}

/// What the command executor gives the task of its own shutdown grace period.
pub(super) fn task_share(shutdown_grace_period: Duration) -> Duration {
    shutdown_grace_period.saturating_sub(SHUTDOWN_MARGIN)
}

/// The executor that Mesos makes up for a command task: the task's id, and an allowance of 0.1 cpus and 32 MB.
#[expect(deprecated, reason = "`source` is what Mesos sets")]
fn command_executor_info(framework: &FrameworkInfo, task: &TaskInfo, launcher_dir: &str) -> ExecutorInfo {
    let command = task.command.clone().unwrap_or_default();
    let name = format!("Command Executor (Task: {}) {}", task.task_id, Command::describe(&command));
    let grace_period = task.kill_policy.as_ref().and_then(grace_period).map(|grace| grace + SHUTDOWN_MARGIN);
    let nanoseconds = grace_period.map(|grace| i64::try_from(grace.as_nanos()).unwrap_or(i64::MAX));
    ExecutorInfo {
        executor_id: task.task_id.as_str().into(),
        framework_id: framework.id.clone(),
        container: task.container.clone(),
        command: Some(CommandInfo {
            shell: Some(false),
            value: Some(format!("{launcher_dir}/mesos-executor")),
            arguments: vec!["mesos-executor".to_owned(), format!("--launcher_dir={launcher_dir}")],
            ..command
        }),
        resources: executor_allowance(task),
        name: Some(name),
        source: Some(task.task_id.to_string()),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        shutdown_grace_period: nanoseconds.map(|nanoseconds| DurationInfo { nanoseconds }),
        ..ExecutorInfo::default()
    }
}

fn executor_allowance(task: &TaskInfo) -> Vec<Resource> {
    let role = task.resources.iter().find_map(|resource| resource.allocation_info.as_ref()?.role.clone());
    let scalar = |name: &str, value: f64| Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        allocation_info: role.clone().map(|role| AllocationInfo { role: Some(role) }),
        ..Resource::default()
    };
    vec![scalar("cpus", 0.1), scalar("mem", 32.0)]
}

#[cfg(test)]
mod tests {
    use super::path_component;

    #[test]
    fn no_id_leaves_the_work_directory() {
        assert_eq!(path_component(".."), "_..");
        assert_eq!(path_component("a/../b"), "a_.._b");
        assert_eq!(path_component("task-1"), "task-1");
    }
}
