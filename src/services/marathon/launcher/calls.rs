//! The calls of the v1 scheduler API that the launcher makes.

use std::collections::BTreeSet;

use crate::mesos::v1::{
    AgentId, Filters, FrameworkId, OfferId, TaskId, TaskInfo, TaskStatus, offer,
    scheduler::{Call, call},
};

fn call(kind: call::Type, framework_id: &FrameworkId) -> Call {
    Call { framework_id: Some(framework_id.clone()), r#type: Some(kind.into()), ..Call::default() }
}

/// Launches `tasks`; what is left of the offer comes back after Mesos' default time.
pub fn accept(id: &FrameworkId, offer_id: OfferId, tasks: Vec<TaskInfo>) -> Call {
    let mut launch = offer::Operation {
        launch: Some(offer::operation::Launch { task_infos: tasks }),
        ..offer::Operation::default()
    };
    launch.set_type(offer::operation::Type::Launch);
    let accept = call::Accept { offer_ids: vec![offer_id], operations: vec![launch], filters: None };
    Call { accept: Some(accept), ..call(call::Type::Accept, id) }
}

pub fn decline(id: &FrameworkId, offer_ids: Vec<OfferId>, refuse_seconds: f64) -> Call {
    let filters = Some(Filters { refuse_seconds: Some(refuse_seconds) });
    Call { decline: Some(call::Decline { offer_ids, filters }), ..call(call::Type::Decline, id) }
}

pub fn revive(id: &FrameworkId, roles: BTreeSet<String>) -> Call {
    let revive = call::Revive { roles: roles.into_iter().collect() };
    Call { revive: Some(revive), ..call(call::Type::Revive, id) }
}

pub fn suppress(id: &FrameworkId, roles: BTreeSet<String>) -> Call {
    let suppress = call::Suppress { roles: roles.into_iter().collect() };
    Call { suppress: Some(suppress), ..call(call::Type::Suppress, id) }
}

pub fn kill(id: &FrameworkId, task_id: TaskId, agent_id: Option<AgentId>) -> Call {
    let kill = call::Kill { task_id, agent_id, kill_policy: None };
    Call { kill: Some(kill), ..call(call::Type::Kill, id) }
}

/// None for an update that wants no acknowledgement: it has no `uuid`.
pub fn acknowledge(id: &FrameworkId, status: &TaskStatus) -> Option<Call> {
    let acknowledge = call::Acknowledge {
        agent_id: status.agent_id.clone()?,
        task_id: status.task_id.clone(),
        uuid: status.uuid.clone().filter(|uuid| !uuid.is_empty())?,
    };
    Some(Call { acknowledge: Some(acknowledge), ..call(call::Type::Acknowledge, id) })
}

/// Explicit for the named tasks, implicit when none is named.
pub fn reconcile(id: &FrameworkId, tasks: Vec<call::reconcile::Task>) -> Call {
    Call { reconcile: Some(call::Reconcile { tasks }), ..call(call::Type::Reconcile, id) }
}
