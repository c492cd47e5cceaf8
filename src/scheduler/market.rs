//! What the framework remembers of offers: the last ones with their verdicts, the newest per agent, and whether the
//! master has been told that none are wanted.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    mesos::{
        time::Time,
        v1::{AgentId, OfferId},
    },
    scheduler::{
        api::{OfferView, Verdict},
        placing::Refusal,
        quantities::Quantities,
        task::Place,
    },
};

const REMEMBERED: usize = 200;
const BETWEEN_REVIVES: Duration = Duration::from_millis(25);

/// What an agent last offered.
#[derive(Clone, Debug)]
pub struct Seen {
    pub place: Place,
    pub offer: OfferView,
    /// What was left of it for us.
    pub left: Quantities,
    pub refusal: Option<Refusal>,
}

#[derive(Clone, Debug, Default)]
pub struct Market {
    offers: VecDeque<OfferView>,
    agents: BTreeMap<AgentId, Seen>,
    pub suppressed: bool,
    /// Something was refused since the last REVIVE.
    filtered: bool,
    /// What is wanted has changed: refused offers may serve now.
    reconsider: bool,
    demand: usize,
    revive_after: Time,
}

/// What to tell the master about our wish for offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appetite {
    Suppress,
    Revive,
}

impl Market {
    /// Newest first.
    pub fn offers(&self) -> impl Iterator<Item = &OfferView> {
        self.offers.iter()
    }

    pub fn agents(&self) -> impl Iterator<Item = &Seen> + Clone {
        self.agents.values()
    }

    pub fn agent(&self, id: &AgentId) -> Option<&Seen> {
        self.agents.get(id)
    }

    pub fn record(&mut self, view: OfferView) {
        self.offers.truncate(REMEMBERED - 1);
        self.offers.push_front(view);
    }

    /// An offer was taken back: its verdict now, when it is remembered and this is news.
    pub fn rescind(&mut self, id: &OfferId) -> Option<OfferView> {
        let remembered = self.offers.iter_mut().find(|view| view.id == id.as_str())?;
        if remembered.verdict == Verdict::Rescinded {
            return None;
        }
        remembered.verdict = Verdict::Rescinded;
        remembered.reason = format!("the master took it back (was: {})", remembered.reason);
        let view = remembered.clone();
        let newest = self.agents.values_mut().find(|seen| seen.offer.id == view.id);
        if let Some(seen) = newest {
            seen.offer.verdict = view.verdict;
            seen.offer.reason.clone_from(&view.reason);
        }
        Some(view)
    }

    pub fn saw(&mut self, id: AgentId, seen: Seen) {
        self.filtered = true;
        self.agents.insert(id, seen);
    }

    pub fn agent_gone(&mut self, id: &AgentId) {
        self.agents.remove(id);
    }

    pub fn reconsider(&mut self) {
        self.reconsider = true;
    }

    /// A new subscription: the master holds no filters, and what agents there are is to be seen.
    pub fn subscribed(&mut self, demand: usize) {
        self.agents.clear();
        self.filtered = false;
        self.reconsider = false;
        self.demand = demand;
    }

    /// The master may not have heard of the last REVIVE or SUPPRESS.
    pub fn doubt(&mut self) {
        self.suppressed = false;
        self.filtered = true;
        self.reconsider = true;
    }

    /// What to say now that `demand` tasks could be launched; says it once.
    pub fn appetite(&mut self, now: Time, demand: usize) -> Option<Appetite> {
        let grown = demand > self.demand;
        self.demand = demand;
        if demand == 0 {
            self.reconsider = false;
            return (!std::mem::replace(&mut self.suppressed, true)).then_some(Appetite::Suppress);
        }
        self.reconsider |= self.suppressed || (grown && self.filtered);
        if !self.reconsider || now < self.revive_after {
            return None;
        }
        self.suppressed = false;
        self.filtered = false;
        self.reconsider = false;
        self.revive_after = now + BETWEEN_REVIVES;
        Some(Appetite::Revive)
    }

    /// When a REVIVE that came too soon after the last one is due.
    pub fn next_deadline(&self) -> Option<Time> {
        (self.reconsider && self.demand > 0).then_some(self.revive_after)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Appetite, BETWEEN_REVIVES, Market};
    use crate::mesos::time::Time;

    #[test]
    fn says_each_thing_once_and_does_not_revive_in_a_storm() {
        let start = Time::from_epoch(Duration::from_secs(1));
        let mut market = Market::default();
        assert_eq!(market.appetite(start, 0), Some(Appetite::Suppress));
        assert_eq!(market.appetite(start, 0), None);
        assert_eq!(market.appetite(start, 3), Some(Appetite::Revive));
        assert_eq!(market.appetite(start, 3), None);
        assert_eq!(market.appetite(start, 4), None, "nothing was refused since: offers come by themselves");
        market.reconsider();
        assert_eq!(market.appetite(start, 4), None);
        assert_eq!(market.next_deadline(), Some(start + BETWEEN_REVIVES));
        assert_eq!(market.appetite(start + BETWEEN_REVIVES, 4), Some(Appetite::Revive));
    }
}
