//! One allocation: goes through the agents that have something new to give, role by role, framework by framework. Twice
//! when there are guarantees: first for the roles that lack something of theirs, then for everybody.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;

use super::{
    Agent, Allocation, Allocator, FrameworkCapabilities, Quantities,
    frameworks::Framework,
    ledger::{Ledger, is_under_quota},
    schedule::Candidates,
};
use crate::mesos::{
    resources::Resources,
    time::Time,
    v1::{AgentId, FrameworkId, Resource},
};

/// What has been given so far, and what quotas leave.
struct Run {
    ledger: Option<Ledger>,
    given: BTreeMap<(FrameworkId, String, AgentId), Resources>,
}

/// Resources for an offer: those that count against a quota apart from the others.
#[derive(Default)]
struct Portion {
    guaranteed: Resources,
    beyond_quota: Resources,
    under_quota: Resources,
}

impl Portion {
    fn sum(&self) -> Resources {
        let mut sum = self.guaranteed.clone();
        sum += &self.beyond_quota;
        sum += &self.under_quota;
        sum
    }
}

impl Allocator {
    /// What is to be offered now, and is held from now on by those to whom it is; ordered by framework, role and
    /// agent. To be called after every report and at every [`Self::next_deadline`].
    pub fn allocate(&mut self, now: Time) -> Vec<Allocation> {
        self.expire_filters(now);
        self.expire_refusals(now);
        self.spread_changes(now);
        if self.holds_off(now) {
            return Vec::new();
        }
        let mut agents = match self.schedule.take(now) {
            Candidates::None => return Vec::new(),
            Candidates::Some(agents) => agents.into_iter().collect(),
            Candidates::All => self.agents.keys().cloned().collect::<Vec<_>>(),
        };
        self.runs += 1;
        agents.shuffle(&mut self.rng);
        let mut run = Run { ledger: self.ledger(), given: BTreeMap::new() };
        if self.quotas.values().any(|quota| !quota.guarantees.is_empty()) {
            agents.iter().for_each(|agent| self.meet_guarantees(agent, &mut run));
            agents.shuffle(&mut self.rng);
        }
        agents.iter().for_each(|agent| self.share_out(agent, &mut run));
        self.ask_back(now, &agents);
        self.spread_changes(now);
        run.given.into_iter().map(allocation).collect()
    }

    /// When [`Self::allocate`] has something to do again, if nothing is reported before.
    pub fn next_deadline(&self) -> Option<Time> {
        let expiry = self.filters.first_expiry().map(|expiry| self.schedule.tick_after(expiry));
        let next = self.schedule.due().into_iter().chain(expiry).chain(self.first_refusal_over()).min();
        let not_before = self.hold_off.map(|wait| wait.until);
        next.map(|next| not_before.map_or(next, |until| next.max(until)))
    }

    /// A filter that expires on a tick outlives it. Its agent is looked at with the tick after the expiry.
    fn expire_filters(&mut self, now: Time) {
        let Self { filters, schedule, .. } = self;
        let requested = schedule.is_requested();
        let ticked = filters.expire(|expires| schedule.tick_after(expires) <= now);
        ticked.iter().for_each(|agent| schedule.request(agent));
        if requested {
            let silent = filters.expire(|expires| expires < now);
            silent.iter().for_each(|agent| schedule.defer(now, agent));
        }
    }

    /// Gives of an agent to roles that lack something of their guarantees.
    fn meet_guarantees(&mut self, agent_id: &AgentId, run: &mut Run) {
        for role in self.role_sorter.sort(&self.cluster).iter() {
            if self.quotas.get(role).is_some_and(|quota| !quota.guarantees.is_empty()) {
                self.give_to_role(agent_id, role, run, Self::guaranteed_portion);
            }
        }
    }

    /// Gives of an agent to everybody.
    fn share_out(&mut self, agent_id: &AgentId, run: &mut Run) {
        for role in self.role_sorter.sort(&self.cluster).iter() {
            if !self.agents.get(agent_id).is_some_and(Agent::has_something_to_give) {
                return;
            }
            self.give_to_role(agent_id, role, run, Self::common_portion);
        }
    }

    fn give_to_role(
        &mut self,
        agent_id: &AgentId,
        role: &str,
        run: &mut Run,
        portion: fn(&Self, &Agent, &str, &Framework, Option<&Ledger>) -> Option<Portion>,
    ) {
        let Some(sorter) = self.framework_sorters.get_mut(role) else { return };
        for framework_id in sorter.sort(&self.cluster).iter() {
            let Some(agent) = self.agents.get(agent_id).filter(|agent| agent.has_something_to_give()) else {
                return;
            };
            let Some(framework) = self.frameworks.get(framework_id) else { continue };
            if !self.may_receive(framework, role, agent) {
                continue;
            }
            let Some(portion) = portion(self, agent, role, framework, run.ledger.as_ref()) else { continue };
            let mut resources = portion.sum();
            if !self.is_worthwhile(&resources, agent_id, role, framework_id, framework) {
                continue;
            }
            if let Some(ledger) = &mut run.ledger {
                let guaranteed = Quantities::of(&portion.guaranteed);
                let mut given = Quantities::of(&portion.under_quota);
                given += &guaranteed;
                self.has_changed |= ledger.give(role, &given, &guaranteed);
            }
            resources.allocate(role);
            self.hold(framework_id, agent_id, &resources);
            let place = (framework_id.clone(), role.to_owned(), agent_id.clone());
            *run.given.entry(place).or_default() += resources;
        }
    }

    /// What brings the role nearer to its guarantees, and with it all else that is free on the agent.
    fn guaranteed_portion(
        &self,
        agent: &Agent,
        role: &str,
        framework: &Framework,
        ledger: Option<&Ledger>,
    ) -> Option<Portion> {
        let (ledger, quota) = (ledger?, self.quotas.get(role)?);
        let fitting = fitting(agent.available(), role, framework.capabilities);
        let mut under_quota = fitting.filter(is_under_quota);
        let guaranteed = ledger.missing(role, quota).cut(&under_quota);
        if guaranteed.is_empty() {
            return None;
        }
        under_quota -= &guaranteed;
        let besides = Quantities::of(&guaranteed);
        let under_quota = ledger.within_limits(&under_quota, role, Some(quota), &besides);
        Some(Portion {
            beyond_quota: fitting.filter(|it| !is_under_quota(it)),
            under_quota: ledger.surplus(&under_quota),
            guaranteed,
        })
    }

    /// All that is free on the agent, as far as the role's limits and the guarantees of others leave it.
    fn common_portion(
        &self,
        agent: &Agent,
        role: &str,
        framework: &Framework,
        ledger: Option<&Ledger>,
    ) -> Option<Portion> {
        let fitting = fitting(agent.available(), role, framework.capabilities);
        let mut under_quota = fitting.filter(is_under_quota);
        if let Some(ledger) = ledger {
            let quota = self.quotas.get(role);
            under_quota = ledger.within_limits(&under_quota, role, quota, &Quantities::default());
            under_quota = ledger.surplus(&under_quota);
        }
        let beyond_quota = fitting.filter(|it| !is_under_quota(it));
        Some(Portion { beyond_quota, under_quota, guaranteed: Resources::default() })
    }

    fn may_receive(&self, framework: &Framework, role: &str, agent: &Agent) -> bool {
        let capabilities = framework.capabilities;
        let gpus = capabilities.gpu_resources || !self.config.filter_gpu_resources || !agent.has_gpus();
        let region = capabilities.region_aware || !agent.is_remote(self.config.region.as_deref());
        let roles = agent.capabilities.multi_role || !capabilities.multi_role;
        let hierarchy = agent.capabilities.hierarchical_role || !role.contains('/');
        let wanted = !framework.constraints.exclude(role, &agent.facts);
        gpus && region && roles && hierarchy && wanted
    }

    /// Whether it is enough for an offer, and not refused.
    fn is_worthwhile(
        &self,
        resources: &Resources,
        agent_id: &AgentId,
        role: &str,
        framework_id: &FrameworkId,
        framework: &Framework,
    ) -> bool {
        let minimums = framework.min_allocatable.get(role).unwrap_or(&self.config.min_allocatable_resources);
        let quantities = Quantities::of(resources);
        let is_enough = !resources.is_empty()
            && (minimums.is_empty() || minimums.iter().any(|minimum| quantities.contains(minimum)));
        is_enough && !self.filters.refuses(framework_id, role, agent_id, resources)
    }

    fn hold(&mut self, framework_id: &FrameworkId, agent_id: &AgentId, resources: &Resources) {
        if let Some(agent) = self.agents.get_mut(agent_id) {
            agent.hold(framework_id, resources);
        }
        self.track(framework_id, resources);
    }
}

fn allocation(given: ((FrameworkId, String, AgentId), Resources)) -> Allocation {
    let ((framework_id, role, agent_id), resources) = given;
    Allocation { framework_id, role, agent_id, resources }
}

/// What of `available` may go to `role` and a framework of these capabilities.
fn fitting(available: &Resources, role: &str, capabilities: FrameworkCapabilities) -> Resources {
    available.filter(|it| it.is_allocatable_to(role) && is_understood(it, capabilities))
}

fn is_understood(resource: &Resource, capabilities: FrameworkCapabilities) -> bool {
    (!resource.is_shared() || capabilities.shared_resources)
        && (!resource.is_revocable() || capabilities.revocable_resources)
        && (resource.reservations.len() < 2 || capabilities.reservation_refinement)
}
