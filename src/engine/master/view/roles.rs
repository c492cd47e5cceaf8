//! The roles a master knows and what is allocated, offered and reserved to each of them and to the roles below it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{AddAssign, SubAssign},
};

use serde::{Serialize, Serializer};

use crate::{
    engine::master::{Agent, Framework, Master},
    mesos::{
        v1::{self, FrameworkId, framework_info::capability::Type as Capability, value},
        values::from_thousandths,
    },
};

const SCALARS: [&str; 4] = ["cpus", "disk", "gpus", "mem"];

/// A role with everything below it.
#[derive(Debug, Default)]
pub struct Role {
    pub name: String,
    pub weight: f64,
    pub allocated: Quantities,
    pub offered: Quantities,
    pub reserved: Quantities,
    /// What counts against a quota: allocated, or reserved and free.
    pub consumed: Quantities,
    /// The frameworks subscribed to this very role or holding something of it.
    pub frameworks: BTreeSet<FrameworkId>,
}

impl Role {
    pub fn in_use(&self) -> Quantities {
        let mut sum = self.allocated.clone();
        sum += &self.offered;
        sum
    }

    /// For GET_ROLES, which knows four resources only.
    pub fn to_v1(&self) -> v1::Role {
        let in_use = self.in_use();
        v1::Role {
            name: self.name.clone(),
            weight: self.weight,
            frameworks: self.frameworks.iter().cloned().collect(),
            resources: in_use.scalars().map(|(name, value)| scalar_resource(name, value)).collect(),
        }
    }
}

fn scalar_resource(name: &str, value: f64) -> v1::Resource {
    v1::Resource {
        name: name.into(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Default::default()
    }
}

/// All known roles by name: of frameworks, of what they hold, of reservations and weights, and the ancestors of all these.
pub fn all(master: &Master) -> Vec<Role> {
    let mut roles = Roles::default();
    master.frameworks.values().for_each(|framework| roles.add_framework(master, framework));
    master.agents.values().for_each(|agent| roles.add_agent(agent));
    master.weights.keys().for_each(|role| roles.add_name(role));
    roles.finish(master)
}

#[derive(Default)]
struct Roles(BTreeMap<String, Role>);

impl Roles {
    fn add_name(&mut self, role: &str) {
        lineage(role).for_each(|role| _ = self.entry(role));
    }

    fn entry(&mut self, role: &str) -> &mut Role {
        self.0.entry(role.to_owned()).or_default()
    }

    fn add_framework(&mut self, master: &Master, framework: &Framework) {
        for role in subscribed_roles(&framework.info) {
            self.add_member(role, framework);
        }
        for resource in framework.used.values().flat_map(|held| held.iter()) {
            self.add_held(resource, framework, |role| &mut role.allocated);
        }
        for offer in framework.offers.iter().filter_map(|id| master.offers.get(id)) {
            for resource in &offer.resources {
                self.add_held(resource, framework, |role| &mut role.offered);
            }
        }
    }

    fn add_member(&mut self, role: &str, framework: &Framework) {
        self.add_name(role);
        self.entry(role).frameworks.insert(framework.id.clone());
    }

    fn add_held(
        &mut self,
        resource: &v1::Resource,
        framework: &Framework,
        part: fn(&mut Role) -> &mut Quantities,
    ) {
        let role = resource.allocation_info.as_ref().map_or("*", |allocation| allocation.role());
        self.add_member(role, framework);
        lineage(role).for_each(|role| part(self.entry(role)).add(resource));
    }

    fn add_agent(&mut self, agent: &Agent) {
        let mut free = by_reservation(agent.total.iter());
        for (role, reserved) in &free {
            self.add_name(role);
            self.entry(role).reserved += reserved;
        }
        for (role, used) in by_reservation(agent.used.values().flat_map(|held| held.iter())) {
            *free.entry(role).or_default() -= &used;
        }
        for (role, reserved) in free {
            self.entry(&role).consumed += &reserved;
        }
    }

    fn finish(mut self, master: &Master) -> Vec<Role> {
        if let Some(only) = &master.config.roles {
            only.iter().map(String::as_str).chain(["*"]).for_each(|role| self.add_name(role));
            self.0.retain(|name, _| {
                name == "*" || only.iter().any(|role| lineage(role).any(|known| known == name))
            });
        }
        let named = self.0.into_iter().map(|(name, mut role)| {
            role.consumed += &role.allocated;
            role.weight = master.weights.get(&name).copied().unwrap_or(1.0);
            Role { name, ..role }
        });
        named.collect()
    }
}

/// The role itself and its ancestors: `a/b`, `a`.
fn lineage(role: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(role), |role| role.rsplit_once('/').map(|(parent, _)| parent))
}

/// The roles a framework asks offers for.
pub fn subscribed_roles(info: &v1::FrameworkInfo) -> Vec<&str> {
    if info.capabilities.iter().any(|capability| capability.r#type() == Capability::MultiRole) {
        info.roles.iter().map(String::as_str).collect()
    } else {
        vec![info.role()]
    }
}

fn by_reservation<'a>(resources: impl IntoIterator<Item = &'a v1::Resource>) -> BTreeMap<String, Quantities> {
    let mut reserved = BTreeMap::<String, Quantities>::new();
    for resource in resources {
        for role in resource.reservation_role().into_iter().flat_map(lineage) {
            reserved.entry(role.to_owned()).or_default().add(resource);
        }
    }
    reserved
}

/// How much of each resource in thousandths, whatever its kind: ports and sets by their number. Nothing is listed with
/// zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantities(BTreeMap<String, i64>);

impl Quantities {
    /// The well-known scalars among them.
    pub fn scalars(&self) -> impl Iterator<Item = (&str, f64)> {
        let well_known = self.0.iter().filter(|(name, _)| SCALARS.contains(&name.as_str()));
        well_known.map(|(name, amount)| (name.as_str(), from_thousandths(*amount)))
    }

    fn add(&mut self, resource: &v1::Resource) {
        let amount = amount_of(resource);
        if amount != 0 {
            *self.0.entry(resource.name.clone()).or_default() += amount;
        }
    }
}

fn amount_of(resource: &v1::Resource) -> i64 {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000);
    match resource.r#type() {
        value::Type::Scalar => resource.scalar.map_or(0, |scalar| scalar.thousandths()),
        value::Type::Ranges => resource.ranges.as_ref().map_or(0, |ranges| whole(ranges.count())),
        value::Type::Set => resource.set.as_ref().map_or(0, |set| whole(set.item.len() as u64)),
        value::Type::Text => 0,
    }
}

impl AddAssign<&Quantities> for Quantities {
    fn add_assign(&mut self, other: &Quantities) {
        for (name, amount) in &other.0 {
            *self.0.entry(name.clone()).or_default() += amount;
        }
    }
}

impl SubAssign<&Quantities> for Quantities {
    fn sub_assign(&mut self, other: &Quantities) {
        for (name, amount) in &other.0 {
            *self.0.entry(name.clone()).or_default() -= amount;
        }
        self.0.retain(|_, amount| *amount > 0);
    }
}

impl Serialize for Quantities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, amount)| (name, from_thousandths(*amount))))
    }
}
