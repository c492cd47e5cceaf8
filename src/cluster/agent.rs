//! One agent of the cluster.

use std::sync::Arc;

use crate::{
    client::published::Published,
    cluster::{
        amounts::{attributes_text, quantities},
        fold::Names,
    },
    mesos::{
        time::Time,
        v1::{self, TimeInfo, master::response::get_agents},
    },
    scheduler::quantities::Quantities,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub id: Arc<str>,
    pub hostname: Arc<str>,
    /// What it is called among the components, which tells it from others of its host; else its hostname.
    pub name: Arc<str>,
    /// Where it is asked: `http://127.0.0.1:5051`.
    pub url: String,
    pub version: String,
    pub state: AgentState,
    pub registered: Option<Time>,
    pub reregistered: Option<Time>,
    /// `rack:a;zone:z1`
    pub attributes: String,
    pub total: Quantities,
    pub used: Quantities,
    pub offered: Quantities,
    /// Tasks on it that are not over.
    pub tasks: usize,
    /// As the master tells it, with all that a forecast needs: attributes, domain, exact resources.
    pub info: Arc<v1::AgentInfo>,
    pub total_resources: Vec<v1::Resource>,
    pub allocated_resources: Vec<v1::Resource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    Active,
    /// Disconnected from the master.
    Inactive,
    /// Takes no more tasks: the operator has deactivated it.
    Deactivated,
    Draining,
}

impl AgentState {
    fn of(agent: &get_agents::Agent) -> Self {
        match (&agent.drain_info, agent.deactivated(), agent.active) {
            (Some(_), _, _) => Self::Draining,
            (None, true, _) => Self::Deactivated,
            (None, false, true) => Self::Active,
            (None, false, false) => Self::Inactive,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deactivated => "deactivated",
            Self::Draining => "draining",
        }
    }
}

impl Agent {
    pub(super) fn read(agent: get_agents::Agent, names: &mut Names, published: &Published) -> Self {
        let state = AgentState::of(&agent);
        Self {
            url: published.agent(&agent).unwrap_or_default(),
            version: agent.version,
            state,
            registered: agent.registered_time.map(time),
            reregistered: agent.reregistered_time.map(time),
            used: quantities(&agent.allocated_resources),
            offered: quantities(&agent.offered_resources),
            total: quantities(&agent.total_resources),
            total_resources: agent.total_resources,
            allocated_resources: agent.allocated_resources,
            ..Self::recovered(agent.agent_info, names, published)
        }
    }

    /// One that the master knows of from its registry, and that has not come back yet.
    pub(super) fn recovered(info: v1::AgentInfo, names: &mut Names, published: &Published) -> Self {
        let id = info.id.as_ref().map_or("", v1::AgentId::as_str);
        Self {
            id: names.get(id),
            hostname: names.get(&info.hostname),
            name: names.get(&info.hostname),
            url: published.recovered_agent(&info),
            version: String::new(),
            state: AgentState::Inactive,
            registered: None,
            reregistered: None,
            attributes: attributes_text(&info.attributes),
            total: quantities(&info.resources),
            used: Quantities::default(),
            offered: Quantities::default(),
            tasks: 0,
            total_resources: info.resources.clone(),
            allocated_resources: Vec::new(),
            info: Arc::new(info),
        }
    }
}

/// `127.0.0.1:5051` of `slave(1)@127.0.0.1:5051`.
pub fn address_of(pid: &str) -> &str {
    pid.rsplit('@').next().unwrap_or(pid)
}

pub(super) fn time(info: TimeInfo) -> Time {
    Time::from_nanos(info.nanoseconds)
}
