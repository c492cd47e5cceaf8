//! Our framework's decisions, without IO: how a well-behaved Mesos framework works, to be read.
//!
//! ```text
//! Input: master events, connection lost, calls that failed, what the user wants, time
//!    └─> Scheduler::handle(now, input) ─> Effects: calls, acknowledgements, saving, news for watchers
//! ```
//!
//! - `fleet` holds the tasks and their places; never more tasks than `num_of_node`.
//! - `updates` takes status updates: acknowledges each that has a uuid, replaces what ended, adopts or kills what returns.
//! - `offers` answers every offer at once: places tasks, declines the rest for long, and records why (`market`, `explain`).
//! - `desire` compares what is with what is wanted: kills, rolls, suppresses, revives, reconciles.
//!
//! *Architecture Invariant*: what must survive a crash is saved before the call that depends on it: a task is on disk
//! before it is launched, so that a restarted scheduler counts it and neither doubles nor loses it.

pub mod api;
mod backoff;
mod calls;
pub mod config;
pub mod constraint;
mod desire;
mod explain;
mod fleet;
pub mod forecast;
pub mod health;
mod market;
pub mod metrics;
mod offers;
mod placing;
pub mod pool;
pub mod quantities;
mod reconcile;
pub mod saved;
pub mod seconds;
pub mod shortage;
mod task;
mod task_info;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod updates;
mod view;
mod words;

use std::time::Duration;

use rand::{SeedableRng, rngs::SmallRng};

use crate::{
    mesos::{
        time::Time,
        v1::{
            FrameworkId, TaskId,
            scheduler::{Call, Event, call, event},
        },
    },
    scheduler::{
        api::{KillReason, Phase},
        config::{Command, ConfigError, Executor, FieldError, SchedulerConfig},
        fleet::Fleet,
        market::Market,
        metrics::Counters,
        reconcile::Reconciler,
        saved::SavedState,
    },
};

/// What stays as it is for the life of the scheduler.
#[derive(Clone, Debug)]
pub struct Options {
    /// `FrameworkInfo.user`: who runs tasks whose configuration names nobody.
    pub user: String,
    /// `FrameworkInfo.hostname`.
    pub hostname: Option<String>,
    pub principal: Option<String>,
    /// Where the scheduler's own API is, for the master's web pages.
    pub webui_url: Option<String>,
    /// After a change of masters: how long agents have to register again before tasks unknown to the master are replaced.
    pub reregister_grace: Duration,
    pub reconcile_interval: Duration,
    /// How long after its grace period a task that has not ended is killed again.
    pub kill_patience: Duration,
    /// What starts our own executor on the agents of this cluster; none where that is not known.
    pub executor_command: Option<Command>,
}

impl Options {
    /// Our own executor is the program at `path`, as the agents of this cluster see it.
    pub fn with_executor_at(self, path: impl AsRef<std::path::Path>) -> Self {
        let path = path.as_ref().display().to_string();
        let executor_command = Some(Command::Argv(vec![path, "serve".to_owned(), "executor".to_owned()]));
        Self { executor_command, ..self }
    }

    /// # Errors
    /// What is wrong with the executor that `config` wants, on this cluster.
    pub fn check(&self, config: &SchedulerConfig) -> Result<(), ConfigError> {
        self.executor_error(config).map_or(Ok(()), |error| Err(ConfigError(vec![error])))
    }

    /// What is wrong with the executor that `config` wants, on this cluster.
    pub fn executor_error(&self, config: &SchedulerConfig) -> Option<FieldError> {
        let known = config.executor_command.is_some() || self.executor_command.is_some();
        (config.executor == Executor::Custom && !known).then(|| {
            let message = "must say what starts the custom executor on an agent, such as \
                           \"/path/to/mesoslab serve executor\": this lab brings none along";
            FieldError::new("executor_command", message)
        })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user: "root".to_owned(),
            hostname: None,
            principal: None,
            webui_url: None,
            reregister_grace: Duration::from_secs(5),
            reconcile_interval: Duration::from_secs(600),
            kill_patience: Duration::from_secs(5),
            executor_command: None,
        }
    }
}

/// What happens to the scheduler.
#[derive(Clone, Debug)]
pub enum Input {
    /// A connection to this master is being made.
    Connecting { master: String },
    /// An event of the subscription.
    Event(Box<Event>),
    /// The subscription has ended, or could not be had.
    Disconnected { reason: String },
    /// The master did not take a call.
    CallFailed { call: Box<Call>, failure: CallFailure },
    /// The user wants something else; already checked.
    Configure(Box<SchedulerConfig>),
    /// The user wants this task to end; another takes its place.
    Kill(TaskId),
    /// The user wants the framework to end with all its tasks.
    Teardown,
    /// [`Scheduler::next_deadline`] has come.
    Tick,
}

/// How a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// It never left us.
    NotSent(String),
    /// The master answered with this status.
    Refused { status: u16, message: String },
    /// Nobody knows whether it arrived.
    Unknown(String),
}

/// What the scheduler wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Save [`Scheduler::saved`] before anything that follows is done.
    SaveFirst,
    /// Save [`Scheduler::saved`] when there is time.
    SaveSoon,
    /// Make this call; calls arrive at the master in their order.
    Call(Box<Call>),
    /// Make this call at once; it needs no order.
    Acknowledge(Box<Call>),
    /// Drop the subscription and make a new one with [`Scheduler::subscribe`].
    Resubscribe,
    /// Drop the subscription and make no other.
    Stop,
    /// Tell whoever watches.
    News(Box<api::Event>),
}

/// How the framework stands with its master.
#[derive(Clone, Debug)]
struct Link {
    phase: Phase,
    master: Option<String>,
    problem: Option<String>,
}

/// The framework.
#[derive(Clone, Debug)]
pub struct Scheduler {
    options: Options,
    config: SchedulerConfig,
    version: u64,
    fingerprint: String,
    framework_id: Option<FrameworkId>,
    /// The id that the master gave itself.
    master_id: Option<String>,
    link: Link,
    fleet: Fleet,
    market: Market,
    reconciler: Reconciler,
    /// Until then the master may not know all agents yet.
    grace_until: Time,
    /// Some tasks are of an older definition.
    rolling: bool,
    counters: Counters,
    rng: SmallRng,
    started_at: Time,
    now: Time,
    effects: Vec<Effect>,
}

impl Scheduler {
    /// A scheduler that goes on from `saved`, when there is something; then the saved configuration holds.
    /// `seed` makes task ids that no earlier run has used.
    pub fn new(
        now: Time,
        options: Options,
        config: SchedulerConfig,
        saved: Option<SavedState>,
        seed: u64,
    ) -> Self {
        let reconciler = Reconciler::new(options.reconcile_interval);
        let mut scheduler = Self {
            options,
            version: 1,
            fingerprint: config.fingerprint(),
            config,
            framework_id: None,
            master_id: None,
            link: Link { phase: Phase::Disconnected, master: None, problem: None },
            fleet: Fleet::default(),
            market: Market::default(),
            reconciler,
            grace_until: now,
            rolling: false,
            counters: Counters::default(),
            rng: SmallRng::seed_from_u64(seed),
            started_at: now,
            now,
            effects: Vec::new(),
        };
        if let Some(saved) = saved {
            scheduler.restore(saved);
        }
        scheduler.fleet.resize(scheduler.config.num_of_node as usize);
        scheduler
    }

    /// The one entry.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        self.now = self.now.max(now);
        match input {
            Input::Connecting { master } => self.link.master = Some(master),
            Input::Event(event) => self.event(*event),
            Input::Disconnected { reason } => self.disconnected(reason),
            Input::CallFailed { call, failure } => self.call_failed(&call, &failure),
            Input::Configure(config) => self.configure(*config),
            Input::Kill(id) => self.kill(&id, KillReason::Requested),
            Input::Teardown => self.teardown(),
            Input::Tick => {}
        }
        if self.link.phase == Phase::Subscribed {
            self.strive();
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Time> {
        if self.link.phase != Phase::Subscribed {
            return None;
        }
        [
            Some(self.reconciler.next_deadline()),
            self.fleet.next_ready(self.now),
            self.fleet.next_kill(),
            self.market.next_deadline(),
            self.next_proof(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The SUBSCRIBE call for the next connection; none when the framework has stopped.
    pub fn subscribe(&mut self) -> Option<Call> {
        if self.link.phase == Phase::Stopped {
            return None;
        }
        self.market.suppressed = self.fleet.demand(self.now) == 0;
        Some(calls::subscribe(self.subscription()))
    }

    fn event(&mut self, event: Event) {
        match event.r#type() {
            event::Type::Subscribed => event.subscribed.map_or((), |subscribed| self.subscribed(subscribed)),
            event::Type::Offers => self.offers(event.offers.unwrap_or_default().offers),
            event::Type::Update => event.update.map_or((), |update| self.update(&update.status)),
            event::Type::Rescind => event.rescind.map_or((), |rescind| self.rescinded(&rescind.offer_id)),
            event::Type::Failure => self.failure(event.failure.unwrap_or_default()),
            event::Type::Error => self.error(event.error.map(|error| error.message).unwrap_or_default()),
            event::Type::Heartbeat
            | event::Type::InverseOffers
            | event::Type::RescindInverseOffer
            | event::Type::UpdateOperationStatus
            | event::Type::Message
            | event::Type::Unknown => {}
        }
    }

    fn subscribed(&mut self, subscribed: event::Subscribed) {
        self.counters.subscriptions += 1;
        if self.framework_id.as_ref() != Some(&subscribed.framework_id) {
            self.framework_id = Some(subscribed.framework_id);
            self.effects.push(Effect::SaveFirst);
        }
        let master_id = subscribed.master_info.map(|info| info.id);
        if self.master_id != master_id {
            self.master_id = master_id;
            self.grace_until = self.now + self.options.reregister_grace;
            self.effects.push(Effect::SaveSoon);
        }
        self.link.phase = Phase::Subscribed;
        self.link.problem = None;
        self.market.subscribed(self.fleet.demand(self.now));
        self.fleet.kill_again(self.now);
        self.reconciler.restart(self.now);
        self.connection_news();
    }

    fn disconnected(&mut self, reason: String) {
        if self.link.phase != Phase::Stopped {
            self.link.phase = Phase::Disconnected;
            self.link.problem = Some(reason);
            self.connection_news();
        }
    }

    /// An agent is gone when no executor is named; updates of its tasks follow.
    fn failure(&mut self, failure: event::Failure) {
        if let (Some(agent_id), None) = (failure.agent_id, failure.executor_id) {
            self.market.agent_gone(&agent_id);
        }
    }

    /// The master ends the subscription after it.
    fn error(&mut self, message: String) {
        self.counters.errors += 1;
        match message.as_str() {
            "Framework has been removed" => self.start_afresh(),
            "Framework failed over" => {
                self.link.phase = Phase::Stopped;
                self.effects.push(Effect::Stop);
            }
            _ => self.link.phase = Phase::Disconnected,
        }
        self.link.problem = Some(message);
        self.connection_news();
    }

    /// The master has removed this framework and killed its tasks: only a new id can subscribe.
    fn start_afresh(&mut self) {
        self.framework_id = None;
        self.link.phase = Phase::Disconnected;
        self.fleet.clear();
        self.effects.extend([Effect::SaveFirst, Effect::Resubscribe]);
    }

    fn teardown(&mut self) {
        if let Some(id) = self.framework_id.take() {
            self.effects.push(Effect::Call(Box::new(calls::teardown(&id))));
        }
        self.fleet.clear();
        self.link.phase = Phase::Stopped;
        self.link.problem = Some("torn down".to_owned());
        self.effects.extend([Effect::SaveFirst, Effect::Stop]);
        self.connection_news();
    }

    fn call_failed(&mut self, call: &Call, failure: &CallFailure) {
        self.counters.calls_failed += 1;
        let (CallFailure::NotSent(message)
        | CallFailure::Unknown(message)
        | CallFailure::Refused { message, .. }) = failure;
        if self.link.phase != Phase::Stopped {
            self.link.problem = Some(format!("{} failed: {message}", call.r#type().as_str_name()));
        }
        match call.r#type() {
            call::Type::Accept => self.accept_failed(call, failure.is_certain()),
            call::Type::Revive | call::Type::Suppress => self.market.doubt(),
            call::Type::Reconcile => self.reconciler.restart(self.now + reconcile::FIRST_RETRY),
            _ => {}
        }
        if failure.is_stale() && self.link.phase == Phase::Subscribed {
            self.effects.push(Effect::Resubscribe);
        }
    }

    fn call(&mut self, call: impl FnOnce(&FrameworkId) -> Call) {
        if let Some(id) = &self.framework_id {
            self.effects.push(Effect::Call(Box::new(call(id))));
        }
    }

    fn connection_news(&mut self) {
        let news = api::Event::Connection {
            phase: self.link.phase,
            framework_id: self.framework_id.as_ref().map(ToString::to_string),
            master: self.link.master.clone(),
            problem: self.link.problem.clone(),
        };
        self.effects.push(Effect::News(Box::new(news)));
    }
}

impl CallFailure {
    /// The master has not done what the call asked for.
    fn is_certain(&self) -> bool {
        match self {
            Self::NotSent(_) => true,
            Self::Refused { status, .. } => (400..500).contains(status),
            Self::Unknown(_) => false,
        }
    }

    /// The master no longer takes our stream for the framework's.
    fn is_stale(&self) -> bool {
        let Self::Refused { status, message } = self else { return false };
        let words = ["not subscribed", "cannot be found", "stream ID", "Mesos-Stream-Id"];
        matches!(status, 307 | 403 | 404 | 503) || words.iter().any(|words| message.contains(words))
    }
}
