//! Agents that do not answer, or do not come back in time, and how quickly they may be given up.

use std::{collections::VecDeque, time::Duration};

use super::{LostAgent, Master, events, model::MarkingUnreachable, timers::Timer};
use crate::{
    engine::legacy::DurationText,
    mesos::{
        log::registry_entry::State,
        time::Time,
        v1::{AgentId, AgentInfo},
    },
};

/// An agent that is to become unreachable, when its turn under the rate limit comes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    /// It does not answer its observer of this number.
    Silent(AgentId, u64),
    /// It has been disconnected since then.
    Absent(AgentId, Time),
    /// It has not come back to this master.
    Missing(AgentId),
}

/// Those that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// None where one was canceled.
    waiting: VecDeque<Option<Turn>>,
    /// When the rate limit lets the next one through.
    next: Option<Time>,
}

impl Turns {
    /// It has answered.
    pub fn cancel(&mut self, turn: &Turn) {
        self.waiting.iter_mut().filter(|it| it.as_ref() == Some(turn)).for_each(|it| *it = None);
    }
}

impl Master {
    pub(super) fn schedule_unreachable(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        if agent.observer.marking == MarkingUnreachable::Scheduled {
            return;
        }
        agent.observer.marking = MarkingUnreachable::Scheduled;
        let serial = agent.observer.serial;
        self.wait_for_turn(Turn::Silent(id.clone(), serial));
    }

    /// The agent has been disconnected since then without a break.
    pub(super) fn reregistration_due(&mut self, id: &AgentId, since: Time) {
        if self.is_absent(id, since) {
            self.wait_for_turn(Turn::Absent(id.clone(), since));
        }
    }

    /// Agents of the registry that have not come back to this master are given up, in turn.
    pub(super) fn recovery_due(&mut self) {
        let missing: Vec<AgentId> = self.recovered_agents.keys().cloned().collect();
        missing.into_iter().for_each(|id| self.wait_for_turn(Turn::Missing(id)));
    }

    /// One at a time, first come, first served; at once where there is no limit.
    fn wait_for_turn(&mut self, turn: Turn) {
        self.counters.slave_unreachable_scheduled += 1;
        match self.turns.next.filter(|next| *next > self.now) {
            _ if self.config.agent_removal_rate_limit.is_none() => self.take_turn(turn),
            None if self.turns.waiting.is_empty() => {
                self.turns.next = self.now_and_the_limit();
                self.take_turn(turn);
            }
            next => {
                if self.turns.waiting.is_empty() {
                    self.set_timer(next.map_or(Duration::ZERO, |next| next.since(self.now)), Timer::Turn);
                }
                self.turns.waiting.push_back(Some(turn));
            }
        }
    }

    fn now_and_the_limit(&self) -> Option<Time> {
        let (permits, period) = self.config.agent_removal_rate_limit?;
        Some(self.now + period / permits.max(1))
    }

    /// Who has answered meanwhile does not hold up the others.
    pub(super) fn turn_due(&mut self) {
        while let Some(turn) = self.turns.waiting.pop_front() {
            if let Some(turn) = turn {
                self.turns.next = self.now_and_the_limit();
                self.take_turn(turn);
                break;
            }
        }
        if let Some(next) = self.turns.next.filter(|_| !self.turns.waiting.is_empty()) {
            self.set_timer(next.since(self.now), Timer::Turn);
        }
    }

    fn take_turn(&mut self, turn: Turn) {
        match turn {
            Turn::Silent(id, serial) => {
                if self.is_silent(&id, serial) {
                    self.counters.slave_unreachable_completed += 1;
                    self.mark_unreachable(&id, "health check timed out");
                }
            }
            Turn::Absent(id, since) if self.is_absent(&id, since) => {
                let timeout = DurationText(self.config.agent_reregister_timeout);
                self.counters.slave_unreachable_completed += 1;
                let message = format!("agent did not reregister within {timeout} after disconnecting");
                self.mark_unreachable(&id, &message);
            }
            Turn::Missing(id) if self.recovered_agents.contains_key(&id) => self.give_up_missing(&id),
            Turn::Absent(..) | Turn::Missing(_) => self.counters.slave_unreachable_canceled += 1,
        }
    }

    fn is_silent(&self, id: &AgentId, serial: u64) -> bool {
        let observer = self.agents.get(id).map(|agent| &agent.observer);
        observer.is_some_and(|it| it.serial == serial && it.marking == MarkingUnreachable::Scheduled)
    }

    fn is_absent(&self, id: &AgentId, since: Time) -> bool {
        self.agents.get(id).is_some_and(|agent| agent.disconnected_at == Some(since))
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

    fn give_up_missing(&mut self, id: &AgentId) {
        let Some(info) = self.recovered_agents.remove(id) else { return };
        self.counters.slave_unreachable_completed += 1;
        self.counters.recovery_slave_removals += 1;
        self.enter_unreachable(id, info);
        self.send_to_connected(&events::failure(id.clone(), None));
    }
}
