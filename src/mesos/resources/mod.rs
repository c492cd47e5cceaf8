//! Resources and their arithmetic, exactly as Mesos does it (`src/v1/resources.cpp`): what may be merged is kept merged,
//! roles, reservations, allocations and disks are kept apart, scalars move in thousandths.
//!
//! A [`Resources`] holds only valid resources, all in the format with a stack of reservations ("post refinement").

mod display;
mod format;
mod model;
mod parse;
mod resource;
mod validate;

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Sum,
    ops::{Add, AddAssign, Sub, SubAssign},
    sync::Arc,
};

pub use parse::ParseError;
pub use validate::{validate, validate_one};

use crate::mesos::{
    v1::{
        Resource,
        resource::{AllocationInfo, ReservationInfo},
        value::{Ranges, Scalar, Set, Type},
    },
    values,
};

/// A bag of valid resources. Cheap to clone and to filter: the resources themselves are shared until one changes.
#[derive(Clone, Debug, Default)]
pub struct Resources(Vec<Arc<Entry>>);

/// One resource; of a shared one, how many copies.
#[derive(Clone, Debug)]
struct Entry {
    resource: Resource,
    copies: Option<i64>,
}

impl Resources {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes the resources of a message, in any format; those that are invalid or empty are left out, as in Mesos.
    pub fn from_protos(resources: impl IntoIterator<Item = Resource>) -> Self {
        let mut all = Self::new();
        resources.into_iter().for_each(|resource| all.add_one(resource));
        all
    }

    /// Adds one resource, merged with its like; nothing happens when it is invalid or empty.
    pub fn add_one(&mut self, resource: Resource) {
        if let Some(entry) = Entry::new(resource) {
            self.add_entry(Arc::new(entry));
        }
    }

    /// Takes one resource away; nothing happens when it is invalid or nothing like it is there. What would become
    /// negative is gone.
    pub fn subtract_one(&mut self, resource: Resource) {
        if let Some(entry) = Entry::new(resource) {
            self.subtract_entry(&entry);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter().map(|entry| &entry.resource)
    }

    /// The resources for a message, in the format with a stack of reservations; a shared one once.
    pub fn to_protos(&self) -> Vec<Resource> {
        self.iter().cloned().collect()
    }

    /// The resources for a message, in the format of the endpoints: `role` and `reservation` are set as well, so that
    /// readers of either format understand it.
    pub fn to_endpoint_protos(&self) -> Vec<Resource> {
        self.iter().cloned().map(Resource::into_endpoint_format).collect()
    }

    pub fn contains(&self, other: &Self) -> bool {
        let mut remaining = self.clone();
        other.0.iter().all(|entry| {
            let contained = remaining.contains_entry(entry);
            if contained && entry.resource.is_persistent_volume() {
                remaining.subtract_entry(entry);
            }
            contained
        })
    }

    /// Whether one resource of a message lies within; an invalid one never does.
    pub fn contains_one(&self, resource: &Resource) -> bool {
        match validate_one(resource) {
            Ok(()) => self.contains_entry(&Entry::of_valid(resource.clone())),
            Err(_) => false,
        }
    }

    /// Sets the role that all are allocated to.
    pub fn allocate(&mut self, role: &str) {
        for entry in &mut self.0 {
            let role = Some(role.to_owned());
            Arc::make_mut(entry).resource.allocation_info = Some(AllocationInfo { role });
        }
    }

    /// The same resources, allocated to `role`.
    pub fn allocated(mut self, role: &str) -> Self {
        self.allocate(role);
        self
    }

    /// Clears the role of allocation. Like resources of two roles stay apart until they are added up anew.
    pub fn unallocate(&mut self) {
        for entry in self.0.iter_mut().filter(|entry| entry.resource.allocation_info.is_some()) {
            Arc::make_mut(entry).resource.allocation_info = None;
        }
    }

    /// The same resources without a role of allocation, like ones merged.
    pub fn unallocated(&self) -> Self {
        self.rebuilt(|resource| resource.allocation_info = None)
    }

    /// What is allocated to each role. Resources that are not allocated are left out.
    pub fn allocations(&self) -> BTreeMap<String, Self> {
        self.grouped(Resource::allocation_role)
    }

    /// What is reserved for each role.
    pub fn reservations(&self) -> BTreeMap<String, Self> {
        self.grouped(Resource::reservation_role)
    }

    pub fn filter(&self, predicate: impl Fn(&Resource) -> bool) -> Self {
        Self(self.0.iter().filter(|entry| predicate(&entry.resource)).cloned().collect())
    }

    pub fn unreserved(&self) -> Self {
        self.filter(Resource::is_unreserved)
    }

    /// What is reserved for `role` itself.
    pub fn reserved(&self, role: &str) -> Self {
        self.filter(|resource| resource.reservation_role() == Some(role))
    }

    /// What may be offered to `role`: unreserved, or reserved for it or for one of its ancestors.
    pub fn allocatable_to(&self, role: &str) -> Self {
        self.filter(|resource| resource.is_allocatable_to(role))
    }

    pub fn revocable(&self) -> Self {
        self.filter(Resource::is_revocable)
    }

    pub fn non_revocable(&self) -> Self {
        self.filter(|resource| !resource.is_revocable())
    }

    pub fn shared(&self) -> Self {
        self.filter(Resource::is_shared)
    }

    pub fn non_shared(&self) -> Self {
        self.filter(|resource| !resource.is_shared())
    }

    pub fn persistent_volumes(&self) -> Self {
        self.filter(Resource::is_persistent_volume)
    }

    pub fn scalars(&self) -> Self {
        self.filter(|resource| resource.r#type() == Type::Scalar)
    }

    /// The resources of one name.
    pub fn named(&self, name: &str) -> Self {
        self.filter(|resource| resource.name == name)
    }

    pub fn names(&self) -> BTreeSet<&str> {
        self.iter().map(|resource| resource.name.as_str()).collect()
    }

    /// The same amounts with no reservation at all.
    pub fn to_unreserved(&self) -> Self {
        self.rebuilt(|resource| resource.reservations.clear())
    }

    /// The same amounts with one more reservation on top, which must refine the one below; what it does not fit is
    /// left out.
    pub fn push_reservation(&self, reservation: &ReservationInfo) -> Self {
        let refined = self.rebuilt(|resource| resource.reservations.push(reservation.clone()));
        refined.filter(|resource| validate_one(resource).is_ok())
    }

    /// The same amounts without the topmost reservation.
    pub fn pop_reservation(&self) -> Self {
        self.rebuilt(|resource| {
            resource.reservations.pop();
        })
    }

    /// The scalars alone, by name, without roles, disks and allocations.
    pub fn scalar_quantities(&self) -> Self {
        let bare = |resource: &Resource| Resource::of_scalar(&resource.name, resource.amount());
        self.iter().filter(|resource| resource.r#type() == Type::Scalar).map(bare).collect()
    }

    /// How much there is by name: the value of scalars, the number of values in ranges and sets.
    pub fn quantities(&self) -> BTreeMap<&str, f64> {
        let mut quantities = BTreeMap::new();
        for resource in self.iter() {
            *quantities.entry(resource.name.as_str()).or_default() += resource.quantity();
        }
        quantities.into_iter().map(|(name, quantity)| (name, values::from_thousandths(quantity))).collect()
    }

    /// The sum of a scalar over all roles; `None` where there is none of that name.
    pub fn scalar(&self, name: &str) -> Option<f64> {
        let scalars =
            self.iter().filter(|resource| resource.name == name && resource.r#type() == Type::Scalar);
        scalars.map(Resource::thousandths).reduce(i64::saturating_add).map(values::from_thousandths)
    }

    /// The union of ranges over all roles; `None` where there are none of that name.
    pub fn ranges(&self, name: &str) -> Option<Ranges> {
        let all = self.iter().filter(|resource| resource.name == name && resource.r#type() == Type::Ranges);
        all.filter_map(|resource| resource.ranges.clone()).reduce(|mut sum, ranges| {
            sum.add(&ranges);
            sum
        })
    }

    /// The union of sets over all roles; `None` where there are none of that name.
    pub fn set(&self, name: &str) -> Option<Set> {
        let all = self.iter().filter(|resource| resource.name == name && resource.r#type() == Type::Set);
        all.filter_map(|resource| resource.set.clone()).reduce(|mut sum, set| {
            sum.add(&set);
            sum
        })
    }

    pub fn cpus(&self) -> Option<f64> {
        self.scalar("cpus")
    }

    pub fn gpus(&self) -> Option<f64> {
        self.scalar("gpus")
    }

    /// Memory, in megabytes.
    pub fn mem(&self) -> Option<f64> {
        self.scalar("mem")
    }

    /// Disk space, in megabytes.
    pub fn disk(&self) -> Option<f64> {
        self.scalar("disk")
    }

    pub fn ports(&self) -> Option<Ranges> {
        self.ranges("ports")
    }

    /// Finds the amounts of `targets` among these resources: each first in its own role, then among the unreserved,
    /// then in any role. `None` when something is short.
    pub fn find(&self, targets: &Self) -> Option<Self> {
        targets.0.iter().map(|target| self.find_one(target)).sum()
    }

    fn find_one(&self, target: &Arc<Entry>) -> Option<Self> {
        let role = target.resource.reservation_role();
        let own = |resource: &Resource| role.is_some() && resource.reservation_role() == role;
        let ranks: [&dyn Fn(&Resource) -> bool; 3] = [&own, &Resource::is_unreserved, &|_| true];
        let (mut found, mut total) = (Self::new(), self.clone());
        let mut remaining = Self(vec![target.clone()]).to_unreserved();
        for rank in ranks {
            for entry in total.filter(rank).0 {
                let bare = Self(vec![entry.clone()]).to_unreserved();
                if bare.contains(&remaining) {
                    let reservations = &entry.resource.reservations;
                    found += remaining.rebuilt(|resource| resource.reservations.clone_from(reservations));
                    return Some(found);
                }
                if remaining.contains(&bare) {
                    total.subtract_entry(&entry);
                    remaining -= &bare;
                    found.add_entry(entry);
                    break;
                }
            }
        }
        None
    }

    /// The resources after `change`, like ones merged.
    fn rebuilt(&self, change: impl Fn(&mut Resource)) -> Self {
        let mut all = Self::new();
        for entry in &self.0 {
            let mut entry = Entry::clone(entry);
            change(&mut entry.resource);
            all.add_entry(Arc::new(entry));
        }
        all
    }

    fn grouped(&self, role: impl Fn(&Resource) -> Option<&str>) -> BTreeMap<String, Self> {
        let mut groups = BTreeMap::<String, Self>::new();
        for entry in &self.0 {
            if let Some(role) = role(&entry.resource) {
                groups.entry(role.to_owned()).or_default().add_entry(entry.clone());
            }
        }
        groups
    }

    fn contains_entry(&self, other: &Entry) -> bool {
        self.0.iter().any(|entry| entry.contains(other))
    }

    fn add_entry(&mut self, other: Arc<Entry>) {
        if other.is_empty() {
            return;
        }
        match self.0.iter_mut().find(|entry| entry.resource.is_addable(&other.resource)) {
            Some(entry) => Arc::make_mut(entry).add(&other),
            None => self.0.push(other),
        }
    }

    fn subtract_entry(&mut self, other: &Entry) {
        if other.is_empty() {
            return;
        }
        let Some(index) = self.0.iter().position(|entry| entry.resource.is_subtractable(&other.resource))
        else {
            return;
        };
        let entry = Arc::make_mut(&mut self.0[index]);
        entry.subtract(other);
        if entry.is_spent() {
            self.0.swap_remove(index);
        }
    }
}

impl Entry {
    fn new(resource: Resource) -> Option<Self> {
        validate_one(&resource).is_ok().then(|| Self::of_valid(resource))
    }

    fn of_valid(resource: Resource) -> Self {
        let copies = resource.is_shared().then_some(1);
        Self { resource: resource.into_refined_format(), copies }
    }

    fn is_empty(&self) -> bool {
        self.copies == Some(0) || self.resource.is_empty()
    }

    fn is_spent(&self) -> bool {
        self.is_empty() || self.copies.is_some_and(|copies| copies < 0) || self.resource.thousandths() < 0
    }

    fn contains(&self, other: &Self) -> bool {
        match (self.copies, other.copies) {
            (Some(own), Some(others)) => own >= others && self.resource.same(&other.resource),
            (None, None) => self.resource.contains(&other.resource),
            _ => false,
        }
    }

    fn add(&mut self, other: &Self) {
        match (&mut self.copies, other.copies) {
            (Some(own), Some(others)) => *own += others,
            _ => self.resource.add_value(&other.resource),
        }
    }

    fn subtract(&mut self, other: &Self) {
        match (&mut self.copies, other.copies) {
            (Some(own), Some(others)) => *own -= others,
            _ => self.resource.subtract_value(&other.resource),
        }
    }
}

impl Resource {
    /// An unreserved scalar resource.
    pub fn of_scalar(name: &str, value: f64) -> Self {
        let scalar = Some(Scalar { value });
        Self { name: name.into(), r#type: Type::Scalar.into(), scalar, ..Self::default() }
    }
}

impl From<Vec<Resource>> for Resources {
    fn from(resources: Vec<Resource>) -> Self {
        Self::from_protos(resources)
    }
}

impl From<&[Resource]> for Resources {
    fn from(resources: &[Resource]) -> Self {
        Self::from_protos(resources.iter().cloned())
    }
}

impl From<&Vec<Resource>> for Resources {
    fn from(resources: &Vec<Resource>) -> Self {
        Self::from(resources.as_slice())
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        Self::from_protos(resources)
    }
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.contains(other) && other.contains(self)
    }
}

impl AddAssign<&Self> for Resources {
    fn add_assign(&mut self, other: &Self) {
        other.0.iter().for_each(|entry| self.add_entry(entry.clone()));
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        other.0.into_iter().for_each(|entry| self.add_entry(entry));
    }
}

impl SubAssign<&Self> for Resources {
    fn sub_assign(&mut self, other: &Self) {
        other.0.iter().for_each(|entry| self.subtract_entry(entry));
    }
}

impl SubAssign for Resources {
    fn sub_assign(&mut self, other: Self) {
        *self -= &other;
    }
}

macro_rules! by_assigning {
    ($($trait:ident $method:ident $assign:tt $other:ty)*) => {$(
        impl $trait<$other> for Resources {
            type Output = Self;

            fn $method(mut self, other: $other) -> Self {
                self $assign other;
                self
            }
        }

        impl $trait<$other> for &Resources {
            type Output = Resources;

            fn $method(self, other: $other) -> Resources {
                self.clone().$method(other)
            }
        }
    )*};
}

by_assigning! {
    Add add += &Resources
    Add add += Resources
    Sub sub -= &Resources
    Sub sub -= Resources
}

impl Sum for Resources {
    fn sum<I: Iterator<Item = Self>>(resources: I) -> Self {
        resources.fold(Self::new(), Add::add)
    }
}

impl<'a> Sum<&'a Self> for Resources {
    fn sum<I: Iterator<Item = &'a Self>>(resources: I) -> Self {
        resources.fold(Self::new(), Add::add)
    }
}

#[cfg(test)]
mod tests;
