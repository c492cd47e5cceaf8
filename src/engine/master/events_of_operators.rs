//! The events of the operator API, built from their parts.

use crate::mesos::v1::{
    AgentId, FrameworkId, FrameworkInfo, Task, TaskState, TaskStatus,
    master::{
        Event,
        event::{self, Type},
        response::{GetState, get_agents, get_frameworks},
    },
};

pub(super) fn subscribed(state: GetState, heartbeat_seconds: f64) -> Event {
    let subscribed =
        event::Subscribed { get_state: Some(state), heartbeat_interval_seconds: Some(heartbeat_seconds) };
    Event { subscribed: Some(subscribed), ..of(Type::Subscribed) }
}

pub(super) fn heartbeat() -> Event {
    of(Type::Heartbeat)
}

pub(super) fn task_added(task: Task) -> Event {
    Event { task_added: Some(event::TaskAdded { task }), ..of(Type::TaskAdded) }
}

/// `state` is the newest one, which may be ahead of the status.
pub(super) fn task_updated(framework_id: FrameworkId, status: TaskStatus, state: TaskState) -> Event {
    let task_updated = event::TaskUpdated { framework_id, status, state: state.into() };
    Event { task_updated: Some(task_updated), ..of(Type::TaskUpdated) }
}

pub(super) fn framework_added(framework: get_frameworks::Framework) -> Event {
    Event { framework_added: Some(event::FrameworkAdded { framework }), ..of(Type::FrameworkAdded) }
}

pub(super) fn framework_updated(framework: get_frameworks::Framework) -> Event {
    Event { framework_updated: Some(event::FrameworkUpdated { framework }), ..of(Type::FrameworkUpdated) }
}

pub(super) fn framework_removed(framework_info: FrameworkInfo) -> Event {
    Event {
        framework_removed: Some(event::FrameworkRemoved { framework_info }),
        ..of(Type::FrameworkRemoved)
    }
}

pub(super) fn agent_added(agent: get_agents::Agent) -> Event {
    Event { agent_added: Some(event::AgentAdded { agent }), ..of(Type::AgentAdded) }
}

pub(super) fn agent_removed(agent_id: AgentId) -> Event {
    Event { agent_removed: Some(event::AgentRemoved { agent_id }), ..of(Type::AgentRemoved) }
}

fn of(kind: Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}
