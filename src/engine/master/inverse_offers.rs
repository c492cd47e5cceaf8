//! Inverse offers: frameworks are asked for what they hold on agents that will be unavailable.

use super::{Master, events, offers::url, timers::Timer};
use crate::{
    engine::allocator::{Answer, refusal},
    mesos::v1::{
        AgentId, Filters, FrameworkId, InverseOffer, OfferId, allocator::inverse_offer_status::Status,
    },
};

impl Master {
    /// Asks whom the allocator wants to be asked, one event a framework.
    pub(super) fn make_inverse_offers(&mut self) {
        for (framework, agents) in self.allocator.take_inverse_offers() {
            let asked =
                agents.iter().filter_map(|agent| self.make_inverse_offer(&framework, agent)).collect();
            self.send_inverse_offers(&framework, asked);
        }
    }

    fn send_inverse_offers(&mut self, framework: &FrameworkId, offers: Vec<InverseOffer>) {
        if !offers.is_empty() {
            self.send(framework, events::inverse_offers(offers));
        }
    }

    fn make_inverse_offer(&mut self, framework: &FrameworkId, agent: &AgentId) -> Option<InverseOffer> {
        let Some(mut offer) = self.build_inverse_offer(framework, agent) else {
            self.allocator.close_inverse_offer(self.now, framework, agent, None);
            return None;
        };
        offer.id = self.new_offer_id();
        if let Some(timeout) = self.config.offer_timeout {
            self.set_timer(timeout, Timer::OfferTimeout(offer.id.clone()));
        }
        self.inverse_offers.insert(offer.id.clone(), offer.clone());
        Some(offer)
    }

    fn build_inverse_offer(&self, framework: &FrameworkId, agent: &AgentId) -> Option<InverseOffer> {
        let framework = self.frameworks.get(framework).filter(|it| it.connected() && it.active)?;
        let agent = self.agents.get(agent).filter(|agent| agent.active)?;
        Some(InverseOffer {
            id: OfferId::default(),
            url: Some(url(agent)),
            framework_id: framework.id.clone(),
            agent_id: Some(agent.id.clone()),
            unavailability: *self.maintenance.unavailability(&agent.machine_id())?,
            resources: Vec::new(),
        })
    }

    /// ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS; what is no longer valid is ignored.
    pub(super) fn answer_inverse_offers(
        &mut self,
        ids: &[OfferId],
        status: Status,
        filters: Option<&Filters>,
    ) {
        let answer = Answer { status, refusal: refusal(filters) };
        ids.iter().for_each(|id| drop(self.close_inverse_offer(id, Some(answer))));
    }

    fn close_inverse_offer(&mut self, id: &OfferId, answer: Option<Answer>) -> Option<FrameworkId> {
        let offer = self.inverse_offers.remove(id)?;
        let agent = offer.agent_id.unwrap_or_default();
        self.allocator.close_inverse_offer(self.now, &offer.framework_id, &agent, answer);
        Some(offer.framework_id)
    }

    pub(super) fn rescind_inverse_offer(&mut self, id: &OfferId) {
        if let Some(framework) = self.close_inverse_offer(id, None) {
            self.send(&framework, events::rescind_inverse_offer(id.clone()));
        }
    }

    pub(super) fn rescind_inverse_offers_on(&mut self, agent: &AgentId) {
        for id in self.inverse_offers_where(|offer| offer.agent_id.as_ref() == Some(agent)) {
            self.rescind_inverse_offer(&id);
        }
    }

    /// Takes all back that a framework has; it hears of it if there is somebody to hear.
    pub(super) fn withdraw_inverse_offers(&mut self, framework: &FrameworkId, rescind: bool) {
        for id in self.inverse_offers_where(|offer| offer.framework_id == *framework) {
            if rescind {
                self.rescind_inverse_offer(&id);
            } else {
                self.close_inverse_offer(&id, None);
            }
        }
    }

    fn inverse_offers_where(&self, is_wanted: impl Fn(&InverseOffer) -> bool) -> Vec<OfferId> {
        self.inverse_offers.values().filter(|offer| is_wanted(offer)).map(|offer| offer.id.clone()).collect()
    }
}
