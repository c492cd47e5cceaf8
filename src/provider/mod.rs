//! Making a lab exist: a provider turns a [`LabSpec`](crate::spec::LabSpec) into endpoints and a way to tear it
//! down. What stands above talks to the endpoints only.

pub mod docker;
pub mod embedded;
pub mod ready;
pub mod scheduler_app;
pub mod state;
pub mod vagrant;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::{
    ClientError, Http, masters::Masters, operator::Operator, published::Published,
    scheduler_api::SchedulerApi,
};

/// Where a lab's components answer; every value is a URL without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Where the masters elect their leader: `zk://127.0.0.1:2181/mesos`.
    #[serde(default)]
    pub zookeeper: Option<String>,
    #[serde(default)]
    pub exhibitor: Option<String>,
    /// The first master: `http://127.0.0.1:5050`.
    pub master: String,
    /// The others.
    #[serde(default)]
    pub more_masters: Vec<String>,
    /// By name, in the order of the lab file.
    pub agents: BTreeMap<AgentName, String>,
    #[serde(default)]
    pub marathon: Option<String>,
    /// Where images are pushed to: `http://127.0.0.1:5000`.
    #[serde(default)]
    pub registry: Option<String>,
    /// Absent while the scheduler is stopped.
    pub scheduler: Option<String>,
    /// Of a lab whose masters and agents are known by names of their own network.
    #[serde(default, skip_serializing_if = "Published::is_empty")]
    pub published: Published,
}

impl Endpoints {
    /// All masters, in the order of their names.
    pub fn masters(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.master.as_str()).chain(self.more_masters.iter().map(String::as_str))
    }

    /// `zookeeper`, `exhibitor`, `marathon` and `registry`, as far as the lab has them.
    pub fn services(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("zookeeper", &self.zookeeper),
            ("exhibitor", &self.exhibitor),
            ("marathon", &self.marathon),
            ("registry", &self.registry),
        ];
        all.into_iter().filter_map(|(name, url)| Some((name, url.as_deref()?)))
    }

    /// The addresses under which clients look for the leading master, with commas between.
    pub fn master_list(&self) -> String {
        self.masters().collect::<Vec<_>>().join(",")
    }

    /// The masters, to look for the leading one.
    ///
    /// # Errors
    /// When one is no `http://` address.
    pub fn leading(&self) -> Result<Masters, ClientError> {
        Ok(Masters::new(self.masters())?.published_at(self.published.clone()))
    }

    /// The operator API of the leading master.
    ///
    /// # Errors
    /// As [`Endpoints::leading`].
    pub fn operator(&self) -> Result<Operator, ClientError> {
        Ok(Operator::new(Http::new(), self.leading()?))
    }

    /// What the masters are called: `master`, or `master-1` and so on where there are several.
    pub fn named_masters(&self) -> Vec<(String, &str)> {
        let name = |at: usize| master_name(at, 1 + self.more_masters.len());
        self.masters().enumerate().map(|(at, url)| (name(at), url)).collect()
    }
}

/// Whether a service is shown before the masters, which need it.
pub fn is_below_mesos(service: &str) -> bool {
    matches!(service, "zookeeper" | "exhibitor")
}

/// The name of the master at this place among so many.
pub fn master_name(at: usize, of: usize) -> String {
    if of == 1 { "master".to_owned() } else { format!("master-{}", at + 1) }
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
