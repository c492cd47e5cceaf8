//! How the agent becomes known to the master: registration, re-registration, pings.

use std::time::Duration;

use rand::RngCore;

use super::{Agent, AgentState, ExecutorState, Framework, frameworks::create_task, launch::has_capability};
use crate::{
    engine::wire::{
        AgentRegistration, OperationRequest, OperationUpdate, Reconciliation, Running, StatusUpdate, ToMaster,
    },
    mesos::{
        time::Time,
        v1::{
            AgentId, ExecutorInfo, FrameworkId, FrameworkInfo, OperationState, OperationStatus, Resource,
            Task, TaskState, TaskStatus,
            framework_info::capability,
            task_status::{Reason, Source},
        },
    },
};

/// Where no backoff is wanted, from a registration that nobody answers to the next; each takes twice as long.
const RETRY_INTERVAL_MIN: Duration = Duration::from_secs(1);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(60);

/// A registration under way, and the silence that ends one.
#[derive(Debug, Default)]
pub(super) struct Registration {
    retry: Option<(Time, Duration)>,
    /// How long a master may be silent.
    ping_timeout: Option<Duration>,
    ping_due: Option<Time>,
    /// There is a master, but this agent has not finished its recovery.
    held: bool,
}

impl Registration {
    pub fn next_deadline(&self) -> Option<Time> {
        self.retry.map(|(at, _)| at).into_iter().chain(self.ping_due).min()
    }

    pub fn is_held(&self) -> bool {
        self.held
    }

    fn heard(&mut self, now: Time) {
        self.ping_due = self.ping_timeout.map(|timeout| now + timeout);
    }
}

impl Agent {
    /// Registers after a random part of `registration_backoff_factor`, at once where there is none.
    pub(super) fn master_connected(&mut self, now: Time) {
        if self.state == AgentState::Terminating {
            return;
        }
        self.state = AgentState::Disconnected;
        self.streams.pause();
        self.registration.ping_due = None;
        self.registration.held = self.awaits_executors();
        if self.registration.held {
            return;
        }
        let factor = self.config.registration_backoff_factor;
        if factor.is_zero() {
            return self.register(now, RETRY_INTERVAL_MIN);
        }
        let pause = self.part_of(factor);
        self.registration.retry = Some((now + pause, factor * 2));
    }

    pub(super) fn master_lost(&mut self) {
        self.registration.retry = None;
        self.registration.ping_due = None;
        self.registration.held = false;
        self.streams.pause();
        if self.state == AgentState::Running {
            self.state = AgentState::Disconnected;
        }
    }

    pub(super) fn registration_due(&mut self, now: Time) {
        if let Some((_, interval)) = self.registration.retry.filter(|(at, _)| *at <= now) {
            self.register(now, interval);
        }
        if self.registration.ping_due.is_some_and(|at| at <= now) {
            self.master_connected(now);
        }
    }

    fn register(&mut self, now: Time, interval: Duration) {
        let interval = interval.min(RETRY_INTERVAL_MAX);
        let random = !self.config.registration_backoff_factor.is_zero();
        let pause = if random { self.part_of(interval) } else { interval };
        self.registration.retry = Some((now + pause, interval * 2));
        let registration = AgentRegistration {
            version: self.config.version.clone(),
            resource_version: Some(self.resource_version.clone()),
            ..AgentRegistration::new(self.info.clone(), self.config.pid())
        };
        let message = if self.info.id.is_some() {
            ToMaster::Reregister { registration, running: self.running() }
        } else {
            ToMaster::Register(registration)
        };
        self.send(message);
    }

    /// A random time up to `whole`.
    fn part_of(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(f64::from(self.rng.next_u32()) / f64::from(u32::MAX))
    }

    fn running(&self) -> Running {
        Running {
            tasks: self.known_tasks(),
            executors: self.known_executors(),
            frameworks: self.known_frameworks(),
            completed: self.completed_frameworks.iter().map(archived).collect(),
        }
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
            let own = framework.executors.values().filter(|executor| {
                !executor.generated_for_command_task && executor.state != ExecutorState::Terminated
            });
            own.map(|executor| (id.clone(), executor.info.clone())).collect::<Vec<_>>()
        };
        self.frameworks.iter().flat_map(of).collect()
    }

    fn known_frameworks(&self) -> Vec<FrameworkInfo> {
        self.frameworks.values().map(|framework| framework.info.clone()).collect()
    }

    pub(super) fn registered(&mut self, now: Time, agent_id: AgentId, ping_timeout: Option<Duration>) {
        if self.is_not_ours(&agent_id) {
            return;
        }
        let is_new = self.info.id.replace(agent_id).is_none();
        if is_new {
            self.remember_agent();
        }
        self.enter_running(now, ping_timeout);
    }

    pub(super) fn reregistered(
        &mut self,
        now: Time,
        agent_id: &AgentId,
        ping_timeout: Option<Duration>,
        missing: Vec<Reconciliation>,
    ) {
        if self.info.id.is_none() || self.is_not_ours(agent_id) {
            return;
        }
        self.enter_running(now, ping_timeout);
        for reconciliation in missing {
            self.reconcile(now, &reconciliation);
        }
    }

    /// An answer with another id than the one we have is not for us.
    fn is_not_ours(&self, agent_id: &AgentId) -> bool {
        let foreign = self.info.id.as_ref().is_some_and(|id| id != agent_id);
        foreign || self.state == AgentState::Terminating
    }

    fn enter_running(&mut self, now: Time, ping_timeout: Option<Duration>) {
        self.registration.retry = None;
        self.registration.ping_timeout = ping_timeout;
        if self.state == AgentState::Disconnected {
            self.state = AgentState::Running;
            self.registration.heard(now);
            self.resend(now);
        }
        self.send(ToMaster::Update { total: Some(self.info.resources.clone()) });
    }

    /// A master that does not know us yet learns the total with the registration.
    pub(super) fn set_total(&mut self, total: Vec<Resource>) {
        self.info.resources.clone_from(&total);
        if self.state == AgentState::Running {
            self.send(ToMaster::Update { total: Some(total) });
        }
    }

    pub(super) fn resend(&mut self, now: Time) {
        for update in self.streams.resume(now) {
            self.forward(update);
        }
    }

    /// A master that holds us for disconnected gets to know us again.
    pub(super) fn ping(&mut self, now: Time, observer: u64, connected: bool) {
        let is_stranger = !connected && self.state == AgentState::Running;
        self.send(ToMaster::Pong { observer });
        self.registration.heard(now);
        if is_stranger {
            self.master_connected(now);
        }
    }

    /// A task the master believes to be here and that is not: a terminal update lets the master forget it.
    fn reconcile(&mut self, now: Time, reconciliation: &Reconciliation) {
        let Reconciliation { framework_id, framework: info, statuses } = reconciliation;
        for status in statuses {
            let framework = self.frameworks.get(framework_id);
            if framework.is_some_and(|framework| framework.executor_of(&status.task_id).is_some()) {
                continue;
            }
            let aware =
                info.as_ref().is_some_and(|info| has_capability(info, capability::Type::PartitionAware));
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

    /// Operations on this agent's resources are not for it to do.
    pub(super) fn refuse_operation(&mut self, request: OperationRequest) {
        let status = OperationStatus {
            operation_id: request.operation.id,
            state: OperationState::OperationError.into(),
            message: Some("Operations are not supported by this agent".to_owned()),
            agent_id: self.info.id.clone(),
            ..OperationStatus::default()
        };
        let OperationRequest { framework_id, uuid, .. } = request;
        self.send(ToMaster::OperationUpdate(OperationUpdate { framework_id, status, uuid }));
    }
}

fn archived(framework: &Framework) -> (FrameworkInfo, Vec<Task>) {
    let executors = framework.completed_executors.iter();
    (
        framework.info.clone(),
        executors.flat_map(|executor| executor.completed_tasks.iter().cloned()).collect(),
    )
}
