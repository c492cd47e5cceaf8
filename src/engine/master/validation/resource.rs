//! The resources of tasks and executors: what is asked beyond what makes a resource valid.

use std::collections::BTreeSet;

use super::{Checked, Context, ensure};
use crate::{
    engine::allocator::Quantities,
    mesos::{
        resources::{self, Resources},
        v1::Resource,
    },
};

pub(super) fn validate(messages: &[Resource]) -> Checked {
    resources::validate(messages).context("Invalid resources")?;
    validate_gpus(messages).context("Invalid 'gpus' resource")?;
    messages.iter().try_for_each(validate_disk).context("Invalid DiskInfo")?;
    messages.iter().try_for_each(validate_reservation).context("Invalid ReservationInfo")
}

fn validate_gpus(messages: &[Resource]) -> Checked {
    let gpus = Resources::from(messages).gpus().unwrap_or_default();
    ensure((gpus * 1000.0) as i64 % 1000 == 0, "The 'gpus' resource must be an unsigned integer")
}

fn validate_disk(resource: &Resource) -> Checked {
    let Some(disk) = &resource.disk else { return Ok(()) };
    if disk.persistence.is_none() {
        ensure(disk.volume.is_none(), "Non-persistent volume not supported")?;
        return ensure(disk.source.is_some(), "DiskInfo is set but empty");
    }
    ensure(!resource.is_revocable(), "Persistent volumes cannot be created from revocable resources")?;
    ensure(!resource.is_unreserved(), "Persistent volumes cannot be created from unreserved resources")?;
    let volume = disk.volume.as_ref().ok_or("Expecting 'volume' to be set for persistent volume")?;
    ensure(volume.host_path.is_none(), "Expecting 'host_path' to be unset for persistent volume")?;
    let id = disk.persistence.as_ref().map_or("", |persistence| &persistence.id);
    super::id::validate(id).context("Invalid persistence ID for persistent volume")
}

fn validate_reservation(resource: &Resource) -> Checked {
    let impossible = resource.is_dynamically_reserved() && resource.is_revocable();
    ensure(
        !impossible,
        format!("Dynamically reserved resource {resource} cannot be created from revocable resources"),
    )
}

/// Persistence ids are unique per role.
pub(super) fn validate_unique_persistence(resources: &Resources) -> Checked {
    let mut seen = BTreeSet::new();
    for volume in resources.persistent_volumes().iter() {
        let persistence = volume.disk.as_ref().and_then(|disk| disk.persistence.as_ref());
        let id = persistence.map_or("", |persistence| persistence.id.as_str());
        let key = (volume.reservation_role().unwrap_or("*").to_owned(), id.to_owned());
        ensure(seen.insert(key), format!("Persistence ID '{id}' is not unique"))?;
    }
    Ok(())
}

pub(super) fn validate_single_role(resources: &Resources) -> Checked {
    let mut first = None;
    for resource in resources.iter() {
        let role = resource.allocation_role().ok_or("The resources are not allocated to a role")?;
        let first = *first.get_or_insert(role);
        ensure(
            role == first,
            format!(
                "The resources have multiple allocation roles ('{role}' and '{first}') but only one allocation role \
                 is allowed"
            ),
        )?;
    }
    Ok(())
}

pub(super) fn validate_revocability(resources: &Resources) -> Checked {
    resources.names().into_iter().try_for_each(|name| {
        let named = resources.named(name);
        let mixed = !named.revocable().is_empty() && !named.non_revocable().is_empty();
        ensure(!mixed, format!("Cannot use both revocable and non-revocable '{name}' at the same time"))
    })
}

/// Whether ranges or sets overlap: their sum is then less than the sum of their sizes.
pub(super) fn overlap(parts: &[&Resources]) -> bool {
    let mut sizes = Quantities::default();
    let mut sum = Resources::new();
    for part in parts {
        sizes += &Quantities::from_iter(part.quantities());
        sum += *part;
    }
    sizes != Quantities::from_iter(sum.quantities())
}
