//! One framework of the cluster.

use std::sync::Arc;

use crate::{mesos::time::Time, scheduler::quantities::Quantities};

#[derive(Clone, Debug, PartialEq)]
pub struct Framework {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub user: String,
    pub principal: String,
    pub hostname: String,
    pub webui_url: String,
    pub roles: Vec<String>,
    /// `PARTITION_AWARE`, ...
    pub capabilities: Vec<String>,
    pub state: FrameworkState,
    pub registered: Option<Time>,
    pub reregistered: Option<Time>,
    /// Seconds.
    pub failover_timeout: f64,
    pub checkpoint: bool,
    pub used: Quantities,
    pub offered: Quantities,
    /// Its dominant share of the cluster: the largest of its parts of cpus, mem and disk, 0 to 1.
    pub share: f64,
    /// Tasks of it that are not over.
    pub tasks: usize,
    /// Outstanding offers.
    pub offers: usize,
    /// It is our scheduler's.
    pub ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameworkState {
    Active,
    /// Connected, and wants no offers.
    Inactive,
    /// Its scheduler is away; it may come back within its failover timeout.
    Disconnected,
    /// Known from agents only, after a change of masters.
    Recovered,
    Completed,
}
