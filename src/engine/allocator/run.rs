//! One allocation: goes through the agents that have something new to give, role by role, framework by framework.

use rand::seq::SliceRandom;

use super::{
    Agent, Allocation, Allocator, FrameworkCapabilities, Quantities, frameworks::Framework,
    schedule::Candidates,
};
use crate::mesos::{
    resources::Resources,
    time::Time,
    v1::{AgentId, FrameworkId, Resource},
};

impl Allocator {
    /// What is to be offered now, and is held from now on by those to whom it is; ordered by framework, role and
    /// agent. To be called after every report and at every [`Self::next_deadline`].
    pub fn allocate(&mut self, now: Time) -> Vec<Allocation> {
        self.expire_filters(now);
        let mut agents = match self.schedule.take(now) {
            Candidates::None => return Vec::new(),
            Candidates::Some(agents) => agents.into_iter().collect(),
            Candidates::All => self.agents.keys().cloned().collect::<Vec<_>>(),
        };
        self.runs += 1;
        agents.shuffle(&mut self.rng);
        let mut allocations = Vec::new();
        for agent in agents {
            self.allocate_agent(&agent, &mut allocations);
        }
        allocations.sort_by(|a, b| key(a).cmp(&key(b)));
        allocations
    }

    /// When [`Self::allocate`] has something to do again, if nothing is reported before.
    pub fn next_deadline(&self) -> Option<Time> {
        let expiry = self.filters.first_expiry().map(|expiry| self.schedule.tick_after(expiry));
        self.schedule.due().into_iter().chain(expiry).min()
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

    fn allocate_agent(&mut self, agent_id: &AgentId, allocations: &mut Vec<Allocation>) {
        for role in self.role_sorter.sort(&self.cluster).iter() {
            if !self.agents.get(agent_id).is_some_and(Agent::has_something_to_give) {
                return;
            }
            let Some(sorter) = self.framework_sorters.get_mut(role) else { continue };
            for framework_id in sorter.sort(&self.cluster).iter() {
                let Some(resources) = self.offerable(agent_id, role, framework_id) else { continue };
                self.hold(framework_id, agent_id, &resources);
                allocations.push(Allocation {
                    framework_id: framework_id.clone(),
                    role: role.clone(),
                    agent_id: agent_id.clone(),
                    resources,
                });
            }
        }
    }

    /// All that `framework` can be offered of the agent under `role`, if it is worth an offer.
    fn offerable(&self, agent_id: &AgentId, role: &str, framework_id: &FrameworkId) -> Option<Resources> {
        let agent = self.agents.get(agent_id).filter(|agent| !agent.available().is_empty())?;
        let framework = self.frameworks.get(framework_id)?;
        if !self.may_receive(framework, role, agent) {
            return None;
        }
        let mut resources = takeable(agent.available(), role, framework.capabilities);
        let worthwhile = self.is_allocatable(&resources, role, framework)
            && !self.filters.refuses(framework_id, role, agent_id, &resources);
        worthwhile.then(|| {
            resources.allocate(role);
            resources
        })
    }

    fn may_receive(&self, framework: &Framework, role: &str, agent: &Agent) -> bool {
        let capabilities = framework.capabilities;
        let gpus = capabilities.gpu_resources || !self.config.filter_gpu_resources || !agent.has_gpus();
        let region = capabilities.region_aware || !agent.is_remote(self.config.region.as_deref());
        let roles = agent.capabilities.multi_role || !capabilities.multi_role;
        let hierarchy = agent.capabilities.hierarchical_role || !role.contains('/');
        gpus && region && roles && hierarchy
    }

    fn is_allocatable(&self, resources: &Resources, role: &str, framework: &Framework) -> bool {
        let minimums = framework.min_allocatable.get(role).unwrap_or(&self.config.min_allocatable_resources);
        let quantities = Quantities::of(resources);
        !resources.is_empty()
            && (minimums.is_empty() || minimums.iter().any(|minimum| quantities.contains(minimum)))
    }

    fn hold(&mut self, framework_id: &FrameworkId, agent_id: &AgentId, resources: &Resources) {
        if let Some(agent) = self.agents.get_mut(agent_id) {
            agent.hold(framework_id, resources);
        }
        self.track(framework_id, resources);
    }
}

fn key(allocation: &Allocation) -> (&FrameworkId, &str, &AgentId) {
    (&allocation.framework_id, &allocation.role, &allocation.agent_id)
}

/// What of `available` may go to `role` and a framework of these capabilities: first what quotas never concern
/// (reserved, revocable or not scalar), then the rest, which is the order Mesos offers in.
fn takeable(available: &Resources, role: &str, capabilities: FrameworkCapabilities) -> Resources {
    let fitting = available.filter(|it| it.is_allocatable_to(role) && is_understood(it, capabilities));
    let mut resources = fitting.filter(is_beyond_quota);
    resources += fitting.filter(|it| !is_beyond_quota(it));
    resources
}

fn is_beyond_quota(resource: &Resource) -> bool {
    !resource.is_unreserved() || resource.is_revocable() || resource.scalar.is_none()
}

fn is_understood(resource: &Resource, capabilities: FrameworkCapabilities) -> bool {
    (!resource.is_shared() || capabilities.shared_resources)
        && (!resource.is_revocable() || capabilities.revocable_resources)
        && (resource.reservations.len() < 2 || capabilities.reservation_refinement)
}
