//! The reading calls of the agent API (`POST /api/v1` on an agent).

use super::{Measured, containers, flags, known_executors, known_frameworks, metrics, usage};
use crate::{
    engine::{
        agent::{Agent, Executor, frameworks::create_task, nested::Guest},
        legacy::{Build, System},
        operator_json::{self, ObjectText},
    },
    mesos::{
        json,
        time::Time,
        v1::{
            ContainerId, ContainerStatus, ExecutorInfo, Flag, FrameworkInfo, Metric, TaskState,
            agent::{
                Call, Response,
                call::{self, Type as CallType},
                response::{
                    self, GetContainers, GetExecutors, GetFrameworks, GetState, GetTasks, get_containers,
                    get_executors, get_frameworks,
                },
            },
        },
    },
};

/// What the answers are made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub agent: &'a Agent,
    pub now: Time,
    pub system: &'a System,
    pub measured: &'a Measured,
}

/// The answer to a reading call; `None` for a call that changes something, streams, or needs files.
pub fn respond(source: Source<'_>, call: &Call) -> Option<Response> {
    let agent = source.agent;
    Some(match call.r#type() {
        CallType::GetHealth => health(),
        CallType::GetFlags => get_flags(agent),
        CallType::GetVersion => version(),
        CallType::GetMetrics => get_metrics(source),
        CallType::GetLoggingLevel => logging_level(0),
        CallType::GetState => typed(response::Type::GetState, |r| r.get_state = Some(state(agent))),
        CallType::GetContainers => get_containers(source, call.get_containers.unwrap_or_default()),
        CallType::GetFrameworks => {
            typed(response::Type::GetFrameworks, |r| r.get_frameworks = Some(frameworks(agent)))
        }
        CallType::GetExecutors => {
            typed(response::Type::GetExecutors, |r| r.get_executors = Some(executors(agent)))
        }
        CallType::GetOperations => operations(),
        CallType::GetTasks => typed(response::Type::GetTasks, |r| r.get_tasks = Some(tasks(agent))),
        CallType::GetAgent => get_agent(agent),
        CallType::GetResourceProviders => resource_providers(),
        _ => return None,
    })
}

/// A response of the agent API, as Mesos writes it.
pub fn response_to_json(response: &Response) -> String {
    let (name, part) = if let Some(state) = &response.get_state {
        ("get_state", state_to_json(state))
    } else if let Some(tasks) = &response.get_tasks {
        ("get_tasks", tasks_to_json(tasks))
    } else if let Some(executors) = &response.get_executors {
        ("get_executors", executors_to_json(executors))
    } else if let Some(frameworks) = &response.get_frameworks {
        ("get_frameworks", frameworks_to_json(frameworks))
    } else {
        return json::to_json_string(response);
    };
    operator_json::typed(response.r#type().as_str_name(), name, &part)
}

fn state_to_json(state: &GetState) -> String {
    let part = |json: Option<String>| json.unwrap_or_else(|| "{}".to_owned());
    ObjectText::new()
        .member("get_tasks", &part(state.get_tasks.as_ref().map(tasks_to_json)))
        .member("get_executors", &part(state.get_executors.as_ref().map(executors_to_json)))
        .member("get_frameworks", &part(state.get_frameworks.as_ref().map(frameworks_to_json)))
        .end()
}

fn tasks_to_json(tasks: &GetTasks) -> String {
    ObjectText::new()
        .list("pending_tasks", &tasks.pending_tasks)
        .list("queued_tasks", &tasks.queued_tasks)
        .list("launched_tasks", &tasks.launched_tasks)
        .list("terminated_tasks", &tasks.terminated_tasks)
        .list("completed_tasks", &tasks.completed_tasks)
        .end()
}

fn executors_to_json(executors: &GetExecutors) -> String {
    ObjectText::new()
        .list("executors", &executors.executors)
        .list("completed_executors", &executors.completed_executors)
        .end()
}

fn frameworks_to_json(frameworks: &GetFrameworks) -> String {
    ObjectText::new()
        .list("frameworks", &frameworks.frameworks)
        .list("completed_frameworks", &frameworks.completed_frameworks)
        .end()
}

fn typed(kind: response::Type, fill: impl FnOnce(&mut Response)) -> Response {
    let mut response = Response { r#type: Some(kind.into()), ..Default::default() };
    fill(&mut response);
    response
}

fn health() -> Response {
    typed(response::Type::GetHealth, |r| r.get_health = Some(response::GetHealth { healthy: true }))
}

fn get_flags(agent: &Agent) -> Response {
    let flags = flags::all(&agent.config);
    let flags = flags.into_iter().map(|(name, value)| Flag { name, value: Some(value) }).collect();
    typed(response::Type::GetFlags, |r| r.get_flags = Some(response::GetFlags { flags }))
}

fn version() -> Response {
    let version_info = Build::CURRENT.to_v1();
    typed(response::Type::GetVersion, |r| r.get_version = Some(response::GetVersion { version_info }))
}

fn get_metrics(source: Source<'_>) -> Response {
    let metrics = metrics::snapshot(source.agent, source.now, source.system);
    let metrics = metrics.into_iter().map(|(name, value)| Metric { name, value: Some(value) }).collect();
    typed(response::Type::GetMetrics, |r| r.get_metrics = Some(response::GetMetrics { metrics }))
}

/// GET_LOGGING_LEVEL: the level of the verbose log, which the process has and not the engine.
pub fn logging_level(level: u32) -> Response {
    let level = response::GetLoggingLevel { level };
    typed(response::Type::GetLoggingLevel, |r| r.get_logging_level = Some(level))
}

fn operations() -> Response {
    let operations = response::GetOperations::default();
    typed(response::Type::GetOperations, |r| r.get_operations = Some(operations))
}

fn get_agent(agent: &Agent) -> Response {
    let agent = response::GetAgent { agent_info: Some(agent.info.clone()), ..Default::default() };
    typed(response::Type::GetAgent, |r| r.get_agent = Some(agent))
}

fn resource_providers() -> Response {
    let providers = response::GetResourceProviders::default();
    typed(response::Type::GetResourceProviders, |r| r.get_resource_providers = Some(providers))
}

fn get_containers(source: Source<'_>, asked: call::GetContainers) -> Response {
    let container = |executor: &Executor| get_containers::Container {
        framework_id: executor.info.framework_id.clone(),
        executor_id: Some(executor.info.executor_id.clone()),
        executor_name: Some(executor.info.name().to_owned()),
        container_id: executor.container_id.clone(),
        container_status: Some(usage::status(executor)),
        resource_statistics: usage::of(executor, source.measured, source.now)
            .map(|used| usage::statistics(executor, &used)),
    };
    let nested =
        containers(source.agent).filter(|_| asked.show_nested()).flat_map(|it| nested_containers(source, it));
    let guests = source.agent.guests.containers.iter().filter(|(container_id, _)| {
        if container_id.parent.is_some() { asked.show_nested() } else { asked.show_standalone() }
    });
    let guests = guests.map(|(container_id, guest)| guest_container(source, container_id, guest));
    let containers = containers(source.agent).map(container).chain(nested).chain(guests).collect();
    typed(response::Type::GetContainers, |r| r.get_containers = Some(GetContainers { containers }))
}

/// Those of the tasks of a default executor; only the status names the executor.
fn nested_containers<'a>(
    source: Source<'a>,
    executor: &'a Executor,
) -> impl Iterator<Item = get_containers::Container> + 'a {
    executor.nested.iter().map(move |(container_id, nested)| {
        let task = executor.launched_tasks.get(&nested.task_id);
        get_containers::Container {
            container_id: container_id.as_str().into(),
            container_status: Some(usage::nested_status(container_id, nested)),
            resource_statistics: task.map(|task| usage::nested_statistics(task, source.now)),
            ..get_containers::Container::default()
        }
    })
}

/// One that a client has launched. What one in another uses is not measured.
fn guest_container(
    source: Source<'_>,
    container_id: &ContainerId,
    guest: &Guest,
) -> get_containers::Container {
    let measured = source.measured.get(container_id);
    get_containers::Container {
        container_id: container_id.as_str().into(),
        container_status: Some(ContainerStatus {
            container_id: Some(container_id.clone()),
            executor_pid: guest.pid,
            ..ContainerStatus::default()
        }),
        resource_statistics: Some(usage::guest_statistics(&guest.resources, measured, source.now)),
        ..get_containers::Container::default()
    }
}

fn state(agent: &Agent) -> GetState {
    GetState {
        get_tasks: Some(tasks(agent)),
        get_executors: Some(executors(agent)),
        get_frameworks: Some(frameworks(agent)),
    }
}

fn frameworks(agent: &Agent) -> GetFrameworks {
    let shown = |info: &FrameworkInfo| get_frameworks::Framework { framework_info: info.clone() };
    GetFrameworks {
        frameworks: agent.frameworks.values().map(|framework| shown(&framework.info)).collect(),
        completed_frameworks: agent
            .completed_frameworks
            .iter()
            .map(|framework| shown(&framework.info))
            .collect(),
    }
}

fn executors(agent: &Agent) -> GetExecutors {
    let shown = |info: &ExecutorInfo| get_executors::Executor { executor_info: info.clone() };
    let live = known_frameworks(agent).flat_map(|framework| framework.executors.values());
    let completed = known_frameworks(agent).flat_map(|framework| &framework.completed_executors);
    GetExecutors {
        executors: live.map(|executor| shown(&executor.info)).collect(),
        completed_executors: completed.map(|executor| shown(&executor.info)).collect(),
    }
}

fn tasks(agent: &Agent) -> GetTasks {
    let mut all = GetTasks::default();
    for (framework, executor) in known_executors(agent) {
        let staging = executor.queued_tasks.values();
        let staging = staging.map(|task| create_task(task, TaskState::TaskStaging, &framework.id()));
        all.queued_tasks.extend(staging);
        all.launched_tasks.extend(executor.launched_tasks.values().cloned());
        all.terminated_tasks.extend(executor.terminated_tasks.values().cloned());
        all.completed_tasks.extend(executor.completed_tasks.iter().cloned());
    }
    all
}
