//! How custom executors and their tasks end, and how one goes on whose agent has ended.

use super::super::{Agent, AgentState, Effect, ExecutorState, environment::duration, launch::has_capability};
use super::{HEARTBEAT_INTERVAL, bare};
use crate::{
    engine::executor::{
        Signal,
        custom::{Cause, CustomExecutor, Queued},
        exit::Exit,
    },
    mesos::{
        log::agent_log_entry::Launched,
        time::Time,
        v1::{
            ContainerId, ExecutorId, FrameworkId, KillPolicy, TaskId, TaskState,
            executor::{Event, event},
            framework_info::capability,
            task_status::Reason,
        },
    },
};

impl Agent {
    /// A task that has reached its executor is for that to kill; one that waits is killed here, with its group.
    pub(in super::super) fn kill_custom(
        &mut self,
        now: Time,
        (framework_id, executor_id): (&FrameworkId, &ExecutorId),
        (task_id, kill_policy): (&TaskId, Option<KillPolicy>),
    ) {
        let framework = self.frameworks.get(framework_id);
        let Some(executor) = framework.and_then(|it| it.executors.get(executor_id)) else { return };
        let container_id = executor.container_id.clone();
        if executor.queued_tasks.contains_key(task_id) {
            return self.kill_queued(now, (framework_id, executor_id), &container_id, task_id);
        }
        if executor.state == ExecutorState::Running {
            let kill = Some(event::Kill { task_id: task_id.clone(), kill_policy });
            self.tell_executor(&container_id, Event { kill, ..bare(event::Type::Kill) });
        }
    }

    fn kill_queued(
        &mut self,
        now: Time,
        (framework_id, executor_id): (&FrameworkId, &ExecutorId),
        container_id: &ContainerId,
        task_id: &TaskId,
    ) {
        let Some(custom) = self.custom_mut(container_id) else { return };
        let at = custom.queued.iter().position(|queued| queued.has(task_id));
        let (tasks, message) = match at.map(|at| custom.queued.remove(at)) {
            Some(Queued::Group(group)) => (
                group.tasks.into_iter().map(|task| task.task_id).collect(),
                "A task within the task group was killed before delivery to the executor",
            ),
            _ => (vec![task_id.clone()], "Killed before delivery to the executor"),
        };
        for task_id in tasks {
            let killed = (TaskState::TaskKilled, Reason::TaskKilledDuringLaunch, message);
            self.agent_update(now, framework_id, executor_id, &task_id, killed);
        }
    }

    /// Sends a heartbeat, and ends an executor that has not subscribed in time.
    pub(in super::super) fn custom_due(&mut self, now: Time, container_id: &ContainerId) {
        let Some(custom) = self.custom_mut(container_id) else { return };
        let beats = custom.heartbeat_at.is_some_and(|at| at <= now);
        let is_late = custom.subscribe_by.is_some_and(|at| at <= now);
        if beats {
            custom.heartbeat_at = Some(now + HEARTBEAT_INTERVAL);
            self.tell_executor(container_id, bare(event::Type::Heartbeat));
        }
        if is_late {
            self.give_up(container_id);
        }
    }

    /// The container is killed at once; its end is told when it has ended.
    fn give_up(&mut self, container_id: &ContainerId) {
        let registration = self.config.executor_registration_timeout;
        let reregistration = self.config.executor_reregistration_timeout;
        let Some((framework_id, _)) = self.containers.get(container_id) else { return };
        let framework = self.frameworks.get(framework_id);
        let aware = framework.is_some_and(|it| has_capability(&it.info, capability::Type::PartitionAware));
        let Some(executor) = self.executor_mut(container_id) else { return };
        let is_waiting = executor.state == ExecutorState::Registering;
        let Some(custom) = executor.custom_mut() else { return };
        custom.subscribe_by = None;
        if !is_waiting {
            return;
        }
        let gone = if aware { TaskState::TaskGone } else { TaskState::TaskLost };
        custom.cause = Some(if custom.is_recovered {
            Cause {
                state: gone,
                reason: Reason::ExecutorReregistrationTimeout,
                message: format!("Executor did not reregister within {}", duration(reregistration)),
            }
        } else {
            Cause {
                state: TaskState::TaskFailed,
                reason: Reason::ExecutorRegistrationTimeout,
                message: format!("Executor did not register within {}", duration(registration)),
            }
        });
        executor.state = ExecutorState::Terminating;
        self.signal(container_id, Signal::Kill);
    }

    /// The process of a custom executor has ended, and with it whatever it ran.
    pub(in super::super) fn custom_exited(&mut self, now: Time, container_id: &ContainerId, exit: Exit) {
        let terminated = || Cause {
            state: TaskState::TaskFailed,
            reason: Reason::ExecutorTerminated,
            message: "Executor terminated".to_owned(),
        };
        let cause = self.custom_mut(container_id).and_then(|custom| custom.cause.take());
        self.end_executor(now, container_id, &cause.unwrap_or_else(terminated), Some(exit.wait_status()));
    }

    pub(in super::super) fn shut_down_custom(&mut self, container_id: &ContainerId) {
        self.tell_executor(container_id, bare(event::Type::Shutdown));
    }

    pub(in super::super) fn end_stream(&mut self, container_id: &ContainerId) {
        if let Some(custom) = self.custom_mut(container_id) {
            custom.subscribe_by = None;
            custom.queued.clear();
        }
        self.hang_up(container_id);
    }

    /// What an earlier agent has given to an executor. Nobody knows whether a task has reached it until it says so.
    pub(in super::super) fn replay_custom(&mut self, id: &FrameworkId, launched: Launched) {
        let Launched { executor: info, task, container_id, directory } = launched;
        if !self.containers.contains_key(&container_id) {
            let custom = CustomExecutor::recovered();
            self.enter_custom(id, info, (container_id.clone(), directory), custom);
        }
        if let Some(executor) = self.executor_mut(&container_id) {
            executor.queued_tasks.insert(task.task_id.clone(), task);
            executor.launch_queued(id);
        }
    }

    /// The container is there: its executor is given some time to subscribe again.
    pub(in super::super) fn resume_custom(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        pid: Option<u32>,
    ) {
        let subscribe_by = now + self.config.executor_reregistration_timeout;
        let Some(executor) = self.executor_mut(container_id) else { return };
        pid.into_iter().for_each(|pid| executor.started(pid));
        executor.custom_mut().into_iter().for_each(|custom| custom.subscribe_by = Some(subscribe_by));
    }

    /// Whether executors of an earlier agent may still come back. Until then, the master hears nothing of this agent.
    pub(in super::super) fn awaits_executors(&self) -> bool {
        let executors = self.frameworks.values().flat_map(|framework| framework.executors.values());
        executors.filter(|executor| executor.state == ExecutorState::Registering).any(|executor| {
            executor.custom().is_some_and(|custom| custom.is_recovered && custom.subscribe_by.is_some())
        })
    }

    pub(in super::super) fn register_when_recovered(&mut self, now: Time) {
        if self.registration.is_held() && !self.awaits_executors() {
            self.master_connected(now);
        }
    }

    /// Whether the master is to hear of the end of an executor before that of its tasks, as it does of a process.
    pub(in super::super) fn report_exit(
        &mut self,
        (framework_id, executor_id): (FrameworkId, ExecutorId),
        status: i32,
    ) {
        if self.state != AgentState::Disconnected {
            let exited = crate::engine::wire::ToMaster::ExitedExecutor { framework_id, executor_id, status };
            self.effects.push(Effect::Master(Box::new(exited)));
        }
    }
}
