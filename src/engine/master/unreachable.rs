//! Agents that do not answer, or do not come back in time, and how quickly they may be given up.

use super::{Agent, LostAgent, Master, events, model::MarkingUnreachable, timers::Timer};
use crate::{
    engine::legacy::DurationText,
    mesos::{
        log::registry_entry::State,
        time::Time,
        v1::{AgentId, AgentInfo},
    },
};

impl Master {
    /// The agent's turn to become unreachable comes when the rate limit allows it; at once without one.
    pub(super) fn schedule_unreachable(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        if agent.observer.marking == MarkingUnreachable::Scheduled {
            return;
        }
        agent.observer.marking = MarkingUnreachable::Scheduled;
        let serial = agent.observer.serial;
        self.counters.slave_unreachable_scheduled += 1;
        match self.next_turn() {
            Some(turn) if turn > self.now => {
                self.set_timer(turn.since(self.now), Timer::Unreachable(id.clone(), serial));
            }
            _ => self.unreachable_due(id, serial),
        }
    }

    /// Takes the next free turn under the rate limit; None when there is no limit.
    fn next_turn(&mut self) -> Option<Time> {
        let (permits, period) = self.config.agent_removal_rate_limit?;
        let turn = self.next_removal.map_or(self.now, |next| next.max(self.now));
        self.next_removal = Some(turn + period / permits.max(1));
        Some(turn)
    }

    pub(super) fn unreachable_due(&mut self, id: &AgentId, serial: u64) {
        let is_due = |agent: &Agent| {
            agent.observer.serial == serial && agent.observer.marking == MarkingUnreachable::Scheduled
        };
        if self.agents.get(id).is_some_and(is_due) {
            self.counters.slave_unreachable_completed += 1;
            self.mark_unreachable(id, "health check timed out");
        }
    }

    /// The agent has been disconnected since then without a break.
    pub(super) fn reregistration_due(&mut self, id: &AgentId, since: Time) {
        if self.agents.get(id).is_some_and(|agent| agent.disconnected_at == Some(since)) {
            let timeout = DurationText(self.config.agent_reregister_timeout);
            self.counters.slave_unreachable_scheduled += 1;
            self.counters.slave_unreachable_completed += 1;
            self.mark_unreachable(
                id,
                &format!("agent did not reregister within {timeout} after disconnecting"),
            );
        }
    }

    /// Its tasks become unreachable; they run on, and may be back with it.
    fn mark_unreachable(&mut self, id: &AgentId, message: &str) {
        let Some(info) = self.agents.get(id).map(|agent| agent.info.clone()) else { return };
        self.enter_unreachable(id, info);
        self.lose_agent(id, message, true);
    }

    fn enter_unreachable(&mut self, id: &AgentId, info: AgentInfo) {
        self.counters.slave_removals += 1;
        self.counters.slave_removals_reason_unhealthy += 1;
        self.register(State::Unreachable, &info, Some(self.now));
        self.unreachable_agents.insert(id.clone(), LostAgent { id: id.clone(), info, since: self.now });
    }

    /// Agents of the registry that have not come back to this master are given up, in turn.
    pub(super) fn recovery_due(&mut self) {
        let missing: Vec<AgentId> = self.recovered_agents.keys().cloned().collect();
        for id in missing {
            self.counters.slave_unreachable_scheduled += 1;
            match self.next_turn() {
                Some(turn) if turn > self.now => {
                    self.set_timer(turn.since(self.now), Timer::RecoveredUnreachable(id));
                }
                _ => self.recovered_unreachable_due(&id),
            }
        }
    }

    pub(super) fn recovered_unreachable_due(&mut self, id: &AgentId) {
        match self.recovered_agents.remove(id) {
            None => self.counters.slave_unreachable_canceled += 1,
            Some(info) => {
                self.counters.slave_unreachable_completed += 1;
                self.counters.recovery_slave_removals += 1;
                self.enter_unreachable(id, info);
                self.send_to_connected(&events::failure(id.clone(), None));
            }
        }
    }
}
