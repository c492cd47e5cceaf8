//! The operations of an ACCEPT: whether their resources are valid at all, and the form they are looked at in.

use super::{Checked, ensure};
use crate::mesos::{
    resources,
    v1::{
        FrameworkId, HealthCheck, Resource, TaskInfo, health_check,
        offer::{Operation, operation::Type},
        resource::AllocationInfo,
        task_status::Reason,
    },
};

/// The reason of the TASK_ERROR that the tasks of an invalid operation get; none where there are no tasks.
pub fn invalid_reason(operation: &Operation) -> Option<Reason> {
    match operation.r#type() {
        Type::Launch => Some(Reason::TaskInvalid),
        Type::LaunchGroup => Some(Reason::TaskGroupInvalid),
        _ => None,
    }
}

/// The tasks that an operation launches.
pub fn tasks(operation: &Operation) -> &[TaskInfo] {
    match operation.r#type() {
        Type::Launch => operation.launch.as_ref().map_or(&[], |launch| &launch.task_infos),
        Type::LaunchGroup => operation.launch_group.as_ref().map_or(&[], |launch| &launch.task_group.tasks),
        _ => &[],
    }
}

/// Checks that an operation has its body and that all resources in it are valid, before anything else is looked at.
/// One invalid resource is the error of every task of the operation. For operations without tasks the caller puts
/// `Operation attempted with invalid resources: ` before the text.
///
/// # Errors
/// The text of Mesos' `validateAndUpgradeResources`, or that an `id` has no place on a launch.
pub fn validate(operation: &Operation) -> Checked {
    validate_resources(operation)?;
    validate_kind(operation)
}

/// The part of [`validate`] that an operation of an operator has to pass too.
///
/// # Errors
/// The text of Mesos' `validateAndUpgradeResources`.
pub fn validate_resources(operation: &Operation) -> Checked {
    validate_body(operation)?;
    resources_of(operation).into_iter().try_for_each(resources::validate)
}

fn validate_body(operation: &Operation) -> Checked {
    let (is_there, name, end) = match operation.r#type() {
        Type::Launch => (operation.launch.is_some(), "A LAUNCH offer", "launch field set."),
        Type::LaunchGroup => {
            (operation.launch_group.is_some(), "A LAUNCH_GROUP offer", "launch_group field set.")
        }
        Type::Reserve => (operation.reserve.is_some(), "A RESERVE offer", "reserve field set."),
        Type::Unreserve => (operation.unreserve.is_some(), "An UNRESERVE offer", "unreserve field set."),
        Type::Create => (operation.create.is_some(), "A CREATE offer", "create field set."),
        Type::Destroy => (operation.destroy.is_some(), "A DESTROY offer", "destroy field set."),
        Type::GrowVolume => (operation.grow_volume.is_some(), "A GROW_VOLUME", "grow_volume field set"),
        Type::ShrinkVolume => {
            (operation.shrink_volume.is_some(), "A SHRINK_VOLUME offer", "shrink_volume field set")
        }
        Type::CreateDisk => {
            (operation.create_disk.is_some(), "A CREATE_DISK offer", "create_disk field set.")
        }
        Type::DestroyDisk => {
            (operation.destroy_disk.is_some(), "A DESTROY_DISK offer", "destroy_disk field set.")
        }
        Type::Unknown => return Err("Unknown offer operation".into()),
    };
    ensure(is_there, format!("{name} operation must have the Offer.Operation.{end}"))
}

fn validate_kind(operation: &Operation) -> Checked {
    match operation.r#type() {
        Type::Reserve => ensure(
            operation.reserve.as_ref().is_none_or(|reserve| reserve.source.is_empty()),
            "Reservation updates are not yet implemented for the scheduler API.",
        ),
        Type::Launch => ensure(operation.id.is_none(), "The `id` field cannot be set on LAUNCH operations"),
        Type::LaunchGroup => {
            ensure(operation.id.is_none(), "The `id` field cannot be set on LAUNCH_GROUP operations")
        }
        _ => Ok(()),
    }
}

/// All resources of an operation, in the order in which Mesos looks at them.
fn resources_of(operation: &Operation) -> Vec<&[Resource]> {
    let body = operation;
    match operation.r#type() {
        Type::Launch => tasks(operation).iter().flat_map(resources_of_task).collect(),
        Type::LaunchGroup => {
            let executor = body.launch_group.iter().map(|it| it.executor.resources.as_slice());
            executor.chain(tasks(operation).iter().flat_map(resources_of_task)).collect()
        }
        Type::Reserve => body.reserve.iter().flat_map(|it| [&it.resources[..], &it.source[..]]).collect(),
        Type::Unreserve => body.unreserve.iter().map(|it| it.resources.as_slice()).collect(),
        Type::Create => body.create.iter().map(|it| it.volumes.as_slice()).collect(),
        Type::Destroy => body.destroy.iter().map(|it| it.volumes.as_slice()).collect(),
        Type::GrowVolume => {
            body.grow_volume.iter().flat_map(|it| [one(&it.volume), one(&it.addition)]).collect()
        }
        Type::ShrinkVolume => body.shrink_volume.iter().map(|it| one(&it.volume)).collect(),
        Type::CreateDisk => body.create_disk.iter().map(|it| one(&it.source)).collect(),
        Type::DestroyDisk => body.destroy_disk.iter().map(|it| one(&it.source)).collect(),
        Type::Unknown => Vec::new(),
    }
}

fn resources_of_task(task: &TaskInfo) -> impl Iterator<Item = &[Resource]> {
    let executor = task.executor.iter().map(|executor| executor.resources.as_slice());
    std::iter::once(task.resources.as_slice()).chain(executor)
}

fn one(resource: &Resource) -> &[Resource] {
    std::slice::from_ref(resource)
}

/// Brings the resources of an operation into the format in which reservations are a stack.
pub fn refine(operation: &mut Operation) {
    for resource in resources_mut(operation) {
        *resource = std::mem::take(resource).into_refined_format();
    }
}

/// Brings a valid operation into the form that is validated further and that agents get: reservations as a stack,
/// the role of the offers on every resource that names none, executors with their framework, health checks with
/// their type, tasks of a group with their executor.
pub fn normalize(operation: &mut Operation, role: &str, framework_id: &FrameworkId) {
    for resource in resources_mut(operation) {
        *resource = std::mem::take(resource).into_refined_format();
        resource.allocation_info.get_or_insert_with(|| AllocationInfo { role: Some(role.to_owned()) });
    }
    match operation.r#type() {
        Type::Launch => {
            let tasks = operation.launch.iter_mut().flat_map(|launch| &mut launch.task_infos);
            tasks.for_each(|task| complete_task(task, framework_id));
        }
        Type::LaunchGroup => {
            let Some(launch) = &mut operation.launch_group else { return };
            for task in &mut launch.task_group.tasks {
                task.executor.get_or_insert_with(|| launch.executor.clone());
            }
        }
        _ => {}
    }
}

fn complete_task(task: &mut TaskInfo, framework_id: &FrameworkId) {
    if let Some(executor) = &mut task.executor {
        executor.framework_id.get_or_insert_with(|| framework_id.clone());
    }
    if let Some(check) = task.health_check.as_mut().filter(|check| check.r#type.is_none()) {
        check.r#type = implied_type(check).map(Into::into);
    }
}

/// What a health check without a type is: what it has the body of, if that is one only.
fn implied_type(check: &HealthCheck) -> Option<health_check::Type> {
    match (&check.command, &check.http) {
        (Some(_), None) => Some(health_check::Type::Command),
        (None, Some(_)) => Some(health_check::Type::Http),
        _ => None,
    }
}

fn resources_mut(operation: &mut Operation) -> Vec<&mut Resource> {
    let mut all = Vec::new();
    let launches = operation.launch.iter_mut().flat_map(|it| &mut it.task_infos);
    launches.for_each(|task| all.extend(task_resources_mut(task)));
    if let Some(launch) = &mut operation.launch_group {
        all.extend(&mut launch.executor.resources);
        launch.task_group.tasks.iter_mut().for_each(|task| all.extend(task_resources_mut(task)));
    }
    all.extend(operation.reserve.iter_mut().flat_map(|it| it.resources.iter_mut().chain(&mut it.source)));
    all.extend(operation.unreserve.iter_mut().flat_map(|it| &mut it.resources));
    all.extend(operation.create.iter_mut().flat_map(|it| &mut it.volumes));
    all.extend(operation.destroy.iter_mut().flat_map(|it| &mut it.volumes));
    all.extend(operation.grow_volume.iter_mut().flat_map(|it| [&mut it.volume, &mut it.addition]));
    all.extend(operation.shrink_volume.iter_mut().map(|it| &mut it.volume));
    all.extend(operation.create_disk.iter_mut().map(|it| &mut it.source));
    all.extend(operation.destroy_disk.iter_mut().map(|it| &mut it.source));
    all
}

fn task_resources_mut(task: &mut TaskInfo) -> impl Iterator<Item = &mut Resource> {
    let executors = task.executor.iter_mut().flat_map(|executor| &mut executor.resources);
    task.resources.iter_mut().chain(executors)
}
