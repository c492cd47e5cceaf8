//! What views and metrics read off the allocator.

use std::collections::BTreeMap;

use super::{Agent, Allocator, Quantities};
use crate::mesos::v1::{AgentId, FrameworkId};

impl Allocator {
    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.get(id)
    }

    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, &Agent)> {
        self.agents.iter()
    }

    /// Sum of the scalars of all agents.
    pub fn total(&self) -> &Quantities {
        &self.cluster.total
    }

    /// Sum of the scalars that are offered or allocated, over all agents.
    pub fn offered_or_allocated(&self) -> Quantities {
        let mut sum = Quantities::default();
        for resources in self.agents.values().flat_map(|agent| agent.held().values()) {
            sum += &Quantities::of(resources);
        }
        sum
    }

    /// Roles with a subscriber, or under which something is held.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.framework_sorters.keys().map(String::as_str)
    }

    /// What is offered or allocated to this very role, without its sub-roles.
    pub fn role_allocation(&self, role: &str) -> Option<&Quantities> {
        self.role_sorter.totals(role)
    }

    /// The weighted dominant share of this very role; `allocator/mesos/roles/<role>/shares/dominant`.
    pub fn role_share(&self, role: &str) -> Option<f64> {
        let totals = self.role_sorter.totals(role)?;
        Some(self.cluster.dominant_share(totals) / self.role_sorter.weight(role))
    }

    /// What a framework holds under a role.
    pub fn framework_allocation(&self, role: &str, id: &FrameworkId) -> Option<&Quantities> {
        self.framework_sorters.get(role)?.totals(id)
    }

    /// A framework's dominant share of the cluster under a role.
    pub fn framework_share(&self, role: &str, id: &FrameworkId) -> Option<f64> {
        Some(self.cluster.dominant_share(self.framework_allocation(role, id)?))
    }

    pub fn weight(&self, role: &str) -> f64 {
        self.role_sorter.weight(role)
    }

    /// The weights that were set.
    pub fn weights(&self) -> &BTreeMap<String, f64> {
        self.role_sorter.weights()
    }

    /// `allocator/mesos/offer_filters/roles/<role>/active`
    pub fn active_offer_filters(&self, role: &str) -> usize {
        self.filters.count(role)
    }

    /// `allocator/mesos/allocation_runs`
    pub fn allocation_runs(&self) -> u64 {
        self.runs
    }

    pub fn is_suppressed(&self, id: &FrameworkId, role: &str) -> bool {
        self.frameworks.get(id).is_some_and(|framework| framework.suppressed.contains(role))
    }
}
