//! Why tasks are not placed: per requirement what is missing, measured against the newest offer of every agent.

use crate::{
    mesos::time::Time,
    scheduler::{
        Scheduler,
        api::{AgentRefusal, Explain, Missing, OfferView, Phase, SlotWait},
        market::Seen,
        offers::NO_EXECUTOR,
        shortage::{self, Remainder, obstacle},
    },
};

impl Scheduler {
    /// As of `now`.
    pub fn explain(&self, now: Time) -> Explain {
        let unplaced = self.fleet.vacancies(now) as u64;
        let agents: Vec<_> = self.market.agents().filter(|_| unplaced > 0).map(remainder).collect();
        let missing = if unplaced == 0 { Vec::new() } else { self.missing(&agents) };
        let constraints = shortage::constraint_refusals(&agents);
        Explain {
            summary: self.explanation(unplaced, &missing, &constraints),
            unplaced,
            wants: self.config.wants(),
            missing,
            constraints,
            backing_off: self.slot_waits(now),
            offers: self.newest_offers(),
        }
    }

    fn explanation(&self, unplaced: u64, missing: &[Missing], constraints: &[AgentRefusal]) -> String {
        let state = self.state().summary;
        if unplaced == 0 {
            return state;
        }
        let causes: Vec<_> = missing.iter().map(|missing| missing.text.clone()).collect();
        let causes = if causes.is_empty() {
            constraints.iter().map(|refusal| format!("{}: {}", refusal.hostname, refusal.text)).collect()
        } else {
            causes
        };
        if causes.is_empty() { state } else { format!("{state}: {}", causes.join("; ")) }
    }

    fn missing(&self, agents: &[Remainder]) -> Vec<Missing> {
        match self.obstacle() {
            Some(obstacle) => vec![obstacle],
            None => shortage::missing(&self.config.wants(), agents),
        }
    }

    /// What keeps offers from us altogether.
    fn obstacle(&self) -> Option<Missing> {
        match self.link.phase {
            Phase::Subscribed => {}
            Phase::Disconnected => {
                return Some(obstacle("master", format!("not subscribed ({})", self.problem())));
            }
            Phase::Stopped => return Some(obstacle("scheduler", format!("given up ({})", self.problem()))),
        }
        if self.lacks_executor() {
            return Some(obstacle("executor", NO_EXECUTOR));
        }
        if self.fleet.vacancies(self.now) > 0 && self.fleet.demand(self.now) == 0 {
            return Some(shortage::too_many_first());
        }
        if self.market.agents().next().is_none() {
            return Some(obstacle("offers", "the master has offered nothing yet"));
        }
        None
    }

    fn slot_waits(&self, now: Time) -> Vec<SlotWait> {
        self.fleet
            .waiting(now)
            .map(|(slot, waiting)| SlotWait {
                slot,
                failures: waiting.backoff.failures,
                seconds: waiting.ready_at.since(now).as_secs_f64(),
                last_message: waiting.last_message.clone(),
            })
            .collect()
    }

    fn newest_offers(&self) -> Vec<OfferView> {
        let mut offers: Vec<_> = self.market.agents().map(|seen| seen.offer.clone()).collect();
        offers.sort_by(|a, b| a.hostname.cmp(&b.hostname).then_with(|| a.agent_id.cmp(&b.agent_id)));
        offers
    }
}

fn remainder(seen: &Seen) -> Remainder<'_> {
    Remainder {
        agent_id: &seen.offer.agent_id,
        hostname: &seen.place.hostname,
        left: seen.left,
        refusal: seen.refusal.as_ref(),
    }
}
