//! The JSON of the master's operator responses: the lists of GET_STATE are there even when empty, and an agent shows
//! `checkpoint`, a field that only the older `SlaveInfo` has.

use serde_json::Value;

use crate::{
    engine::operator_json::{ObjectText, typed},
    mesos::{
        json,
        v1::master::{
            Event, Response,
            response::{GetAgents, GetExecutors, GetFrameworks, GetState, GetTasks, get_agents},
        },
    },
};

/// A response of the operator API, as Mesos writes it.
pub fn response_to_json(response: &Response) -> String {
    let (name, part) = if let Some(state) = &response.get_state {
        ("get_state", state_to_json(state))
    } else if let Some(tasks) = &response.get_tasks {
        ("get_tasks", tasks_to_json(tasks))
    } else if let Some(executors) = &response.get_executors {
        ("get_executors", executors_to_json(executors))
    } else if let Some(frameworks) = &response.get_frameworks {
        ("get_frameworks", frameworks_to_json(frameworks))
    } else if let Some(agents) = &response.get_agents {
        ("get_agents", agents_to_json(agents))
    } else {
        return json::to_json_string(response);
    };
    typed(response.r#type().as_str_name(), name, &part)
}

/// An event of the operator stream: SUBSCRIBED carries a whole GET_STATE.
pub fn event_to_json(event: &Event) -> String {
    let subscribed = event.subscribed.as_ref();
    let Some((subscribed, state)) = subscribed.and_then(|known| Some((known, known.get_state.as_ref()?)))
    else {
        return json::to_json_string(event);
    };
    let interval = Value::from(subscribed.heartbeat_interval_seconds()).to_string();
    let subscribed = ObjectText::new().member("get_state", &state_to_json(state));
    typed("SUBSCRIBED", "subscribed", &subscribed.member("heartbeat_interval_seconds", &interval).end())
}

fn state_to_json(state: &GetState) -> String {
    let part = |json: Option<String>| json.unwrap_or_else(|| "{}".to_owned());
    ObjectText::new()
        .member("get_tasks", &part(state.get_tasks.as_ref().map(tasks_to_json)))
        .member("get_executors", &part(state.get_executors.as_ref().map(executors_to_json)))
        .member("get_frameworks", &part(state.get_frameworks.as_ref().map(frameworks_to_json)))
        .member("get_agents", &part(state.get_agents.as_ref().map(agents_to_json)))
        .end()
}

fn tasks_to_json(tasks: &GetTasks) -> String {
    ObjectText::new()
        .list("tasks", &tasks.tasks)
        .list("unreachable_tasks", &tasks.unreachable_tasks)
        .list("completed_tasks", &tasks.completed_tasks)
        .end()
}

fn executors_to_json(executors: &GetExecutors) -> String {
    ObjectText::new().list("executors", &executors.executors).end()
}

fn frameworks_to_json(frameworks: &GetFrameworks) -> String {
    ObjectText::new()
        .list("frameworks", &frameworks.frameworks)
        .list("completed_frameworks", &frameworks.completed_frameworks)
        .end()
}

fn agents_to_json(agents: &GetAgents) -> String {
    ObjectText::new()
        .list_of("agents", agents.agents.iter().map(agent_to_json))
        .list("recovered_agents", &agents.recovered_agents)
        .end()
}

fn agent_to_json(agent: &get_agents::Agent) -> String {
    let mut shown = json::to_json(agent);
    if let Some(Value::Object(info)) = shown.get_mut("agent_info") {
        let after_id = info.keys().position(|key| key == "id").map_or(info.len(), |at| at + 1);
        info.shift_insert(after_id, "checkpoint".into(), Value::Bool(true));
    }
    json::to_text(&shown)
}
