//! A task with its updates.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Resources;
use crate::mesos::{json, v1};

/// A task of `/state`, `/tasks` and `/frameworks`.
#[derive(Debug, Serialize)]
pub struct Task<'a> {
    id: &'a str,
    name: &'a str,
    framework_id: &'a str,
    executor_id: &'a str,
    slave_id: &'a str,
    state: &'static str,
    resources: Resources,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'a str, f64>,
    role: &'a str,
    statuses: Vec<TaskStatus<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check: Option<Value>,
}

impl<'a> From<&'a v1::Task> for Task<'a> {
    fn from(task: &'a v1::Task) -> Self {
        Self {
            id: task.task_id.as_str(),
            name: &task.name,
            framework_id: task.framework_id.as_str(),
            executor_id: task.executor_id.as_ref().map_or("", v1::ExecutorId::as_str),
            slave_id: task.agent_id.as_str(),
            state: task.state().as_str_name(),
            resources: task.resources.iter().collect(),
            limits: task.limits.iter().map(|(name, limit)| (name.as_str(), limit.value)).collect(),
            role: role_of(&task.resources),
            statuses: task.statuses.iter().map(TaskStatus::from).collect(),
            user: task.user.as_deref(),
            labels: task.labels.as_ref().map(Labels::from),
            discovery: task.discovery.as_ref().map(json::to_json),
            container: task.container.as_ref().map(json::to_json),
            health_check: task.health_check.as_ref().map(json::to_json),
        }
    }
}

/// The role that resources of one task or executor are allocated to: never more than one.
pub fn role_of(resources: &[v1::Resource]) -> &str {
    resources
        .first()
        .and_then(|resource| resource.allocation_info.as_ref())
        .map_or("", |allocation| allocation.role())
}

#[derive(Debug, Serialize)]
struct TaskStatus<'a> {
    state: &'static str,
    timestamp: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_status: Option<ContainerStatus<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthy: Option<bool>,
}

impl<'a> From<&'a v1::TaskStatus> for TaskStatus<'a> {
    fn from(status: &'a v1::TaskStatus) -> Self {
        Self {
            state: status.state().as_str_name(),
            timestamp: status.timestamp(),
            labels: status.labels.as_ref().map(Labels::from),
            container_status: status.container_status.as_ref().map(ContainerStatus::from),
            healthy: status.healthy,
        }
    }
}

#[derive(Debug, Serialize)]
struct ContainerStatus<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<ContainerId<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network_infos: Vec<NetworkInfo<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_info: Option<Value>,
}

impl<'a> From<&'a v1::ContainerStatus> for ContainerStatus<'a> {
    fn from(status: &'a v1::ContainerStatus) -> Self {
        Self {
            container_id: status.container_id.as_ref().map(ContainerId::from),
            network_infos: status.network_infos.iter().map(NetworkInfo::from).collect(),
            cgroup_info: status.cgroup_info.as_ref().map(json::to_json),
        }
    }
}

#[derive(Debug, Serialize)]
struct ContainerId<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Box<Self>>,
}

impl<'a> From<&'a v1::ContainerId> for ContainerId<'a> {
    fn from(id: &'a v1::ContainerId) -> Self {
        Self { value: id.as_str(), parent: id.parent.as_deref().map(|parent| Box::new(Self::from(parent))) }
    }
}

#[derive(Debug, Serialize)]
struct NetworkInfo<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ip_addresses: Vec<IpAddress<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    port_mappings: Vec<Value>,
}

impl<'a> From<&'a v1::NetworkInfo> for NetworkInfo<'a> {
    fn from(info: &'a v1::NetworkInfo) -> Self {
        Self {
            groups: &info.groups,
            labels: info.labels.as_ref().map(Labels::from),
            ip_addresses: info.ip_addresses.iter().map(IpAddress::from).collect(),
            name: info.name.as_deref(),
            port_mappings: info.port_mappings.iter().map(json::to_json).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct IpAddress<'a> {
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<&'a str>,
}

impl<'a> From<&'a v1::network_info::IpAddress> for IpAddress<'a> {
    fn from(address: &'a v1::network_info::IpAddress) -> Self {
        Self { protocol: address.protocol().as_str_name(), ip_address: address.ip_address.as_deref() }
    }
}

/// Labels as a plain array of key and value.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Labels<'a>(Vec<Label<'a>>);

#[derive(Debug, Serialize)]
struct Label<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

impl<'a> From<&'a v1::Labels> for Labels<'a> {
    fn from(labels: &'a v1::Labels) -> Self {
        Self(
            labels
                .labels
                .iter()
                .map(|label| Label { key: &label.key, value: label.value.as_deref() })
                .collect(),
        )
    }
}
