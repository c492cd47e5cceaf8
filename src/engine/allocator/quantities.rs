//! Amounts of resources by name, in thousandths: what shares, minimums and quotas are counted in.

use std::{
    collections::BTreeMap,
    fmt,
    ops::{AddAssign, SubAssign},
};

use serde::{Serialize, Serializer};

use crate::mesos::{
    resources::Resources,
    v1::{
        self, Resource,
        value::{Scalar, Type},
    },
    values::{from_thousandths, thousandths},
};

/// Amounts by resource name, over all roles and reservations. Never holds a zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantities(BTreeMap<String, i64>);

impl Quantities {
    /// Of the scalars only.
    pub fn of(resources: &Resources) -> Self {
        resources.iter().filter_map(|r| Some((r.name.as_str(), r.scalar.as_ref()?.value))).collect()
    }

    /// Of everything: ports and sets by their number.
    pub fn of_any_kind<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Self {
        let mut quantities = Self::default();
        resources.into_iter().for_each(|resource| quantities.add_any_kind(resource));
        quantities
    }

    pub fn add_any_kind(&mut self, resource: &Resource) {
        self.add(&resource.name, amount_of(resource));
    }

    /// The amount of `name`, rounded to 0.001; zero when there is none.
    pub fn get(&self, name: &str) -> f64 {
        from_thousandths(self.thousandths(name))
    }

    pub(super) fn thousandths(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, &amount)| (name.as_str(), from_thousandths(amount)))
    }

    /// Whether there is at least as much of everything as in `other`.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, amount)| self.0.get(name).is_some_and(|own| own >= amount))
    }

    /// What is more here than in `other`: what would be less is not there at all.
    pub fn minus(&self, other: &Self) -> Self {
        let more = self.0.iter().map(|(name, amount)| (name, amount - other.thousandths(name)));
        Self(more.filter(|(_, amount)| *amount > 0).map(|(name, amount)| (name.clone(), amount)).collect())
    }

    /// As much of the scalars as there is here.
    pub(super) fn cut(&self, resources: &Resources) -> Resources {
        let mut left = self.clone();
        let mut within = Resources::default();
        for mut resource in resources.iter().cloned() {
            let amount = left.thousandths(&resource.name);
            if amount > 0 && resource.shrink(from_thousandths(amount)) {
                left.add(&resource.name, -amount_of(&resource));
                within.add_one(resource);
            }
        }
        within
    }

    fn shift(&mut self, other: &Self, sign: i64) {
        for (name, amount) in &other.0 {
            self.add(name, sign * amount);
        }
    }

    fn add(&mut self, name: &str, thousandths: i64) {
        let sum = self.thousandths(name).saturating_add(thousandths);
        match self.0.get_mut(name) {
            Some(_) if sum == 0 => drop(self.0.remove(name)),
            Some(amount) => *amount = sum,
            None if sum == 0 => {}
            None => drop(self.0.insert(name.to_owned(), sum)),
        }
    }
}

fn amount_of(resource: &Resource) -> i64 {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000);
    match resource.r#type() {
        Type::Scalar => resource.scalar.map_or(0, |scalar| scalar.thousandths()),
        Type::Ranges => resource.ranges.as_ref().map_or(0, |ranges| whole(ranges.count())),
        Type::Set => resource.set.as_ref().map_or(0, |set| whole(set.item.len() as u64)),
        Type::Text => 0,
    }
}

/// `cpus:4; mem:128`, and `{}` for nothing.
pub(super) fn display(amounts: &BTreeMap<String, i64>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if amounts.is_empty() {
        return f.write_str("{}");
    }
    for (place, (name, amount)) in amounts.iter().enumerate() {
        let separator = if place == 0 { "" } else { "; " };
        write!(f, "{separator}{name}:{}", Scalar { value: from_thousandths(*amount) })?;
    }
    Ok(())
}

impl fmt::Display for Quantities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.0, f)
    }
}

impl Serialize for Quantities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'a> FromIterator<(&'a str, f64)> for Quantities {
    fn from_iter<I: IntoIterator<Item = (&'a str, f64)>>(amounts: I) -> Self {
        let mut quantities = Self::default();
        for (name, amount) in amounts {
            quantities.add(name, thousandths(amount));
        }
        quantities
    }
}

impl From<&v1::offer_filters::ResourceQuantities> for Quantities {
    fn from(message: &v1::offer_filters::ResourceQuantities) -> Self {
        message.quantities.iter().map(|(name, Scalar { value })| (name.as_str(), *value)).collect()
    }
}

impl AddAssign<&Self> for Quantities {
    fn add_assign(&mut self, other: &Self) {
        self.shift(other, 1);
    }
}

impl SubAssign<&Self> for Quantities {
    fn sub_assign(&mut self, other: &Self) {
        self.shift(other, -1);
    }
}
