//! What outlives a master: which agents were admitted, which are unreachable or gone, and what operators have settled.
//! Written down entry by entry, read again by the master that comes after.

use std::{collections::BTreeMap, time::Duration};

use super::{Effect, LostAgent, Master, timers::Timer};
use crate::{
    engine::allocator::Quota,
    mesos::{
        log::{
            RegistryEntry,
            registry_entry::{Maintenance, Quotas, State, maintenance::Machines},
        },
        time::Time,
        v1::{AgentId, AgentInfo, TimeInfo},
    },
};

impl Master {
    /// Has it written down what an agent is now.
    pub(super) fn register(&mut self, state: State, agent: &AgentInfo, since: Option<Time>) {
        let deactivated = agent.id.as_ref().is_some_and(|id| self.deactivated.contains(id));
        if matches!(state, State::Unreachable | State::Gone) {
            self.prune_later();
        }
        self.write_down(RegistryEntry {
            state: Some(state.into()),
            agent: Some(agent.clone()),
            since: since.map(|since| TimeInfo { nanoseconds: since.as_nanos() }),
            deactivated: deactivated.then_some(true),
            drain_info: agent.id.as_ref().and_then(|id| self.draining.get(id).copied()),
            ..RegistryEntry::default()
        });
    }

    /// Has it written down which quotas there are now.
    pub(super) fn register_quotas(&mut self) {
        let set = self.quotas.iter().filter(|(_, quota)| !quota.is_default());
        let quotas = Some(Quotas { configs: set.map(|(role, quota)| quota.to_config(role)).collect() });
        self.write_down(RegistryEntry { quotas, ..RegistryEntry::default() });
    }

    /// Has it written down which machines are to be maintained, and when.
    pub(super) fn register_maintenance(&mut self) {
        let known = &self.maintenance;
        let infos = known.scheduled().cloned().collect();
        let machines = known.was_used.then_some(Machines { infos });
        let maintenance = Some(Maintenance { schedule: known.schedule.clone(), machines });
        self.write_down(RegistryEntry { maintenance, ..RegistryEntry::default() });
    }

    fn write_down(&mut self, entry: RegistryEntry) {
        self.effects.push(Effect::Registry(Box::new(entry)));
    }

    /// Takes over what masters before this one have written down, oldest first: for a master that has just been made.
    /// Agents that do not register again within `agent_reregister_timeout` become unreachable.
    pub fn recover(&mut self, entries: impl IntoIterator<Item = RegistryEntry>) {
        for entry in compacted(entries) {
            self.recover_quotas(entry.quotas.as_ref());
            self.recover_maintenance(entry.maintenance.as_ref());
            self.recover_agent(entry);
        }
        if !self.recovered_agents.is_empty() {
            self.set_timer(self.config.agent_reregister_timeout, Timer::Recovery);
        }
        if !self.unreachable_agents.is_empty() || !self.gone_agents.is_empty() {
            self.prune_later();
        }
        self.allocator.recover(self.now, self.quotas.clone(), self.recovered_agents.len());
    }

    fn recover_quotas(&mut self, quotas: Option<&Quotas>) {
        let configs = quotas.into_iter().flat_map(|quotas| &quotas.configs);
        self.quotas.extend(configs.map(|config| (config.role.clone(), Quota::from(config))));
    }

    fn recover_maintenance(&mut self, recorded: Option<&Maintenance>) {
        let Some(Maintenance { schedule, machines }) = recorded else { return };
        self.maintenance.schedule.clone_from(schedule);
        self.maintenance.was_used = machines.is_some();
        for info in machines.iter().flat_map(|machines| &machines.infos) {
            self.maintenance.entry(&info.id).clone_from(info);
        }
    }

    fn recover_agent(&mut self, entry: RegistryEntry) {
        let (state, deactivated) = (entry.state(), entry.deactivated());
        let Some((id, info)) = entry.agent.and_then(|info| Some((info.id.clone()?, info))) else { return };
        if deactivated {
            self.deactivated.insert(id.clone());
        }
        if let Some(drain_info) = entry.drain_info {
            self.draining.insert(id.clone(), drain_info);
        }
        let since = entry.since.map(|since| since.nanoseconds).unwrap_or_default();
        let since = Time::from_epoch(Duration::from_nanos(u64::try_from(since).unwrap_or_default()));
        let lost = LostAgent { id: id.clone(), info, since };
        match state {
            State::Admitted => drop(self.recovered_agents.insert(id, lost.info)),
            State::Unreachable => drop(self.unreachable_agents.insert(id, lost)),
            State::Gone => drop(self.gone_agents.insert(id, lost)),
            State::Removed => {}
        }
    }
}

/// What is left of a registry: the last word on each agent, none on those that were removed, and the last on all else.
pub fn compacted(entries: impl IntoIterator<Item = RegistryEntry>) -> Vec<RegistryEntry> {
    let mut agents: BTreeMap<AgentId, RegistryEntry> = BTreeMap::new();
    let mut settled = RegistryEntry::default();
    for entry in entries {
        settled.quotas = entry.quotas.clone().or(settled.quotas);
        settled.maintenance = entry.maintenance.clone().or(settled.maintenance);
        let Some(id) = entry.agent.as_ref().and_then(|agent| agent.id.clone()) else { continue };
        match entry.state() {
            State::Removed => drop(agents.remove(&id)),
            _ => drop(agents.insert(id, entry)),
        }
    }
    let is_settled = settled != RegistryEntry::default();
    agents.into_values().chain(is_settled.then_some(settled)).collect()
}
