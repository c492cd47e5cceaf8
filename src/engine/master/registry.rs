//! What outlives a master: which agents were admitted, which are unreachable or gone. Written down entry by entry, read
//! again by the master that comes after.

use std::{collections::BTreeMap, time::Duration};

use super::{Effect, LostAgent, Master, timers::Timer};
use crate::mesos::{
    log::{RegistryEntry, registry_entry::State},
    time::Time,
    v1::{AgentId, AgentInfo, TimeInfo},
};

impl Master {
    /// Has it written down what an agent is now.
    pub(super) fn register(&mut self, state: State, agent: &AgentInfo, since: Option<Time>) {
        let deactivated = agent.id.as_ref().is_some_and(|id| self.deactivated.contains(id));
        let entry = RegistryEntry {
            state: state.into(),
            agent: agent.clone(),
            since: since.map(|since| TimeInfo { nanoseconds: since.as_nanos() }),
            deactivated: deactivated.then_some(true),
            drain_info: agent.id.as_ref().and_then(|id| self.draining.get(id).copied()),
        };
        self.effects.push(Effect::Registry(Box::new(entry)));
    }

    /// Takes over what masters before this one have written down, oldest first: for a master that has just been made.
    /// Agents that do not register again within `agent_reregister_timeout` become unreachable.
    pub fn recover(&mut self, entries: impl IntoIterator<Item = RegistryEntry>) {
        for (id, entry) in compacted(entries) {
            if entry.deactivated() {
                self.deactivated.insert(id.clone());
            }
            if let Some(drain_info) = entry.drain_info {
                self.draining.insert(id.clone(), drain_info);
            }
            let since = entry.since.as_ref().map(|since| since.nanoseconds).unwrap_or_default();
            let since = Time::from_epoch(Duration::from_nanos(u64::try_from(since).unwrap_or_default()));
            let state = entry.state();
            let lost = LostAgent { id: id.clone(), info: entry.agent, since };
            match state {
                State::Admitted => drop(self.recovered_agents.insert(id, lost.info)),
                State::Unreachable => drop(self.unreachable_agents.insert(id, lost)),
                State::Gone => drop(self.gone_agents.insert(id, lost)),
                State::Removed => {}
            }
        }
        if !self.recovered_agents.is_empty() {
            self.set_timer(self.config.agent_reregister_timeout, Timer::Recovery);
        }
    }
}

/// What is left of a registry: the last word on each agent, none on those that were removed.
pub fn compacted(entries: impl IntoIterator<Item = RegistryEntry>) -> BTreeMap<AgentId, RegistryEntry> {
    let mut last = BTreeMap::new();
    for entry in entries {
        let Some(id) = entry.agent.id.clone() else { continue };
        match entry.state() {
            State::Removed => drop(last.remove(&id)),
            _ => drop(last.insert(id, entry)),
        }
    }
    last
}
