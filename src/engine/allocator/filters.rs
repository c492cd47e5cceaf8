//! Offer filters: what a framework has refused on an agent, and until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::mesos::{
    resources::Resources,
    time::Time,
    v1::{AgentId, Filters, FrameworkId},
};

const DEFAULT_REFUSAL: Duration = Duration::from_secs(5);
const LONGEST_REFUSAL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `refuse_seconds` as Mesos reads it: five seconds when absent or negative, a year at most.
/// Not-a-number is the shortest refusal there is, as with Mesos' conversion to nanoseconds.
pub fn refusal(filters: Option<&Filters>) -> Duration {
    match filters.map(Filters::refuse_seconds) {
        None => DEFAULT_REFUSAL,
        Some(seconds) if seconds.is_nan() => Duration::from_nanos(1),
        Some(seconds) if seconds < 0.0 => DEFAULT_REFUSAL,
        Some(seconds) => {
            Duration::try_from_secs_f64(seconds).map_or(LONGEST_REFUSAL, |it| it.min(LONGEST_REFUSAL))
        }
    }
}

/// Whose filter: one role of one framework.
type Subscription = (FrameworkId, String);

#[derive(Clone, Debug)]
struct Filter {
    /// Unallocated.
    resources: Resources,
    expires: Time,
    serial: u64,
}

/// All filters of a cluster, also in the order of their expiry.
#[derive(Clone, Debug, Default)]
pub(super) struct FilterTable {
    filters: BTreeMap<Subscription, BTreeMap<AgentId, Vec<Filter>>>,
    expiries: BTreeMap<(Time, u64), (Subscription, AgentId)>,
    serial: u64,
}

impl FilterTable {
    /// Refuses whatever is contained in `resources` until `expires`. A filter that this one outdoes is dropped.
    pub fn add(
        &mut self,
        id: &FrameworkId,
        role: &str,
        agent: &AgentId,
        resources: Resources,
        expires: Time,
    ) {
        let subscription = (id.clone(), role.to_owned());
        let filters = self.filters.entry(subscription.clone()).or_default().entry(agent.clone()).or_default();
        filters.retain(|old| {
            let outdone = old.expires <= expires && resources.contains(&old.resources);
            if outdone {
                self.expiries.remove(&(old.expires, old.serial));
            }
            !outdone
        });
        self.serial += 1;
        filters.push(Filter { resources, expires, serial: self.serial });
        self.expiries.insert((expires, self.serial), (subscription, agent.clone()));
    }

    pub fn refuses(&self, id: &FrameworkId, role: &str, agent: &AgentId, resources: &Resources) -> bool {
        if self.filters.is_empty() {
            return false;
        }
        self.filters
            .get(&(id.clone(), role.to_owned()))
            .and_then(|agents| agents.get(agent))
            .is_some_and(|filters| filters.iter().any(|filter| filter.resources.contains(resources)))
    }

    pub fn first_expiry(&self) -> Option<Time> {
        self.expiries.keys().next().map(|(expires, _)| *expires)
    }

    /// Drops the filters for which `expired` holds, oldest first; returns their agents.
    pub fn expire(&mut self, expired: impl Fn(Time) -> bool) -> BTreeSet<AgentId> {
        let mut agents = BTreeSet::new();
        while let Some(entry) = self.expiries.first_entry() {
            let (expires, serial) = *entry.key();
            if !expired(expires) {
                break;
            }
            let (subscription, agent) = entry.remove();
            self.drop_filter(&subscription, &agent, serial);
            agents.insert(agent);
        }
        agents
    }

    pub fn clear_role(&mut self, id: &FrameworkId, role: &str) {
        if let Some(agents) = self.filters.remove(&(id.clone(), role.to_owned())) {
            self.forget(agents.into_values().flatten());
        }
    }

    pub fn clear_framework(&mut self, id: &FrameworkId) {
        let first = (id.clone(), String::new());
        let roles: Vec<String> = self
            .filters
            .range(first..)
            .take_while(|((owner, _), _)| owner == id)
            .map(|((_, role), _)| role.clone())
            .collect();
        roles.iter().for_each(|role| self.clear_role(id, role));
    }

    pub fn clear_agent(&mut self, agent: &AgentId) {
        let mut dropped = Vec::new();
        self.filters.retain(|_, agents| {
            dropped.extend(agents.remove(agent).into_iter().flatten());
            !agents.is_empty()
        });
        self.forget(dropped);
    }

    /// How many filters hold for `role`, over all frameworks.
    pub fn count(&self, role: &str) -> usize {
        let of_role = self.filters.iter().filter(|((_, owner), _)| owner == role);
        of_role.flat_map(|(_, agents)| agents.values()).map(Vec::len).sum()
    }

    fn forget(&mut self, filters: impl IntoIterator<Item = Filter>) {
        for filter in filters {
            self.expiries.remove(&(filter.expires, filter.serial));
        }
    }

    fn drop_filter(&mut self, subscription: &Subscription, agent: &AgentId, serial: u64) {
        let Some(agents) = self.filters.get_mut(subscription) else { return };
        if let Some(filters) = agents.get_mut(agent) {
            filters.retain(|filter| filter.serial != serial);
            if filters.is_empty() {
                agents.remove(agent);
            }
        }
        if agents.is_empty() {
            self.filters.remove(subscription);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_as_mesos_reads_them() {
        let seconds = |seconds| refusal(Some(&Filters { refuse_seconds: Some(seconds) }));
        assert_eq!(refusal(None), Duration::from_secs(5));
        assert_eq!(refusal(Some(&Filters { refuse_seconds: None })), Duration::from_secs(5));
        assert_eq!(seconds(0.0), Duration::ZERO);
        assert_eq!(seconds(1.5), Duration::from_millis(1500));
        assert_eq!(seconds(-1.0), Duration::from_secs(5));
        assert_eq!(seconds(f64::NEG_INFINITY), Duration::from_secs(5));
        assert_eq!(seconds(1e300), LONGEST_REFUSAL);
        assert_eq!(seconds(f64::INFINITY), LONGEST_REFUSAL);
        assert_ne!(seconds(f64::NAN), Duration::ZERO);
    }
}
