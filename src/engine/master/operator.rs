//! Calls of the operator API that change something.

use super::{Master, Reply, validation};
use crate::{
    engine::allocator::roles_of,
    mesos::{
        log::registry_entry::State,
        roles,
        v1::{
            AgentId, FrameworkId, OfferId, WeightInfo,
            master::{Call, call::Type},
        },
    },
};

impl Master {
    #[expect(deprecated, reason = "old clients still send SET_QUOTA and REMOVE_QUOTA")]
    pub(super) fn operator_call(&mut self, call: Call) -> Reply {
        let kind = match validation::call::operator(&call) {
            Ok(kind) => kind,
            Err(error) => return Reply::BadRequest(format!("Failed to validate master::Call: {error}")),
        };
        match kind {
            Type::Teardown => self.teardown(&call.teardown.unwrap_or_default().framework_id),
            Type::MarkAgentGone => self.mark_agent_gone(&call.mark_agent_gone.unwrap_or_default().agent_id),
            Type::DeactivateAgent => self.deactivate(&call.deactivate_agent.unwrap_or_default().agent_id),
            Type::ReactivateAgent => self.reactivate(&call.reactivate_agent.unwrap_or_default().agent_id),
            Type::UpdateWeights => self.update_weights(&call.update_weights.unwrap_or_default().weight_infos),
            Type::DrainAgent => self.drain_agent(call.drain_agent.unwrap_or_default()),
            Type::UpdateMaintenanceSchedule => self
                .update_maintenance_schedule(call.update_maintenance_schedule.unwrap_or_default().schedule),
            Type::StartMaintenance => {
                self.start_maintenance(&call.start_maintenance.unwrap_or_default().machines)
            }
            Type::StopMaintenance => {
                self.stop_maintenance(&call.stop_maintenance.unwrap_or_default().machines)
            }
            Type::UpdateQuota => self.update_quota(&call.update_quota.unwrap_or_default()),
            Type::SetQuota => self.set_quota(call.set_quota.unwrap_or_default().quota_request),
            Type::RemoveQuota => self.remove_quota(&call.remove_quota.unwrap_or_default().role),
            Type::SetLoggingLevel => Reply::Ok,
            _ => self
                .change_resources(&call)
                .unwrap_or_else(|| Reply::NotImplemented("501 Not Implemented.".into())),
        }
    }

    fn teardown(&mut self, id: &FrameworkId) -> Reply {
        if !self.frameworks.contains_key(id) {
            return Reply::BadRequest("No framework found with specified ID".into());
        }
        self.counters.messages_unregister_framework += 1;
        self.remove_framework(id);
        Reply::Ok
    }

    fn mark_agent_gone(&mut self, id: &AgentId) -> Reply {
        if self.gone_agents.contains_key(id) || self.mark_gone(id) {
            return Reply::Ok;
        }
        Reply::NotFound(format!("Agent '{id}' not found"))
    }

    pub(super) fn is_known(&self, id: &AgentId) -> bool {
        self.agents.contains_key(id)
            || self.recovered_agents.contains_key(id)
            || self.unreachable_agents.contains_key(id)
    }

    /// Has it written down that an agent is deactivated now, or no longer.
    pub(super) fn register_activity(&mut self, id: &AgentId) {
        let known = self.agents.get(id).map(|agent| &agent.info).or_else(|| self.recovered_agents.get(id));
        if let Some(info) = known.cloned() {
            self.register(State::Admitted, &info, None);
        } else if let Some(lost) = self.unreachable_agents.get(id).cloned() {
            self.register(State::Unreachable, &lost.info, Some(lost.since));
        }
    }

    fn deactivate(&mut self, id: &AgentId) -> Reply {
        if !self.is_known(id) {
            return unknown_agent();
        }
        self.deactivated.insert(id.clone());
        self.register_activity(id);
        if let Some(agent) = self.agents.get_mut(id) {
            agent.deactivated = true;
            self.deactivate_agent(id);
        }
        Reply::Ok
    }

    fn reactivate(&mut self, id: &AgentId) -> Reply {
        if !self.deactivated.contains(id) {
            return Reply::BadRequest("Agent is not deactivated".into());
        }
        if self.is_draining(id) {
            return Reply::BadRequest("Agent is still in the DRAINING state".into());
        }
        self.deactivated.remove(id);
        self.end_drain(id);
        self.register_activity(id);
        let Some(agent) = self.agents.get_mut(id) else {
            return Reply::Conflict("Agent removed while processing the call".into());
        };
        agent.deactivated = false;
        if agent.connected {
            agent.active = true;
            self.allocator.activate_agent(self.now, id);
        }
        Reply::Ok
    }

    fn update_weights(&mut self, infos: &[WeightInfo]) -> Reply {
        if let Err(error) = infos.iter().try_for_each(|info| self.validate_weight(info)) {
            return Reply::BadRequest(format!("Failed to validate update weights request JSON{error}"));
        }
        for info in infos {
            let role = info.role().trim();
            self.weights.insert(role.to_owned(), info.weight);
            self.allocator.update_weight(role, info.weight);
        }
        self.register_weights();
        if infos.iter().any(|info| self.is_used(info.role().trim())) {
            let offers: Vec<OfferId> = self.offers.keys().cloned().collect();
            offers.iter().for_each(|offer| self.rescind_offer(offer));
        }
        Reply::Ok
    }

    fn validate_weight(&self, info: &WeightInfo) -> Result<(), String> {
        let role = info.role().trim();
        roles::validate(role).map_err(|error| format!(": Invalid role '{role}': {error}"))?;
        if !self.is_whitelisted(role) {
            return Err(format!(": Unknown role '{role}'"));
        }
        if info.weight > 0.0 {
            return Ok(());
        }
        Err(format!(" for role '{role}': Invalid weight '{}': Weights must be positive", info.weight))
    }

    /// Whether some framework is under this role.
    fn is_used(&self, role: &str) -> bool {
        self.frameworks.values().any(|framework| roles_of(&framework.info).contains(role))
    }
}

pub(super) fn unknown_agent() -> Reply {
    Reply::BadRequest("Unknown agent".into())
}
