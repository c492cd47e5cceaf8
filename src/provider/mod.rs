//! Making a lab exist: a provider turns a [`LabSpec`](crate::spec::LabSpec) into endpoints and a way to tear it
//! down. What stands above talks to the endpoints only.

pub mod embedded;
pub mod ready;
pub mod state;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::{ClientError, Http, masters::Masters, operator::Operator, scheduler_api::SchedulerApi};

/// Where a lab's components answer; every value is a URL without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// `http://127.0.0.1:5050`
    pub master: String,
    /// By name, in the order of the lab file.
    pub agents: BTreeMap<AgentName, String>,
    /// Absent while the scheduler is stopped.
    pub scheduler: Option<String>,
}

/// The operator API of the master at `url`.
///
/// # Errors
/// When `url` is no `http://` address.
pub fn operator(url: &str) -> Result<Operator, ClientError> {
    Ok(Operator::new(Http::new(), Masters::parse(url)?))
}

/// The HTTP API of our scheduler at `url`.
///
/// # Errors
/// When `url` is no `http://` address.
pub fn scheduler_api(url: &str) -> Result<SchedulerApi, ClientError> {
    SchedulerApi::new(Http::new(), url)
}

/// `agent-10` comes after `agent-9`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentName(pub String);

impl AgentName {
    fn key(&self) -> (usize, &str) {
        (self.0.len(), &self.0)
    }
}

impl PartialOrd for AgentName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AgentName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
