//! How a master is set up: the flags of `mesos-master` that this one knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Duration,
};

use crate::engine::allocator::{AllocatorConfig, parse_min_allocatable_resources};

/// Flags of `mesos-master` by their own names, with Mesos' defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterConfig {
    /// The master's id; drawn from the seed when `None`.
    pub id: Option<String>,
    pub hostname: String,
    pub ip: Ipv4Addr,
    pub port: u16,
    pub cluster: Option<String>,
    pub allocation_interval: Duration,
    /// With quotas, the part of its agents that a new master waits for, and how long.
    pub allocator_agent_recovery_factor: f64,
    pub allocator_recovery_timeout: Duration,
    pub offer_timeout: Option<Duration>,
    pub agent_ping_timeout: Duration,
    pub max_agent_ping_timeouts: u32,
    pub agent_reregister_timeout: Duration,
    /// How quickly agents may become unreachable: that many in that time.
    pub agent_removal_rate_limit: Option<(u32, Duration)>,
    /// How often agents are looked for that may be forgotten.
    pub registry_gc_interval: Duration,
    /// How long an agent may be unreachable or gone before it is forgotten.
    pub registry_max_agent_age: Duration,
    /// How many unreachable and how many gone agents are remembered.
    pub registry_max_agent_count: usize,
    pub max_completed_frameworks: usize,
    pub max_completed_tasks_per_framework: usize,
    pub max_unreachable_tasks_per_framework: usize,
    pub heartbeat_interval: Duration,
    pub filter_gpu_resources: bool,
    /// Resources that do not count for a fair share.
    pub fair_sharing_excluded_resource_names: BTreeSet<String>,
    /// Mesos' text form, `cpus:0.01|mem:32`.
    pub min_allocatable_resources: String,
    pub weights: BTreeMap<String, f64>,
    /// Only these roles may be used, when given (`--roles`).
    pub roles: Option<Vec<String>>,
    /// Frameworks may name `root` as the user that their tasks run as.
    pub root_submissions: bool,
    /// Offer what a terminal task frees at once instead of with the next tick: the one place that is quicker than Mesos.
    pub offer_freed_resources_at_once: bool,
    /// What `/flags` says, as `(name, value)` in the order shown; the fields above come on top of it.
    pub other_flags: BTreeMap<String, String>,
}

impl Default for MasterConfig {
    fn default() -> Self {
        let default = AllocatorConfig::default();
        Self {
            id: None,
            hostname: "localhost".into(),
            ip: Ipv4Addr::LOCALHOST,
            port: 5050,
            cluster: None,
            allocation_interval: Duration::from_secs(1),
            allocator_agent_recovery_factor: default.agent_recovery_factor,
            allocator_recovery_timeout: default.recovery_timeout,
            offer_timeout: None,
            agent_ping_timeout: Duration::from_secs(15),
            max_agent_ping_timeouts: 5,
            agent_reregister_timeout: Duration::from_secs(600),
            agent_removal_rate_limit: None,
            registry_gc_interval: Duration::from_secs(15 * 60),
            registry_max_agent_age: Duration::from_secs(14 * 24 * 60 * 60),
            registry_max_agent_count: 100 * 1024,
            max_completed_frameworks: 50,
            max_completed_tasks_per_framework: 1000,
            max_unreachable_tasks_per_framework: 1000,
            heartbeat_interval: Duration::from_secs(15),
            filter_gpu_resources: true,
            fair_sharing_excluded_resource_names: BTreeSet::new(),
            min_allocatable_resources: "cpus:0.01|mem:32".into(),
            weights: BTreeMap::new(),
            roles: None,
            root_submissions: true,
            offer_freed_resources_at_once: true,
            other_flags: BTreeMap::new(),
        }
    }
}

impl MasterConfig {
    /// The allocator's part. Minimums that cannot be read are the defaults: whoever takes them from a user checks them.
    pub(super) fn allocator(&self, seed: u64) -> AllocatorConfig {
        let default = AllocatorConfig::default();
        AllocatorConfig {
            allocation_interval: self.allocation_interval,
            min_allocatable_resources: parse_min_allocatable_resources(&self.min_allocatable_resources)
                .unwrap_or(default.min_allocatable_resources),
            filter_gpu_resources: self.filter_gpu_resources,
            fair_sharing_excluded_resource_names: self.fair_sharing_excluded_resource_names.clone(),
            offer_freed_resources_at_once: self.offer_freed_resources_at_once,
            agent_recovery_factor: self.allocator_agent_recovery_factor,
            recovery_timeout: self.allocator_recovery_timeout,
            seed,
            ..AllocatorConfig::default()
        }
    }
}
