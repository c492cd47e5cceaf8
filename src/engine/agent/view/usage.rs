//! What was measured of a container, and its limits.

use std::collections::BTreeMap;

use super::held;
use crate::{
    engine::agent::{Executor, Nested},
    mesos::{
        resources::Resources,
        time::Time,
        v1::{ContainerId, ContainerStatus, Resource, ResourceStatistics, Task},
    },
};

/// What the processes of one container have used. Whoever runs them measures it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    pub measured_at: Time,
    /// Processor time in user mode, in seconds.
    pub cpus_user_time_secs: f64,
    /// Processor time in the kernel, in seconds.
    pub cpus_system_time_secs: f64,
    /// Resident memory, in bytes.
    pub mem_rss_bytes: u64,
}

/// What an executor uses: what was measured, and nothing more once it is leaving.
pub fn of(executor: &Executor, measured: &Measured, now: Time) -> Option<Usage> {
    let nothing =
        Usage { measured_at: now, cpus_user_time_secs: 0.0, cpus_system_time_secs: 0.0, mem_rss_bytes: 0 };
    let known = measured.get(&executor.container_id).copied();
    known.or_else(|| executor.is_leaving().then_some(nothing))
}

/// Measurements by container; one that could not be measured is missing.
pub type Measured = BTreeMap<ContainerId, Usage>;

const BYTES_PER_MEGABYTE: f64 = 1024.0 * 1024.0;

/// Usage and limits; no limits are enforced, so both are soft.
pub fn statistics(executor: &Executor, usage: &Usage) -> ResourceStatistics {
    let limits = held(executor);
    let memory = bytes(&limits);
    ResourceStatistics {
        timestamp: usage.measured_at.as_secs_f64(),
        cpus_user_time_secs: Some(usage.cpus_user_time_secs),
        cpus_system_time_secs: Some(usage.cpus_system_time_secs),
        cpus_soft_limit: limits.cpus(),
        mem_limit_bytes: memory,
        mem_soft_limit_bytes: memory,
        mem_rss_bytes: Some(usage.mem_rss_bytes),
        ..ResourceStatistics::default()
    }
}

/// Limits of a nested container: nobody measures what it uses, as in Mesos with the isolators of POSIX.
pub fn nested_statistics(task: &Task, now: Time) -> ResourceStatistics {
    let limits = Resources::from_protos(task.resources.iter().cloned());
    let memory = bytes(&limits);
    ResourceStatistics {
        timestamp: now.as_secs_f64(),
        cpus_soft_limit: limits.cpus(),
        mem_limit_bytes: memory,
        mem_soft_limit_bytes: memory,
        ..ResourceStatistics::default()
    }
}

/// Limits of a container that a client has launched, where it has any, and what was measured of it.
pub fn guest_statistics(resources: &[Resource], measured: Option<&Usage>, now: Time) -> ResourceStatistics {
    let limits = Resources::from_protos(resources.iter().cloned());
    let memory = bytes(&limits);
    ResourceStatistics {
        timestamp: measured.map_or(now, |usage| usage.measured_at).as_secs_f64(),
        cpus_user_time_secs: measured.map(|usage| usage.cpus_user_time_secs),
        cpus_system_time_secs: measured.map(|usage| usage.cpus_system_time_secs),
        cpus_soft_limit: limits.cpus(),
        mem_limit_bytes: memory,
        mem_soft_limit_bytes: memory,
        mem_rss_bytes: measured.map(|usage| usage.mem_rss_bytes),
        ..ResourceStatistics::default()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes are whole and positive")]
fn bytes(limits: &Resources) -> Option<u64> {
    limits.mem().map(|megabytes| (megabytes * BYTES_PER_MEGABYTE) as u64)
}

/// Status of the container itself, without the network that its tasks report.
pub fn status(executor: &Executor) -> ContainerStatus {
    ContainerStatus {
        container_id: Some(executor.container_id.clone()),
        executor_pid: executor.pid,
        ..ContainerStatus::default()
    }
}

/// Status of the container of a task in a group.
pub fn nested_status(container_id: &ContainerId, nested: &Nested) -> ContainerStatus {
    ContainerStatus {
        container_id: Some(container_id.clone()),
        executor_pid: nested.pid,
        ..ContainerStatus::default()
    }
}
