//! Whether a call to the master is whole. What its parts mean is judged where they are used.

use super::{Checked, ensure};
use crate::mesos::{
    resources,
    v1::{
        FrameworkId, master,
        scheduler::{Call, call::Type},
    },
};

/// Checks a call of the scheduler API; the caller puts `Failed to validate scheduler::Call: ` before the text.
///
/// # Errors
/// What is missing, or contradicts itself.
pub fn scheduler(call: &Call) -> Result<Type, String> {
    let Some(kind) = call.r#type.and_then(|number| Type::try_from(number).ok()) else {
        return Err(expecting("type"));
    };
    if kind == Type::Subscribe {
        subscribe(call)?;
        return Ok(kind);
    }
    present(call.framework_id.is_some(), "framework_id")?;
    body(kind, call)?;
    Ok(kind)
}

fn subscribe(call: &Call) -> Checked {
    let Some(subscribe) = &call.subscribe else { return Err(expecting("subscribe")) };
    if text(subscribe.framework_info.id.as_ref()) != text(call.framework_id.as_ref()) {
        return Err("'framework_id' differs from 'subscribe.framework_info.id'".into());
    }
    Ok(())
}

fn body(kind: Type, call: &Call) -> Checked {
    match kind {
        Type::Accept => present(call.accept.is_some(), "accept"),
        Type::Decline => present(call.decline.is_some(), "decline"),
        Type::AcceptInverseOffers => present(call.accept_inverse_offers.is_some(), "accept_inverse_offers"),
        Type::DeclineInverseOffers => {
            present(call.decline_inverse_offers.is_some(), "decline_inverse_offers")
        }
        Type::Kill => present(call.kill.is_some(), "kill"),
        Type::Shutdown => present(call.shutdown.is_some(), "shutdown"),
        Type::Acknowledge => acknowledge(call),
        Type::AcknowledgeOperationStatus => acknowledge_operation_status(call),
        Type::Reconcile => present(call.reconcile.is_some(), "reconcile"),
        Type::ReconcileOperations => present(call.reconcile_operations.is_some(), "reconcile_operations"),
        Type::Message => present(call.message.is_some(), "message"),
        Type::Request => present(call.request.is_some(), "request"),
        Type::UpdateFramework => update_framework(call),
        Type::Subscribe | Type::Teardown | Type::Revive | Type::Suppress | Type::Unknown => Ok(()),
    }
}

fn acknowledge(call: &Call) -> Checked {
    let Some(acknowledge) = &call.acknowledge else { return Err(expecting("acknowledge")) };
    uuid(&acknowledge.uuid)
}

fn acknowledge_operation_status(call: &Call) -> Checked {
    let Some(acknowledge) = &call.acknowledge_operation_status else {
        return Err(expecting("acknowledge_operation_status"));
    };
    uuid(&acknowledge.uuid)?;
    present(acknowledge.agent_id.is_some(), "agent_id")
}

fn update_framework(call: &Call) -> Checked {
    let Some(update) = &call.update_framework else { return Err(expecting("update_framework")) };
    if text(update.framework_info.id.as_ref()) != text(call.framework_id.as_ref()) {
        return Err("'framework_id' differs from 'update_framework.framework_info.id'".into());
    }
    Ok(())
}

/// Checks a call of the operator API; the caller puts `Failed to validate master::Call: ` before the text.
///
/// # Errors
/// What is missing.
pub fn operator(call: &master::Call) -> Result<master::call::Type, String> {
    use master::call::Type;
    let Some(kind) = call.r#type.and_then(|number| Type::try_from(number).ok()) else {
        return Err(expecting("type"));
    };
    match kind {
        Type::GetMetrics => present(call.get_metrics.is_some(), "get_metrics")?,
        Type::SetLoggingLevel => present(call.set_logging_level.is_some(), "set_logging_level")?,
        Type::ListFiles => present(call.list_files.is_some(), "list_files")?,
        Type::ReadFile => present(call.read_file.is_some(), "read_file")?,
        _ => operator_change(kind, call)?,
    }
    Ok(kind)
}

#[expect(deprecated, reason = "old clients still send SET_QUOTA and REMOVE_QUOTA")]
fn operator_change(kind: master::call::Type, call: &master::Call) -> Checked {
    use master::call::Type;
    match kind {
        Type::UpdateWeights => present(call.update_weights.is_some(), "update_weights"),
        Type::ReserveResources => {
            let reserve = call.reserve_resources.as_ref().ok_or_else(|| expecting("reserve_resources"))?;
            resources::validate(&reserve.resources)
        }
        Type::UnreserveResources => {
            let unreserve =
                call.unreserve_resources.as_ref().ok_or_else(|| expecting("unreserve_resources"))?;
            resources::validate(&unreserve.resources)
        }
        Type::CreateVolumes => present(call.create_volumes.is_some(), "create_volumes"),
        Type::DestroyVolumes => present(call.destroy_volumes.is_some(), "destroy_volumes"),
        Type::GrowVolume => {
            let grow = call.grow_volume.as_ref().ok_or_else(|| expecting("grow_volume"))?;
            default_resources(grow.agent_id.is_some())
        }
        Type::ShrinkVolume => {
            let shrink = call.shrink_volume.as_ref().ok_or_else(|| expecting("shrink_volume"))?;
            default_resources(shrink.agent_id.is_some())
        }
        Type::UpdateMaintenanceSchedule => {
            present(call.update_maintenance_schedule.is_some(), "update_maintenance_schedule")
        }
        Type::StartMaintenance => present(call.start_maintenance.is_some(), "start_maintenance"),
        Type::StopMaintenance => present(call.stop_maintenance.is_some(), "stop_maintenance"),
        Type::DrainAgent => present(call.drain_agent.is_some(), "drain_agent"),
        Type::DeactivateAgent => present(call.deactivate_agent.is_some(), "deactivate_agent"),
        Type::ReactivateAgent => present(call.reactivate_agent.is_some(), "reactivate_agent"),
        Type::UpdateQuota => present(call.update_quota.is_some(), "update_quota"),
        Type::SetQuota => present(call.set_quota.is_some(), "set_quota"),
        Type::RemoveQuota => present(call.remove_quota.is_some(), "remove_quota"),
        Type::Teardown => present(call.teardown.is_some(), "teardown"),
        Type::MarkAgentGone => present(call.mark_agent_gone.is_some(), "mark_agent_gone"),
        _ => Ok(()),
    }
}

fn default_resources(has_agent: bool) -> Checked {
    let only = "only agent default resources are supported right now";
    ensure(has_agent, format!("{}; {only}", expecting("agent_id")))
}

fn present(is_there: bool, field: &str) -> Checked {
    ensure(is_there, expecting(field))
}

fn expecting(field: &str) -> String {
    format!("Expecting '{field}' to be present")
}

/// Sixteen bytes of a known version.
/// Checks the bytes of a UUID: there are 16 of them and they say which version it is.
///
/// # Errors
/// `Not a valid UUID`.
pub fn uuid(bytes: &[u8]) -> Checked {
    let known = bytes.len() == 16 && matches!(bytes[6] >> 4, 1..=5);
    ensure(known, "Not a valid UUID")
}

fn text(id: Option<&FrameworkId>) -> &str {
    id.map_or("", FrameworkId::as_str)
}
