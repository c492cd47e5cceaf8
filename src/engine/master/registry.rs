//! What outlives a master: which agents were admitted, which are unreachable or gone, and what operators have settled.
//! Written down entry by entry, read again by the master that comes after.

use std::{collections::BTreeMap, time::Duration};

use super::{Effect, LostAgent, Master, timers::Timer};
use crate::{
    engine::allocator::Quota,
    mesos::{
        log::{
            RegistryEntry,
            registry_entry::{Maintenance, Quotas, State, Weights, maintenance::Machines},
        },
        time::Time,
        v1::{AgentId, AgentInfo, TimeInfo, WeightInfo},
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

    /// Has it written down which weights there are now.
    pub(super) fn register_weights(&mut self) {
        let info = |(role, weight): (&String, &f64)| WeightInfo { role: Some(role.clone()), weight: *weight };
        let weights = Some(Weights { infos: self.weights.iter().map(info).collect() });
        self.write_down(RegistryEntry { weights, ..RegistryEntry::default() });
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

    /// Takes over what masters before this one have written down, oldest first: for a master that has just been made, or
    /// elected; one that was elected leads from here on.
    /// Agents that do not register again within `agent_reregister_timeout` become unreachable.
    pub fn recover(&mut self, entries: impl IntoIterator<Item = RegistryEntry>) {
        self.recovered = true;
        for entry in compacted(entries) {
            self.recover_weights(entry.weights.as_ref());
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

    /// What was set while a master ran counts in place of what this one was started with.
    fn recover_weights(&mut self, weights: Option<&Weights>) {
        let Some(Weights { infos }) = weights else { return };
        for role in std::mem::take(&mut self.weights).into_keys() {
            self.allocator.update_weight(&role, 1.0);
        }
        self.weights = infos.iter().map(|info| (info.role().to_owned(), info.weight)).collect();
        for (role, weight) in &self.weights {
            self.allocator.update_weight(role, *weight);
        }
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
        settled.weights = entry.weights.clone().or(settled.weights);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::master::{Input, MasterConfig},
        mesos::v1::master::{
            Call,
            call::{Type, UpdateWeights},
        },
    };

    #[test]
    fn weights_that_operators_set_count_in_place_of_those_of_the_next_start() {
        let now = Time::from_epoch(Duration::from_secs(1));
        let master = |role: &str| {
            let weights = BTreeMap::from([(role.to_owned(), 3.0)]);
            Master::new(MasterConfig { weights, ..MasterConfig::default() }, now, 1)
        };
        let weight_infos = vec![WeightInfo { role: Some("dev".into()), weight: 2.0 }];
        let call = Call {
            r#type: Some(Type::UpdateWeights.into()),
            update_weights: Some(UpdateWeights { weight_infos }),
            ..Call::default()
        };
        let written = master("a").handle(now, Input::Operator(Box::new(call))).effects;
        let entries = written.into_iter().filter_map(|effect| match effect {
            Effect::Registry(entry) => Some(*entry),
            _ => None,
        });
        let mut next = master("b");
        next.recover(entries);
        assert_eq!(next.weights, BTreeMap::from([("a".into(), 3.0), ("dev".into(), 2.0)]));
    }
}
