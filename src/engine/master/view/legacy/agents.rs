//! `/slaves`, and an agent as `/state` and `/state-summary` show it too.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Query, selects};
use crate::{
    engine::{
        legacy::{Attributes, Domain, Resources, full_resources, reservations, unreserved},
        master::{Agent, Master, view::agent_used},
    },
    mesos::{
        json,
        time::Time,
        v1::{AgentId, AgentInfo},
    },
};

/// An agent without its full resources.
#[derive(Debug, Serialize)]
pub struct Slave<'a> {
    id: &'a str,
    hostname: &'a str,
    port: i32,
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain<'a>>,
    pid: &'a str,
    registered_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reregistered_time: Option<f64>,
    resources: Resources,
    used_resources: Resources,
    offered_resources: Resources,
    reserved_resources: BTreeMap<&'a str, Resources>,
    unreserved_resources: Resources,
    active: bool,
    deactivated: bool,
    version: &'a str,
    capabilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drain_info: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_drain_start_time_seconds: Option<f64>,
}

impl<'a> From<&'a Agent> for Slave<'a> {
    fn from(agent: &'a Agent) -> Self {
        let reserved = reservations(agent.total.iter()).into_iter();
        Self {
            id: agent.id.as_str(),
            hostname: &agent.info.hostname,
            port: agent.info.port(),
            attributes: Attributes(&agent.info.attributes),
            domain: agent.info.domain.as_ref().map(Domain::from),
            pid: &agent.pid,
            registered_time: agent.registered_at.as_secs_f64(),
            reregistered_time: agent.reregistered_at.map(Time::as_secs_f64),
            resources: agent.total.iter().collect(),
            used_resources: agent_used(agent).iter().collect(),
            offered_resources: agent.offered.iter().collect(),
            reserved_resources: reserved.map(|(role, held)| (role, held.into_iter().collect())).collect(),
            unreserved_resources: unreserved(agent.total.iter()).collect(),
            active: agent.active,
            deactivated: agent.deactivated,
            version: &agent.version,
            capabilities: agent
                .capabilities
                .iter()
                .map(|capability| capability.r#type().as_str_name())
                .collect(),
            drain_info: agent.drain_info.as_ref().map(json::to_json),
            estimated_drain_start_time_seconds: agent.estimated_drain_start_time.map(Time::as_secs_f64),
        }
    }
}

#[derive(Debug, Serialize)]
struct FullSlave<'a> {
    #[serde(flatten)]
    slave: Slave<'a>,
    reserved_resources_full: BTreeMap<&'a str, Vec<Value>>,
    unreserved_resources_full: Vec<Value>,
    used_resources_full: Vec<Value>,
    offered_resources_full: Vec<Value>,
}

impl<'a> From<&'a Agent> for FullSlave<'a> {
    fn from(agent: &'a Agent) -> Self {
        let reserved = reservations(agent.total.iter()).into_iter();
        Self {
            slave: agent.into(),
            reserved_resources_full: reserved.map(|(role, held)| (role, full_resources(held))).collect(),
            unreserved_resources_full: full_resources(unreserved(agent.total.iter())),
            used_resources_full: full_resources(agent_used(agent).iter()),
            offered_resources_full: full_resources(agent.offered.iter()),
        }
    }
}

/// An agent of the registry that has not come back to this master yet.
#[derive(Debug, Serialize)]
pub struct RecoveredSlave<'a> {
    id: &'a str,
    hostname: &'a str,
    port: i32,
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain<'a>>,
}

impl<'a> From<&'a AgentInfo> for RecoveredSlave<'a> {
    fn from(info: &'a AgentInfo) -> Self {
        Self {
            id: info.id.as_ref().map(AgentId::as_str).unwrap_or_default(),
            hostname: &info.hostname,
            port: info.port(),
            attributes: Attributes(&info.attributes),
            domain: info.domain.as_ref().map(Domain::from),
        }
    }
}

/// `/slaves`, all or the one of `slave_id`.
#[derive(Debug, Serialize)]
pub struct Slaves<'a> {
    slaves: Vec<FullSlave<'a>>,
    recovered_slaves: Vec<RecoveredSlave<'a>>,
}

impl<'a> Slaves<'a> {
    pub fn new(master: &'a Master, query: &Query) -> Self {
        let wanted = master.agents.values().filter(|agent| selects(query, "slave_id", agent.id.as_str()));
        let recovered =
            master.recovered_agents.iter().filter(|(id, _)| selects(query, "slave_id", id.as_str()));
        Self {
            slaves: wanted.map(FullSlave::from).collect(),
            recovered_slaves: recovered.map(|(_, info)| info.into()).collect(),
        }
    }
}
