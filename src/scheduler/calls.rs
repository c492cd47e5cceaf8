//! The calls of the v1 scheduler API that the framework makes.

use crate::{
    mesos::v1::{
        AgentId, DurationInfo, Filters, FrameworkId, KillPolicy, Offer, OfferId, TaskGroupInfo, TaskId,
        TaskInfo, TaskStatus, offer,
        scheduler::{Call, call},
    },
    scheduler::task_info::Launch,
};

fn call(kind: call::Type, framework_id: &FrameworkId) -> Call {
    Call { framework_id: Some(framework_id.clone()), r#type: Some(kind.into()), ..Call::default() }
}

fn filters(refuse_seconds: f64) -> Option<Filters> {
    Some(Filters { refuse_seconds: Some(refuse_seconds) })
}

/// Without an id for a framework that has none yet.
pub fn subscribe(subscribe: call::Subscribe) -> Call {
    Call {
        framework_id: subscribe.framework_info.id.clone(),
        r#type: Some(call::Type::Subscribe.into()),
        subscribe: Some(subscribe),
        ..Call::default()
    }
}

pub fn teardown(id: &FrameworkId) -> Call {
    call(call::Type::Teardown, id)
}

/// Does all `launches` on offers of one agent and one role; what is left of them is refused for `refuse_seconds`.
pub fn accept(id: &FrameworkId, offers: &[Offer], launches: Vec<Launch>, refuse_seconds: f64) -> Call {
    let (pods, tasks): (Vec<_>, Vec<_>) = launches.into_iter().partition(|launch| launch.pod.is_some());
    let tasks: Vec<_> = tasks.into_iter().map(|launch| launch.task).collect();
    let tasks = (!tasks.is_empty()).then(|| launch(tasks));
    let accept = call::Accept {
        offer_ids: offers.iter().map(|offer| offer.id.clone()).collect(),
        operations: tasks.into_iter().chain(pods.into_iter().map(launch_group)).collect(),
        filters: filters(refuse_seconds),
    };
    Call { accept: Some(accept), ..call(call::Type::Accept, id) }
}

fn launch(task_infos: Vec<TaskInfo>) -> offer::Operation {
    offer::Operation {
        r#type: Some(offer::operation::Type::Launch.into()),
        launch: Some(offer::operation::Launch { task_infos }),
        ..offer::Operation::default()
    }
}

fn launch_group(launch: Launch) -> offer::Operation {
    let group = offer::operation::LaunchGroup {
        executor: launch.pod.unwrap_or_default(),
        task_group: TaskGroupInfo { tasks: vec![launch.task] },
    };
    offer::Operation {
        r#type: Some(offer::operation::Type::LaunchGroup.into()),
        launch_group: Some(group),
        ..offer::Operation::default()
    }
}

pub fn decline(id: &FrameworkId, offer_ids: Vec<OfferId>, refuse_seconds: f64) -> Call {
    let decline = call::Decline { offer_ids, filters: filters(refuse_seconds) };
    Call { decline: Some(decline), ..call(call::Type::Decline, id) }
}

/// For all roles.
pub fn revive(id: &FrameworkId) -> Call {
    Call { revive: Some(call::Revive::default()), ..call(call::Type::Revive, id) }
}

/// For all roles.
pub fn suppress(id: &FrameworkId) -> Call {
    Call { suppress: Some(call::Suppress::default()), ..call(call::Type::Suppress, id) }
}

/// With `at_once`, without the grace period of the task.
pub fn kill(id: &FrameworkId, task_id: &TaskId, agent_id: Option<&AgentId>, at_once: bool) -> Call {
    let policy = KillPolicy { grace_period: Some(DurationInfo { nanoseconds: 0 }) };
    let kill = call::Kill {
        task_id: task_id.clone(),
        agent_id: agent_id.cloned(),
        kill_policy: at_once.then_some(policy),
    };
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

pub fn update_framework(id: &FrameworkId, subscribe: call::Subscribe) -> Call {
    let update = call::UpdateFramework {
        framework_info: subscribe.framework_info,
        suppressed_roles: subscribe.suppressed_roles,
        offer_constraints: subscribe.offer_constraints,
    };
    Call { update_framework: Some(update), ..call(call::Type::UpdateFramework, id) }
}
