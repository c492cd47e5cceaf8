//! The bodies of the scheduler's own HTTP API, shared by its server and its clients. Times are seconds since the epoch.

use serde::{Deserialize, Serialize};

pub use crate::scheduler::{
    config::{Executor, FieldError, SchedulerConfig},
    quantities::{Quantities, Shortfall},
};

/// `GET /v1/config`, and the answer to `PUT` and `PATCH`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigView {
    /// Grows with every change.
    pub version: u64,
    pub config: SchedulerConfig,
}

/// How the framework stands with its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not subscribed: connecting, or waiting to try again.
    Disconnected,
    Subscribed,
    /// Given up: another scheduler has taken over this framework, or it was torn down.
    Stopped,
}

/// `GET /v1/state`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub name: String,
    pub framework_id: Option<String>,
    pub phase: Phase,
    /// The master it is subscribed with, or tries: `http://127.0.0.1:5050`.
    pub master: Option<String>,
    /// Why it is not subscribed, or what the master complained of last.
    pub problem: Option<String>,
    pub config_version: u64,
    /// Told the master that no offers are wanted.
    pub suppressed: bool,
    pub counts: Counts,
    /// One line for people: `5/5 tasks running`.
    pub summary: String,
    /// Of this program.
    #[serde(default)]
    pub version: String,
    /// When this scheduler started; its framework may be older.
    #[serde(default)]
    pub started_at: f64,
}

/// Tasks by what they are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// `num_of_node`.
    pub wanted: u64,
    pub running: u64,
    /// Launched, not yet running.
    pub starting: u64,
    /// To end, not yet ended; may be running still.
    pub killing: u64,
    pub unreachable: u64,
    /// Waiting to be placed on an offer.
    pub unplaced: u64,
    /// Waiting after a failure.
    pub backing_off: u64,
    /// Jobs that have ended and are not started again.
    pub completed: u64,
    /// Launched with an older definition, to be replaced.
    pub outdated: u64,
    pub unhealthy: u64,
}

/// Why a task is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillReason {
    /// `num_of_node` was lowered.
    ScaledDown,
    /// One too many: it came back when its place was taken.
    Surplus,
    /// Its definition has changed.
    Outdated,
    /// Somebody asked for it.
    Requested,
}

/// One element of `GET /v1/tasks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub id: String,
    /// Its place among the `num_of_node`.
    pub slot: Option<u32>,
    /// As Mesos writes it: `TASK_RUNNING`.
    pub state: String,
    pub agent_id: Option<String>,
    pub hostname: String,
    pub ports: Vec<u32>,
    pub config_version: u64,
    pub outdated: bool,
    /// What runs it: the setting `executor` when it was launched.
    #[serde(default)]
    pub executor: Executor,
    pub healthy: Option<bool>,
    pub killing: Option<KillReason>,
    pub launched_at: f64,
    pub running_since: Option<f64>,
    pub updated_at: f64,
    pub message: Option<String>,
    /// As Mesos writes it: `REASON_COMMAND_EXECUTOR_FAILED`.
    pub reason: Option<String>,
    /// How many tasks left its slot before it came, since the slot was first filled: they ended, or went out of reach.
    /// A slot that is empty when the scheduler is started again counts anew.
    #[serde(default)]
    pub restarts: u32,
}

/// `GET /v1/tasks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskList {
    /// Launched and not ended, oldest first.
    pub tasks: Vec<TaskView>,
    /// The last that ended, newest first.
    pub ended: Vec<TaskView>,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accepted,
    Declined,
    /// The master took it back; what we had answered came too late.
    Rescinded,
}

/// One element of `GET /v1/offers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferView {
    pub id: String,
    pub at: f64,
    pub agent_id: String,
    pub hostname: String,
    pub role: String,
    pub resources: Quantities,
    pub verdict: Verdict,
    pub reason: String,
    /// The tasks launched on it.
    pub tasks: Vec<String>,
    /// What it was refused for, in seconds (an accepted offer: what was left of it).
    pub refuse_seconds: f64,
}

/// `GET /v1/offers`: the last offers, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfferList {
    pub offers: Vec<OfferView>,
}

/// `GET /v1/explain`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explain {
    /// One line: what is, and what stands in the way.
    pub summary: String,
    /// Tasks that wait for an offer.
    pub unplaced: u64,
    /// What each of them wants.
    pub wants: Quantities,
    /// Per requirement what is missing.
    pub missing: Vec<Missing>,
    /// Agents that have enough and are kept from us by a constraint.
    pub constraints: Vec<AgentRefusal>,
    pub backing_off: Vec<SlotWait>,
    /// The newest verdict on each agent.
    pub offers: Vec<OfferView>,
}

/// A requirement that no offer meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// `cpus`, `mem`, `disk`, `ports`, `offers`, `agents`, `tasks`, `constraints`, `master` or `scheduler`.
    pub requirement: String,
    /// `cpus: wants 8, largest offer has 4`.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentRefusal {
    pub agent_id: String,
    pub hostname: String,
    pub text: String,
}

/// A slot that waits after failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotWait {
    pub slot: u32,
    pub failures: u32,
    /// Seconds from now.
    pub seconds: f64,
    pub last_message: Option<String>,
}

/// One event of `GET /v1/events`; the SSE event name is `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Always the first: everything as it is.
    Snapshot {
        state: Box<State>,
        tasks: Vec<TaskView>,
        config: Box<ConfigView>,
        /// As in [`TaskList`].
        #[serde(default)]
        ended: Vec<TaskView>,
        /// As in [`OfferList`].
        #[serde(default)]
        offers: Vec<OfferView>,
    },
    /// The whole of it again, when it has changed; at most ten times a second.
    State(Box<State>),
    /// The connection to the master has changed.
    Connection {
        phase: Phase,
        framework_id: Option<String>,
        master: Option<String>,
        problem: Option<String>,
    },
    Config(Box<ConfigView>),
    /// A task was launched or has changed; when it has ended, for the last time.
    Task {
        task: Box<TaskView>,
        ended: bool,
    },
    /// Offers came and were answered; or, with all numbers 0, one was taken back.
    Offers {
        offers: u64,
        accepted: u64,
        declined: u64,
        launched: Vec<String>,
        /// The verdicts on them.
        #[serde(default)]
        views: Vec<OfferView>,
    },
}

impl Event {
    /// The SSE event name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Snapshot { .. } => "snapshot",
            Self::State(_) => "state",
            Self::Connection { .. } => "connection",
            Self::Config(_) => "config",
            Self::Task { .. } => "task",
            Self::Offers { .. } => "offers",
        }
    }
}

/// `GET /health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub healthy: bool,
    pub phase: Phase,
}

/// The body of every error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    pub message: String,
    #[serde(default)]
    pub details: Vec<FieldError>,
}
