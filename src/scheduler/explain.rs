//! Why tasks are not placed: per requirement what is missing, measured against the newest offer of every agent.

use crate::{
    mesos::time::Time,
    scheduler::{
        Scheduler,
        api::{AgentRefusal, Explain, Missing, OfferView, Phase, SlotWait},
        market::Seen,
        placing::Refusal,
        quantities::Quantities,
    },
};

impl Scheduler {
    /// As of `now`.
    pub fn explain(&self, now: Time) -> Explain {
        let unplaced = self.fleet.vacancies(now) as u64;
        let missing = if unplaced == 0 { Vec::new() } else { self.missing() };
        let constraints = if unplaced == 0 { Vec::new() } else { self.constraint_refusals() };
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

    fn missing(&self) -> Vec<Missing> {
        if let Some(obstacle) = self.obstacle() {
            return vec![obstacle];
        }
        let wants = self.config.wants();
        let largest = self.market.agents().fold(Quantities::default(), |most, seen| most.max(&seen.left));
        let short = largest.shortfalls(&wants);
        if short.is_empty() {
            return self.scattered(&wants).into_iter().collect();
        }
        short
            .into_iter()
            .map(|short| Missing {
                text: format!("{}: wants {}, largest offer has {}", short.resource, short.wants, short.has),
                requirement: short.resource,
            })
            .collect()
    }

    /// What keeps offers from us altogether.
    fn obstacle(&self) -> Option<Missing> {
        let missing = |requirement: &str, text: String| {
            Some(Missing { requirement: requirement.to_owned(), text: format!("{requirement}: {text}") })
        };
        if self.link.phase != Phase::Subscribed {
            let problem = self.link.problem.as_deref().unwrap_or("connecting");
            return missing("master", format!("not subscribed ({problem})"));
        }
        if self.fleet.vacancies(self.now) > 0 && self.fleet.demand(self.now) == 0 {
            return missing("tasks", "those that are too many have to end first".to_owned());
        }
        if self.market.agents().next().is_none() {
            return missing("offers", "the master has offered nothing yet".to_owned());
        }
        None
    }

    /// Every requirement is met somewhere, but not all of them on one agent.
    fn scattered(&self, wants: &Quantities) -> Option<Missing> {
        let whole = |seen: &&Seen| seen.left.shortfalls(wants).is_empty();
        if self.market.agents().any(|seen| whole(&seen)) {
            let waits = self.constraint_refusals().is_empty();
            let text = "offers: an agent has enough; waiting for its offer".to_owned();
            return waits.then(|| Missing { requirement: "offers".to_owned(), text });
        }
        let nearest = self.market.agents().min_by_key(|seen| seen.left.shortfalls(wants).len())?;
        let lacks: Vec<_> = nearest
            .left
            .shortfalls(wants)
            .into_iter()
            .map(|short| format!("{} (wants {}, has {})", short.resource, short.wants, short.has))
            .collect();
        Some(Missing {
            requirement: "agents".to_owned(),
            text: format!(
                "agents: none has all at once; {} lacks {}",
                nearest.place.hostname,
                lacks.join(", ")
            ),
        })
    }

    fn constraint_refusals(&self) -> Vec<AgentRefusal> {
        let refused = |seen: &Seen| match &seen.refusal {
            Some(Refusal::Constraint(text)) => Some(AgentRefusal {
                agent_id: seen.offer.agent_id.clone(),
                hostname: seen.place.hostname.clone(),
                text: text.clone(),
            }),
            _ => None,
        };
        self.market.agents().filter_map(refused).collect()
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
