//! Offers: outstanding with any framework, answered by our scheduler; the newest are kept.

use std::{collections::HashSet, sync::Arc};

use crate::{
    cluster::{
        ClusterView,
        amounts::quantities,
        history::{Kind, Weight},
        offer::{Offer, Verdict},
        rows::{Key, Rows as _},
    },
    mesos::{time::Time, v1},
    scheduler::api,
};

/// So many offers are kept.
pub const OFFERS: usize = 1000;
/// More verdicts at a time are summed up in the history.
const TOLD: usize = 10;

impl ClusterView {
    /// All offers that are outstanding.
    pub(super) fn outstanding(&mut self, offers: Vec<v1::Offer>) {
        let named: HashSet<&str> = offers.iter().map(|offer| offer.id.as_str()).collect();
        let gone = self.offers.iter().filter(|offer| offer.verdict == Verdict::Outstanding);
        let gone: Vec<_> = gone
            .filter(|offer| !named.contains(&*offer.id))
            .filter_map(|it| self.offers.key(&it.id))
            .collect();
        gone.into_iter().for_each(|key| self.settle(key, Verdict::Gone));
        for offer in offers {
            if self.offers.key(offer.id.as_str()).is_none() && self.has_room_for_an_offer() {
                let offer = self.read_offer(offer);
                self.offers.put(&offer.id.clone(), offer);
            }
        }
    }

    fn read_offer(&mut self, offer: v1::Offer) -> Offer {
        let agent = self.agent_name(offer.agent_id.as_str(), &offer.hostname);
        let names = &mut self.fold.names;
        let framework = self.frameworks.find(offer.framework_id.as_str());
        let role = offer.allocation_info.and_then(|info| info.role).unwrap_or_else(|| "*".to_owned());
        Offer {
            agent_id: names.get(offer.agent_id.as_str()),
            hostname: names.get(&offer.hostname),
            agent,
            framework: framework
                .map_or_else(|| names.get(offer.framework_id.as_str()), |it| Arc::clone(&it.name)),
            resources: quantities(&offer.resources),
            id: offer.id.value,
            role,
            at: self.fold.now,
            verdict: Verdict::Outstanding,
            reason: String::new(),
            tasks: Vec::new(),
            refuse_seconds: 0.0,
            order: self.next_order(),
        }
    }

    /// Offers that are no longer outstanding make room, the oldest first.
    fn has_room_for_an_offer(&mut self) -> bool {
        if self.offers.len() < OFFERS {
            return true;
        }
        let Some((_, key)) = self.fold.settled.pop_first() else { return false };
        let id = self.offers.get(key).map(|offer| offer.id.clone());
        id.is_some_and(|id| self.offers.remove(&id).is_some())
    }

    fn settle(&mut self, key: Key, verdict: Verdict) {
        if let Some(offer) = self.offers.get_mut(key) {
            offer.verdict = verdict;
            self.fold.settled.insert(offer.order, key);
        }
    }

    /// What our scheduler has answered, oldest first.
    pub(super) fn verdicts(&mut self, views: Vec<api::OfferView>) {
        if views.len() > TOLD {
            let accepted = views.iter().filter(|view| view.verdict == api::Verdict::Accepted).count();
            let text = format!("{} offers answered, {accepted} of them accepted", views.len());
            self.tell(Kind::Offer, Weight::Info, "", text);
        } else {
            views.iter().for_each(|view| self.tell_verdict(view));
        }
        views.into_iter().for_each(|view| self.verdict(view));
    }

    pub(super) fn verdict(&mut self, view: api::OfferView) {
        let old = self.offers.find(&view.id).map(|offer| (offer.at, offer.order));
        if old.is_none() && !self.has_room_for_an_offer() {
            return;
        }
        let (at, order) =
            old.unwrap_or_else(|| (Time::from_secs_f64(view.at).unwrap_or(self.fold.now), self.next_order()));
        let agent = self.agent_name(&view.agent_id, &view.hostname);
        let names = &mut self.fold.names;
        let ours = self.scheduler.as_ref().map_or("", |scheduler| scheduler.state.name.as_str());
        let offer = Offer {
            agent_id: names.get(&view.agent_id),
            hostname: names.get(&view.hostname),
            agent,
            framework: names.get(ours),
            role: view.role,
            resources: view.resources,
            at,
            verdict: Verdict::of(view.verdict),
            reason: view.reason,
            tasks: view.tasks,
            refuse_seconds: view.refuse_seconds,
            order,
            id: view.id,
        };
        let key = self.offers.put(&offer.id.clone(), offer);
        self.fold.settled.insert(order, key);
    }

    fn tell_verdict(&mut self, view: &api::OfferView) {
        let (word, weight) = match view.verdict {
            api::Verdict::Accepted => ("accepted", Weight::Good),
            api::Verdict::Declined => ("declined", Weight::Info),
            api::Verdict::Rescinded => ("rescinded", Weight::Warning),
        };
        let agent = self.agent_name(&view.agent_id, &view.hostname);
        let text = format!("offer of {agent} {word}: {}", view.reason);
        self.tell(Kind::Offer, weight, &view.id, text);
    }
}

impl Verdict {
    fn of(verdict: api::Verdict) -> Self {
        match verdict {
            api::Verdict::Accepted => Self::Accepted,
            api::Verdict::Declined => Self::Declined,
            api::Verdict::Rescinded => Self::Rescinded,
        }
    }
}
