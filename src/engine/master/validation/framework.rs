//! What a `FrameworkInfo` must be, whoever the master is.

use std::{collections::BTreeSet, num::FpCategory};

use super::{Checked, id};
use crate::mesos::{
    roles,
    v1::{FrameworkInfo, OfferFilters, framework_info::capability},
};

/// Mesos counts time in 64-bit nanoseconds.
const LONGEST_SECONDS: f64 = 9_223_372_036.0;

/// Checks roles, id and offer filters.
///
/// # Errors
/// The text of Mesos' `framework::validate`.
pub fn validate(info: &FrameworkInfo) -> Checked {
    validate_roles(info)?;
    if let Some(id) = info.id.as_ref().filter(|id| !id.value.is_empty()) {
        id::validate(&id.value)?;
    }
    info.offer_filters.values().try_for_each(validate_offer_filters)
}

#[expect(deprecated, reason = "frameworks without MULTI_ROLE still set `role`")]
fn validate_roles(info: &FrameworkInfo) -> Checked {
    if !info.capabilities.iter().any(|it| it.r#type() == capability::Type::MultiRole) {
        return validate_single_role(info);
    }
    if info.role.is_some() {
        return Err("'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable".into());
    }
    let mut seen = BTreeSet::new();
    let duplicates: BTreeSet<String> =
        info.roles.iter().filter(|role| !seen.insert(*role)).cloned().collect();
    if !duplicates.is_empty() {
        return Err(format!("'FrameworkInfo.roles' contains duplicate items: {}", braces(&duplicates)));
    }
    let each = info.roles.iter().try_for_each(|role| roles::validate(role));
    each.map_err(|error| format!("'FrameworkInfo.roles' contains invalid role: {error}"))
}

fn validate_single_role(info: &FrameworkInfo) -> Checked {
    if !info.roles.is_empty() {
        return Err(
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".into()
        );
    }
    roles::validate(info.role()).map_err(|error| format!("'FrameworkInfo.role' is not a valid role: {error}"))
}

fn validate_offer_filters(filters: &OfferFilters) -> Checked {
    let Some(minimum) = &filters.min_allocatable_resources else { return Ok(()) };
    for quantities in &minimum.quantities {
        if quantities.quantities.is_empty() {
            return Err("Resource quantities must contain at least one quantity".into());
        }
        for (name, quantity) in &quantities.quantities {
            validate_quantity(quantity.value)
                .map_err(|error| format!("Invalid resource quantity for '{name}': {error}"))?;
        }
    }
    Ok(())
}

/// # Errors
/// What kind of number it is that it may not be.
pub fn validate_quantity(value: f64) -> Checked {
    match value.classify() {
        FpCategory::Infinite => Err("Infinite values not supported".into()),
        FpCategory::Nan => Err("NaN not supported".into()),
        FpCategory::Subnormal => Err("Subnormal values not supported".into()),
        FpCategory::Normal if value < 0.0 => Err("Negative values not supported".into()),
        FpCategory::Normal | FpCategory::Zero => Ok(()),
    }
}

/// # Errors
/// That the time cannot be counted in 64-bit nanoseconds.
pub fn validate_failover_timeout(seconds: f64) -> Checked {
    if seconds.abs() <= LONGEST_SECONDS {
        return Ok(());
    }
    Err(format!("The framework failover_timeout ({}) is invalid", general(seconds)))
}

/// A large number as C++ streams write it: six digits, then the exponent with at least two.
fn general(value: f64) -> String {
    let text = format!("{value:.5e}").to_lowercase();
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}e+{exponent:0>2}")
}

/// A set as Mesos prints it: `{ a, b }`.
pub(crate) fn braces(set: &BTreeSet<String>) -> String {
    let items: Vec<&str> = set.iter().map(String::as_str).collect();
    format!("{{ {} }}", items.join(", "))
}

/// Checks that an update changes nothing that may not change: principal, user and checkpointing.
///
/// # Errors
/// The text of Mesos' `framework::validateUpdate`.
pub fn validate_update(old: &FrameworkInfo, new: &FrameworkInfo) -> Checked {
    if old.principal != new.principal {
        return Err("Changing framework's principal is not allowed.".into());
    }
    if old.user != new.user {
        return Err(unsupported("user", &old.user, &new.user));
    }
    if old.checkpoint() != new.checkpoint() {
        return Err(unsupported("checkpoint", &old.checkpoint().to_string(), &new.checkpoint().to_string()));
    }
    Ok(())
}

fn unsupported(field: &str, old: &str, new: &str) -> String {
    format!("Updating 'FrameworkInfo.{field}' is unsupported; attempted to update from '{old}' to '{new}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failover_timeouts_are_limited_by_64_bit_nanoseconds() {
        assert_eq!(validate_failover_timeout(-1.0), Ok(()));
        assert_eq!(validate_failover_timeout(9e9), Ok(()));
        let text = |seconds| validate_failover_timeout(seconds).unwrap_err();
        assert_eq!(text(1e10), "The framework failover_timeout (1e+10) is invalid");
        assert_eq!(text(1.25e300), "The framework failover_timeout (1.25e+300) is invalid");
        assert_eq!(text(f64::INFINITY), "The framework failover_timeout (inf) is invalid");
        assert_eq!(text(f64::NAN), "The framework failover_timeout (nan) is invalid");
    }
}
