//! Operators' calls that change the resources of an agent, and the operations of frameworks that do. This master has
//! nobody who may: what is wrong with one is said as Mesos says it, and what is right is not authorized.

use super::{
    Agent, Master, Reply,
    accept::Ground,
    validation::{
        change::{self, Author},
        operation as resources,
    },
};
use crate::mesos::v1::{
    AgentId,
    master::{Call, call::Type as CallType},
    offer::{
        Operation,
        operation::{self, Type},
    },
};

impl Master {
    /// RESERVE_RESOURCES to SHRINK_VOLUME; `None` for another call.
    pub(super) fn change_resources(&self, call: &Call) -> Option<Reply> {
        let (agent, operation) = wanted(call)?;
        let Some(agent) = self.agents.get(&agent) else {
            return Some(Reply::BadRequest("No agent found with specified ID".into()));
        };
        let refused = resources::validate_resources(&operation).and_then(|()| {
            let mut operation = operation.clone();
            resources::refine(&mut operation);
            let author = Author { principal: None, framework: None };
            change::validate(&operation, author).map_err(|error| invalid(&operation, agent, &error))
        });
        Some(match refused {
            Err(error) => Reply::BadRequest(error),
            Ok(()) => {
                Reply::Forbidden(format!("Not authorized to perform action {}", change::action(&operation)))
            }
        })
    }

    /// Why an operation on resources within an ACCEPT is not done.
    pub(super) fn refusal_of(&self, ground: &Ground, operation: &Operation) -> String {
        let framework = self.frameworks.get(&ground.framework_id);
        let checked = framework.map_or(Ok(()), |it| change::validate(operation, Author::from(&it.info)));
        match (checked, self.agents.get(&ground.agent_id)) {
            (Err(error), Some(agent)) => format!("{error}; on agent {}", described(agent)),
            (Err(error), None) => error,
            (Ok(()), _) => {
                format!("Not authorized to perform action {} on ANY object", change::action(operation))
            }
        }
    }
}

/// What a call asks for, as the operation that a framework would ask for.
fn wanted(call: &Call) -> Option<(AgentId, Operation)> {
    let (kind, agent) = match call.r#type() {
        CallType::ReserveResources => (Type::Reserve, call.reserve_resources.as_ref().map(|it| &it.agent_id)),
        CallType::UnreserveResources => {
            (Type::Unreserve, call.unreserve_resources.as_ref().map(|it| &it.agent_id))
        }
        CallType::CreateVolumes => (Type::Create, call.create_volumes.as_ref().map(|it| &it.agent_id)),
        CallType::DestroyVolumes => (Type::Destroy, call.destroy_volumes.as_ref().map(|it| &it.agent_id)),
        CallType::GrowVolume => {
            (Type::GrowVolume, call.grow_volume.as_ref().and_then(|it| it.agent_id.as_ref()))
        }
        CallType::ShrinkVolume => {
            (Type::ShrinkVolume, call.shrink_volume.as_ref().and_then(|it| it.agent_id.as_ref()))
        }
        _ => return None,
    };
    let (agent, call) = (agent.cloned(), call.clone());
    let operation = Operation {
        r#type: Some(kind.into()),
        reserve: call
            .reserve_resources
            .map(|it| operation::Reserve { source: it.source, resources: it.resources }),
        unreserve: call.unreserve_resources.map(|it| operation::Unreserve { resources: it.resources }),
        create: call.create_volumes.map(|it| operation::Create { volumes: it.volumes }),
        destroy: call.destroy_volumes.map(|it| operation::Destroy { volumes: it.volumes }),
        grow_volume: call
            .grow_volume
            .map(|it| operation::GrowVolume { volume: it.volume, addition: it.addition }),
        shrink_volume: call
            .shrink_volume
            .map(|it| operation::ShrinkVolume { volume: it.volume, subtract: it.subtract }),
        ..Operation::default()
    };
    Some((agent.unwrap_or_default(), operation))
}

/// Mesos names the agent where what is wrong may be its fault.
fn invalid(operation: &Operation, agent: &Agent, error: &str) -> String {
    let kind = operation.r#type();
    match kind {
        Type::Unreserve | Type::Destroy => format!("Invalid {} operation: {error}", kind.as_str_name()),
        _ => format!("Invalid {} operation on agent {}: {error}", kind.as_str_name(), described(agent)),
    }
}

/// An agent as Mesos writes it in texts: id, pid and host name.
fn described(agent: &Agent) -> String {
    format!("{} at {} ({})", agent.id, agent.pid, agent.info.hostname)
}
