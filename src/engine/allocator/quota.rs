//! Quotas: how much of each resource a role is sure to get, and how much of it the role may get at most.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use super::{Quantities, quantities};
use crate::mesos::{
    resources::Resources,
    v1::{quota::QuotaConfig, value::Scalar},
    values::from_thousandths,
};

/// A role's guarantees and limits; by default it has neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    pub guarantees: Quantities,
    pub limits: Limits,
}

impl Quota {
    /// Whether it says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn to_config(&self, role: &str) -> QuotaConfig {
        let scalar = |(name, value): (&str, f64)| (name.to_owned(), Scalar { value });
        QuotaConfig {
            role: role.to_owned(),
            guarantees: self.guarantees.iter().map(scalar).collect(),
            limits: self.limits.iter().map(scalar).collect(),
        }
    }
}

impl From<&QuotaConfig> for Quota {
    fn from(config: &QuotaConfig) -> Self {
        let guarantees = config.guarantees.iter().map(|(name, amount)| (name.as_str(), amount.value));
        let limits = config.limits.iter().map(|(name, amount)| (name.clone(), amount.thousandths()));
        Self { guarantees: guarantees.collect(), limits: Limits(limits.collect()) }
    }
}

/// The most of each resource; what is not named has no limit, and a limit of nothing is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<String, i64>);

impl Limits {
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), from_thousandths(*amount)))
    }

    /// Whether so much is within the limits.
    pub fn contain(&self, quantities: &Quantities) -> bool {
        self.0.iter().all(|(name, limit)| quantities.thousandths(name) <= *limit)
    }

    /// What is left of them when so much has been taken; nothing where too much has.
    pub(super) fn minus(&self, taken: &Quantities) -> Self {
        let left = |(name, limit): (&String, &i64)| (name.clone(), (limit - taken.thousandths(name)).max(0));
        Self(self.0.iter().map(left).collect())
    }

    /// As much of the resources as is within the limits.
    pub(super) fn cut(&self, resources: &Resources) -> Resources {
        let mut left = self.clone();
        let mut within = Resources::default();
        for mut resource in resources.iter().cloned() {
            if let Some(limit) = left.0.get_mut(&resource.name) {
                if !resource.shrink(from_thousandths(*limit)) {
                    continue;
                }
                *limit -= resource.scalar.map_or(0, |scalar| scalar.thousandths());
            }
            within.add_one(resource);
        }
        within
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quantities::display(&self.0, f)
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::values::thousandths;

    fn limits(amounts: &[(&str, f64)]) -> Limits {
        Limits(amounts.iter().map(|(name, amount)| ((*name).to_owned(), thousandths(*amount))).collect())
    }

    #[test]
    fn what_is_not_named_has_no_limit() {
        let resources = Resources::parse("cpus:4;mem:64;ports:[1-9]", "*").unwrap_or_default();
        let cut = limits(&[("cpus", 1.5), ("disk", 0.0)]).cut(&resources);
        assert_eq!(cut.to_string(), "cpus:1.5; mem:64; ports:[1-9]");
        assert_eq!(limits(&[("cpus", 0.0)]).cut(&resources).cpus(), None);
    }

    #[test]
    fn a_limit_never_becomes_negative() {
        let taken = Quantities::from_iter([("cpus", 3.0), ("mem", 1.0)]);
        assert_eq!(limits(&[("cpus", 2.0)]).minus(&taken), limits(&[("cpus", 0.0)]));
        assert!(!limits(&[("cpus", 2.0)]).contain(&taken));
        assert!(limits(&[("cpus", 3.0)]).contain(&taken));
    }

    #[test]
    fn it_reads_as_mesos_prints_it() {
        assert_eq!(limits(&[]).to_string(), "{}");
        assert_eq!(limits(&[("mem", 0.5), ("cpus", 0.0)]).to_string(), "cpus:0; mem:0.5");
    }
}
