//! What the launcher is told and what it wants done.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::matching::Reason;
use crate::{
    mesos::{
        time::Time,
        v1::{FrameworkId, Offer, OfferId, TaskState, TaskStatus, scheduler::Call},
    },
    services::marathon::model::{
        AppDefinition, AppId, Goal, HealthCheck, InstanceId, InstanceState, TaskFailure, Timestamp,
    },
};

/// What stays as it is; the defaults are those of Marathon's flags.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// `--mesos_role`: the role that the framework always has.
    pub role: String,
    /// `--decline_offer_duration`.
    pub decline_for: Duration,
    /// `--min_revive_offers_interval`: no two revives follow each other faster.
    pub min_revive_interval: Duration,
    /// `--max_instances_per_offer`.
    pub max_instances_per_offer: usize,
    /// `--task_launch_confirm_timeout`: how long after its launch an instance may stay unheard of.
    pub launch_confirm_timeout: Duration,
    /// `--task_launch_timeout`: how long an instance may take to run.
    pub launch_timeout: Duration,
    /// `--reconciliation_initial_delay`: how long after each subscription the master is asked about all tasks; agents
    /// have to register with a new master first.
    pub reconcile_delay: Duration,
    /// `--reconciliation_interval`: how often from then on.
    pub reconcile_interval: Duration,
    /// `--kill_retry_timeout`.
    pub kill_retry: Duration,
    /// `--kill_chunk_size`: how many kills may wait for their answer.
    pub kills_at_once: usize,
    /// `--draining_seconds`: for how long before a maintenance an agent's offers are declined.
    pub draining: Duration,
    /// `--env_vars_prefix`, of `HOST` and the variables of the ports.
    pub env_prefix: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            role: "*".to_owned(),
            decline_for: Duration::from_secs(120),
            min_revive_interval: Duration::from_secs(5),
            max_instances_per_offer: 5,
            launch_confirm_timeout: Duration::from_secs(300),
            launch_timeout: Duration::from_secs(300),
            reconcile_delay: Duration::from_secs(15),
            reconcile_interval: Duration::from_secs(600),
            kill_retry: Duration::from_secs(30),
            kills_at_once: 100,
            draining: Duration::ZERO,
            env_prefix: String::new(),
        }
    }
}

/// What happens to the launcher.
#[derive(Clone, Debug)]
pub enum Input {
    /// The framework is subscribed; `region` is the master's own.
    Subscribed {
        framework_id: FrameworkId,
        region: Option<String>,
    },
    Disconnected,
    Offers(Vec<Offer>),
    Rescinded(OfferId),
    Update(Box<TaskStatus>),
    /// The master has certainly not done what this call asked for.
    CallFailed(Box<Call>),
    /// Ask the master about all tasks now.
    Reconcile,
    /// `count` instances of the app are wanted, of whatever version: those missing are launched as `app` says, those too
    /// many go, `victims` first. Holds until another input names the app: what is lost is replaced.
    Scale {
        app: Arc<AppDefinition>,
        count: u32,
        victims: Vec<InstanceId>,
    },
    /// `count` more instances, as `app` says. Ends what `Scale` has said about the app.
    Launch {
        app: Arc<AppDefinition>,
        count: u32,
    },
    /// These instances go and nothing takes their place. Ends what `Scale` has said about their app.
    Decommission(Vec<InstanceId>),
    /// The tasks of these instances are killed; each instance gets another. With `wipe` the instance itself is forgotten
    /// at once, and `Scale` replaces it.
    Kill {
        instances: Vec<InstanceId>,
        wipe: bool,
    },
    /// All instances go, and what is known of the app with them.
    Stop(AppId),
    /// The app may be launched again at once.
    ResetDelay(AppId),
    /// What came of a probe.
    Probed {
        probe: ProbeId,
        outcome: Outcome,
    },
    /// [`super::Launcher::next_deadline`] has come.
    Tick,
}

/// What the launcher wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Save the instance as [`super::Launcher::instance`] has it, before anything that follows is done.
    Save(InstanceId),
    /// The instance is no more.
    Forget(InstanceId),
    /// Make this call; calls arrive at the master in their order.
    Call(Box<Call>),
    /// The framework wants these roles from now on: update the framework.
    Roles(BTreeSet<String>),
    /// The last failure of an app, to be saved.
    Failure(Box<TaskFailure>),
    /// Make this probe and answer with [`Input::Probed`].
    Probe(Box<Probe>),
    /// Tell whoever watches.
    Event(Box<Event>),
}

/// What happened, for deployments and for `/v2/events`.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `status_update_event`.
    StatusUpdate(StatusUpdate),
    /// `instance_changed_event`: its state or its goal; also the last one before it is forgotten.
    InstanceChanged {
        id: InstanceId,
        app_id: AppId,
        version: Timestamp,
        state: InstanceState,
        goal: Goal,
        agent_id: Option<String>,
        host: String,
    },
    /// `instance_health_changed_event`.
    InstanceHealthChanged { id: InstanceId, app_id: AppId, version: Timestamp, healthy: Option<bool> },
    /// `health_status_changed_event`: of one check.
    HealthStatusChanged { id: InstanceId, app_id: AppId, version: Timestamp, alive: bool },
    /// `failed_health_check_event`.
    HealthCheckFailed { id: InstanceId, app_id: AppId, check: Box<HealthCheck> },
    /// `unhealthy_instance_kill_event`.
    UnhealthyKill {
        id: InstanceId,
        task_id: String,
        app_id: AppId,
        version: Timestamp,
        reason: String,
        host: String,
        agent_id: Option<String>,
    },
    /// `unknown_instance_terminated_event`.
    UnknownTerminated { id: InstanceId, app_id: AppId, state: InstanceState },
}

/// The members of `status_update_event`.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    pub agent_id: String,
    pub task_id: String,
    pub state: TaskState,
    pub message: String,
    pub app_id: AppId,
    pub host: String,
    pub ip_addresses: Vec<String>,
    pub ports: Vec<u16>,
    pub version: Timestamp,
}

/// Which probe: of which task, and for which of the app's health checks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeId {
    pub instance: InstanceId,
    pub incarnation: u32,
    /// Index in [`AppDefinition::health_checks`].
    pub check: usize,
}

/// One look at the health of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub id: ProbeId,
    pub target: ProbeTarget,
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeTarget {
    /// GET this; do not follow redirects.
    Http { url: String },
    /// Connect, and hang up.
    Tcp { host: String, port: u16 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The status of the answer.
    Status(u16),
    Connected,
    /// Nothing came, in the words of the error.
    Failed(String),
}

/// One item of `/v2/queue`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueItem {
    pub app: Arc<AppDefinition>,
    /// How many instances wait for an offer.
    pub count: u32,
    pub role: String,
    /// In whole seconds.
    pub time_left_seconds: u64,
    pub overdue: bool,
    pub since: Timestamp,
    pub offers: ProcessedOffers,
    pub last_unused_offers: Vec<UnusedOffer>,
}

/// `processedOffersSummary`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessedOffers {
    pub processed: u64,
    pub unused: u64,
    pub last_unused_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// Of the last offer of each agent.
    pub reject_summary_last_offers: Vec<RejectStep>,
    /// Of all offers since the app wants instances.
    pub reject_summary_launch_attempt: Vec<RejectStep>,
}

/// How many offers came so far in the funnel, and how many of them went for this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectStep {
    pub reason: Reason,
    pub declined: u64,
    pub processed: u64,
}

/// The last offer of an agent that the app did not use.
#[derive(Clone, Debug, PartialEq)]
pub struct UnusedOffer {
    pub offer: Offer,
    pub at: Time,
    pub reasons: Vec<Reason>,
}
