//! Replies and effects in one line each.

use mesoslab::{
    engine::{
        master::{Effect, Reply},
        wire::ToAgent,
    },
    mesos::{
        json,
        log::RegistryEntry,
        resources::Resources,
        v1::{
            ExecutorId, InverseOffer, Offer, Resource, TaskInfo, TaskState, TaskStatus, Unavailability,
            master, scheduler,
        },
    },
};

/// What makes a small number a UUID of version 4.
pub const UUID_MARK: u128 = 4 << 76;

pub fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Accepted => "202".into(),
        Reply::Ok => "200".into(),
        Reply::BadRequest(text) => format!("400 {text}"),
        Reply::Forbidden(text) => format!("403 {text}"),
        Reply::NotFound(text) => format!("404 {text}"),
        Reply::Conflict(text) => format!("409 {text}"),
        Reply::NotImplemented(text) => text.clone(),
        Reply::Unavailable(text) => format!("503 {text}"),
        Reply::Stream(_) | Reply::Subscriber(_) => "stream".into(),
        Reply::Operator(response) => json::to_json_string(&**response),
    }
}

/// The kind of an effect, and the rest of its line.
pub fn effect(effect: &Effect) -> (String, String) {
    match effect {
        Effect::Event { event, .. } => (event.r#type().as_str_name().into(), scheduler_event(event)),
        Effect::Close { .. } => ("CLOSE".into(), String::new()),
        Effect::Agent { message, .. } => to_agent(message),
        Effect::AgentGone { .. } => ("GONE".into(), String::new()),
        Effect::Registry(entry) => ("REGISTRY".into(), registry_entry(entry)),
        Effect::Log(message) => ("LOG".into(), message.clone()),
        Effect::OperatorEvent { event, .. } => (event.r#type().as_str_name().into(), operator_event(event)),
    }
}

fn registry_entry(entry: &RegistryEntry) -> String {
    match &entry.agent {
        Some(agent) => {
            let id = agent.id.clone().unwrap_or_default();
            format!("{} {id}", entry.state().as_str_name())
        }
        None => json::to_json_string(entry),
    }
}

fn scheduler_event(event: &scheduler::Event) -> String {
    if let Some(subscribed) = &event.subscribed {
        return subscribed.framework_id.to_string();
    }
    if let Some(offers) = &event.offers {
        return offers.offers.iter().map(offer).collect::<Vec<_>>().join(" + ");
    }
    if let Some(asked) = &event.inverse_offers {
        return asked.inverse_offers.iter().map(inverse_offer).collect::<Vec<_>>().join(" + ");
    }
    if let Some(rescind) = &event.rescind_inverse_offer {
        return rescind.inverse_offer_id.to_string();
    }
    if let Some(update) = &event.update {
        return status(&update.status);
    }
    if let Some(failure) = &event.failure {
        let executor = failure.executor_id.as_ref().map_or("", ExecutorId::as_str);
        let agent = failure.agent_id.clone().unwrap_or_default();
        let status = failure.status.map(|status| format!(" status {status}")).unwrap_or_default();
        return format!("{agent} {executor}{status}").trim_end().to_owned();
    }
    if let Some(message) = &event.message {
        let data = String::from_utf8_lossy(&message.data);
        return format!("{} {} {data}", message.agent_id, message.executor_id);
    }
    let rescinded = event.rescind.as_ref().map(|rescind| rescind.offer_id.to_string());
    let operation = event.update_operation_status.as_ref().map(|update| json::to_json_string(&update.status));
    let error = event.error.as_ref().map(|error| error.message.clone());
    rescinded.or(operation).or(error).unwrap_or_default()
}

fn offer(offer: &Offer) -> String {
    let until = offer.unavailability.as_ref().map(|when| format!(" until {}", seconds(when)));
    let resources = resources(&offer.resources);
    format!("{} on {}: {resources}{}", offer.id, offer.agent_id, until.unwrap_or_default())
}

fn inverse_offer(offer: &InverseOffer) -> String {
    let agent = offer.agent_id.clone().unwrap_or_default();
    format!("{} of {agent} before {}", offer.id, seconds(&offer.unavailability))
}

/// When an agent becomes unavailable, in seconds of the scenario.
fn seconds(unavailability: &Unavailability) -> i64 {
    unavailability.start.nanoseconds / 1_000_000_000 - 1_000_000
}

fn resources(resources: &[Resource]) -> String {
    Resources::from(resources).to_string()
}

fn status(status: &TaskStatus) -> String {
    let mut line = format!("{} {}", status.task_id, status.state().as_str_name());
    if status.source.is_some() {
        line += &format!(" {}", status.source().as_str_name());
    }
    if status.reason.is_some() {
        line += &format!(" {}", status.reason().as_str_name());
    }
    if let Some(agent) = &status.agent_id {
        line += &format!(" on {agent}");
    }
    if let Some(uuid) = status.uuid.as_ref().and_then(|uuid| <[u8; 16]>::try_from(&uuid[..]).ok()) {
        line += &format!(" #{}", u128::from_be_bytes(uuid) ^ UUID_MARK);
    }
    if let Some(time) = &status.unreachable_time {
        line += &format!(" unreachable since {}", time.nanoseconds / 1_000_000_000 - 1_000_000);
    }
    if let Some(message) = &status.message {
        line += &format!(": {message}");
    }
    line
}

fn task(task: &TaskInfo) -> String {
    let executor = task.executor.as_ref().map(|executor| format!(" in {}", executor.executor_id));
    format!("{}{} with {}", task.task_id, executor.unwrap_or_default(), resources(&task.resources))
}

fn to_agent(message: &ToAgent) -> (String, String) {
    let (kind, rest) = match message {
        ToAgent::Registered { agent_id, .. } => ("REGISTERED", agent_id.to_string()),
        ToAgent::Reregistered { agent_id, missing, .. } => {
            let missing: Vec<String> = missing.iter().flat_map(|it| &it.statuses).map(status).collect();
            let missing =
                if missing.is_empty() { String::new() } else { format!(" without {}", missing.join(", ")) };
            ("REREGISTERED", format!("{agent_id}{missing}"))
        }
        ToAgent::RunTask { task: info, .. } => ("RUN", task(info)),
        ToAgent::RunTaskGroup { executor, group, .. } => {
            let tasks: Vec<String> = group.tasks.iter().map(task).collect();
            ("RUN_GROUP", format!("{}: {}", executor.executor_id, tasks.join(", ")))
        }
        ToAgent::KillTask { framework_id, task_id, .. } => ("KILL", format!("{framework_id} {task_id}")),
        ToAgent::Acknowledge { task_id, uuid, .. } => {
            let number = <[u8; 16]>::try_from(&uuid[..])
                .map(|uuid| u128::from_be_bytes(uuid) ^ UUID_MARK)
                .unwrap_or_default();
            ("ACKNOWLEDGE", format!("{task_id} #{number}"))
        }
        ToAgent::FrameworkMessage { executor_id, data, .. } => {
            ("MESSAGE", format!("{executor_id} {}", String::from_utf8_lossy(data)))
        }
        ToAgent::ShutdownExecutor { executor_id, .. } => ("SHUTDOWN_EXECUTOR", executor_id.to_string()),
        ToAgent::ShutdownFramework { framework_id } => ("SHUTDOWN_FRAMEWORK", framework_id.to_string()),
        ToAgent::UpdateFramework { framework } => {
            ("UPDATE_FRAMEWORK", framework.id.clone().unwrap_or_default().to_string())
        }
        ToAgent::Shutdown { message } => ("SHUTDOWN", message.clone()),
        ToAgent::Ping { connected, .. } => ("PING", connected.to_string()),
        ToAgent::Drain(_) => ("DRAIN", String::new()),
        ToAgent::ApplyOperation(_) | ToAgent::AcknowledgeOperation { .. } => ("OPERATION", String::new()),
    };
    (kind.into(), rest)
}

fn operator_event(event: &master::Event) -> String {
    if let Some(subscribed) = &event.subscribed {
        let state = subscribed.get_state.clone().unwrap_or_default();
        let agents = state.get_agents.map_or(0, |agents| agents.agents.len());
        let frameworks = state.get_frameworks.map_or(0, |frameworks| frameworks.frameworks.len());
        let tasks = state.get_tasks.map_or(0, |tasks| tasks.tasks.len());
        return format!("{agents} agents, {frameworks} frameworks, {tasks} tasks");
    }
    if let Some(added) = &event.task_added {
        return format!("{} {}", added.task.task_id, TaskState::as_str_name(&added.task.state()));
    }
    if let Some(updated) = &event.task_updated {
        return format!("{} now {}", status(&updated.status), updated.state().as_str_name());
    }
    let framework = event.framework_added.as_ref().map(|it| &it.framework);
    if let Some(framework) = framework.or(event.framework_updated.as_ref().map(|it| &it.framework)) {
        let id = framework.framework_info.id.clone().unwrap_or_default();
        return format!("{id} active {} connected {}", framework.active, framework.connected);
    }
    let removed = event.framework_removed.as_ref().map(|it| it.framework_info.id.clone().unwrap_or_default());
    let agent = event.agent_added.as_ref().map(|it| it.agent.agent_info.id.clone().unwrap_or_default());
    let gone = event.agent_removed.as_ref().map(|it| it.agent_id.clone());
    removed.map(|id| id.to_string()).or(agent.or(gone).map(|id| id.to_string())).unwrap_or_default()
}
