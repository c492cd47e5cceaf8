//! Amounts of scalar resources by name, in thousandths: what shares and minimums are counted in.

use std::{
    collections::BTreeMap,
    ops::{AddAssign, SubAssign},
};

use crate::mesos::{
    resources::Resources,
    v1::{self, value::Scalar},
};

/// Scalar amounts by resource name, over all roles and reservations. Never holds a zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantities(BTreeMap<String, i64>);

impl Quantities {
    pub fn of(resources: &Resources) -> Self {
        resources.iter().filter_map(|r| Some((r.name.as_str(), r.scalar.as_ref()?.value))).collect()
    }

    /// The amount of `name`, rounded to 0.001; zero when there is none.
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).map_or(0.0, |&thousandths| value(thousandths))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, &thousandths)| (name.as_str(), value(thousandths)))
    }

    /// Whether there is at least as much of everything as in `other`.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, amount)| self.0.get(name).is_some_and(|own| own >= amount))
    }

    fn shift(&mut self, other: &Self, sign: i64) {
        for (name, amount) in &other.0 {
            self.add(name, sign * amount);
        }
    }

    fn add(&mut self, name: &str, thousandths: i64) {
        let sum = self.0.get(name).unwrap_or(&0).saturating_add(thousandths);
        match self.0.get_mut(name) {
            Some(_) if sum == 0 => drop(self.0.remove(name)),
            Some(amount) => *amount = sum,
            None if sum == 0 => {}
            None => drop(self.0.insert(name.to_owned(), sum)),
        }
    }
}

fn value(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}

fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
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
