//! What a custom executor is given: a process, and tasks as soon as it has subscribed.

use super::super::{
    Agent, Command, Effect, ExecutorState, Launch,
    environment::executor_environment,
    frameworks::create_task,
    launch::{Unsupported, new_executor, runs_directory},
    setup::{self, Setup},
};
use crate::{
    engine::{
        executor::{
            Program, Signal,
            custom::{CustomExecutor, Queued},
        },
        wire::LaunchTerms,
    },
    mesos::{
        time::Time,
        v1::{
            ContainerId, ExecutorInfo, FrameworkId, FrameworkInfo, TaskId, TaskInfo, TaskState,
            executor::{Event, event},
        },
    },
};

impl Agent {
    /// Tasks for a custom executor, which is launched if it is not there. What `queued` names is in `tasks`.
    pub(in super::super) fn run_custom(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        info: ExecutorInfo,
        (tasks, queued): (Vec<TaskInfo>, Queued),
    ) {
        let framework_id = framework.id.clone().unwrap_or_default();
        let known = self.frameworks.get(&framework_id);
        let there = known.and_then(|known| known.executors.get(&info.executor_id));
        match there.map(|executor| (executor.container_id.clone(), executor.state)) {
            None => self.launch_custom(now, framework, info, (tasks, queued)),
            Some((container_id, state)) => {
                self.enqueue_custom(&framework_id, &container_id, (tasks, queued));
                if state == ExecutorState::Running {
                    self.deliver(&framework_id, &container_id);
                }
            }
        }
    }

    /// One task for an executor that the master takes for new or not.
    pub(in super::super) fn run_custom_task(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        task: TaskInfo,
        terms: &LaunchTerms,
    ) {
        let Some(info) = task.executor.clone() else { return };
        let framework_id = framework.id.clone().unwrap_or_default();
        let tasks = std::slice::from_ref(&task);
        if let Some(refusal) = self.refusal(&framework_id, &info.executor_id, tasks, terms) {
            return self.drop_tasks(now, framework, &info.executor_id, (tasks, terms), &refusal);
        }
        let queued = Queued::Task(task.task_id.clone());
        self.run_custom(now, framework, info, (vec![task], queued));
    }

    fn launch_custom(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        info: ExecutorInfo,
        (tasks, queued): (Vec<TaskInfo>, Queued),
    ) {
        let (framework_id, agent_id) =
            (framework.id.clone().unwrap_or_default(), self.info.id.clone().unwrap_or_default());
        let container_id = ContainerId { value: self.uuid().to_string(), parent: None };
        let runs = runs_directory(&self.config.work_dir, &agent_id, framework, &info);
        let place = (container_id.clone(), format!("{runs}/{container_id}"));
        if self.drop_without_sandbox(now, framework, (&info, &place.1), &tasks) {
            return;
        }
        let prepared = prepared(&info);
        self.enter_custom(&framework_id, info, place, CustomExecutor::default());
        self.enqueue_custom(&framework_id, &container_id, (tasks, queued));
        let (setup, command) = match prepared {
            Ok(prepared) => prepared,
            Err(unsupported) => return self.unsupported(now, &container_id, unsupported),
        };
        let setup = Setup { account: self.account_at(&container_id), ..setup };
        let subscribe_by = now + self.config.executor_registration_timeout;
        let survives = self.outlives(&framework_id);
        let (config, latest) = (self.config.clone(), format!("{runs}/latest"));
        let Some(executor) = self.executor_mut(&container_id) else { return };
        let environment = executor_environment(&config, &agent_id, framework, executor);
        let directory = executor.directory.clone();
        executor.custom_mut().into_iter().for_each(|custom| custom.subscribe_by = Some(subscribe_by));
        let launch = Launch { container_id, directory, latest, command, environment, survives, setup };
        self.effects.push(Effect::Launch(Box::new(launch)));
    }

    pub(in super::super) fn enter_custom(
        &mut self,
        framework_id: &FrameworkId,
        info: ExecutorInfo,
        (container_id, directory): (ContainerId, String),
        custom: CustomExecutor,
    ) {
        let executor_id = info.executor_id.clone();
        let program = Some(Program::Custom(Box::new(custom)));
        let place = (container_id.clone(), directory);
        let executor = new_executor(&self.config, info, place, program, Vec::new());
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        framework.executors.insert(executor_id.clone(), executor);
        self.containers.insert(container_id, (framework_id.clone(), executor_id));
    }

    fn enqueue_custom(
        &mut self,
        framework_id: &FrameworkId,
        container_id: &ContainerId,
        (tasks, queued): (Vec<TaskInfo>, Queued),
    ) {
        for task in &tasks {
            self.remember_launch(framework_id, container_id, task);
        }
        let Some(executor) = self.executor_mut(container_id) else { return };
        executor.queued_tasks.extend(tasks.into_iter().map(|task| (task.task_id.clone(), task)));
        executor.custom_mut().into_iter().for_each(|custom| custom.queued.push(queued.clone()));
    }

    /// Sends a subscribed executor what waits for it; what was killed meanwhile waits no more.
    pub(super) fn deliver(&mut self, framework_id: &FrameworkId, container_id: &ContainerId) {
        let queued = self.custom_mut(container_id).map(CustomExecutor::take_queued).unwrap_or_default();
        for queued in queued {
            let event = match queued {
                Queued::Task(task_id) => {
                    let Some(task) = self.start_task(framework_id, container_id, &task_id) else { continue };
                    let launch = Some(event::Launch { task });
                    Event { launch, ..super::bare(event::Type::Launch) }
                }
                Queued::Group(group) => {
                    let ids = group.tasks.iter().map(|task| &task.task_id);
                    let started: Vec<TaskInfo> =
                        ids.filter_map(|id| self.start_task(framework_id, container_id, id)).collect();
                    if started.is_empty() {
                        continue;
                    }
                    let launch_group = Some(event::LaunchGroup { task_group: group });
                    Event { launch_group, ..super::bare(event::Type::LaunchGroup) }
                }
            };
            self.tell_executor(container_id, event);
        }
    }

    fn start_task(
        &mut self,
        framework_id: &FrameworkId,
        container_id: &ContainerId,
        task_id: &TaskId,
    ) -> Option<TaskInfo> {
        let executor = self.executor_mut(container_id)?;
        let task = executor.queued_tasks.remove(task_id)?;
        let staged = create_task(&task, TaskState::TaskStaging, framework_id);
        executor.launched_tasks.insert(task_id.clone(), staged);
        Some(task)
    }

    /// The process runs; one that is not wanted any more is ended. It may have subscribed before we hear of it.
    pub(in super::super) fn custom_launched(&mut self, container_id: &ContainerId, pid: u32) {
        let Some(executor) = self.executor_mut(container_id) else { return };
        executor.started(pid);
        if !matches!(executor.state, ExecutorState::Registering | ExecutorState::Running) {
            self.signal(container_id, Signal::Kill);
        }
    }
}

/// What an executor needs, and what it executes. Docker Engine runs images of tasks here, not of executors.
fn prepared(info: &ExecutorInfo) -> Result<(Setup, Command), Unsupported> {
    let command = info.command.clone().unwrap_or_default();
    match setup::setup(&command, info.container.as_ref(), None) {
        Ok(setup) => Ok((setup, Command::or_complaint(&command))),
        Err(Unsupported::Container) => {
            let message = "custom executors in Docker containers are not supported by this agent";
            Err(Unsupported::Here(message.to_owned()))
        }
        Err(unsupported) => Err(unsupported),
    }
}
