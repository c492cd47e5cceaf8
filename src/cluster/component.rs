//! One part of the lab.

use std::time::Duration;

use crate::{
    mesos::{
        time::Time,
        v1::master::response::{GetAgents, get_agents},
    },
    scheduler::api::{Phase, State},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// `zookeeper`, `master`, `agent-1`, `scheduler`; the hostname of an agent of someone else's cluster.
    pub name: String,
    pub kind: Kind,
    /// Empty while there is none.
    pub url: String,
    pub health: Health,
    /// One line: `elected`, `registered`, `subscribed, 5/5 tasks running`, `Connection refused`.
    pub state: String,
    pub version: String,
    pub started: Option<Time>,
    /// How often it was seen to start anew since we watch.
    pub restarts: u32,
    pub last_ping: Option<Time>,
    pub round_trip: Option<Duration>,
    /// Where it runs in a container of the lab's engine.
    pub container: Option<Container>,
}

/// What an engine says of a component's container.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// In the engine's words: `running`, `paused`, `restarting`.
    pub state: String,
    /// How often the engine has started it anew.
    pub restarts: u32,
    /// Cores in use on the average since it was asked last.
    pub cores: Option<f64>,
    /// In bytes.
    pub memory: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    ZooKeeper,
    Exhibitor,
    Master,
    Agent,
    Marathon,
    Registry,
    Scheduler,
}

impl Kind {
    /// What the component of this name is, in a lab of ours.
    pub fn of(name: &str) -> Self {
        match name {
            "zookeeper" => Self::ZooKeeper,
            "exhibitor" => Self::Exhibitor,
            "marathon" => Self::Marathon,
            "registry" => Self::Registry,
            "scheduler" => Self::Scheduler,
            name if name.starts_with("master") => Self::Master,
            _ => Self::Agent,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Ready,
    /// It answers, and does not do what it is there for.
    Degraded,
    /// It does not answer.
    Down,
    /// It is not meant to run.
    Stopped,
    /// Not asked yet.
    Unknown,
}

/// How an agent stands with its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    Active,
    Inactive,
    Missing,
}

impl Registration {
    pub fn of(agent: &get_agents::Agent) -> Self {
        if agent.active { Self::Active } else { Self::Inactive }
    }

    /// Of the agent at `url`, among all that the master knows. The port tells: machines have many names.
    pub fn at(url: &str, agents: &GetAgents) -> Self {
        let port = |text: &str| text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        let wanted = port(url);
        let is_it = |agent: &&get_agents::Agent| agent.pid.as_deref().and_then(port) == wanted;
        agents.agents.iter().find(is_it).map_or(Self::Missing, Self::of)
    }

    pub fn health(self) -> (Health, &'static str) {
        match self {
            Self::Active => (Health::Ready, "registered"),
            Self::Inactive => (Health::Degraded, "inactive"),
            Self::Missing => (Health::Degraded, "not registered"),
        }
    }
}

/// How our scheduler stands with its master, and what it does: `subscribed, 5/5 tasks running`.
pub fn scheduler_health(state: &State) -> (Health, String) {
    let (health, phase) = match state.phase {
        Phase::Subscribed => (Health::Ready, "subscribed"),
        Phase::Disconnected => (Health::Degraded, "disconnected"),
        Phase::Stopped => (Health::Degraded, "stopped"),
    };
    (health, format!("{phase}, {}", state.summary))
}
