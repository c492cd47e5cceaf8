//! The metrics of the allocator, as far as they follow from the master's state, and of the registrar, which is none here.

use super::{Metrics, amount, counters::as_f64};
use crate::engine::master::{
    Master,
    view::{
        agent_used,
        roles::{self, Role},
    },
};

const TIMERS: [&str; 2] = ["allocator/mesos/allocation_run_ms", "allocator/mesos/allocation_run_latency_ms"];

const STATISTICS: [&str; 9] = ["/count", "/max", "/min", "/p50", "/p90", "/p95", "/p99", "/p999", "/p9999"];

const PLAIN: [&str; 2] = ["allocator/event_queue_dispatches", "allocator/mesos/event_queue_dispatches"];

/// `allocator/...`
pub fn of_allocator(master: &Master) -> Metrics {
    let mut metrics: Metrics = PLAIN.map(|name| (name.to_owned(), 0.0)).into();
    metrics.insert("allocator/mesos/allocation_runs".to_owned(), as_f64(master.allocator.allocation_runs()));
    metrics.extend(TIMERS.into_iter().flat_map(timer));
    metrics.extend(resources(master));
    let roles = roles::all(master);
    metrics.extend(
        roles.iter().filter(|role| !role.frameworks.is_empty()).flat_map(|role| of_role(master, role)),
    );
    metrics.extend(roles.iter().flat_map(consumed));
    metrics.extend(roles.iter().flat_map(|role| quota(master, role)));
    metrics.extend(consumed(&whole_tree(&roles)));
    metrics
}

/// `registrar/...`
pub fn of_registrar() -> Metrics {
    let plain = ["registrar/queued_operations", "registrar/registry_size_bytes", "registrar/state_fetch_ms"];
    let plain = plain.into_iter().map(|name| (name.to_owned(), 0.0));
    plain.chain(timer("registrar/state_store_ms")).collect()
}

fn timer(name: &str) -> Metrics {
    STATISTICS.iter().chain(&[""]).map(|statistic| (format!("{name}{statistic}"), 0.0)).collect()
}

fn in_use(master: &Master, name: &str) -> f64 {
    let agents = master.agents.values();
    agents.map(|agent| amount(agent_used(agent).iter().chain(agent.offered.iter()), name, false)).sum()
}

fn total(master: &Master, name: &str) -> f64 {
    master.agents.values().map(|agent| amount(agent.total.iter(), name, false)).sum()
}

fn resources(master: &Master) -> Metrics {
    let mut metrics = Metrics::new();
    for name in ["cpus", "disk", "mem"] {
        let prefix = format!("allocator/mesos/resources/{name}");
        metrics.insert(format!("{prefix}/offered_or_allocated"), in_use(master, name));
        metrics.insert(format!("{prefix}/total"), total(master, name));
    }
    metrics
}

fn of_role(master: &Master, role: &Role) -> [(String, f64); 2] {
    let in_use = role.in_use();
    let shares = roles::scalars(&in_use).map(|(name, amount)| (amount, total(master, name)));
    let shares = shares.filter(|(_, total)| *total > 0.0).map(|(amount, total)| amount / total);
    let dominant = shares.fold(0.0, f64::max) / role.weight;
    let filters = master.allocator.active_offer_filters(&role.name);
    [
        (format!("allocator/mesos/offer_filters/roles/{}/active", role.name), as_f64(filters as u64)),
        (format!("allocator/mesos/roles/{}/shares/dominant", role.name), dominant),
    ]
}

fn consumed(role: &Role) -> Metrics {
    roles::scalars(&role.consumed).map(|(name, amount)| of_quota(role, name, "consumed", amount)).collect()
}

fn of_quota(role: &Role, resource: &str, what: &str, amount: f64) -> (String, f64) {
    (format!("allocator/mesos/quota/roles/{}/resources/{resource}/{what}", role.name), amount)
}

/// What a role was promised and may have at most; and of each of these resources what this very role holds.
fn quota(master: &Master, role: &Role) -> Metrics {
    let held = master.allocator.role_allocation(&role.name);
    let guarantees = role.quota.guarantees.iter().map(|(name, amount)| (name, "guarantee", amount));
    let limits = role.quota.limits.iter().map(|(name, amount)| (name, "limit", amount));
    let mut metrics = Metrics::new();
    for (name, what, amount) in guarantees.chain(limits) {
        let held = held.map_or(0.0, |held| held.get(name));
        metrics
            .extend([of_quota(role, name, what, amount), of_quota(role, name, "offered_or_allocated", held)]);
    }
    metrics
}

/// The root of the tree of roles, which has no name.
fn whole_tree(roles: &[Role]) -> Role {
    let mut root = Role::default();
    let top = roles.iter().filter(|role| !role.name.contains('/'));
    top.for_each(|role| root.consumed += &role.consumed);
    root
}
