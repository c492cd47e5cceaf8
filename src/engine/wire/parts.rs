//! What both directions have in common: bytes, and the resource formats of Mesos' internal messages.

use prost::Name;

use super::Encoded;
use crate::mesos::{
    resources::Resources,
    v1::{ExecutorInfo, Resource, Task, TaskInfo, Uuid},
};

pub(super) fn encoded<M: Name>(message: &M) -> Encoded {
    (M::full_name(), message.encode_to_vec())
}

pub(super) fn uuid(bytes: &bytes::Bytes) -> Uuid {
    Uuid { value: bytes.clone() }
}

/// In the format that masters and agents of every 1.x read: the role beside the resource, where one role says it all.
#[expect(deprecated, reason = "the older format is made of these fields")]
pub(super) fn downgraded(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    if resource.role.is_none() && resource.reservations.is_empty() {
        resource.role = Some("*".to_owned());
    } else if let [reservation] = resource.reservations.as_slice() {
        let reservation = reservation.clone();
        resource.role.clone_from(&reservation.role);
        resource.reservation =
            is_dynamic(&reservation).then_some(crate::mesos::v1::resource::ReservationInfo {
                r#type: None,
                role: None,
                ..reservation
            });
        resource.reservations.clear();
    }
    resource
}

fn is_dynamic(reservation: &crate::mesos::v1::resource::ReservationInfo) -> bool {
    reservation.r#type() == crate::mesos::v1::resource::reservation_info::Type::Dynamic
}

pub(super) fn downgraded_all(resources: &[Resource]) -> Vec<Resource> {
    resources.iter().map(downgraded).collect()
}

pub(super) fn downgraded_task(task: &Task) -> Task {
    Task { resources: downgraded_all(&task.resources), ..task.clone() }
}

pub(super) fn downgraded_executor(executor: &ExecutorInfo) -> ExecutorInfo {
    ExecutorInfo { resources: downgraded_all(&executor.resources), ..executor.clone() }
}

/// In the format with a stack of reservations, whatever the sender used.
pub(super) fn upgrade(resources: &mut Vec<Resource>) {
    *resources = std::mem::take(resources).into_iter().map(Resource::into_refined_format).collect();
}

pub(super) fn upgrade_task_info(task: &mut TaskInfo) {
    upgrade(&mut task.resources);
    if let Some(executor) = &mut task.executor {
        upgrade(&mut executor.resources);
    }
}

/// Resources of an agent, valid ones only and each kind once, as the master keeps them.
pub(super) fn normal(resources: Vec<Resource>) -> Vec<Resource> {
    Resources::from(resources).to_protos()
}
