//! The roles a master knows and what is allocated, offered and reserved to each of them and to the roles below it.

use std::collections::{BTreeMap, BTreeSet};

use super::{framework_offered, framework_used};
use crate::{
    engine::{
        allocator::{Quantities, Quota},
        master::{Agent, Framework, Master},
    },
    mesos::v1::{self, FrameworkId, framework_info::capability::Type as Capability, value},
};

const SCALARS: [&str; 4] = ["cpus", "disk", "gpus", "mem"];

/// A role with everything below it.
#[derive(Debug, Default)]
pub struct Role {
    pub name: String,
    pub weight: f64,
    pub quota: Quota,
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
            resources: scalars(&in_use).map(|(name, value)| scalar_resource(name, value)).collect(),
        }
    }
}

/// The well-known scalars among the quantities.
pub fn scalars(quantities: &Quantities) -> impl Iterator<Item = (&str, f64)> {
    quantities.iter().filter(|(name, _)| SCALARS.contains(name))
}

fn scalar_resource(name: &str, value: f64) -> v1::Resource {
    v1::Resource {
        name: name.into(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Default::default()
    }
}

/// All known roles by name: of frameworks, of what they hold, of reservations,
/// weights and quotas, and the ancestors of all these.
pub fn all(master: &Master) -> Vec<Role> {
    let mut roles = Roles::default();
    master.frameworks.values().for_each(|framework| roles.add_framework(master, framework));
    master.agents.values().for_each(|agent| roles.add_agent(agent));
    master.weights.keys().chain(master.quotas.keys()).for_each(|role| roles.add_name(role));
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

    /// Equal ports of two agents count once, as in Mesos, which adds up what a framework holds before it counts.
    fn add_framework(&mut self, master: &Master, framework: &Framework) {
        for role in subscribed_roles(&framework.info) {
            self.add_member(role, framework);
        }
        for resource in framework_used(framework).iter() {
            self.add_held(resource, framework, |role| &mut role.allocated);
        }
        for resource in framework_offered(master, framework).iter() {
            self.add_held(resource, framework, |role| &mut role.offered);
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
        lineage(role).for_each(|role| part(self.entry(role)).add_any_kind(resource));
    }

    fn add_agent(&mut self, agent: &Agent) {
        let mut free = by_reservation(agent.total.iter());
        for (role, reserved) in &free {
            self.add_name(role);
            self.entry(role).reserved += reserved;
        }
        for (role, used) in by_reservation(agent.used.values().flat_map(|held| held.iter())) {
            let reserved = free.entry(role).or_default();
            *reserved = reserved.minus(&used);
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
            role.quota = master.quotas.get(&name).cloned().unwrap_or_default();
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
            reserved.entry(role.to_owned()).or_default().add_any_kind(resource);
        }
    }
    reserved
}
