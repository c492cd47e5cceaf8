//! Which resources are valid, with Mesos' texts for those that are not.

use std::collections::BTreeSet;

use crate::mesos::{
    resources::resource::same_labels,
    roles,
    v1::{
        Labels, Resource,
        resource::{
            DiskInfo, ReservationInfo,
            disk_info::{Source, source},
            reservation_info::Type as ReservationType,
        },
        value::{Ranges, Set, Type},
    },
};

/// How many resources one message may name. Each that is added is compared with all before it, under the master's lock.
const MAX_RESOURCES: usize = 1000;

/// Checks the resources of a message, in any format.
///
/// # Errors
/// Mesos' own text, for the first that is invalid; and when there are too many.
pub fn validate(resources: &[Resource]) -> Result<(), String> {
    if resources.len() > MAX_RESOURCES {
        return Err(format!(
            "{} resources are more than the {MAX_RESOURCES} of one message",
            resources.len()
        ));
    }
    resources.iter().try_for_each(|resource| {
        validate_one(resource).map_err(|error| format!("Resource '{resource}' is invalid: {error}"))
    })
}

/// Checks one resource.
///
/// # Errors
/// Mesos' own text, without the resource it is about.
pub fn validate_one(resource: &Resource) -> Result<(), String> {
    if resource.name.is_empty() {
        return Err("Empty resource name".into());
    }
    validate_value(resource)?;
    if let Some(disk) = &resource.disk {
        validate_disk(&resource.name, disk)?;
    }
    match resource.reservations.as_slice() {
        [] => validate_role(resource)?,
        stack => {
            stack.iter().try_for_each(validate_reservation)?;
            validate_refinement(stack)?;
            validate_both_formats(resource)?;
        }
    }
    validate_shared(resource)
}

fn validate_value(resource: &Resource) -> Result<(), String> {
    let r#type = Type::try_from(resource.r#type).map_err(|_| "Invalid resource type")?;
    match (r#type, &resource.scalar, &resource.ranges, &resource.set) {
        (Type::Scalar, Some(scalar), None, None) if scalar.value != 0.0 && scalar.thousandths() <= 0 => {
            Err("Invalid scalar resource: value <= 0".into())
        }
        (Type::Scalar, Some(_), None, None) => Ok(()),
        (Type::Scalar, ..) => Err("Invalid scalar resource".into()),
        (Type::Ranges, None, Some(ranges), None) => validate_ranges(ranges),
        (Type::Ranges, ..) => Err("Invalid ranges resource".into()),
        (Type::Set, None, None, Some(set)) => validate_set(set),
        (Type::Set, ..) => Err("Invalid set resource".into()),
        (Type::Text, ..) => Err("Unsupported resource type".into()),
    }
}

/// The first range that is wrong decides; only a later one that begins inside an earlier one overlaps, as in Mesos.
fn validate_ranges(ranges: &Ranges) -> Result<(), String> {
    let mut wrong = Ok(());
    let mut later_begins = BTreeSet::new();
    for range in ranges.range.iter().rev() {
        if range.begin > range.end {
            wrong = Err("Invalid ranges resource: begin > end".into());
        } else if later_begins.range(range.begin..=range.end).next().is_some() {
            wrong = Err("Invalid ranges resource: overlapping ranges".into());
        }
        later_begins.insert(range.begin);
    }
    wrong
}

fn validate_set(set: &Set) -> Result<(), String> {
    let distinct: BTreeSet<_> = set.item.iter().collect();
    let duplicated = distinct.len() < set.item.len();
    if duplicated { Err("Invalid set resource: duplicated elements".into()) } else { Ok(()) }
}

fn validate_disk(name: &str, disk: &DiskInfo) -> Result<(), String> {
    if name != "disk" {
        return Err(format!("DiskInfo should not be set for {name} resource"));
    }
    disk.source.as_ref().map_or(Ok(()), validate_source)
}

fn validate_source(source: &Source) -> Result<(), String> {
    match source.r#type() {
        source::Type::Path | source::Type::Mount => Ok(()),
        source::Type::Unknown => Err(format!("Unsupported 'DiskInfo.Source.Type' in '{source}'")),
        r#type @ (source::Type::Block | source::Type::Raw) => {
            let misplaced = if source.mount.is_some() {
                "Mount"
            } else if source.path.is_some() {
                "Path"
            } else {
                return Ok(());
            };
            Err(format!("{misplaced} should not be set for {} disk source", r#type.as_str_name()))
        }
    }
}

fn validate_role(resource: &Resource) -> Result<(), String> {
    roles::validate(resource.role())?;
    let Some(reservation) = &resource.reservation else {
        return Ok(());
    };
    let unexpected = |field| {
        Err(format!(
            "'Resource.ReservationInfo.{field}' must not be set for the 'Resource.reservation' field"
        ))
    };
    if reservation.r#type.is_some() {
        return unexpected("type");
    }
    if reservation.role.is_some() {
        return unexpected("role");
    }
    if resource.role() == roles::ANY {
        return Err("Invalid reservation: role \"*\" cannot be dynamically reserved".into());
    }
    Ok(())
}

fn validate_reservation(reservation: &ReservationInfo) -> Result<(), String> {
    let missing =
        |field| Err(format!("Invalid reservation: 'Resource.ReservationInfo.{field}' field must be set."));
    if reservation.r#type.is_none() {
        return missing("type");
    }
    let Some(role) = &reservation.role else {
        return missing("role");
    };
    roles::validate(role)?;
    if role == roles::ANY {
        return Err("Invalid reservation: role \"*\" cannot be reserved".into());
    }
    Ok(())
}

fn validate_refinement(stack: &[ReservationInfo]) -> Result<(), String> {
    for pair in stack.windows(2) {
        let (ancestor, descendant) = (pair[0].role(), pair[1].role());
        if pair[1].r#type() == ReservationType::Static {
            return Err("Invalid refined reservation: A refined reservation cannot be STATIC".into());
        }
        if !roles::is_strict_subrole_of(descendant, ancestor) {
            return Err(format!(
                "Invalid refined reservation: role '{descendant}' is not a refinement of '{ancestor}'"
            ));
        }
    }
    Ok(())
}

/// A single reservation may be given in both formats, if they agree.
fn validate_both_formats(resource: &Resource) -> Result<(), String> {
    let [only] = resource.reservations.as_slice() else {
        return validate_stack_alone(resource);
    };
    if resource.role.as_ref().is_some_and(|role| role != only.role()) {
        return Err(format!(
            "Invalid resource format: 'Resource.role' field with '{}' does not match the role '{}' in \
             'Resource.reservations'",
            resource.role(),
            only.role()
        ));
    }
    match only.r#type() {
        ReservationType::Unknown => Err("Unsupported 'Resource.ReservationInfo.Type'".into()),
        ReservationType::Static if resource.reservation.is_some() => Err(
            "Invalid resource format: 'Resource.reservation' must not be set if the single reservation in \
                 'Resource.reservations' is STATIC"
                .into(),
        ),
        ReservationType::Static => Ok(()),
        ReservationType::Dynamic => validate_dynamic(resource, only),
    }
}

fn validate_stack_alone(resource: &Resource) -> Result<(), String> {
    let unexpected = match (&resource.role, &resource.reservation) {
        (Some(_), _) => "role",
        (None, Some(_)) => "reservation",
        (None, None) => return Ok(()),
    };
    Err(format!(
        "Invalid resource format: 'Resource.{unexpected}' must not be set if there is more than one reservation \
         in 'Resource.reservations'"
    ))
}

fn validate_dynamic(resource: &Resource, only: &ReservationInfo) -> Result<(), String> {
    if resource.role.is_some() != resource.reservation.is_some() {
        return Err(
            "Invalid resource format: 'Resource.role' and 'Resource.reservation' must either be both set \
                    or both not set if the single reservation in 'Resource.reservations' is DYNAMIC"
                .into(),
        );
    }
    let Some(own) = &resource.reservation else {
        return Ok(());
    };
    if own.principal() != only.principal() {
        return Err(format!(
            "Invalid resource format: 'Resource.reservation.principal' field with '{}' does not match the \
             principal '{}' in 'Resource.reservations'",
            own.principal(),
            only.principal()
        ));
    }
    let none = Labels::default();
    let (left, right) = (own.labels.as_ref().unwrap_or(&none), only.labels.as_ref().unwrap_or(&none));
    if !same_labels(Some(left), Some(right)) {
        return Err(format!(
            "Invalid resource format: 'Resource.reservation.labels' field with '{left}' does not match the labels \
             '{right}' in 'Resource.reservations'"
        ));
    }
    Ok(())
}

fn validate_shared(resource: &Resource) -> Result<(), String> {
    if !resource.is_shared() {
        return Ok(());
    }
    if resource.name != "disk" {
        return Err(format!("Resource {} cannot be shared", resource.name));
    }
    if !resource.is_persistent_volume() {
        return Err("Only persistent volumes can be shared".into());
    }
    Ok(())
}
