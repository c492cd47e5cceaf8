//! How the agent becomes known to the master: registration, re-registration, pings.

use std::time::Duration;

use super::{Agent, AgentState, Framework, FrameworkState, frameworks::create_task};
use crate::{
    engine::wire::{AgentRegistration, StatusUpdate, ToMaster},
    mesos::{
        time::Time,
        v1::{
            AgentId, ExecutorInfo, FrameworkId, FrameworkInfo, Resource, Task, TaskState, TaskStatus,
            framework_info::capability,
            task_status::{Reason, Source},
        },
    },
};

/// From a registration that nobody answers to the next; each takes twice as long.
const RETRY_INTERVAL_MIN: Duration = Duration::from_secs(1);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// A registration under way.
#[derive(Debug, Default)]
pub(super) struct Registration {
    retry: Option<(Time, Duration)>,
}

impl Registration {
    pub fn next_deadline(&self) -> Option<Time> {
        self.retry.map(|(at, _)| at)
    }
}

impl Agent {
    pub(super) fn master_connected(&mut self, now: Time) {
        if self.state != AgentState::Terminating {
            self.state = AgentState::Disconnected;
            self.streams.pause();
            self.register(now, RETRY_INTERVAL_MIN);
        }
    }

    pub(super) fn master_lost(&mut self) {
        self.registration.retry = None;
        self.streams.pause();
        if self.state == AgentState::Running {
            self.state = AgentState::Disconnected;
        }
    }

    pub(super) fn registration_due(&mut self, now: Time) {
        if let Some((_, interval)) = self.registration.retry.filter(|(at, _)| *at <= now) {
            self.register(now, (interval * 2).min(RETRY_INTERVAL_MAX));
        }
    }

    fn register(&mut self, now: Time, retry_in: Duration) {
        self.registration.retry = Some((now + retry_in, retry_in));
        let registration = AgentRegistration {
            info: self.info.clone(),
            pid: self.config.pid(),
            version: self.config.version.clone(),
        };
        let message = if self.info.id.is_some() {
            ToMaster::Reregister {
                registration,
                tasks: self.known_tasks(),
                executors: self.known_executors(),
                frameworks: self.known_frameworks(),
            }
        } else {
            ToMaster::Register(registration)
        };
        self.send(message);
    }

    /// Tasks that run, wait to run, or wait for their last acknowledgement.
    fn known_tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (framework_id, framework) in &self.frameworks {
            for executor in framework.executors.values() {
                let queued = executor.queued_tasks.values();
                tasks.extend(queued.map(|task| create_task(task, TaskState::TaskStaging, framework_id)));
                tasks.extend(executor.launched_tasks.values().cloned());
                tasks.extend(executor.terminated_tasks.values().cloned());
            }
        }
        tasks
    }

    /// Without those of command tasks, which the master does not keep.
    fn known_executors(&self) -> Vec<(FrameworkId, ExecutorInfo)> {
        let of = |(id, framework): (&FrameworkId, &Framework)| {
            let own = framework.executors.values().filter(|executor| !executor.generated_for_command_task);
            own.map(|executor| (id.clone(), executor.info.clone())).collect::<Vec<_>>()
        };
        self.frameworks.iter().flat_map(of).collect()
    }

    fn known_frameworks(&self) -> Vec<FrameworkInfo> {
        let running = |framework: &&Framework| framework.state == FrameworkState::Running;
        self.frameworks.values().filter(running).map(|framework| framework.info.clone()).collect()
    }

    /// An answer with another id than the one we have is not for us.
    pub(super) fn registered(&mut self, now: Time, agent_id: AgentId) {
        let foreign = self.info.id.as_ref().is_some_and(|id| *id != agent_id);
        if foreign || self.state == AgentState::Terminating {
            return;
        }
        self.registration.retry = None;
        self.info.id = Some(agent_id);
        if self.state == AgentState::Disconnected {
            self.state = AgentState::Running;
            self.resend(now);
        }
        self.send(ToMaster::UpdateTotal(self.info.resources.clone()));
    }

    /// A master that does not know us yet learns the total with the registration.
    pub(super) fn set_total(&mut self, total: Vec<Resource>) {
        self.info.resources.clone_from(&total);
        if self.state == AgentState::Running {
            self.send(ToMaster::UpdateTotal(total));
        }
    }

    pub(super) fn resend(&mut self, now: Time) {
        for update in self.streams.resume(now) {
            self.forward(update);
        }
    }

    /// A master that holds us for disconnected gets to know us again.
    pub(super) fn ping(&mut self, now: Time, connected: bool) {
        self.send(ToMaster::Pong);
        if !connected && self.state == AgentState::Running {
            self.master_connected(now);
        }
    }

    /// A task the master believes to be here and that is not: a terminal update lets the master forget it.
    pub(super) fn reconcile(&mut self, now: Time, framework_id: &FrameworkId, statuses: &[TaskStatus]) {
        for status in statuses {
            let framework = self.frameworks.get(framework_id);
            if framework.is_some_and(|framework| framework.executor_of(&status.task_id).is_some()) {
                continue;
            }
            let aware =
                framework.is_some_and(|framework| framework.has_capability(capability::Type::PartitionAware));
            let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
            let mut status = TaskStatus {
                task_id: status.task_id.clone(),
                state: state.into(),
                message: Some("Reconciliation: task unknown to the agent".to_owned()),
                source: Some(Source::Agent.into()),
                reason: Some(Reason::Reconciliation.into()),
                timestamp: Some(now.as_secs_f64()),
                ..TaskStatus::default()
            };
            self.stamp(&mut status);
            let framework_id = framework_id.clone();
            let update = StatusUpdate { framework_id, executor_id: None, status, latest_state: None };
            self.enqueue(now, update);
        }
    }
}
