//! Offers: made from allocations, declined, rescinded; REVIVE and SUPPRESS.

use std::{collections::BTreeSet, time::Duration};

use super::{Agent, Framework, Master, Resources, events, timers::Timer};
use crate::{
    engine::allocator::{Allocation, Recovery, refusal},
    mesos::{
        roles,
        v1::{
            Address, AgentId, FrameworkId, Offer, OfferId, Resource, Url, framework_info::capability,
            resource::AllocationInfo, scheduler::call::Decline,
        },
    },
};

/// The role that an offer was made to.
pub(super) fn role_of(offer: &Offer) -> &str {
    offer.allocation_info.as_ref().map_or("*", AllocationInfo::role)
}

impl Master {
    /// Turns what the allocator gives now into offers, one event a framework.
    pub(super) fn make_offers(&mut self) {
        let mut batch: Option<(FrameworkId, Vec<Offer>)> = None;
        for allocation in self.allocator.allocate(self.now) {
            let Some(offer) = self.make_offer(&allocation) else { continue };
            match &mut batch {
                Some((id, offers)) if *id == allocation.framework_id => offers.push(offer),
                _ => {
                    let full = batch.replace((allocation.framework_id, vec![offer]));
                    self.send_offers(full);
                }
            }
        }
        self.send_offers(batch);
    }

    fn send_offers(&mut self, batch: Option<(FrameworkId, Vec<Offer>)>) {
        let Some((id, offers)) = batch else { return };
        if let Some(framework) = self.frameworks.get_mut(&id) {
            framework.counters.offers_sent += offers.len() as u64;
        }
        self.send(&id, events::offers(offers));
    }

    /// Books an offer and returns it as the framework is to see it; gives back what cannot be offered.
    fn make_offer(&mut self, allocation: &Allocation) -> Option<Offer> {
        let Some(offer) = self.build_offer(allocation) else {
            let (framework, agent) = (&allocation.framework_id, &allocation.agent_id);
            let unused = Recovery::Unused(None);
            self.allocator.recover_resources(self.now, framework, agent, &allocation.resources, unused);
            return None;
        };
        let id = self.new_offer_id();
        let offer = Offer { id: id.clone(), ..offer };
        let framework = self.frameworks.get_mut(&offer.framework_id)?;
        framework.offers.insert(id.clone());
        let shown = shown_to(framework, offer.clone());
        let agent = self.agents.get_mut(&offer.agent_id)?;
        agent.offers.insert(id.clone());
        agent.offered += allocation.resources.clone();
        self.offers.insert(id.clone(), offer);
        if let Some(timeout) = self.config.offer_timeout {
            self.set_timer(timeout, Timer::OfferTimeout(id));
        }
        Some(shown)
    }

    fn build_offer(&self, allocation: &Allocation) -> Option<Offer> {
        let framework =
            self.frameworks.get(&allocation.framework_id).filter(|it| it.connected() && it.active)?;
        let agent = self.agents.get(&allocation.agent_id).filter(|agent| agent.active)?;
        let executors = agent.executors.get(&framework.id);
        Some(Offer {
            id: OfferId::default(),
            framework_id: framework.id.clone(),
            agent_id: agent.id.clone(),
            hostname: agent.info.hostname.clone(),
            url: Some(url(agent)),
            domain: agent.info.domain.clone(),
            resources: allocation.resources.to_protos(),
            attributes: agent.info.attributes.clone(),
            executor_ids: executors.map(|it| it.keys().cloned().collect()).unwrap_or_default(),
            unavailability: self.maintenance.unavailability(&agent.machine_id()).copied(),
            allocation_info: Some(AllocationInfo { role: Some(allocation.role.clone()) }),
        })
    }

    pub(super) fn decline(&mut self, id: &FrameworkId, decline: Decline) {
        self.counters.messages_decline_offers += 1;
        let refusal = refusal(decline.filters.as_ref());
        let declined =
            decline.offer_ids.iter().filter(|offer| self.discard_offer(offer, Some(refusal))).count();
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.counters.offers_declined += declined as u64;
        }
    }

    /// Takes an offer back without a word; false when there is none.
    pub(super) fn discard_offer(&mut self, id: &OfferId, refusal: Option<Duration>) -> bool {
        let Some(offer) = self.remove_offer(id) else { return false };
        let resources = Resources::from(offer.resources);
        let unused = Recovery::Unused(refusal);
        self.allocator.recover_resources(self.now, &offer.framework_id, &offer.agent_id, &resources, unused);
        true
    }

    pub(super) fn rescind_offer(&mut self, id: &OfferId) {
        let Some(offer) = self.offers.get(id) else { return };
        let framework = offer.framework_id.clone();
        if let Some(framework) = self.frameworks.get_mut(&framework) {
            framework.counters.offers_rescinded += 1;
        }
        self.send(&framework, events::rescind(id.clone()));
        self.discard_offer(id, None);
    }

    /// Strikes an offer off the books; its resources stay with the framework until the allocator is told otherwise.
    pub(super) fn remove_offer(&mut self, id: &OfferId) -> Option<Offer> {
        let offer = self.offers.remove(id)?;
        if let Some(framework) = self.frameworks.get_mut(&offer.framework_id) {
            framework.offers.remove(id);
        }
        if let Some(agent) = self.agents.get_mut(&offer.agent_id) {
            agent.offers.remove(id);
            agent.offered -= Resources::from(offer.resources.clone());
        }
        Some(offer)
    }

    pub(super) fn rescind_offers_on(&mut self, agent: &AgentId) {
        let offers: Vec<OfferId> =
            self.agents.get(agent).map(|agent| agent.offers.iter().cloned().collect()).unwrap_or_default();
        offers.iter().for_each(|offer| self.rescind_offer(offer));
    }

    pub(super) fn revive(&mut self, id: &FrameworkId, roles: &[String]) {
        self.counters.messages_revive_offers += 1;
        let Some(roles) = self.own_roles(id, roles) else { return };
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.suppressed_roles.retain(|role| !roles.is_empty() && !roles.contains(role));
        }
        self.allocator.revive_offers(id, &roles);
    }

    pub(super) fn suppress(&mut self, id: &FrameworkId, roles: &[String]) {
        self.counters.messages_suppress_offers += 1;
        let Some(roles) = self.own_roles(id, roles) else { return };
        if let Some(framework) = self.frameworks.get_mut(id) {
            let all = crate::engine::allocator::roles_of(&framework.info);
            framework.suppressed_roles.extend(if roles.is_empty() { all } else { roles.clone() });
        }
        self.allocator.suppress_offers(id, &roles);
    }

    /// The roles named in a call; `None`, and the call is dropped, when one is not the framework's.
    fn own_roles(&self, id: &FrameworkId, named: &[String]) -> Option<BTreeSet<String>> {
        let subscribed = crate::engine::allocator::roles_of(&self.frameworks.get(id)?.info);
        let is_own = |role: &String| roles::validate(role).is_ok() && subscribed.contains(role);
        named.iter().all(is_own).then(|| named.iter().cloned().collect())
    }
}

/// Frameworks without MULTI_ROLE know no allocation info, those without RESERVATION_REFINEMENT the old form only.
fn shown_to(framework: &Framework, mut offer: Offer) -> Offer {
    if !framework.has_capability(capability::Type::MultiRole) {
        offer.allocation_info = None;
        offer.resources.iter_mut().for_each(|resource| resource.allocation_info = None);
    }
    if !framework.has_capability(capability::Type::ReservationRefinement) {
        offer.resources = offer.resources.into_iter().map(Resource::into_unrefined_format).collect();
    }
    offer
}

/// Where the agent answers; its pid is `slave(1)@127.0.0.1:5051`.
pub(super) fn url(agent: &Agent) -> Url {
    let (process, address) = agent.pid.split_once('@').unwrap_or(("slave(1)", &agent.pid));
    let (ip, port) = address.rsplit_once(':').unwrap_or((address, ""));
    Url {
        scheme: "http".into(),
        address: Address {
            hostname: Some(agent.info.hostname.clone()),
            ip: Some(ip.to_owned()),
            port: port.parse().unwrap_or_else(|_| agent.info.port()),
        },
        path: Some(format!("/{process}")),
        query: Vec::new(),
        fragment: None,
    }
}
