//! `/state` of an agent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    engine::{
        agent::{
            Agent, AgentState, Executor, Framework,
            view::{CAPABILITIES, allocated, flags, held},
        },
        legacy::{
            Attributes, Build, Command, Domain, Labels, Resources, StateBuild, Task, full_resources,
            reservations, role_of, unreserved,
        },
    },
    mesos::{
        json,
        v1::{self, framework_info::capability::Type as Capability},
    },
};

#[derive(Debug, Serialize)]
pub struct State<'a> {
    #[serde(flatten)]
    build: StateBuild,
    start_time: f64,
    id: &'a str,
    pid: String,
    hostname: &'a str,
    capabilities: [&'static str; 8],
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain<'a>>,
    resources: Resources,
    reserved_resources: BTreeMap<&'a str, Resources>,
    unreserved_resources: Resources,
    reserved_resources_full: BTreeMap<&'a str, Vec<Value>>,
    unreserved_resources_full: Vec<Value>,
    reserved_resources_allocated: BTreeMap<String, Resources>,
    unreserved_resources_allocated: Resources,
    resource_providers: [(); 0],
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master_hostname: Option<&'a str>,
    flags: BTreeMap<String, String>,
    frameworks: Vec<FrameworkView<'a>>,
    completed_frameworks: Vec<FrameworkView<'a>>,
}

impl<'a> State<'a> {
    pub fn new(agent: &'a Agent) -> Self {
        let info = &agent.info;
        let registered = agent.state == AgentState::Running;
        let allocated = allocated(agent);
        let allocated_by_role = summed(reservations(allocated.iter())).into_iter();
        Self {
            build: Build::CURRENT.into(),
            start_time: agent.started_at.as_secs_f64(),
            id: agent.id().map_or("", |id| id.as_str()),
            pid: agent.config.pid(),
            hostname: &info.hostname,
            capabilities: CAPABILITIES.map(|capability| capability.as_str_name()),
            domain: info.domain.as_ref().map(Domain::from),
            resources: info.resources.iter().collect(),
            reserved_resources: summed(reservations(&info.resources)),
            unreserved_resources: unreserved(&info.resources).collect(),
            reserved_resources_full: full(reservations(&info.resources)),
            unreserved_resources_full: full_resources(unreserved(&info.resources)),
            reserved_resources_allocated: allocated_by_role
                .map(|(role, held)| (role.to_owned(), held))
                .collect(),
            unreserved_resources_allocated: unreserved(allocated.iter()).collect(),
            resource_providers: [],
            attributes: Attributes(&info.attributes),
            master_hostname: registered.then_some(info.hostname.as_str()),
            flags: flags::all(&agent.config),
            frameworks: agent.frameworks.values().map(FrameworkView::from).collect(),
            completed_frameworks: agent.completed_frameworks.iter().map(FrameworkView::from).collect(),
        }
    }
}

type ByRole<'a> = BTreeMap<&'a str, Vec<&'a v1::Resource>>;

fn summed(by_role: ByRole<'_>) -> BTreeMap<&str, Resources> {
    by_role.into_iter().map(|(role, held)| (role, held.into_iter().collect())).collect()
}

fn full(by_role: ByRole<'_>) -> BTreeMap<&str, Vec<Value>> {
    by_role.into_iter().map(|(role, held)| (role, full_resources(held))).collect()
}

#[derive(Debug, Serialize)]
struct FrameworkView<'a> {
    id: &'a str,
    name: &'a str,
    user: &'a str,
    failover_timeout: f64,
    checkpoint: bool,
    hostname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    executors: Vec<ExecutorView<'a>>,
    completed_executors: Vec<ExecutorView<'a>>,
}

impl<'a> From<&'a Framework> for FrameworkView<'a> {
    fn from(framework: &'a Framework) -> Self {
        let info = &framework.info;
        let multi_role = framework.has_capability(Capability::MultiRole);
        Self {
            id: info.id.as_ref().map_or("", |id| id.as_str()),
            name: &info.name,
            user: &info.user,
            failover_timeout: info.failover_timeout(),
            checkpoint: info.checkpoint(),
            hostname: info.hostname(),
            principal: info.principal.as_deref(),
            roles: multi_role.then_some(&info.roles),
            role: (!multi_role).then(|| info.role()),
            executors: framework.executors.values().map(ExecutorView::from).collect(),
            completed_executors: framework.completed_executors.iter().map(ExecutorView::from).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct ExecutorView<'a> {
    id: &'a str,
    name: &'a str,
    source: &'a str,
    container: &'a str,
    directory: &'a str,
    resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    tasks: Vec<Task<'a>>,
    queued_tasks: Vec<QueuedTask<'a>>,
    completed_tasks: Vec<Task<'a>>,
}

impl<'a> From<&'a Executor> for ExecutorView<'a> {
    fn from(executor: &'a Executor) -> Self {
        let info = &executor.info;
        Self {
            id: info.executor_id.as_str(),
            name: info.name(),
            source: info.source(),
            container: executor.container_id.as_str(),
            directory: &executor.directory,
            resources: held(executor).iter().collect(),
            role: (!info.resources.is_empty()).then(|| role_of(&info.resources)),
            labels: info.labels.as_ref().map(Labels::from),
            kind: info.r#type.is_some().then(|| info.r#type().as_str_name()),
            tasks: executor.launched_tasks.values().map(Task::from).collect(),
            queued_tasks: executor.queued_tasks.values().map(QueuedTask::from).collect(),
            completed_tasks: executor
                .completed_tasks
                .iter()
                .chain(executor.terminated_tasks.values())
                .map(Task::from)
                .collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct QueuedTask<'a> {
    id: &'a str,
    name: &'a str,
    slave_id: &'a str,
    resources: Resources,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Command<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executor_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery: Option<Value>,
}

impl<'a> From<&'a v1::TaskInfo> for QueuedTask<'a> {
    fn from(task: &'a v1::TaskInfo) -> Self {
        Self {
            id: task.task_id.as_str(),
            name: &task.name,
            slave_id: task.agent_id.as_str(),
            resources: task.resources.iter().collect(),
            role: role_of(&task.resources),
            command: task.command.as_ref().map(Command::from),
            executor_id: task.executor.as_ref().map(|executor| executor.executor_id.as_str()),
            discovery: task.discovery.as_ref().map(json::to_json),
        }
    }
}
