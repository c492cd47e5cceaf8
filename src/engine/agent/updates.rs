//! What becomes of tasks: the actions of executors, status updates, and the end of executors.

use super::{
    Agent, Effect, ExecutorState, FrameworkState, MAX_COMPLETED_FRAMEWORKS,
    frameworks::{COMMAND_EXECUTOR_STAYS, push_bounded},
    streams::Acknowledged,
};
use crate::{
    engine::{
        executor::{self, Action, Program, Signal, custom::Cause, exit::Exit},
        wire::{StatusUpdate, ToMaster},
    },
    mesos::{
        time::Time,
        v1::{
            ContainerId, ContainerStatus, ExecutorId, FrameworkId, TaskId, TaskInfo, TaskState, TaskStatus,
            task_status::{Reason, Source},
        },
    },
};

impl Agent {
    /// Hands an input to what executes in a container, and does what it wants.
    pub(super) fn command(&mut self, now: Time, container_id: &ContainerId, input: executor::Input) {
        let Some(program) = self.executor_mut(container_id).and_then(|executor| executor.program.as_mut())
        else {
            return;
        };
        let actions = program.handle(now, container_id, input);
        self.carry_out(now, actions);
        self.bury_nested(now, container_id);
    }

    pub(super) fn carry_out(&mut self, now: Time, actions: Vec<(ContainerId, Action)>) {
        for (container_id, action) in actions {
            match action {
                Action::Update(status) => self.executor_update(now, &container_id, *status),
                Action::Signal(signal) => self.signal(&container_id, signal),
                Action::Probe(probe) => {
                    self.effects.push(Effect::Probe { container_id, probe: Box::new(probe) });
                }
            }
        }
    }

    pub(super) fn signal(&mut self, container_id: &ContainerId, signal: Signal) {
        self.effects.push(Effect::Signal { container_id: container_id.clone(), signal });
    }

    fn executor_update(&mut self, now: Time, container_id: &ContainerId, mut status: TaskStatus) {
        let ip = self.config.ip;
        let Some((framework_id, executor_id)) = self.containers.get(container_id).cloned() else { return };
        let Some(executor) = self.executor_mut(container_id) else { return };
        let own = status.container_status.take().filter(|_| executor.is_docker());
        let network_infos = own.map(|own| own.network_infos);
        let known = executor.container_status(container_id, status.state(), ip);
        status.container_status = Some(match network_infos {
            Some(network_infos) => ContainerStatus { network_infos, ..known },
            None => known,
        });
        self.update(now, &framework_id, &executor_id, status);
    }

    /// What a command executor says of another task: it takes one only.
    pub(super) fn refuse_second_task(&mut self, now: Time, container_id: &ContainerId, task: TaskInfo) {
        let Some(executor) = self.executor_mut(container_id) else { return };
        let status = TaskStatus {
            task_id: task.task_id.clone(),
            state: TaskState::TaskFailed.into(),
            message: Some("Attempted to run multiple tasks using a \"command\" executor".to_owned()),
            source: Some(Source::Executor.into()),
            executor_id: Some(executor.id().clone()),
            timestamp: Some(now.as_secs_f64()),
            ..TaskStatus::default()
        };
        executor.queued_tasks.insert(task.task_id.clone(), task);
        self.executor_update(now, container_id, status);
    }

    /// An update that the agent itself makes up for a task of an executor.
    pub(super) fn agent_update(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        task_id: &TaskId,
        (state, reason, message): (TaskState, Reason, &str),
    ) {
        let status = TaskStatus {
            task_id: task_id.clone(),
            state: state.into(),
            message: Some(message.to_owned()),
            source: Some(Source::Agent.into()),
            reason: Some(reason.into()),
            executor_id: Some(executor_id.clone()),
            timestamp: Some(now.as_secs_f64()),
            ..TaskStatus::default()
        };
        self.update(now, framework_id, executor_id, status);
    }

    /// Takes an update of a task; a framework that is going gets none.
    fn update(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        mut status: TaskStatus,
    ) {
        self.stamp(&mut status);
        let framework = self.frameworks.get_mut(framework_id);
        let Some(framework) = framework.filter(|framework| framework.state == FrameworkState::Running) else {
            self.counters.invalid_status_updates += 1;
            return;
        };
        self.counters.valid_status_updates += 1;
        let info = framework.info.clone();
        self.explain_by_draining(&info, &mut status);
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = framework.executors.get_mut(executor_id) else { return };
        let Some(state) = executor.update_task(&status, framework_id) else { return };
        self.count(state);
        let update = StatusUpdate {
            framework_id: framework_id.clone(),
            executor_id: Some(executor_id.clone()),
            status,
            latest_state: None,
        };
        self.enqueue(now, update);
    }

    pub(super) fn stamp(&mut self, status: &mut TaskStatus) {
        status.agent_id = self.info.id.clone();
        status.uuid = Some(bytes::Bytes::copy_from_slice(self.uuid().as_bytes()));
    }

    pub(super) fn enqueue(&mut self, now: Time, update: StatusUpdate) {
        self.remember_update(&update);
        if let Some(update) = self.streams.push(now, update) {
            self.forward(update);
        }
    }

    /// Sends an update with the newest state of its task, and remembers in the task what was sent.
    pub(super) fn forward(&mut self, mut update: StatusUpdate) {
        let task_id = &update.status.task_id;
        let executor = self.frameworks.get_mut(&update.framework_id).and_then(|framework| {
            let by_task = framework.executor_of(task_id).map(|executor| executor.id().clone());
            framework.executors.get_mut(update.executor_id.as_ref().or(by_task.as_ref())?)
        });
        let task = executor.and_then(|executor| {
            let launched = executor.launched_tasks.get_mut(&update.status.task_id);
            launched.or_else(|| executor.terminated_tasks.get_mut(&update.status.task_id))
        });
        if let Some(task) = task {
            task.status_update_state = Some(update.status.state);
            task.status_update_uuid.clone_from(&update.status.uuid);
            update.latest_state = Some(task.state());
        }
        self.send(ToMaster::StatusUpdate(update));
    }

    pub(super) fn count(&mut self, state: TaskState) {
        match state {
            TaskState::TaskFinished => self.counters.tasks_finished += 1,
            TaskState::TaskFailed => self.counters.tasks_failed += 1,
            TaskState::TaskKilled => self.counters.tasks_killed += 1,
            TaskState::TaskLost => self.counters.tasks_lost += 1,
            TaskState::TaskGone => self.counters.tasks_gone += 1,
            _ => {}
        }
    }

    pub(super) fn acknowledge(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        task_id: &TaskId,
        uuid: &[u8],
    ) {
        let acknowledged = self.streams.acknowledge(now, framework_id, task_id, uuid);
        if acknowledged != Acknowledged::Unknown {
            self.remember_acknowledgement(framework_id, task_id, uuid);
        }
        match acknowledged {
            Acknowledged::Unknown | Acknowledged::Next(None) => {}
            Acknowledged::Next(Some(update)) => self.forward(*update),
            Acknowledged::Terminal => self.complete_task(framework_id, task_id),
        }
    }

    fn complete_task(&mut self, framework_id: &FrameworkId, task_id: &TaskId) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = framework.executor_of(task_id) else { return };
        let container_id = executor.container_id.clone();
        if let Some(executor) = self.executor_mut(&container_id) {
            executor.complete_task(task_id);
        }
        self.remove_if_done(&container_id);
    }

    pub(super) fn exited(&mut self, now: Time, container_id: &ContainerId, exit: Exit) {
        self.command(now, container_id, executor::Input::Exited(exit));
        if container_id.parent.is_some() {
            return;
        }
        if self.executor_mut(container_id).is_some_and(|executor| executor.is_custom()) {
            return self.custom_exited(now, container_id, exit);
        }
        if let Some(executor) = self.executor_mut(container_id)
            && executor.generated_for_command_task
            && executor.state == ExecutorState::Running
        {
            executor.leaves_at = Some(now + COMMAND_EXECUTOR_STAYS);
            return;
        }
        let message = format!("Executor {exit}");
        self.executor_terminated(now, container_id, Reason::ExecutorTerminated, &message);
    }

    /// Lets an executor go whose one task has ended.
    pub(super) fn leave(&mut self, now: Time, container_id: &ContainerId) {
        let message = "Executor exited with status 0";
        self.executor_terminated(now, container_id, Reason::ExecutorTerminated, message);
    }

    /// The container is gone; tasks that have not ended with it fail.
    pub(super) fn executor_terminated(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        reason: Reason,
        message: &str,
    ) {
        let cause = Cause { state: TaskState::TaskFailed, reason, message: message.to_owned() };
        self.end_executor(now, container_id, &cause, None);
    }

    /// The same, with what becomes of its tasks, and with the wait status of a process.
    pub(super) fn end_executor(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        cause: &Cause,
        status: Option<i32>,
    ) {
        let Some((framework_id, executor_id)) = self.containers.get(container_id).cloned() else { return };
        let Some(executor) = self.executor_mut(container_id) else { return };
        if executor.state == ExecutorState::Terminated {
            return;
        }
        executor.state = ExecutorState::Terminated;
        executor.destroy_at = None;
        executor.leaves_at = None;
        let nested = std::mem::take(&mut executor.nested);
        let reports = !executor.generated_for_command_task;
        let done = executor.queued_tasks.is_empty()
            && matches!(&executor.program, Some(Program::Default(default)) if default.is_done());
        let live: Vec<TaskId> =
            executor.queued_tasks.keys().chain(executor.launched_tasks.keys()).cloned().collect();
        let is_custom = executor.is_custom();
        self.counters.executors_terminated += 1;
        self.end_stream(container_id);
        if is_custom {
            self.report_exit((framework_id.clone(), executor_id.clone()), status.unwrap_or(-1));
        }
        nested.keys().for_each(|container_id| drop(self.containers.remove(container_id)));
        for task_id in live {
            let ended = (cause.state, cause.reason, cause.message.as_str());
            self.agent_update(now, &framework_id, &executor_id, &task_id, ended);
        }
        if reports && !is_custom {
            self.report_exit((framework_id, executor_id), if done { 0 } else { -1 });
        }
        self.remove_if_done(container_id);
    }

    /// Moves an executor without process and without open tasks to the completed ones, and so its framework.
    pub(super) fn remove_if_done(&mut self, container_id: &ContainerId) {
        let Some((framework_id, executor_id)) = self.containers.get(container_id).cloned() else { return };
        let limit = self.config.max_completed_executors_per_framework;
        let Some(framework) = self.frameworks.get_mut(&framework_id) else { return };
        let going = framework.state == FrameworkState::Terminating;
        let done = framework.executors.get(&executor_id).is_some_and(|executor| {
            executor.state == ExecutorState::Terminated && (going || !executor.has_incomplete_tasks())
        });
        if !done {
            return;
        }
        self.containers.remove(container_id);
        self.remember_completion(&framework_id, container_id);
        let Some(framework) = self.frameworks.get_mut(&framework_id) else { return };
        if let Some(mut executor) = framework.executors.remove(&executor_id) {
            executor.abandon_tasks();
            executor.program = None;
            framework.complete(executor, limit);
        }
        self.remove_framework_if_idle(&framework_id);
    }

    pub(super) fn remove_framework_if_idle(&mut self, framework_id: &FrameworkId) {
        if !self.frameworks.get(framework_id).is_some_and(super::Framework::is_idle) {
            return;
        }
        self.remember_removal(framework_id);
        if let Some(framework) = self.frameworks.remove(framework_id) {
            // Of a framework that goes on, tasks that never got an executor may wait for their acknowledgement.
            if framework.state == FrameworkState::Terminating {
                self.streams.remove_framework(framework_id);
            }
            self.completed_frameworks.retain(|completed| completed.id() != *framework_id);
            push_bounded(&mut self.completed_frameworks, framework, MAX_COMPLETED_FRAMEWORKS);
        }
    }
}
