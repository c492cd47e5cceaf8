//! Whether a quota can be set, with Mesos' texts (`src/master/quota.cpp` and `quota_handler.cpp`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, ensure, framework::validate_quantity};
use crate::{
    engine::allocator::{Quantities, Quota},
    mesos::{
        roles,
        v1::{
            Resource,
            quota::QuotaConfig,
            value::{Scalar, Type},
        },
    },
};

const EXABYTE_IN_MEGABYTES: u64 = 1 << 40;
const TRILLION: u64 = 1_000_000_000_000;

type Amounts = BTreeMap<String, Scalar>;

/// Checks a quota of UPDATE_QUOTA by itself.
///
/// # Errors
/// Mesos' text; the caller puts `Invalid QuotaConfig: ` before it.
pub fn config(config: &QuotaConfig) -> Checked {
    roles::validate(&config.role).map_err(|error| format!("Invalid 'QuotaConfig.role': {error}"))?;
    for (name, amounts) in [("guarantees", &config.guarantees), ("limits", &config.limits)] {
        let too_large = amounts.iter().try_for_each(|(name, amount)| not_too_large(name, amount));
        too_large.map_err(|error| format!("Invalid 'QuotaConfig.{name}': {error}"))?;
    }
    for (name, amounts) in [("guarantee", &config.guarantees), ("limit", &config.limits)] {
        for (resource, amount) in amounts {
            validate_quantity(amount.value).map_err(|error| {
                format!("Invalid {name} configuration {{'{resource}': {amount}}}: {error}")
            })?;
        }
    }
    let Quota { guarantees, limits } = config.into();
    let (promised, most) = (listed(&config.guarantees), listed(&config.limits));
    ensure(
        limits.contain(&guarantees),
        format!(
            "'QuotaConfig.guarantees' {promised} is not contained within the 'QuotaConfig.limits' {most}"
        ),
    )
}

fn not_too_large(name: &str, amount: &Scalar) -> Checked {
    let (words, most) = match name {
        "mem" | "disk" => ("1 exabyte", EXABYTE_IN_MEGABYTES),
        _ => ("1 trillion", TRILLION),
    };
    ensure(
        amount.value.is_nan() || amount.value <= most as f64,
        format!("{{'{name}': {amount}}} is invalid: values greater than {words} ({most}) are not supported"),
    )
}

fn listed(amounts: &Amounts) -> String {
    let pairs: Vec<String> = amounts.iter().map(|(name, amount)| format!("{name}: {amount}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// Checks role and guarantee of SET_QUOTA by themselves.
///
/// # Errors
/// Mesos' text; the caller puts `Failed to validate set quota request: ` before it.
pub fn request(role: Option<&str>, guarantee: &[Resource]) -> Checked {
    let Some(role) = role else { return Err("QuotaInfo must specify a role".into()) };
    roles::validate(role).map_err(|error| format!("QuotaInfo with invalid role: {error}"))?;
    ensure(!guarantee.is_empty(), "QuotaInfo with empty 'guarantee'")?;
    let mut names = BTreeSet::new();
    for resource in guarantee {
        ensure(resource.reservations.is_empty(), "QuotaInfo must not contain any ReservationInfo")?;
        ensure(resource.disk.is_none(), "QuotaInfo must not contain DiskInfo")?;
        ensure(!resource.is_revocable(), "QuotaInfo must not contain RevocableInfo")?;
        ensure(resource.r#type() == Type::Scalar, "QuotaInfo must not include non-scalar resources")?;
        let name = &resource.name;
        ensure(names.insert(name), format!("QuotaInfo contains duplicate resource name '{name}'"))?;
    }
    Ok(())
}

/// Checks that every role is promised at least what the roles right below it are promised together.
///
/// # Errors
/// Mesos' text.
pub fn tree(quotas: &BTreeMap<String, Quota>) -> Checked {
    let mut promised: BTreeMap<&str, Quantities> = BTreeMap::new();
    for (role, quota) in quotas {
        if let Some((parent, _)) = role.rsplit_once('/') {
            *promised.entry(parent).or_default() += &quota.guarantees;
        }
    }
    promised.iter().rev().try_for_each(|(parent, children)| {
        let own = quotas.get(*parent).map(|quota| quota.guarantees.clone()).unwrap_or_default();
        let name = parent.rsplit('/').next().unwrap_or(parent);
        ensure(
            own.contains(children),
            format!(
                "Invalid quota configuration. Parent role '{name}' with guarantees ({own}) does not contain \
                 the sum of its children's guarantees ({children})"
            ),
        )
    })
}

/// What all quotas promise together: what roles at the top are promised contains the rest.
pub fn total(quotas: &BTreeMap<String, Quota>) -> Quantities {
    let top = quotas.iter().filter(|(role, _)| !role.contains('/'));
    top.fold(Quantities::default(), |mut sum, (_, quota)| {
        sum += &quota.guarantees;
        sum
    })
}
