//! Groups of tasks: given to a default executor of their own, or to one that runs already.
//!
//! The default executor has no process here; each of its tasks is one, in a container nested in the executor's.

use serde::{Deserialize, Serialize};

use super::{
    Agent, AgentState, Command, Effect, Executor, ExecutorState, FrameworkState, Launch, Nested,
    account::Account,
    environment::nested_environment,
    frameworks::create_task,
    launch::{Unsupported, has_capability, new_executor, path_component, runs_directory, started},
    setup::{self, Setup},
};
use crate::{
    engine::{
        executor::{self, Program, Signal, custom::Queued, group::DefaultExecutor},
        wire::LaunchTerms,
    },
    mesos::{
        time::Time,
        v1::{
            ContainerId, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, TaskGroupInfo, TaskInfo,
            TaskState, executor_info, framework_info::capability, task_status::Reason,
        },
    },
};

/// The sandbox of an executor without a process: with empty stdout and stderr, as every sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pub directory: String,
    /// A symbolic link to it, to be created or moved.
    pub latest: String,
    /// Whose it is; none: whoever runs the agent.
    #[serde(default)]
    pub account: Option<Account>,
}

/// Tasks with the nested containers that they get.
pub(super) type NestedTasks = Vec<(ContainerId, TaskInfo)>;

impl Agent {
    /// A group for another agent, or for one that is going, is dropped as in Mesos.
    pub(super) fn run_task_group(
        &mut self,
        now: Time,
        framework: FrameworkInfo,
        executor: ExecutorInfo,
        (group, terms): (TaskGroupInfo, &LaunchTerms),
    ) {
        let (Some(framework_id), Some(agent_id)) = (framework.id.clone(), self.info.id.clone()) else {
            return;
        };
        let elsewhere = group.tasks.iter().any(|task| task.agent_id != agent_id);
        if elsewhere || self.state == AgentState::Terminating || self.ignores(&framework_id, &group) {
            return;
        }
        if let Some(refusal) = self.refusal(&framework_id, &executor.executor_id, &group.tasks, terms) {
            let tasks = (group.tasks.as_slice(), terms);
            return self.drop_tasks(now, &framework, &executor.executor_id, tasks, &refusal);
        }
        let framework = self.framework_of(framework).info.clone();
        if executor.r#type() == executor_info::Type::Default {
            return self.launch_group(now, &framework, executor, group.tasks);
        }
        let mut tasks = group.tasks.clone();
        tasks.iter_mut().for_each(|task| task.executor = Some(executor.clone()));
        self.run_custom(now, &framework, executor, (tasks, Queued::Group(group)));
    }

    /// A framework that is going gets nothing, and a task runs once.
    fn ignores(&self, framework_id: &FrameworkId, group: &TaskGroupInfo) -> bool {
        self.frameworks.get(framework_id).is_some_and(|known| {
            let runs = |task: &TaskInfo| known.executor_of(&task.task_id).is_some();
            known.state == FrameworkState::Terminating || group.tasks.iter().any(runs)
        })
    }

    fn launch_group(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        info: ExecutorInfo,
        tasks: Vec<TaskInfo>,
    ) {
        let framework_id = framework.id.clone().unwrap_or_default();
        let executor_id = info.executor_id.clone();
        let unsupported = unsupported(&info);
        let Some((container_id, sandbox)) = self.default_executor(now, framework, info, &tasks) else {
            return;
        };
        if let Some(message) = unsupported {
            return self.refuse_group(now, &container_id, tasks, &message);
        }
        let tasks: NestedTasks =
            tasks.into_iter().map(|task| (self.nested_in(&container_id), task)).collect();
        self.enter_group(&framework_id, &executor_id, &tasks);
        self.remember_group(&framework_id, &container_id, &tasks);
        self.effects.extend(sandbox.map(|sandbox| Effect::Sandbox(Box::new(sandbox))));
        let launches: Vec<_> =
            tasks.iter().map(|(id, task)| (id.clone(), self.nested_launch(framework, id, task))).collect();
        let starts = launches.into_iter().zip(&tasks).map(|((id, launch), (_, task))| {
            launch.map(|launch| started(launch, task)).map_err(|why| (id, why))
        });
        let (starts, failures): (Vec<_>, Vec<_>) = starts.partition(Result::is_ok);
        let Some(Program::Default(default)) =
            self.executor_mut(&container_id).and_then(|it| it.program.as_mut())
        else {
            return;
        };
        let actions = default.launch(now, tasks);
        self.carry_out(now, actions);
        self.effects.extend(starts.into_iter().flatten());
        for (container_id, why) in failures.into_iter().filter_map(Result::err) {
            self.launch_failed(now, &container_id, &why);
        }
    }

    fn nested_in(&mut self, container_id: &ContainerId) -> ContainerId {
        ContainerId { value: self.uuid().to_string(), parent: Some(Box::new(container_id.clone())) }
    }

    /// The default executor of this id; with its sandbox if it is a new one. None where it can have none: the tasks are
    /// dropped then.
    fn default_executor(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        info: ExecutorInfo,
        tasks: &[TaskInfo],
    ) -> Option<(ContainerId, Option<Sandbox>)> {
        let framework_id = framework.id.clone().unwrap_or_default();
        let executor_id = info.executor_id.clone();
        let known = self.frameworks.get(&framework_id);
        if let Some(executor) = known.and_then(|known| known.executors.get(&executor_id)) {
            return Some((executor.container_id.clone(), None));
        }
        let container_id = ContainerId { value: self.uuid().to_string(), parent: None };
        let agent_id = self.info.id.clone().unwrap_or_default();
        let runs = runs_directory(&self.config.work_dir, &agent_id, framework, &info);
        let directory = format!("{runs}/{container_id}");
        if self.drop_without_sandbox(now, framework, (&info, &directory), tasks) {
            return None;
        }
        self.enter_default_executor(framework, info, (container_id.clone(), directory.clone()));
        let account = self.account_at(&container_id);
        Some((container_id, Some(Sandbox { directory, latest: format!("{runs}/latest"), account })))
    }

    pub(super) fn enter_default_executor(
        &mut self,
        framework: &FrameworkInfo,
        info: ExecutorInfo,
        (container_id, directory): (ContainerId, String),
    ) {
        let framework_id = framework.id.clone().unwrap_or_default();
        let executor_id = info.executor_id.clone();
        let killing_state = has_capability(framework, capability::Type::TaskKillingState);
        let program = Program::Default(DefaultExecutor::new(executor_id.clone(), killing_state));
        let place = (container_id.clone(), directory);
        let executor = new_executor(&self.config, info, place, Some(program), Vec::new());
        let executor = Executor { state: ExecutorState::Running, ..executor };
        self.containers.insert(container_id, (framework_id.clone(), executor_id.clone()));
        if let Some(framework) = self.frameworks.get_mut(&framework_id) {
            framework.executors.insert(executor_id, executor);
        }
    }

    /// What cannot be done for the executor fails the whole group, and a new executor with it.
    fn refuse_group(&mut self, now: Time, container_id: &ContainerId, tasks: Vec<TaskInfo>, message: &str) {
        let Some((framework_id, executor_id)) = self.containers.get(container_id).cloned() else { return };
        let Some(executor) = self.executor_mut(container_id) else { return };
        let ids: Vec<_> = tasks.iter().map(|task| task.task_id.clone()).collect();
        executor.queued_tasks.extend(tasks.into_iter().map(|task| (task.task_id.clone(), task)));
        if executor.nested.is_empty() {
            return self.launch_failed(now, container_id, message);
        }
        self.counters.container_launch_errors += 1;
        let message = format!("Failed to launch container: {message}");
        for task_id in ids {
            let failed = (TaskState::TaskFailed, Reason::ContainerLaunchFailed, message.as_str());
            self.agent_update(now, &framework_id, &executor_id, &task_id, failed);
        }
    }

    pub(super) fn enter_group(
        &mut self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        tasks: &NestedTasks,
    ) {
        let framework = self.frameworks.get_mut(framework_id);
        let Some(executor) = framework.and_then(|it| it.executors.get_mut(executor_id)) else { return };
        for (container_id, task) in tasks {
            let (id, nested) = (task.task_id.clone(), Nested { task_id: task.task_id.clone(), pid: None });
            executor.nested.insert(container_id.clone(), nested);
            executor.launched_tasks.insert(id, create_task(task, TaskState::TaskStaging, framework_id));
            self.containers.insert(container_id.clone(), (framework_id.clone(), executor_id.clone()));
        }
    }

    fn nested_launch(
        &mut self,
        framework: &FrameworkInfo,
        container_id: &ContainerId,
        task: &TaskInfo,
    ) -> Result<Launch, String> {
        let (ip, survives) = (self.config.ip, self.config.checkpoints && framework.checkpoint());
        let gone = || "the executor is gone".to_owned();
        let sandbox = &self.executor_mut(container_id).ok_or_else(gone)?.directory.clone();
        let directory = format!("{sandbox}/containers/{container_id}");
        let latest = format!("{sandbox}/tasks/{}", path_component(task.task_id.as_str()));
        let info = task.command.clone().unwrap_or_default();
        let account = self.nested_account(&info, container_id);
        let account =
            account.map_err(|why| format!("Failed to create nested sandbox '{directory}': {why}"))?;
        let (setup, command) = nested_command(task, sandbox).map_err(in_words)?;
        Ok(Launch {
            latest,
            command,
            environment: nested_environment(ip, task, &directory),
            container_id: container_id.clone(),
            directory,
            survives,
            setup: Setup { account, ..setup },
        })
    }

    pub(super) fn nested_launched(&mut self, now: Time, container_id: &ContainerId, pid: u32) {
        let executor = self.executor_mut(container_id);
        let Some(nested) = executor.and_then(|executor| executor.nested.get_mut(container_id)) else {
            self.signal(container_id, Signal::Kill);
            return;
        };
        nested.pid = Some(pid);
        self.command(now, container_id, executor::Input::Launched);
    }

    /// Forgets the containers of tasks that are over, and ends their executor after the last.
    pub(super) fn bury_nested(&mut self, now: Time, container_id: &ContainerId) {
        let Some(executor) = self.executor_mut(container_id) else { return };
        let Some(Program::Default(default)) = &executor.program else { return };
        let (executor_container, done) = (executor.container_id.clone(), default.is_done());
        let over: Vec<ContainerId> =
            executor.nested.keys().filter(|container_id| !default.has(container_id)).cloned().collect();
        executor.nested.retain(|container_id, _| !over.contains(container_id));
        self.containers.retain(|container_id, _| !over.contains(container_id));
        if done {
            let (reason, message) = (Reason::ExecutorTerminated, "Executor exited with status 0");
            self.executor_terminated(now, &executor_container, reason, message);
        }
    }
}

/// What an executor itself cannot have here is refused in words, never ignored.
fn unsupported(executor: &ExecutorInfo) -> Option<String> {
    match setup::of_container(executor.container.as_ref()?, None) {
        Err(unsupported) => Some(in_words(unsupported)),
        Ok(setup) if !setup.links.is_empty() => Some("Volumes in ContainerInfo is not supported".to_owned()),
        Ok(_) => None,
    }
}

fn in_words(unsupported: Unsupported) -> String {
    match unsupported {
        Unsupported::Here(message) => message,
        Unsupported::Container | Unsupported::Options(_) | Unsupported::NoCommand => {
            "The provided ContainerInfo is not supported".to_owned()
        }
    }
}

/// What a task needs, and what it executes.
fn nested_command(task: &TaskInfo, sandbox: &str) -> Result<(Setup, Command), Unsupported> {
    let info = task.command.clone().unwrap_or_default();
    let setup = setup::setup(&info, task.container.as_ref(), Some(sandbox))?;
    Ok((setup, Command::or_complaint(&info)))
}
