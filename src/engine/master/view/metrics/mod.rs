//! The metrics of the master: every name that Mesos has, with the true value where there is one here and zero where
//! the thing measured does not exist (event queues, registry writes, operations).

mod allocator;
mod counters;
mod frameworks;

use std::collections::BTreeMap;

use super::agent_used;
use crate::{
    engine::{
        legacy::System,
        master::{Master, Standing},
    },
    mesos::{
        time::Time,
        v1::{self, TaskState, value::Type},
    },
};

/// Metrics by name, in the order shown.
pub type Metrics = BTreeMap<String, f64>;

/// What `/metrics/snapshot` and GET_METRICS show.
pub fn snapshot(master: &Master, now: Time, system: &System) -> Metrics {
    let mut metrics = Metrics::new();
    put(&mut metrics, "master/", gauges(master, now));
    put(&mut metrics, "master/", task_gauges(master));
    put(&mut metrics, "master/", counters::of_master(&master.counters));
    put(&mut metrics, "", system.metrics());
    metrics.extend(counters::task_states(&master.counters));
    metrics.extend(counters::operations());
    metrics.extend(resource_gauges(master));
    metrics.extend(master.frameworks.values().flat_map(frameworks::of_framework));
    metrics.extend(allocator::of_allocator(master));
    metrics.extend(allocator::of_registrar());
    metrics
}

fn put<'a>(metrics: &mut Metrics, prefix: &str, named: impl IntoIterator<Item = (&'a str, f64)>) {
    metrics.extend(named.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn count<T>(things: impl IntoIterator<Item = T>, is_counted: impl Fn(&T) -> bool) -> f64 {
    things.into_iter().filter(is_counted).count() as f64
}

fn gauges(master: &Master, now: Time) -> [(&'static str, f64); 13] {
    let agents = || master.agents.values();
    let frameworks = || master.frameworks.values();
    [
        ("uptime_secs", now.since(master.started_at).as_secs_f64()),
        ("elected", if master.standing() == Standing::Following { 0.0 } else { 1.0 }),
        ("slaves_connected", count(agents(), |agent| agent.connected)),
        ("slaves_disconnected", count(agents(), |agent| !agent.connected)),
        ("slaves_active", count(agents(), |agent| agent.active)),
        ("slaves_inactive", count(agents(), |agent| !agent.active)),
        ("slaves_unreachable", count(&master.unreachable_agents, |_| true)),
        ("frameworks_connected", count(frameworks(), |framework| framework.connected())),
        ("frameworks_disconnected", count(frameworks(), |framework| !framework.connected())),
        ("frameworks_active", count(frameworks(), |framework| framework.active)),
        ("frameworks_inactive", count(frameworks(), |framework| !framework.active)),
        ("outstanding_offers", count(&master.offers, |_| true)),
        ("operator_event_stream_subscribers", count(&master.subscribers, |_| true)),
    ]
}

fn task_gauges(master: &Master) -> [(&'static str, f64); 5] {
    let tasks = || master.frameworks.values().flat_map(|framework| framework.tasks.values());
    let in_state = |state| count(tasks(), |task| task.state() == state);
    let unreachable = master.frameworks.values().flat_map(|framework| &framework.unreachable_tasks);
    [
        ("tasks_staging", in_state(TaskState::TaskStaging)),
        ("tasks_starting", in_state(TaskState::TaskStarting)),
        ("tasks_running", in_state(TaskState::TaskRunning)),
        ("tasks_killing", in_state(TaskState::TaskKilling)),
        ("tasks_unreachable", count(unreachable, |task| task.state() == TaskState::TaskUnreachable)),
    ]
}

fn resource_gauges(master: &Master) -> Metrics {
    let mut metrics = Metrics::new();
    for name in ["cpus", "gpus", "mem", "disk"] {
        for (suffix, revocable) in [("", false), ("_revocable", true)] {
            let agents = master.agents.values();
            let total = amount(agents.clone().flat_map(|agent| &agent.info.resources), name, revocable);
            let used = agents.map(|agent| amount(agent_used(agent).iter(), name, revocable)).sum::<f64>();
            let percent = if total == 0.0 { 0.0 } else { used / total };
            let named = [("total", total), ("used", used), ("percent", percent)];
            metrics.extend(named.map(|(what, value)| (format!("master/{name}{suffix}_{what}"), value)));
        }
    }
    metrics
}

/// Sum of a scalar, revocable or not.
fn amount<'a>(resources: impl IntoIterator<Item = &'a v1::Resource>, name: &str, revocable: bool) -> f64 {
    let named = resources.into_iter().filter(|resource| {
        resource.name == name
            && resource.r#type() == Type::Scalar
            && resource.revocable.is_some() == revocable
    });
    let sum: f64 = named.filter_map(|resource| resource.scalar).map(|scalar| scalar.value).sum();
    (sum * 1000.0).round() / 1000.0
}
