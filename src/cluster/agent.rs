//! One agent of the cluster.

use std::sync::Arc;

use crate::{
    mesos::{time::Time, v1},
    scheduler::quantities::Quantities,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub id: Arc<str>,
    pub hostname: Arc<str>,
    /// `http://127.0.0.1:5051`
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
