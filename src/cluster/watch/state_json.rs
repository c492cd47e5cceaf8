//! `/state` of a master, the JSON from before v1, read into the messages of v1. Older and younger masters leave out this
//! and that: only what makes it a master's state has to be there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::mesos::{
    v1::{
        self, TaskState, TimeInfo, container_info, framework_info,
        master::response::{
            GetAgents, GetFrameworks, GetMaster, GetState, GetTasks, get_agents, get_frameworks,
        },
        network_info, resource, value,
    },
    values,
};

/// All that a dashboard wants to know, at once.
#[derive(Debug)]
pub struct Read {
    pub master: GetMaster,
    pub version: String,
    pub state: GetState,
}

/// # Errors
/// When it is not the state of a master.
pub fn read(text: &[u8]) -> Result<Read, String> {
    let state: State =
        serde_json::from_slice(text).map_err(|error| format!("no state of a master: {error}"))?;
    let Some(slaves) = state.slaves else { return Err("no state of a master: it has no agents".to_owned()) };
    let recovered = state.recovered_slaves;
    let hostnames: BTreeMap<_, _> =
        slaves.iter().map(|slave| (slave.id.clone(), slave.hostname.clone())).collect();
    let mut tasks = GetTasks::default();
    let mut frameworks = GetFrameworks::default();
    for framework in state.frameworks {
        frameworks.frameworks.push(framework.message(&hostnames, &mut tasks));
    }
    for framework in state.completed_frameworks {
        frameworks.completed_frameworks.push(framework.message(&hostnames, &mut tasks));
    }
    tasks.tasks.extend(state.orphan_tasks.into_iter().map(Task::message));
    let agents = GetAgents {
        agents: slaves.into_iter().map(Slave::message).collect(),
        recovered_agents: recovered.into_iter().map(Slave::info).collect(),
    };
    Ok(Read {
        master: GetMaster {
            master_info: Some(v1::MasterInfo {
                id: state.id,
                pid: Some(state.pid),
                hostname: state.hostname,
                ..Default::default()
            }),
            start_time: state.start_time,
            elected_time: state.elected_time,
        },
        version: state.version,
        state: GetState {
            get_tasks: Some(tasks),
            get_executors: None,
            get_frameworks: Some(frameworks),
            get_agents: Some(agents),
        },
    })
}

/// Amounts by name: `{"cpus": 4.0, "ports": "[31000-32000]"}`.
type Amounts = BTreeMap<String, Json>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    version: String,
    start_time: Option<f64>,
    elected_time: Option<f64>,
    id: String,
    pid: String,
    hostname: Option<String>,
    slaves: Option<Vec<Slave>>,
    recovered_slaves: Vec<Slave>,
    frameworks: Vec<Framework>,
    completed_frameworks: Vec<Framework>,
    orphan_tasks: Vec<Task>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Slave {
    id: String,
    hostname: String,
    port: Option<f64>,
    pid: Option<String>,
    attributes: BTreeMap<String, Json>,
    registered_time: Option<f64>,
    reregistered_time: Option<f64>,
    resources: Amounts,
    used_resources: Amounts,
    offered_resources: Amounts,
    reserved_resources: BTreeMap<String, Amounts>,
    unreserved_resources: Option<Amounts>,
    active: bool,
    deactivated: bool,
    drain_info: Option<Json>,
    version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Framework {
    id: String,
    name: String,
    user: String,
    principal: Option<String>,
    hostname: Option<String>,
    webui_url: Option<String>,
    role: Option<String>,
    roles: Vec<String>,
    capabilities: Vec<String>,
    active: bool,
    connected: Option<bool>,
    recovered: bool,
    failover_timeout: Option<f64>,
    checkpoint: Option<bool>,
    registered_time: Option<f64>,
    reregistered_time: Option<f64>,
    used_resources: Amounts,
    offered_resources: Amounts,
    tasks: Vec<Task>,
    unreachable_tasks: Vec<Task>,
    completed_tasks: Vec<Task>,
    offers: Vec<Offer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Offer {
    id: String,
    framework_id: String,
    slave_id: String,
    resources: Amounts,
    allocation_info: Option<Role>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Role {
    role: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Task {
    id: String,
    name: String,
    framework_id: String,
    executor_id: String,
    slave_id: String,
    state: String,
    resources: Amounts,
    statuses: Vec<Status>,
    user: Option<String>,
    labels: Vec<Label>,
    discovery: Option<Named>,
    container: Option<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    state: String,
    timestamp: Option<f64>,
    message: Option<String>,
    reason: Option<String>,
    source: Option<String>,
    healthy: Option<bool>,
    container_status: Option<ContainerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    container_id: Option<Id>,
    network_infos: Vec<Network>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Id {
    value: String,
    parent: Option<Box<Id>>,
}

impl Id {
    fn message(self) -> v1::ContainerId {
        let parent = self.parent.map(|parent| Box::new(parent.message()));
        v1::ContainerId { value: self.value, parent }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    ip_addresses: Vec<Ip>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ip {
    ip_address: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Label {
    key: String,
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    r#type: String,
    docker: Option<Docker>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Docker {
    image: String,
}

impl Slave {
    fn info(self) -> v1::AgentInfo {
        v1::AgentInfo {
            id: Some(self.id.into()),
            hostname: self.hostname,
            port: self.port.map(|port| port as i32),
            attributes: self
                .attributes
                .into_iter()
                .filter_map(|(name, value)| attribute(name, &value))
                .collect(),
            resources: resources(&self.resources),
            ..Default::default()
        }
    }

    fn message(mut self) -> get_agents::Agent {
        let unreserved = self.unreserved_resources.take();
        let mut total = resources(unreserved.as_ref().unwrap_or(&self.resources));
        for (role, amounts) in self.reserved_resources.iter().filter(|_| unreserved.is_some()) {
            total.extend(resources(amounts).into_iter().map(|resource| reserved(resource, role)));
        }
        get_agents::Agent {
            active: self.active,
            deactivated: Some(self.deactivated),
            version: std::mem::take(&mut self.version),
            pid: self.pid.take(),
            registered_time: time(self.registered_time),
            reregistered_time: time(self.reregistered_time),
            total_resources: total,
            allocated_resources: resources(&self.used_resources),
            offered_resources: resources(&self.offered_resources),
            drain_info: self.drain_info.take().map(|_| v1::DrainInfo::default()),
            agent_info: self.info(),
            ..Default::default()
        }
    }
}

impl Framework {
    /// Its tasks go to `tasks`.
    fn message(
        self,
        hostnames: &BTreeMap<String, String>,
        tasks: &mut GetTasks,
    ) -> get_frameworks::Framework {
        tasks.tasks.extend(self.tasks.into_iter().map(Task::message));
        tasks.unreachable_tasks.extend(self.unreachable_tasks.into_iter().map(Task::message));
        tasks.completed_tasks.extend(self.completed_tasks.into_iter().map(Task::message));
        let capability = |name: &String| framework_info::capability::Type::from_str_name(name);
        let capabilities = self.capabilities.iter().filter_map(capability);
        let one = self.role.into_iter().filter(|_| self.roles.is_empty());
        get_frameworks::Framework {
            active: self.active,
            connected: self.connected.unwrap_or(self.active),
            recovered: self.recovered,
            registered_time: time(self.registered_time),
            reregistered_time: time(self.reregistered_time),
            allocated_resources: resources(&self.used_resources),
            offered_resources: resources(&self.offered_resources),
            offers: self.offers.into_iter().map(|offer| offer.message(hostnames)).collect(),
            framework_info: v1::FrameworkInfo {
                roles: self.roles.iter().cloned().chain(one).collect(),
                capabilities: capabilities
                    .map(|kind| framework_info::Capability { r#type: Some(kind.into()) })
                    .collect(),
                id: Some(self.id.into()),
                name: self.name,
                user: self.user,
                principal: self.principal,
                hostname: self.hostname,
                webui_url: self.webui_url,
                failover_timeout: self.failover_timeout,
                checkpoint: self.checkpoint,
                ..Default::default()
            },
            ..Default::default()
        }
    }
}

impl Offer {
    fn message(self, hostnames: &BTreeMap<String, String>) -> v1::Offer {
        v1::Offer {
            id: self.id.into(),
            framework_id: self.framework_id.into(),
            hostname: hostnames.get(&self.slave_id).cloned().unwrap_or_default(),
            agent_id: self.slave_id.into(),
            resources: resources(&self.resources),
            allocation_info: self.allocation_info.map(|info| resource::AllocationInfo { role: info.role }),
            ..Default::default()
        }
    }
}

impl Task {
    fn message(self) -> v1::Task {
        let id = v1::TaskId::new(self.id);
        v1::Task {
            name: self.name,
            framework_id: self.framework_id.into(),
            executor_id: Some(self.executor_id).filter(|id| !id.is_empty()).map(Into::into),
            agent_id: self.slave_id.into(),
            state: state(&self.state).into(),
            resources: resources(&self.resources),
            statuses: self.statuses.into_iter().map(|status| status.message(&id)).collect(),
            labels: labels(self.labels),
            discovery: self.discovery.map(|it| v1::DiscoveryInfo { name: it.name, ..Default::default() }),
            container: self.container.map(Container::message),
            user: self.user,
            task_id: id,
            ..Default::default()
        }
    }
}

impl Status {
    fn message(self, id: &v1::TaskId) -> v1::TaskStatus {
        let reason = self.reason.and_then(|name| v1::task_status::Reason::from_str_name(&name));
        let source = self.source.and_then(|name| v1::task_status::Source::from_str_name(&name));
        v1::TaskStatus {
            task_id: id.clone(),
            state: state(&self.state).into(),
            timestamp: self.timestamp,
            message: self.message,
            reason: reason.map(Into::into),
            source: source.map(Into::into),
            healthy: self.healthy,
            container_status: self.container_status.map(ContainerStatus::message),
            ..Default::default()
        }
    }
}

impl ContainerStatus {
    fn message(self) -> v1::ContainerStatus {
        let address = |ip: Ip| network_info::IpAddress { ip_address: ip.ip_address, ..Default::default() };
        let network = |network: Network| v1::NetworkInfo {
            ip_addresses: network.ip_addresses.into_iter().map(address).collect(),
            ..Default::default()
        };
        v1::ContainerStatus {
            container_id: self.container_id.map(Id::message),
            network_infos: self.network_infos.into_iter().map(network).collect(),
            ..Default::default()
        }
    }
}

impl Container {
    fn message(self) -> v1::ContainerInfo {
        let kind = container_info::Type::from_str_name(&self.r#type).unwrap_or(container_info::Type::Mesos);
        let docker =
            |docker: Docker| container_info::DockerInfo { image: docker.image, ..Default::default() };
        v1::ContainerInfo { r#type: kind.into(), docker: self.docker.map(docker), ..Default::default() }
    }
}

fn labels(labels: Vec<Label>) -> Option<v1::Labels> {
    let labels: Vec<_> = labels.into_iter().map(|Label { key, value }| v1::Label { key, value }).collect();
    (!labels.is_empty()).then_some(v1::Labels { labels })
}

fn state(name: &str) -> TaskState {
    TaskState::from_str_name(name).unwrap_or(TaskState::TaskUnknown)
}

fn time(seconds: Option<f64>) -> Option<TimeInfo> {
    let seconds = seconds.filter(|seconds| *seconds > 0.0)?;
    Some(TimeInfo { nanoseconds: (seconds * 1e9) as i64 })
}

/// What is 0 is left out, as Mesos does it.
fn resources(amounts: &Amounts) -> Vec<v1::Resource> {
    let one = |(name, amount): (&String, &Json)| {
        let value = parsed(amount).filter(|value| value.scalar.is_none_or(|it| it.value > 0.0))?;
        let plain = name.strip_suffix("_revocable");
        Some(v1::Resource {
            name: plain.unwrap_or(name).to_owned(),
            r#type: value.r#type,
            scalar: value.scalar,
            ranges: value.ranges,
            set: value.set,
            revocable: plain.map(|_| resource::RevocableInfo::default()),
            ..Default::default()
        })
    };
    amounts.iter().filter_map(one).collect()
}

fn reserved(resource: v1::Resource, role: &str) -> v1::Resource {
    let reservation = resource::ReservationInfo {
        r#type: Some(resource::reservation_info::Type::Static.into()),
        role: Some(role.to_owned()),
        ..Default::default()
    };
    v1::Resource { reservations: vec![reservation], ..resource }
}

fn attribute(name: String, value: &Json) -> Option<v1::Attribute> {
    let value = parsed(value)?;
    Some(v1::Attribute {
        name,
        r#type: value.r#type,
        scalar: value.scalar,
        ranges: value.ranges,
        set: None,
        text: value.text,
    })
}

/// A number, ranges, a set or a text.
fn parsed(value: &Json) -> Option<v1::Value> {
    match value {
        Json::Number(number) => Some(v1::Value {
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value: number.as_f64()? }),
            ..Default::default()
        }),
        Json::String(text) if text.starts_with(['[', '{']) => values::parse(text).ok(),
        Json::String(text) => Some(v1::Value {
            r#type: value::Type::Text.into(),
            text: Some(value::Text { value: text.clone() }),
            ..Default::default()
        }),
        _ => None,
    }
}
