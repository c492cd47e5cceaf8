//! Ending tasks: one, an executor, a framework, or everything.

use super::{
    Agent, AgentState, Effect, ExecutorState, FrameworkState,
    launch::{has_capability, task_share},
    refusal::Refusal,
};
use crate::{
    engine::{
        executor::{self, Signal},
        wire::ToMaster,
    },
    mesos::{
        time::Time,
        v1::{
            ContainerId, DrainConfig, DurationInfo, ExecutorId, FrameworkId, FrameworkInfo, KillPolicy,
            TaskId, TaskState, TaskStatus, framework_info::capability, task_status::Reason,
        },
    },
};

impl Agent {
    pub(super) fn kill_task(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        task_id: &TaskId,
        policy: Option<KillPolicy>,
    ) {
        let running = |framework: &&super::Framework| framework.state == FrameworkState::Running;
        let Some(framework) = self.frameworks.get(framework_id).filter(running) else { return };
        let Some(executor) = framework.executor_of(task_id) else {
            self.cannot_find_executor(now, framework_id, task_id);
            return;
        };
        let container_id = executor.container_id.clone();
        let executor_id = executor.id().clone();
        if executor.is_custom() {
            return self.kill_custom(now, (framework_id, &executor_id), (task_id, policy));
        }
        match executor.state {
            ExecutorState::Registering => {
                let killed = (
                    TaskState::TaskKilled,
                    Reason::TaskKilledDuringLaunch,
                    "Killed before delivery to the executor",
                );
                self.agent_update(now, framework_id, &executor_id, task_id, killed);
                self.terminate_if_unused(&container_id);
            }
            ExecutorState::Running => {
                let container_id = executor.container_of(task_id).cloned();
                container_id.iter().for_each(|id| self.command(now, id, executor::Input::Kill(policy)));
            }
            ExecutorState::Terminating | ExecutorState::Terminated => {}
        }
    }

    /// An executor whose only task is gone before it runs gets no other, and nothing is fetched for it any more.
    fn terminate_if_unused(&mut self, container_id: &ContainerId) {
        let unused = self.executor_mut(container_id).filter(|executor| executor.queued_tasks.is_empty());
        let Some(executor) = unused else { return };
        let is_coming = executor.is_docker() || executor.is_fetching();
        executor.state = ExecutorState::Terminating;
        if is_coming {
            self.signal(container_id, Signal::Kill);
        }
    }

    /// The task was never launched here.
    fn cannot_find_executor(&mut self, now: Time, framework_id: &FrameworkId, task_id: &TaskId) {
        let Some(framework) = self.frameworks.get(framework_id).map(|known| known.info.clone()) else {
            return;
        };
        let refusal = Refusal::new(Reason::ExecutorTerminated, "Cannot find executor");
        self.drop_task(now, &framework, task_id, &refusal);
    }

    pub(super) fn shutdown_executor(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
    ) {
        let framework = self.frameworks.get(framework_id);
        let Some(framework) = framework.filter(|framework| framework.state == FrameworkState::Running) else {
            return;
        };
        if let Some(executor) = framework.executors.get(executor_id) {
            let container_id = executor.container_id.clone();
            self.shutdown_container(now, &container_id);
        }
    }

    pub(super) fn shutdown_framework(&mut self, now: Time, framework_id: &FrameworkId) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            return self.streams.remove_framework(framework_id);
        };
        if framework.state == FrameworkState::Terminating {
            return;
        }
        framework.state = FrameworkState::Terminating;
        self.streams.remove_framework(framework_id);
        let containers: Vec<ContainerId> =
            framework.executors.values().map(|executor| executor.container_id.clone()).collect();
        for container_id in containers {
            self.shutdown_container(now, &container_id);
            self.remove_if_done(&container_id);
        }
        self.remove_framework_if_idle(framework_id);
    }

    /// TERM, or an event to a custom executor, and KILL when its shutdown grace period is over.
    pub(super) fn shutdown_container(&mut self, now: Time, container_id: &ContainerId) {
        let Some(executor) = self.executor_mut(container_id) else { return };
        if !matches!(executor.state, ExecutorState::Registering | ExecutorState::Running) {
            return;
        }
        if executor.is_leaving() {
            return self.leave(now, container_id);
        }
        let fetches = executor.is_fetching();
        executor.state = ExecutorState::Terminating;
        executor.destroy_at = Some(now + executor.shutdown_grace_period);
        let grace_period = task_share(executor.shutdown_grace_period);
        if fetches {
            self.signal(container_id, Signal::Kill);
        }
        self.shut_down_custom(container_id);
        self.command(now, container_id, executor::Input::Shutdown { grace_period });
    }

    pub(super) fn destroy_overdue(&mut self, now: Time, container_id: &ContainerId) {
        let overdue = self
            .executor_mut(container_id)
            .filter(|executor| executor.destroy_at.is_some_and(|at| at <= now));
        if let Some(executor) = overdue {
            executor.destroy_at = None;
            let nested: Vec<ContainerId> = executor.nested.keys().cloned().collect();
            let all = if nested.is_empty() { vec![container_id.clone()] } else { nested };
            all.iter().for_each(|container_id| self.signal(container_id, Signal::Kill));
        }
    }

    /// The agent is to be emptied: every task is killed, and none begins. One that runs nothing is empty already.
    pub(super) fn drain(&mut self, now: Time, config: DrainConfig) {
        if self.frameworks.is_empty() {
            return;
        }
        let most = config.max_grace_period;
        self.draining = Some(config);
        let tasks: Vec<(FrameworkId, TaskId, Option<KillPolicy>)> = self
            .frameworks
            .iter()
            .flat_map(|(id, framework)| {
                framework.live_tasks().map(|(task, policy)| (id.clone(), task, policy))
            })
            .collect();
        for (framework_id, task_id, own) in tasks {
            let policy = most.filter(|most| is_shorter(most, own.as_ref()));
            let policy = policy.map(|most| KillPolicy { grace_period: Some(most) });
            self.kill_task(now, &framework_id, &task_id, policy);
        }
    }

    /// That a task of a draining agent is killed has one reason, whatever was given.
    pub(super) fn explain_by_draining(&self, framework: &FrameworkInfo, status: &mut TaskStatus) {
        let is_killed = matches!(status.state(), TaskState::TaskKilling | TaskState::TaskKilled);
        let Some(draining) = self.draining.as_ref().filter(|_| is_killed) else { return };
        status.set_reason(Reason::AgentDraining);
        if draining.mark_gone() && has_capability(framework, capability::Type::PartitionAware) {
            status.set_state(TaskState::TaskGoneByOperator);
        }
    }

    /// The master wants the agent gone.
    pub(super) fn shutdown(&mut self, now: Time) {
        self.state = AgentState::Terminating;
        self.master_lost();
        let frameworks: Vec<FrameworkId> = self.frameworks.keys().cloned().collect();
        for framework_id in frameworks {
            self.shutdown_framework(now, &framework_id);
        }
    }

    pub(super) fn stop(&mut self, now: Time) {
        if self.state != AgentState::Terminating {
            if self.info.id.is_some() {
                self.send(ToMaster::Unregister);
            }
            self.shutdown(now);
        }
    }

    pub(super) fn end_drain_when_empty(&mut self) {
        if self.frameworks.is_empty() {
            self.draining = None;
        }
    }

    pub(super) fn stop_when_empty(&mut self) {
        if self.state == AgentState::Terminating && self.frameworks.is_empty() && !self.stopped {
            self.stopped = true;
            self.effects.push(Effect::Stopped);
        }
    }
}

/// Whether this grace period is to go before the task's own. A task without one gets it even if it is longer than the
/// default.
fn is_shorter(most: &DurationInfo, own: Option<&KillPolicy>) -> bool {
    own.and_then(|policy| policy.grace_period).is_none_or(|own| most.nanoseconds < own.nanoseconds)
}
