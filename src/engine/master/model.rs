//! What a master knows: frameworks, agents and their tasks. Public fields, for the views to read.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{counters::FrameworkCounters, io::StreamId};
use crate::{
    engine::wire::AgentLink,
    mesos::{
        resources::Resources,
        time::Time,
        v1::{
            AgentId, AgentInfo, DrainInfo, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, OfferId,
            Task, TaskId, agent_info, framework_info::capability, scheduler::OfferConstraints,
        },
    },
};

/// Where a framework stands with this master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameworkState {
    /// It has a stream.
    Connected,
    /// Its stream is gone; removed at `expires`, if that can be said (an endless failover timeout cannot).
    Disconnected { since: Time, expires: Option<Time> },
    /// Known from a re-registering agent only.
    Recovered,
    /// Torn down or expired.
    Completed,
}

/// A framework: subscribed now, expected back, or completed.
#[derive(Clone, Debug)]
pub struct Framework {
    pub id: FrameworkId,
    /// Carries the id.
    pub info: FrameworkInfo,
    /// Set while connected.
    pub stream: Option<StreamId>,
    pub state: FrameworkState,
    /// Gets offers.
    pub active: bool,
    pub registered_at: Time,
    /// Equals `registered_at` until the framework subscribes again.
    pub reregistered_at: Time,
    pub unregistered_at: Option<Time>,
    /// All that are not completed; a terminal one stays until it is acknowledged.
    pub tasks: BTreeMap<TaskId, Task>,
    /// Oldest first, at most `max_completed_tasks_per_framework`.
    pub completed_tasks: VecDeque<Task>,
    /// Oldest first.
    pub unreachable_tasks: VecDeque<Task>,
    pub executors: BTreeMap<AgentId, BTreeMap<ExecutorId, ExecutorInfo>>,
    pub offers: BTreeSet<OfferId>,
    pub suppressed_roles: BTreeSet<String>,
    pub offer_constraints: OfferConstraints,
    /// What its tasks and executors hold, with allocation info.
    pub used: BTreeMap<AgentId, Resources>,
    pub counters: FrameworkCounters,
}

impl Framework {
    pub fn connected(&self) -> bool {
        self.state == FrameworkState::Connected
    }

    pub fn recovered(&self) -> bool {
        self.state == FrameworkState::Recovered
    }

    pub fn has_capability(&self, capability: capability::Type) -> bool {
        self.info.capabilities.iter().any(|c| c.r#type() == capability)
    }

    /// `failover_timeout`; zero when it is no number that fits.
    pub fn failover_timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.info.failover_timeout()).unwrap_or_default()
    }
}

/// A registered agent.
#[derive(Clone, Debug)]
pub struct Agent {
    pub id: AgentId,
    /// Carries the id and the resources and attributes it registered with.
    pub info: AgentInfo,
    /// Stays when the connection breaks: what is said then may still arrive.
    pub link: Option<AgentLink>,
    /// `slave(1)@127.0.0.1:5051`.
    pub pid: String,
    pub version: String,
    pub capabilities: Vec<agent_info::Capability>,
    /// `resource_version_uuid`: 16 bytes that the agent wants to see again with what is launched on it.
    pub resource_version: Option<bytes::Bytes>,
    pub registered_at: Time,
    pub reregistered_at: Option<Time>,
    /// What there is, without allocation info.
    pub total: Resources,
    /// Its resources are offered.
    pub active: bool,
    pub connected: bool,
    /// Since when it is not connected.
    pub disconnected_at: Option<Time>,
    /// Deactivated by an operator.
    pub deactivated: bool,
    pub drain_info: Option<DrainInfo>,
    pub estimated_drain_start_time: Option<Time>,
    pub offers: BTreeSet<OfferId>,
    /// Which tasks are here, by framework. Their bodies are in [`Framework::tasks`].
    pub tasks: BTreeMap<FrameworkId, BTreeSet<TaskId>>,
    /// The executors here, by framework.
    pub executors: BTreeMap<FrameworkId, BTreeMap<ExecutorId, ExecutorInfo>>,
    /// What tasks and executors hold, by framework, with allocation info.
    pub used: BTreeMap<FrameworkId, Resources>,
    /// Sum of the resources in outstanding offers, with allocation info.
    pub offered: Resources,
    /// Tasks that a framework wants killed, until they are gone.
    pub killed_tasks: BTreeMap<FrameworkId, BTreeSet<TaskId>>,
    pub(super) observer: Observer,
}

/// Watches whether an agent answers its pings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Observer {
    /// Tells apart the observers of an agent that came, went and came again.
    pub serial: u64,
    pub is_waiting: bool,
    pub timeouts: u32,
    pub marking: MarkingUnreachable,
}

/// On the way to unreachable; the rate limit can make it a long one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MarkingUnreachable {
    #[default]
    No,
    Scheduled,
}

/// An agent that stopped answering, or was marked gone.
#[derive(Clone, Debug)]
pub struct LostAgent {
    pub id: AgentId,
    pub info: AgentInfo,
    pub since: Time,
}
