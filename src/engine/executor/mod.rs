//! The command executor: runs one task as one process. Pure; its caller starts, signals and probes the process.
//!
//! ```text
//! Launching -- Launched --> Running -- Kill, Shutdown, unhealthy, too old --> Killing -- Exited --> Terminated
//!                              `------------------------- Exited ----------------------------------^
//! ```
//!
//! The default executor, in [`group`], runs each of its tasks like that, and the docker executor, in [`docker`], its one.
//! What [`custom`] executors do is their own business.

pub mod check;
pub mod custom;
pub mod docker;
pub mod exit;
pub mod group;

use std::time::Duration;

use check::{CheckKind, Checker, Health, HealthChecker, Probe, ProbeOutcome};
use custom::CustomExecutor;
use docker::DockerExecutor;
use exit::Exit;
use group::DefaultExecutor;
use serde::{Deserialize, Serialize};

use crate::mesos::{
    time::Time,
    v1::{
        CheckStatusInfo, ContainerId, ExecutorId, KillPolicy, TaskId, TaskInfo, TaskState, TaskStatus,
        task_status::{Reason, Source},
    },
};

/// From TERM to KILL when neither the kill nor the task says otherwise.
pub const DEFAULT_KILL_GRACE_PERIOD: Duration = Duration::from_secs(3);

/// What the executor is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The process of the task is about to be started, together with others that are waited for.
    Starting,
    /// The process of the task runs.
    Launched,
    /// The process of the task runs since an earlier executor has launched it, which has said this of it.
    Resumed { statuses: Vec<TaskStatus> },
    /// There is nothing to execute.
    Aborted,
    /// There is no process: it could not be started, or has ended unseen; why.
    Missing(String),
    /// `Event.Kill`; its kill policy goes before the one of the task.
    Kill(Option<KillPolicy>),
    /// `Event.Shutdown`, with the time the task is given to end.
    Shutdown { grace_period: Duration },
    /// The process has ended.
    Exited(Exit),
    /// A probe has ended.
    Probed { kind: CheckKind, outcome: ProbeOutcome },
    /// Time has passed, see [`CommandExecutor::next_deadline`].
    Tick,
}

/// What the executor wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this; agent id, uuid and container status are the agent's to add.
    Update(Box<TaskStatus>),
    /// Signal the whole process tree of the task.
    Signal(Signal),
    /// Make this probe and answer with [`Input::Probed`].
    Probe(Probe),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// What an executor does that has no process of its own, and what is known of one that has.
#[derive(Clone, Debug)]
pub enum Program {
    Command(Box<CommandExecutor>),
    Docker(Box<DockerExecutor>),
    Default(DefaultExecutor),
    Custom(Box<CustomExecutor>),
}

impl Program {
    /// What is to be done in which container. Inputs of one task of a default executor are for its nested container,
    /// those of the executor for its own.
    pub fn handle(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        input: Input,
    ) -> Vec<(ContainerId, Action)> {
        match self {
            Self::Command(command) => addressed(container_id, command.handle(now, input)),
            Self::Docker(docker) => addressed(container_id, docker.handle(now, input)),
            Self::Default(default) => default.handle(now, container_id, input),
            Self::Custom(_) => Vec::new(),
        }
    }

    /// When [`Input::Tick`] is due.
    pub fn next_deadline(&self) -> Option<Time> {
        match self {
            Self::Command(command) => command.next_deadline(),
            Self::Docker(docker) => docker.next_deadline(),
            Self::Default(default) => default.next_deadline(),
            Self::Custom(custom) => custom.next_deadline(),
        }
    }
}

fn addressed(container_id: &ContainerId, actions: Vec<Action>) -> Vec<(ContainerId, Action)> {
    actions.into_iter().map(|action| (container_id.clone(), action)).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Launching,
    Running,
    /// `kill_at` is None once KILL has been sent.
    Killing {
        since: Time,
        kill_at: Option<Time>,
    },
    Terminated,
}

/// Why the task is being killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Request,
    Health,
    MaxCompletionTime,
}

/// One task and its process.
#[derive(Clone, Debug)]
pub struct CommandExecutor {
    task: TaskInfo,
    /// Who says what becomes of the task.
    id: ExecutorId,
    /// What ends: "Command" or "Container".
    subject: &'static str,
    /// From TERM to KILL when neither the kill nor the task says otherwise.
    grace_period: Duration,
    /// The framework has the capability TASK_KILLING_STATE.
    killing_state: bool,
    phase: Phase,
    cause: Cause,
    max_completion_at: Option<Time>,
    last_status: TaskStatus,
    check: Option<Checker>,
    health: Option<HealthChecker>,
}

impl CommandExecutor {
    pub fn new(task: TaskInfo, killing_state: bool) -> Self {
        let id = ExecutorId::new(task.task_id.as_str());
        Self::of(id, task, killing_state)
    }

    /// For a task of another executor.
    pub(super) fn of(id: ExecutorId, task: TaskInfo, killing_state: bool) -> Self {
        Self {
            task,
            id,
            subject: "Command",
            grace_period: DEFAULT_KILL_GRACE_PERIOD,
            killing_state,
            phase: Phase::Launching,
            cause: Cause::Request,
            max_completion_at: None,
            last_status: TaskStatus::default(),
            check: None,
            health: None,
        }
    }

    pub fn task_id(&self) -> &TaskId {
        &self.task.task_id
    }

    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Action> {
        match input {
            Input::Starting => self.starting(now).into_iter().collect(),
            Input::Launched => self.launched(now),
            Input::Resumed { statuses } => self.resumed(now, &statuses),
            Input::Aborted => self.aborted(now),
            Input::Missing(why) => self.missing(now, why),
            Input::Kill(policy) => self.kill(now, Cause::Request, self.kill_grace_period(policy.as_ref())),
            Input::Shutdown { grace_period } => self.kill(now, Cause::Request, grace_period),
            Input::Exited(exit) => self.exited(now, exit),
            Input::Probed { kind: CheckKind::Check, outcome } => self.checked(now, outcome),
            Input::Probed { kind: CheckKind::Health, outcome } => self.health_checked(now, outcome),
            Input::Tick => self.tick(now),
        }
    }

    /// When [`Input::Tick`] is due.
    pub fn next_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Running => [
                self.max_completion_at,
                self.check.as_ref().and_then(Checker::deadline),
                self.health.as_ref().and_then(HealthChecker::deadline),
            ]
            .into_iter()
            .flatten()
            .min(),
            Phase::Killing { kill_at, .. } => kill_at,
            Phase::Launching | Phase::Terminated => None,
        }
    }

    fn launched(&mut self, now: Time) -> Vec<Action> {
        if self.phase != Phase::Launching {
            return Vec::new();
        }
        self.run(now, now);
        let mut actions: Vec<Action> = self.starting(now).into_iter().collect();
        let running = self.status(now, TaskState::TaskRunning);
        actions.push(self.update(running));
        actions.extend(self.probes(now));
        actions
    }

    /// TASK_STARTING, unless that has been said.
    fn starting(&mut self, now: Time) -> Option<Action> {
        let said = self.last_status.state() == TaskState::TaskStarting;
        let starting = self.status(now, TaskState::TaskStarting);
        (!said).then(|| self.update(starting))
    }

    fn run(&mut self, now: Time, started: Time) {
        self.phase = Phase::Running;
        self.max_completion_at = self
            .task
            .max_completion_time
            .as_ref()
            .and_then(|time| u64::try_from(time.nanoseconds).ok())
            .filter(|nanoseconds| *nanoseconds > 0)
            .map(|nanoseconds| started + Duration::from_nanos(nanoseconds));
        self.check = self.task.check.as_ref().and_then(|check| Checker::start(now, check));
        self.health = self.task.health_check.as_ref().and_then(|check| HealthChecker::start(now, check));
    }

    /// Says what has not been said, and goes on: checks begin anew, a kill has its whole grace period again.
    fn resumed(&mut self, now: Time, statuses: &[TaskStatus]) -> Vec<Action> {
        let (Phase::Launching, Some(first), Some(last)) = (self.phase, statuses.first(), statuses.last())
        else {
            return self.launched(now);
        };
        let started = Duration::try_from_secs_f64(first.timestamp()).map_or(now, Time::from_epoch);
        self.run(now, started.min(now));
        self.last_status = last.clone();
        match last.state() {
            TaskState::TaskStarting => {
                let running = self.status(now, TaskState::TaskRunning);
                vec![self.update(running)]
            }
            TaskState::TaskKilling => self.kill_again(now),
            _ => self.probes(now),
        }
    }

    fn kill_again(&mut self, now: Time) -> Vec<Action> {
        let kill_at = Some(now + self.kill_grace_period(None));
        self.phase = Phase::Killing { since: now, kill_at };
        vec![Action::Signal(Signal::Terminate)]
    }

    fn aborted(&mut self, now: Time) -> Vec<Action> {
        self.phase = Phase::Terminated;
        self.starting(now).into_iter().collect()
    }

    fn missing(&mut self, now: Time, why: String) -> Vec<Action> {
        self.phase = Phase::Terminated;
        let killed = self.last_status.state() == TaskState::TaskKilling;
        let state = if killed { TaskState::TaskKilled } else { TaskState::TaskFailed };
        let mut status = self.status(now, state);
        status.message = (!killed).then_some(why);
        vec![self.update(status)]
    }

    /// It was killed before it had a process.
    fn never_ran(&mut self, now: Time) -> Action {
        self.phase = Phase::Terminated;
        let status = self.status(now, TaskState::TaskKilled);
        self.update(status)
    }

    fn tick(&mut self, now: Time) -> Vec<Action> {
        match self.phase {
            Phase::Running if self.max_completion_at.is_some_and(|at| at <= now) => {
                self.kill(now, Cause::MaxCompletionTime, Duration::ZERO)
            }
            Phase::Running => self.probes(now),
            Phase::Killing { since, kill_at: Some(at) } if at <= now => {
                self.phase = Phase::Killing { since, kill_at: None };
                vec![Action::Signal(Signal::Kill)]
            }
            _ => Vec::new(),
        }
    }

    fn probes(&mut self, now: Time) -> Vec<Action> {
        let check = self.check.as_mut().and_then(|check| check.probe(now));
        let health = self.health.as_mut().and_then(|health| health.probe(now));
        check.into_iter().chain(health).map(Action::Probe).collect()
    }

    /// A task that is already being killed is only ever given less time, never more.
    fn kill(&mut self, now: Time, cause: Cause, grace_period: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Running => self.start_kill(now, cause, grace_period),
            Phase::Killing { since, kill_at: Some(at) } => {
                let kill_at = at.min((since + grace_period).max(now));
                self.phase = Phase::Killing { since, kill_at: Some(kill_at) };
                self.tick(now)
            }
            _ => Vec::new(),
        }
    }

    fn start_kill(&mut self, now: Time, cause: Cause, grace_period: Duration) -> Vec<Action> {
        self.cause = cause;
        self.phase = Phase::Killing { since: now, kill_at: Some(now + grace_period) };
        let mut actions = Vec::new();
        if self.killing_state && cause != Cause::MaxCompletionTime {
            let killing = self.status(now, TaskState::TaskKilling);
            actions.push(self.update(killing));
        }
        actions.push(Action::Signal(Signal::Terminate));
        actions
    }

    fn kill_grace_period(&self, policy: Option<&KillPolicy>) -> Duration {
        [policy, self.task.kill_policy.as_ref()]
            .into_iter()
            .flatten()
            .find_map(grace_period)
            .unwrap_or(self.grace_period)
    }

    fn exited(&mut self, now: Time, exit: Exit) -> Vec<Action> {
        let killed = matches!(self.phase, Phase::Killing { .. });
        if std::mem::replace(&mut self.phase, Phase::Terminated) == Phase::Terminated {
            return Vec::new();
        }
        let state = match (killed, self.cause) {
            (true, Cause::MaxCompletionTime) => TaskState::TaskFailed,
            (true, _) => TaskState::TaskKilled,
            (false, _) if exit.success() => TaskState::TaskFinished,
            (false, _) => TaskState::TaskFailed,
        };
        let mut status = self.status(now, state);
        status.message = Some(format!("{} {exit}", self.subject));
        match (killed, self.cause) {
            (true, Cause::MaxCompletionTime) => status.set_reason(Reason::MaxCompletionTimeReached),
            (true, Cause::Health) => status.healthy = Some(false),
            _ => {}
        }
        vec![self.update(status)]
    }

    fn checked(&mut self, now: Time, outcome: ProbeOutcome) -> Vec<Action> {
        let changed = self.running(self.check.is_some()).then(|| self.check.as_mut()?.probed(now, outcome));
        let Some(Some(check_status)) = changed else {
            return Vec::new();
        };
        let mut status = self.repeated_status(now, Reason::TaskCheckStatusUpdated);
        status.check_status = Some(check_status);
        vec![self.update(status)]
    }

    fn health_checked(&mut self, now: Time, outcome: ProbeOutcome) -> Vec<Action> {
        let changed = self.running(self.health.is_some()).then(|| self.health.as_mut()?.probed(now, outcome));
        let Some(Some(health)) = changed else {
            return Vec::new();
        };
        let mut status = self.repeated_status(now, Reason::TaskHealthCheckStatusUpdated);
        status.healthy = Some(health == Health::Healthy);
        let mut actions = vec![self.update(status)];
        if health == (Health::Unhealthy { kill: true }) {
            actions.extend(self.kill(now, Cause::Health, self.kill_grace_period(None)));
        }
        actions
    }

    /// What an earlier executor has said last of the task.
    fn recall(&mut self, last: &TaskStatus) {
        self.last_status = last.clone();
        if is_end(last.state()) {
            self.phase = Phase::Terminated;
        }
    }

    /// The process has ended by itself, and well.
    pub(super) fn has_finished(&self) -> bool {
        self.last_status.state() == TaskState::TaskFinished
    }

    fn is_over(&self) -> bool {
        self.phase == Phase::Terminated
    }

    fn is_killed_for_its_health(&self) -> bool {
        matches!(self.phase, Phase::Killing { .. }) && self.cause == Cause::Health
    }

    fn running(&self, has_check: bool) -> bool {
        has_check && self.phase == Phase::Running
    }

    /// The last status again, with all it carries, for another reason.
    fn repeated_status(&self, now: Time, reason: Reason) -> TaskStatus {
        let mut status = self.last_status.clone();
        status.timestamp = Some(now.as_secs_f64());
        status.set_reason(reason);
        status
    }

    /// A status from scratch. A task with a check carries a check status from the first update on.
    fn status(&self, now: Time, state: TaskState) -> TaskStatus {
        TaskStatus {
            task_id: self.task.task_id.clone(),
            state: state.into(),
            source: Some(Source::Executor.into()),
            executor_id: Some(self.id.clone()),
            timestamp: Some(now.as_secs_f64()),
            check_status: self.empty_check_status(),
            ..TaskStatus::default()
        }
    }

    fn empty_check_status(&self) -> Option<CheckStatusInfo> {
        self.task.check.as_ref().map(|check| check::empty_status(check.r#type()))
    }

    fn update(&mut self, status: TaskStatus) -> Action {
        self.last_status = status.clone();
        Action::Update(Box::new(status))
    }
}

/// Whether an executor has nothing more to say of a task in this state.
pub(super) fn is_end(state: TaskState) -> bool {
    matches!(state, TaskState::TaskFinished | TaskState::TaskFailed | TaskState::TaskKilled)
}

/// The grace period of a kill policy, if it names one.
pub fn grace_period(policy: &KillPolicy) -> Option<Duration> {
    let nanoseconds = policy.grace_period.as_ref()?.nanoseconds;
    Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)))
}
