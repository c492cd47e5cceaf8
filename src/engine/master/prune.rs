//! Forgets agents that have been unreachable or gone for long, or are too many, as Mesos' registry garbage collection
//! does (`--registry_gc_interval`, `--registry_max_agent_age`, `--registry_max_agent_count`).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{LostAgent, Master, timers::Timer};
use crate::mesos::{log::registry_entry::State, v1::AgentId};

impl Master {
    /// There is something to forget some day. Looked at once per interval, while there is.
    pub(super) fn prune_later(&mut self) {
        if !self.prunes {
            self.prunes = true;
            self.set_timer(self.config.registry_gc_interval.max(Duration::from_millis(1)), Timer::Prune);
        }
    }

    pub(super) fn prune_due(&mut self) {
        self.prunes = false;
        let unreachable = self.too_old_or_many(&self.unreachable_agents);
        let gone = self.too_old_or_many(&self.gone_agents);
        for id in &unreachable {
            let Some(lost) = self.unreachable_agents.remove(id) else { continue };
            self.deactivated.remove(id);
            self.draining.remove(id);
            self.register(State::Removed, &lost.info, None);
        }
        for id in &gone {
            let Some(lost) = self.gone_agents.remove(id) else { continue };
            self.register(State::Removed, &lost.info, None);
        }
        let forgotten: BTreeSet<&AgentId> = unreachable.iter().collect();
        for framework in self.frameworks.values_mut() {
            framework.unreachable_tasks.retain(|task| !forgotten.contains(&task.agent_id));
        }
        if !self.unreachable_agents.is_empty() || !self.gone_agents.is_empty() {
            self.prune_later();
        }
    }

    /// The oldest go first when there are too many.
    fn too_old_or_many(&self, lost: &BTreeMap<AgentId, LostAgent>) -> Vec<AgentId> {
        let mut oldest_first: Vec<&LostAgent> = lost.values().collect();
        oldest_first.sort_by_key(|lost| lost.since);
        let surplus = oldest_first.len().saturating_sub(self.config.registry_max_agent_count);
        let is_old = |lost: &LostAgent| self.now.since(lost.since) > self.config.registry_max_agent_age;
        let forgotten = oldest_first.iter().enumerate().filter(|(nth, lost)| *nth < surplus || is_old(lost));
        forgotten.map(|(_, lost)| lost.id.clone()).collect()
    }
}
