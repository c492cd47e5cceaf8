//! Dominant resource fairness: who comes next, among the roles of the tree and among the frameworks of a role.
//!
//! The order is by weighted dominant share of the cluster, then by the number of allocations so far, then by name,
//! as in Mesos' `DRFSorter`. Both sorters keep their last order until something changes.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{engine::allocator::quantities::Quantities, mesos::v1::FrameworkId};

/// What shares are measured against.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    pub total: Quantities,
    /// `--fair_sharing_excluded_resource_names`
    pub excluded: BTreeSet<String>,
}

impl Cluster {
    /// The largest fraction of any one resource of the cluster that `allocated` is.
    pub fn dominant_share(&self, allocated: &Quantities) -> f64 {
        self.total
            .iter()
            .filter(|(name, total)| *total > 0.0 && !self.excluded.contains(*name))
            .map(|(name, total)| allocated.get(name) / total)
            .fold(0.0, f64::max)
    }
}

/// What somebody holds, and how often he has been chosen.
#[derive(Clone, Debug, Default)]
struct Tally {
    totals: Quantities,
    count: u64,
}

impl Tally {
    fn add(&mut self, quantities: &Quantities) {
        self.totals += quantities;
        self.count += 1;
    }
}

struct Standing<'a, T> {
    share: f64,
    count: u64,
    name: &'a str,
    who: T,
}

impl<T> Standing<'_, T> {
    fn compare(&self, other: &Self) -> Ordering {
        self.share
            .total_cmp(&other.share)
            .then_with(|| self.count.cmp(&other.count))
            .then_with(|| self.name.cmp(other.name))
    }
}

/// The frameworks of one role.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameworkSorter {
    clients: BTreeMap<FrameworkId, Client>,
    order: Option<Arc<[FrameworkId]>>,
}

#[derive(Clone, Debug, Default)]
struct Client {
    active: bool,
    tally: Tally,
}

impl FrameworkSorter {
    /// Adds an inactive framework.
    pub fn add(&mut self, id: &FrameworkId) {
        self.clients.entry(id.clone()).or_default();
    }

    pub fn remove(&mut self, id: &FrameworkId) {
        self.clients.remove(id);
        self.order = None;
    }

    pub fn contains(&self, id: &FrameworkId) -> bool {
        self.clients.contains_key(id)
    }

    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Only active frameworks are in the order.
    pub fn set_active(&mut self, id: &FrameworkId, active: bool) {
        if let Some(client) = self.clients.get_mut(id)
            && client.active != active
        {
            client.active = active;
            self.order = None;
        }
    }

    pub fn allocated(&mut self, id: &FrameworkId, quantities: &Quantities) {
        if let Some(client) = self.clients.get_mut(id) {
            client.tally.add(quantities);
            self.order = None;
        }
    }

    pub fn unallocated(&mut self, id: &FrameworkId, quantities: &Quantities) {
        if let Some(client) = self.clients.get_mut(id) {
            client.tally.totals -= quantities;
            self.order = None;
        }
    }

    pub fn totals(&self, id: &FrameworkId) -> Option<&Quantities> {
        self.clients.get(id).map(|client| &client.tally.totals)
    }

    /// The cluster has changed: every share is another.
    pub fn forget_order(&mut self) {
        self.order = None;
    }

    pub fn sort(&mut self, cluster: &Cluster) -> Arc<[FrameworkId]> {
        Arc::clone(self.order.get_or_insert_with(|| order_of(&self.clients, cluster)))
    }
}

fn order_of(clients: &BTreeMap<FrameworkId, Client>, cluster: &Cluster) -> Arc<[FrameworkId]> {
    let mut standings: Vec<_> = clients
        .iter()
        .filter(|(_, client)| client.active)
        .map(|(id, client)| Standing {
            share: cluster.dominant_share(&client.tally.totals),
            count: client.tally.count,
            name: id.as_str(),
            who: id,
        })
        .collect();
    standings.sort_by(Standing::compare);
    standings.into_iter().map(|standing| standing.who.clone()).collect()
}

/// The roles of the cluster as a tree of paths; a role with sub-roles competes with them as a leaf of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleSorter {
    /// By path; `""` is the root.
    nodes: BTreeMap<String, Node>,
    weights: BTreeMap<String, f64>,
    order: Option<Arc<[String]>>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// What was allocated to this very role; `None` where the path only leads to others.
    own: Option<Tally>,
    /// With all sub-roles.
    subtree: Tally,
    /// Paths.
    children: BTreeSet<String>,
}

impl RoleSorter {
    pub fn add(&mut self, role: &str) {
        let mut parent = "";
        for path in paths(role) {
            let above = self.nodes.entry(parent.to_owned()).or_default();
            if above.children.is_empty() && above.own.is_some() {
                above.own = Some(above.subtree.clone());
            }
            above.children.insert(path.to_owned());
            parent = path;
        }
        self.nodes.entry(role.to_owned()).or_default().own.get_or_insert_default();
        self.order = None;
    }

    pub fn remove(&mut self, role: &str) {
        let Some(own) = self.nodes.get_mut(role).and_then(|node| node.own.take()) else { return };
        self.shift(role, |tally| tally.totals -= &own.totals);
        self.prune(role);
        self.order = None;
    }

    pub fn set_weight(&mut self, role: &str, weight: f64) {
        self.weights.insert(role.to_owned(), weight);
        self.order = None;
    }

    pub fn weight(&self, role: &str) -> f64 {
        self.weights.get(role).copied().unwrap_or(1.0)
    }

    pub fn weights(&self) -> &BTreeMap<String, f64> {
        &self.weights
    }

    pub fn allocated(&mut self, role: &str, quantities: &Quantities) {
        self.change(role, |tally| tally.add(quantities));
    }

    pub fn unallocated(&mut self, role: &str, quantities: &Quantities) {
        self.change(role, |tally| tally.totals -= quantities);
    }

    /// What is allocated to this very role, without its sub-roles.
    pub fn totals(&self, role: &str) -> Option<&Quantities> {
        Some(&self.nodes.get(role)?.own.as_ref()?.totals)
    }

    /// The cluster has changed: every share is another.
    pub fn forget_order(&mut self) {
        self.order = None;
    }

    pub fn sort(&mut self, cluster: &Cluster) -> Arc<[String]> {
        if let Some(order) = &self.order {
            return Arc::clone(order);
        }
        let mut roles = Vec::new();
        self.collect("", cluster, &mut roles);
        let order: Arc<[String]> = roles.into();
        self.order = Some(Arc::clone(&order));
        order
    }

    fn change(&mut self, role: &str, change: impl Fn(&mut Tally)) {
        if let Some(own) = self.nodes.get_mut(role).and_then(|node| node.own.as_mut()) {
            change(own);
            self.shift(role, change);
            self.order = None;
        }
    }

    fn shift(&mut self, role: &str, change: impl Fn(&mut Tally)) {
        for path in paths(role) {
            if let Some(node) = self.nodes.get_mut(path) {
                change(&mut node.subtree);
            }
        }
    }

    fn prune(&mut self, role: &str) {
        let mut path = role;
        while self.nodes.get(path).is_some_and(|node| node.own.is_none() && node.children.is_empty()) {
            self.nodes.remove(path);
            let parent = path.rfind('/').map_or("", |end| &path[..end]);
            if let Some(above) = self.nodes.get_mut(parent) {
                above.children.remove(path);
            }
            path = parent;
        }
    }

    fn collect(&self, path: &str, cluster: &Cluster, roles: &mut Vec<String>) {
        let Some(node) = self.nodes.get(path) else { return };
        let own_leaf = format!("{path}/.");
        let own = node.own.as_ref().map(|own| self.standing(own, &own_leaf, path, cluster));
        let below = node.children.iter().filter_map(|child| {
            Some(self.standing(&self.nodes.get(child)?.subtree, child, child.as_str(), cluster))
        });
        let mut standings: Vec<_> = own.into_iter().chain(below).collect();
        standings.sort_by(Standing::compare);
        for Standing { who, .. } in standings {
            if who == path {
                roles.push(who.to_owned());
            } else {
                self.collect(who, cluster, roles);
            }
        }
    }

    fn standing<'a>(
        &self,
        tally: &Tally,
        name: &'a str,
        who: &'a str,
        cluster: &Cluster,
    ) -> Standing<'a, &'a str> {
        let share = cluster.dominant_share(&tally.totals) / self.weight(name);
        Standing { share, count: tally.count, name, who }
    }
}

/// `a/b/c` as `a`, `a/b`, `a/b/c`.
fn paths(role: &str) -> impl Iterator<Item = &str> {
    role.match_indices('/').map(|(end, _)| &role[..end]).chain([role])
}
