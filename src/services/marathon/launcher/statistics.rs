//! What became of the offers that an app has looked at, for `/v2/queue`.

use std::collections::BTreeMap;

use super::{
    api::{ProcessedOffers, RejectStep, UnusedOffer},
    matching::Reason,
};
use crate::{
    mesos::{
        time::Time,
        v1::{AgentId, Offer},
    },
    services::marathon::model::Timestamp,
};

#[derive(Clone, Debug, Default)]
pub struct Statistics {
    processed: u64,
    unused: u64,
    last_used_at: Option<Time>,
    last_unused_at: Option<Time>,
    rejects: BTreeMap<Reason, u64>,
    last_unused: BTreeMap<AgentId, UnusedOffer>,
}

impl Statistics {
    pub fn used(&mut self, now: Time) {
        self.processed += 1;
        self.last_used_at = Some(now);
    }

    pub fn unused(&mut self, now: Time, offer: &Offer, reasons: Vec<Reason>) {
        self.processed += 1;
        self.unused += 1;
        self.last_unused_at = Some(now);
        if let Some(first) = reasons.iter().min() {
            *self.rejects.entry(*first).or_default() += 1;
        }
        let unused = UnusedOffer { offer: offer.clone(), at: now, reasons };
        self.last_unused.insert(offer.agent_id.clone(), unused);
    }

    pub fn last_unused_offers(&self) -> Vec<UnusedOffer> {
        self.last_unused.values().cloned().collect()
    }

    pub fn summary(&self) -> ProcessedOffers {
        let mut last = BTreeMap::new();
        for unused in self.last_unused.values() {
            if let Some(first) = unused.reasons.iter().min() {
                *last.entry(*first).or_default() += 1;
            }
        }
        ProcessedOffers {
            processed: self.processed,
            unused: self.unused,
            last_unused_at: self.last_unused_at.map(Timestamp::from),
            last_used_at: self.last_used_at.map(Timestamp::from),
            reject_summary_last_offers: funnel(self.last_unused.len() as u64, &last),
            reject_summary_launch_attempt: funnel(self.processed, &self.rejects),
        }
    }
}

/// Each step sees what the steps before it have let through.
fn funnel(offers: u64, declined: &BTreeMap<Reason, u64>) -> Vec<RejectStep> {
    let mut processed = offers;
    Reason::ALL
        .into_iter()
        .map(|reason| {
            let declined = declined.get(&reason).copied().unwrap_or_default();
            let step = RejectStep { reason, declined, processed };
            processed = processed.saturating_sub(declined);
            step
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(agent: &str) -> Offer {
        Offer { agent_id: agent.into(), ..Offer::default() }
    }

    #[test]
    fn of_several_reasons_the_first_of_the_funnel_counts() {
        let now = Time::default();
        let mut statistics = Statistics::default();
        statistics.unused(now, &offer("a"), vec![Reason::InsufficientCpus, Reason::UnfulfilledRole]);
        statistics.unused(now, &offer("a"), vec![Reason::InsufficientMemory]);
        statistics.unused(now, &offer("b"), vec![]);
        statistics.used(now);
        let summary = statistics.summary();
        assert_eq!((summary.processed, summary.unused), (4, 3));
        let steps = |steps: Vec<RejectStep>| -> Vec<_> {
            let told = steps.iter().map(|step| (step.reason, step.declined, step.processed));
            told.filter(|(_, declined, _)| *declined > 0).collect()
        };
        assert_eq!(
            steps(summary.reject_summary_launch_attempt),
            [(Reason::UnfulfilledRole, 1, 4), (Reason::InsufficientMemory, 1, 3)],
        );
        assert_eq!(steps(summary.reject_summary_last_offers), [(Reason::InsufficientMemory, 1, 2)]);
        assert_eq!(statistics.last_unused_offers().len(), 2);
    }
}
