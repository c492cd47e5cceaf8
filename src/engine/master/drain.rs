//! DRAIN_AGENT: an agent is emptied, with the tasks' grace or less, and stays deactivated or goes for good.

use super::{Master, Reply};
use crate::{
    engine::wire::ToAgent,
    mesos::v1::{AgentId, DrainConfig, DrainInfo, DrainState, DurationInfo, master::call::DrainAgent},
};

impl Master {
    pub(super) fn drain_agent(&mut self, call: DrainAgent) -> Reply {
        let id = call.agent_id.clone();
        if !self.is_known(&id) {
            return super::operator::unknown_agent();
        }
        let config = DrainConfig {
            max_grace_period: call.max_grace_period.as_ref().map(duration_info),
            mark_gone: Some(call.mark_gone()),
        };
        let info = DrainInfo { state: DrainState::Draining.into(), config };
        self.draining.insert(id.clone(), info);
        self.deactivated.insert(id.clone());
        self.register_activity(&id);
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.deactivated = true;
            agent.drain_info = Some(info);
            agent.estimated_drain_start_time = Some(self.now);
            self.deactivate_agent(&id);
            self.tell(&id, ToAgent::Drain(config));
        }
        Reply::Ok
    }

    pub(super) fn is_draining(&self, id: &AgentId) -> bool {
        self.draining.get(id).is_some_and(|info| info.state() == DrainState::Draining)
    }

    /// The agent is as any other again.
    pub(super) fn end_drain(&mut self, id: &AgentId) {
        self.draining.remove(id);
        if let Some(agent) = self.agents.get_mut(id) {
            agent.drain_info = None;
            agent.estimated_drain_start_time = None;
        }
    }

    /// An agent that is back is told again what it is to do.
    pub(super) fn resume_drain(&mut self, id: &AgentId) {
        let Some(info) = self.draining.get(id).copied() else { return };
        if let Some(agent) = self.agents.get_mut(id) {
            agent.drain_info = Some(info);
        }
        self.tell(id, ToAgent::Drain(info.config));
    }

    /// Draining agents without tasks are drained, or go.
    pub(super) fn finish_drains(&mut self) {
        let is_empty = |id: &&AgentId| self.agents.get(id).is_some_and(|agent| agent.tasks.is_empty());
        let ids: Vec<AgentId> =
            self.draining.keys().filter(|id| self.is_draining(id)).filter(is_empty).cloned().collect();
        for id in ids {
            let Some(info) = self.draining.get_mut(&id) else { continue };
            info.set_state(DrainState::Drained);
            let info = *info;
            if info.config.mark_gone() {
                self.mark_gone(&id);
                continue;
            }
            if let Some(agent) = self.agents.get_mut(&id) {
                agent.drain_info = Some(info);
            }
            self.register_activity(&id);
        }
    }
}

fn duration_info(duration: &prost_types::Duration) -> DurationInfo {
    let nanoseconds = duration.seconds.saturating_mul(1_000_000_000).saturating_add(duration.nanos.into());
    DurationInfo { nanoseconds }
}
