//! Tasks that never run here, and why: what Mesos' agent says of them in `Slave::__run` and before.

use std::borrow::Cow;

use super::{
    Agent, ExecutorState,
    launch::{has_capability, supported_limits},
};
use crate::{
    engine::wire::{LaunchTerms, StatusUpdate, ToMaster},
    mesos::{
        time::Time,
        v1::{
            ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, TaskId, TaskInfo, TaskState, TaskStatus,
            framework_info::capability,
            task_status::{Reason, Source},
        },
    },
};

/// Why a task is dropped.
pub(super) struct Refusal {
    reason: Reason,
    message: Cow<'static, str>,
    /// Of the executor that the status names; Mesos names it only where it was about to launch something for it.
    executor_id: Option<ExecutorId>,
}

impl Refusal {
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into(), executor_id: None }
    }

    pub fn of_executor(self, executor_id: &ExecutorId) -> Self {
        Self { executor_id: Some(executor_id.clone()), ..self }
    }
}

impl Agent {
    /// Why nothing is launched on this agent for these tasks, whatever their executor.
    pub(super) fn refusal_of_all(&self, executor_id: &ExecutorId, tasks: &[TaskInfo]) -> Option<Refusal> {
        if self.draining.is_some() {
            let message = "Task was received while agent was already draining";
            return Some(Refusal::new(Reason::AgentDraining, message).of_executor(executor_id));
        }
        let message = tasks.iter().find_map(|task| supported_limits(task).err())?;
        Some(Refusal::new(Reason::GcError, message))
    }

    /// Why these tasks cannot be given to an executor of this id.
    pub(super) fn refusal(
        &self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        tasks: &[TaskInfo],
        terms: &LaunchTerms,
    ) -> Option<Refusal> {
        let of_all = self.refusal_of_all(executor_id, tasks);
        if of_all.is_some() {
            return of_all;
        }
        let framework = self.frameworks.get(framework_id);
        let executor = framework.and_then(|framework| framework.executors.get(executor_id));
        let refusal = |message: &'static str| Refusal::new(Reason::ExecutorTerminated, message);
        match (executor.map(|executor| executor.state), terms.executor) {
            (Some(_), true) => {
                let message = "Master wants to launch executor, but one already exists";
                Some(refusal(message).of_executor(executor_id))
            }
            (None, false) => {
                let message = "No executor is expected to launch and there is none running";
                Some(refusal(message).of_executor(executor_id))
            }
            (Some(ExecutorState::Terminating), false) => Some(refusal("Executor terminating")),
            (Some(ExecutorState::Terminated), false) => Some(refusal("Executor terminated")),
            (None, true) | (Some(ExecutorState::Registering | ExecutorState::Running), false) => None,
        }
    }

    /// The master learns that an executor which it counts on is not there.
    pub(super) fn drop_tasks(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        executor_id: &ExecutorId,
        (tasks, terms): (&[TaskInfo], &LaunchTerms),
        refusal: &Refusal,
    ) {
        for task in tasks {
            self.drop_task(now, framework, &task.task_id, refusal);
        }
        let framework_id = framework.id.clone().unwrap_or_default();
        let known = self.frameworks.get(&framework_id);
        let executor = known.and_then(|known| known.executors.get(executor_id));
        match executor.filter(|executor| executor.state != ExecutorState::Terminated) {
            Some(_) if terms.executor => self.shutdown_executor(now, &framework_id, executor_id),
            None if terms.executor => self.never_launched(framework_id, executor_id),
            _ => {}
        }
    }

    /// Drops the tasks of an executor that can have no sandbox in `directory`. Whether it is so.
    pub(super) fn drop_without_sandbox(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        (executor, directory): (&ExecutorInfo, &str),
        tasks: &[TaskInfo],
    ) -> bool {
        let Err(why) = self.executor_account(framework, executor) else { return false };
        let executor_id = &executor.executor_id;
        let message = format!("Failed to create executor directory '{directory}': {why}");
        let refusal = Refusal::new(Reason::ExecutorTerminated, message).of_executor(executor_id);
        for task in tasks {
            self.drop_task(now, framework, &task.task_id, &refusal);
        }
        let framework_id = framework.id.clone().unwrap_or_default();
        self.remove_framework_if_idle(&framework_id);
        self.never_launched(framework_id, executor_id);
        true
    }

    fn never_launched(&mut self, framework_id: FrameworkId, executor_id: &ExecutorId) {
        let executor_id = executor_id.clone();
        self.send(ToMaster::ExitedExecutor { framework_id, executor_id, status: -1 });
    }

    /// A task that never ran: TASK_DROPPED, or TASK_LOST for frameworks that are not partition-aware.
    pub(super) fn drop_task(
        &mut self,
        now: Time,
        framework: &FrameworkInfo,
        task_id: &TaskId,
        refusal: &Refusal,
    ) {
        let Some(framework_id) = framework.id.clone() else { return };
        let aware = has_capability(framework, capability::Type::PartitionAware);
        let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        let executor_id = refusal.executor_id.clone();
        let mut status = TaskStatus {
            task_id: task_id.clone(),
            state: state.into(),
            message: Some(refusal.message.clone().into_owned()),
            source: Some(Source::Agent.into()),
            reason: Some(refusal.reason.into()),
            executor_id: executor_id.clone(),
            timestamp: Some(now.as_secs_f64()),
            ..TaskStatus::default()
        };
        self.stamp(&mut status);
        self.counters.valid_status_updates += 1;
        self.enqueue(now, StatusUpdate { framework_id, executor_id, status, latest_state: None });
    }
}
