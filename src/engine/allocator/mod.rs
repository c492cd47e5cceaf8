//! Who is offered what: Mesos' hierarchical allocator with weighted dominant resource fairness, as a plain struct.
//!
//! Callers report what happens (frameworks and agents that come, go and change, resources that come back), then ask
//! [`Allocator::allocate`] for what is to be offered now. New agents, new frameworks and revives are allocated for at
//! once; all else waits for the next tick of `allocation_interval`, counted from the start. An agent is looked at only
//! after something has changed for it, so a quiet cluster costs nothing, however large. While there are quotas, what
//! changes on one agent is a reason to look at all of them with the next tick.
//!
//! Not there yet: offering a shared volume twice.

mod agents;
mod config;
mod constraints;
mod filters;
mod frameworks;
mod ledger;
mod maintenance;
mod quantities;
mod quota;
mod run;
mod schedule;
mod shares;
mod sorter;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{SeedableRng, rngs::SmallRng};

pub use self::{
    agents::{Agent, AgentCapabilities},
    config::{AllocatorConfig, QuantityError, parse_min_allocatable_resources},
    constraints::{Constraints, Facts},
    filters::refusal,
    frameworks::{FrameworkCapabilities, roles_of},
    maintenance::Answer,
    quantities::Quantities,
    quota::{Limits, Quota},
};
use self::{
    filters::FilterTable,
    frameworks::Framework,
    ledger::HoldOff,
    maintenance::Refusals,
    schedule::Schedule,
    sorter::{Cluster, FrameworkSorter, RoleSorter},
};
use crate::mesos::{
    resources::Resources,
    time::Time,
    v1::{AgentId, AgentInfo, FrameworkId, FrameworkInfo},
};

/// What one framework is to be offered of one agent for one role.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    pub framework_id: FrameworkId,
    pub role: String,
    pub agent_id: AgentId,
    /// With `allocation_info`.
    pub resources: Resources,
}

/// Why resources come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// An offer was declined, accepted in part (what is left over), or withdrawn. The time is how long the framework
    /// does not want them again (see [`refusal`]); `None` sets no filter.
    Unused(Option<Duration>),
    /// A task or executor that held them is gone.
    Freed,
}

/// The allocator of one master.
#[derive(Clone, Debug)]
pub struct Allocator {
    config: AllocatorConfig,
    cluster: Cluster,
    frameworks: BTreeMap<FrameworkId, Framework>,
    agents: BTreeMap<AgentId, Agent>,
    role_sorter: RoleSorter,
    /// By role: its subscribers, and those that hold something under it.
    framework_sorters: BTreeMap<String, FrameworkSorter>,
    filters: FilterTable,
    /// By role, of those that have one.
    quotas: BTreeMap<String, Quota>,
    /// Something has come or gone since the last allocation.
    has_changed: bool,
    hold_off: Option<HoldOff>,
    refusals: Refusals,
    to_ask: BTreeMap<FrameworkId, BTreeSet<AgentId>>,
    schedule: Schedule,
    runs: u64,
    rng: SmallRng,
}

impl Allocator {
    /// An allocator for an empty cluster, whose ticks count from `now`.
    pub fn new(config: AllocatorConfig, now: Time) -> Self {
        Self {
            cluster: Cluster {
                total: Quantities::default(),
                excluded: config.fair_sharing_excluded_resource_names.clone(),
            },
            frameworks: BTreeMap::new(),
            agents: BTreeMap::new(),
            role_sorter: RoleSorter::default(),
            framework_sorters: BTreeMap::new(),
            filters: FilterTable::default(),
            quotas: BTreeMap::new(),
            has_changed: false,
            hold_off: None,
            refusals: Refusals::new(),
            to_ask: BTreeMap::new(),
            schedule: Schedule::new(now, config.allocation_interval),
            runs: 0,
            rng: SmallRng::seed_from_u64(config.seed),
            config,
        }
    }

    /// Goes on with another interval and another answer to freed resources.
    pub fn reconfigure(
        &mut self,
        now: Time,
        allocation_interval: Duration,
        offer_freed_resources_at_once: bool,
    ) {
        self.config.offer_freed_resources_at_once = offer_freed_resources_at_once;
        if self.config.allocation_interval != allocation_interval {
            self.config.allocation_interval = allocation_interval;
            self.schedule.restart(now, allocation_interval);
        }
    }

    /// A framework has come; allocates at once when it is active. `used` is what it holds on known agents already
    /// (with `allocation_info`): the agents have been told with [`Self::add_agent`].
    pub fn add_framework(
        &mut self,
        id: &FrameworkId,
        info: &FrameworkInfo,
        suppressed: BTreeSet<String>,
        active: bool,
        used: &BTreeMap<AgentId, Resources>,
    ) {
        let framework = Framework::new(info, suppressed, active);
        for role in &framework.roles {
            self.track_under_role(id, role);
        }
        self.frameworks.insert(id.clone(), framework);
        self.refresh_activity(id);
        let known = used.iter().filter(|(agent, _)| self.agents.contains_key(*agent));
        for resources in known.map(|(_, resources)| resources.clone()).collect::<Vec<_>>() {
            self.track(id, &resources);
        }
        if active {
            self.schedule.request_all();
        }
    }

    /// A framework is gone for good; what it held is offered to others with the next tick.
    pub fn remove_framework(&mut self, now: Time, id: &FrameworkId) {
        if self.frameworks.remove(id).is_none() {
            return;
        }
        self.has_changed = true;
        for (agent_id, agent) in &mut self.agents {
            if let Some(held) = agent.held().get(id).cloned() {
                agent.release(id, &held);
                self.schedule.defer(now, agent_id);
            }
        }
        let roles: Vec<String> = self.framework_sorters.keys().cloned().collect();
        for role in roles {
            self.untrack_under_role(id, &role);
        }
        self.filters.clear_framework(id);
        self.forget_refusals_of(id);
    }

    /// The framework gets offers again, except for its suppressed roles; allocates at once.
    pub fn activate_framework(&mut self, id: &FrameworkId) {
        self.set_framework_active(id, true);
        self.schedule.request_all();
    }

    /// The framework gets no offers for now; its filters are forgotten, what it holds stays with it.
    pub fn deactivate_framework(&mut self, id: &FrameworkId) {
        self.set_framework_active(id, false);
        self.filters.clear_framework(id);
        self.forget_refusals_of(id);
    }

    /// `UPDATE_FRAMEWORK`, or a subscription with another `FrameworkInfo`. New roles get offers with the next tick.
    pub fn update_framework(
        &mut self,
        now: Time,
        id: &FrameworkId,
        info: &FrameworkInfo,
        suppressed: BTreeSet<String>,
    ) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let old_roles = framework.roles.clone();
        let old_suppressed = std::mem::replace(&mut framework.suppressed, suppressed.clone());
        framework.update(info);
        let new_roles = framework.roles.clone();
        for role in new_roles.difference(&old_roles) {
            self.track_under_role(id, role);
        }
        for role in old_roles.difference(&new_roles) {
            self.filters.clear_role(id, role);
            self.try_untrack_under_role(id, role);
        }
        for role in old_suppressed.difference(&suppressed) {
            self.filters.clear_role(id, role);
        }
        self.refresh_activity(id);
        self.schedule.defer_all(now);
    }

    /// The agents that the framework's roles are not to be offered from now on; what they hold or are offered stays.
    pub fn constrain(&mut self, id: &FrameworkId, constraints: Constraints) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.constraints = constraints;
        }
    }

    /// The agents that the framework's constraints keep from a role.
    pub fn excluded(&self, id: &FrameworkId, role: &str) -> Vec<&AgentId> {
        let Some(framework) = self.frameworks.get(id) else { return Vec::new() };
        let is_excluded = |(_, agent): &(_, &Agent)| framework.constraints.exclude(role, &agent.facts);
        self.agents.iter().filter(is_excluded).map(|(id, _)| id).collect()
    }

    /// `SUPPRESS`: no offers for these roles, or for all when none is named.
    pub fn suppress_offers(&mut self, id: &FrameworkId, roles: &BTreeSet<String>) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let roles = if roles.is_empty() { framework.roles.clone() } else { roles.clone() };
        framework.suppressed.extend(roles);
        self.refresh_activity(id);
    }

    /// `REVIVE`: forgets suppression and filters of these roles, or of all when none is named; allocates at once.
    pub fn revive_offers(&mut self, id: &FrameworkId, roles: &BTreeSet<String>) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let roles = if roles.is_empty() { framework.roles.clone() } else { roles.clone() };
        for role in &roles {
            framework.suppressed.remove(role);
            self.filters.clear_role(id, role);
        }
        self.forget_refusals_of(id);
        self.refresh_activity(id);
        self.schedule.request_all();
    }

    /// An agent has come, or come back; allocates it at once. `used` is what is running there (with
    /// `allocation_info`), also of frameworks that are yet to be added.
    pub fn add_agent(
        &mut self,
        id: &AgentId,
        info: &AgentInfo,
        capabilities: AgentCapabilities,
        total: Resources,
        used: &BTreeMap<FrameworkId, Resources>,
    ) {
        self.remove_agent(id);
        self.cluster.total += &Quantities::of(&total);
        self.forget_orders();
        let mut agent = Agent::new(info, capabilities, total);
        for (framework, resources) in used {
            agent.hold(framework, resources);
        }
        self.agents.insert(id.clone(), agent);
        self.has_changed = true;
        for (framework, resources) in used {
            self.track(framework, resources);
        }
        self.schedule.request(id);
    }

    /// An agent is gone, with all that was held on it. What still comes back for it is ignored.
    pub fn remove_agent(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.remove(id) else { return };
        self.has_changed = true;
        for (framework, resources) in agent.held() {
            self.untrack(framework, resources);
        }
        self.cluster.total -= &Quantities::of(agent.total());
        self.forget_orders();
        self.filters.clear_agent(id);
        self.refusals.remove(id);
        self.schedule.forget(id);
    }

    /// An agent came back with another `AgentInfo` or other capabilities; allocates it at once. Other attributes
    /// clear all filters on it.
    pub fn update_agent(&mut self, id: &AgentId, info: &AgentInfo, capabilities: AgentCapabilities) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        if agent.attributes != info.attributes {
            self.filters.clear_agent(id);
        }
        agent.set_info(info);
        agent.capabilities = capabilities;
        self.schedule.request(id);
    }

    /// The agent's total has changed; allocates it at once.
    pub fn update_agent_total(&mut self, id: &AgentId, total: Resources) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        if *agent.total() == total {
            return;
        }
        self.cluster.total -= &Quantities::of(agent.total());
        self.cluster.total += &Quantities::of(&total);
        agent.set_total(total);
        self.has_changed = true;
        self.forget_orders();
        self.schedule.request(id);
    }

    /// The agent's resources are offered again, from the next tick on.
    pub fn activate_agent(&mut self, now: Time, id: &AgentId) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.active = true;
            self.schedule.defer(now, id);
        }
    }

    /// Nothing more of this agent is offered for now.
    pub fn deactivate_agent(&mut self, id: &AgentId) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.active = false;
        }
    }

    /// Resources (with `allocation_info` of one role) are no longer held. Does nothing when framework or agent is gone,
    /// or when the framework does not hold them.
    pub fn recover_resources(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        agent_id: &AgentId,
        resources: &Resources,
        recovery: Recovery,
    ) {
        if resources.is_empty() || !self.release(framework_id, agent_id, resources) {
            return;
        }
        self.has_changed = true;
        match recovery {
            Recovery::Freed if self.config.offer_freed_resources_at_once => self.schedule.request(agent_id),
            Recovery::Freed | Recovery::Unused(_) => self.schedule.defer(now, agent_id),
        }
        if let Recovery::Unused(Some(refusal)) = recovery
            && !refusal.is_zero()
        {
            self.refuse(
                framework_id,
                agent_id,
                resources,
                now + refusal.max(self.config.allocation_interval),
            );
        }
    }

    /// A role's weight; counts from the next allocation on.
    pub fn update_weight(&mut self, role: &str, weight: f64) {
        self.role_sorter.set_weight(role, weight);
    }

    fn release(&mut self, framework_id: &FrameworkId, agent_id: &AgentId, resources: &Resources) -> bool {
        let released =
            self.agents.get_mut(agent_id).is_some_and(|agent| agent.release(framework_id, resources));
        if released {
            self.untrack(framework_id, resources);
        }
        released
    }

    fn refuse(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources, expires: Time) {
        if !self.frameworks.contains_key(framework) {
            return;
        }
        for (role, part) in resources.allocations() {
            self.filters.add(framework, &role, agent, part.unallocated(), expires);
        }
    }

    fn set_framework_active(&mut self, id: &FrameworkId, active: bool) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.active = active;
        }
        self.refresh_activity(id);
    }

    fn refresh_activity(&mut self, id: &FrameworkId) {
        let Some(framework) = self.frameworks.get(id) else { return };
        for (role, sorter) in &mut self.framework_sorters {
            sorter.set_active(id, framework.wants(role));
        }
    }

    fn forget_orders(&mut self) {
        self.role_sorter.forget_order();
        self.framework_sorters.values_mut().for_each(FrameworkSorter::forget_order);
    }

    /// Counts held resources towards the shares of a known framework and its roles.
    fn track(&mut self, framework: &FrameworkId, resources: &Resources) {
        if !self.frameworks.contains_key(framework) {
            return;
        }
        for (role, part) in resources.allocations() {
            let quantities = Quantities::of(&part);
            self.track_under_role(framework, &role);
            self.role_sorter.allocated(&role, &quantities);
            if let Some(sorter) = self.framework_sorters.get_mut(&role) {
                sorter.allocated(framework, &quantities);
            }
        }
    }

    fn untrack(&mut self, framework: &FrameworkId, resources: &Resources) {
        for (role, part) in resources.allocations() {
            let quantities = Quantities::of(&part);
            let Some(sorter) = self.framework_sorters.get_mut(&role) else { continue };
            if !sorter.contains(framework) {
                continue;
            }
            sorter.unallocated(framework, &quantities);
            self.role_sorter.unallocated(&role, &quantities);
            self.try_untrack_under_role(framework, &role);
        }
    }

    fn track_under_role(&mut self, framework: &FrameworkId, role: &str) {
        self.role_sorter.add(role);
        self.framework_sorters.entry(role.to_owned()).or_default().add(framework);
    }

    /// Forgets the framework under a role that it has left, unless it still holds something there.
    fn try_untrack_under_role(&mut self, framework: &FrameworkId, role: &str) {
        let subscribed = self.frameworks.get(framework).is_some_and(|known| known.roles.contains(role));
        let totals = self.framework_sorters.get(role).and_then(|sorter| sorter.totals(framework));
        if !subscribed && totals.is_some_and(Quantities::is_empty) {
            self.untrack_under_role(framework, role);
        }
    }

    fn untrack_under_role(&mut self, framework: &FrameworkId, role: &str) {
        let Some(sorter) = self.framework_sorters.get_mut(role) else { return };
        if let Some(totals) = sorter.totals(framework).cloned() {
            self.role_sorter.unallocated(role, &totals);
        }
        sorter.remove(framework);
        if sorter.is_empty() {
            self.framework_sorters.remove(role);
            self.role_sorter.remove(role);
        }
    }
}
