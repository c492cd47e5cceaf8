//! The metrics of an agent: every name that Mesos has, with the true value where there is one here.

use std::collections::BTreeMap;

use super::{allocated, live_executors};
use crate::{
    engine::{
        agent::{Agent, AgentState, Counters, ExecutorState, fetch::Fetches},
        legacy::System,
    },
    mesos::{
        time::Time,
        v1::{Resource, TaskState, value::Type},
    },
};

/// Metrics by name, in the order shown.
pub type Metrics = BTreeMap<String, f64>;

/// Things that Mesos measures and that do not exist here, or do not change.
const FIXED: [(&str, f64); 13] = [
    ("containerizer/mesos/container_destroy_errors", 0.0),
    ("containerizer/mesos/provisioner/bind/remove_rootfs_errors", 0.0),
    ("containerizer/mesos/provisioner/remove_container_errors", 0.0),
    ("gc/path_removals_failed", 0.0),
    ("gc/path_removals_pending", 0.0),
    ("gc/path_removals_succeeded", 0.0),
    ("resource_provider_manager/events/disconnect", 0.0),
    ("resource_provider_manager/events/subscribe", 0.0),
    ("resource_provider_manager/subscribed", 0.0),
    ("slave/executor_directory_max_allowed_age_secs", 544_320.0),
    ("slave/executors_preempted", 0.0),
    ("slave/recovery_errors", 0.0),
    ("slave/recovery_time_secs", 0.0),
];

/// What `/metrics/snapshot` and GET_METRICS show.
pub fn snapshot(agent: &Agent, now: Time, system: &System) -> Metrics {
    let named = FIXED.into_iter().chain(system.metrics()).chain(gauges(agent, now));
    let named = named.chain(counters(&agent.counters)).chain(tasks(agent)).chain(fetcher(agent));
    let mut metrics: Metrics = named.map(|(name, value)| (name.to_owned(), value)).collect();
    metrics.extend(["cpus", "gpus", "mem", "disk"].into_iter().flat_map(|name| resource(agent, name)));
    metrics
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

fn gauges(agent: &Agent, now: Time) -> [(&'static str, f64); 6] {
    let executors = |state| as_f64(live_executors(agent).filter(|executor| executor.state == state).count());
    let registered = agent.state == AgentState::Running;
    [
        ("slave/uptime_secs", now.since(agent.started_at).as_secs_f64()),
        ("slave/registered", f64::from(u8::from(registered))),
        ("slave/frameworks_active", as_f64(agent.frameworks.len())),
        ("slave/executors_registering", executors(ExecutorState::Registering)),
        ("slave/executors_running", executors(ExecutorState::Running)),
        ("slave/executors_terminating", executors(ExecutorState::Terminating)),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn counters(counters: &Counters) -> [(&'static str, f64); 11] {
    [
        ("slave/tasks_finished", counters.tasks_finished),
        ("slave/tasks_failed", counters.tasks_failed),
        ("slave/tasks_killed", counters.tasks_killed),
        ("slave/tasks_lost", counters.tasks_lost),
        ("slave/tasks_gone", counters.tasks_gone),
        ("slave/executors_terminated", counters.executors_terminated),
        ("slave/container_launch_errors", counters.container_launch_errors),
        ("slave/valid_status_updates", counters.valid_status_updates),
        ("slave/invalid_status_updates", counters.invalid_status_updates),
        ("slave/valid_framework_messages", counters.valid_framework_messages),
        ("slave/invalid_framework_messages", counters.invalid_framework_messages),
    ]
    .map(|(name, count)| (name, count as f64))
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn fetcher(agent: &Agent) -> [(&'static str, f64); 4] {
    let Fetches { succeeded, failed, cached } = agent.fetches;
    [
        ("containerizer/fetcher/cache_size_total_bytes", agent.config.fetch.cache_size),
        ("containerizer/fetcher/cache_size_used_bytes", cached),
        ("containerizer/fetcher/task_fetches_failed", failed),
        ("containerizer/fetcher/task_fetches_succeeded", succeeded),
    ]
    .map(|(name, count)| (name, count as f64))
}

fn tasks(agent: &Agent) -> [(&'static str, f64); 4] {
    let launched = || live_executors(agent).flat_map(|executor| executor.launched_tasks.values());
    let in_state = |state| as_f64(launched().filter(|task| task.state() == state).count());
    let queued: usize = live_executors(agent).map(|executor| executor.queued_tasks.len()).sum();
    [
        ("slave/tasks_staging", in_state(TaskState::TaskStaging) + as_f64(queued)),
        ("slave/tasks_starting", in_state(TaskState::TaskStarting)),
        ("slave/tasks_running", in_state(TaskState::TaskRunning)),
        ("slave/tasks_killing", in_state(TaskState::TaskKilling)),
    ]
}

fn resource(agent: &Agent, name: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for (suffix, revocable) in [("", false), ("_revocable", true)] {
        let total = amount(&agent.info.resources, name, revocable);
        let used = amount(allocated(agent).iter(), name, revocable);
        let percent = if total == 0.0 { 0.0 } else { used / total };
        let named = [("total", total), ("used", used), ("percent", percent)];
        metrics.extend(named.map(|(what, value)| (format!("slave/{name}{suffix}_{what}"), value)));
    }
    metrics
}

fn amount<'a>(resources: impl IntoIterator<Item = &'a Resource>, name: &str, revocable: bool) -> f64 {
    let named = resources.into_iter().filter(|resource| {
        resource.name == name
            && resource.r#type() == Type::Scalar
            && resource.revocable.is_some() == revocable
    });
    let sum: f64 = named.filter_map(|resource| resource.scalar).map(|scalar| scalar.value).sum();
    (sum * 1000.0).round() / 1000.0
}
