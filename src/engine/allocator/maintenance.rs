//! Inverse offers: whoever holds something of an agent that will be unavailable is asked for it back, once at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::Allocator;
use crate::mesos::{
    time::Time,
    v1::{
        AgentId, FrameworkId,
        allocator::{InverseOfferStatus, inverse_offer_status::Status},
    },
};

/// That an agent will be unavailable, and what frameworks say to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Maintenance {
    /// Who has been asked and has not answered.
    asked: BTreeSet<FrameworkId>,
    statuses: BTreeMap<FrameworkId, InverseOfferStatus>,
}

/// Until when frameworks do not want to be asked again, by agent.
pub(super) type Refusals = BTreeMap<AgentId, BTreeMap<FrameworkId, Time>>;

/// What a framework says to an inverse offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// It is not to be asked again before.
    pub refusal: std::time::Duration,
}

impl Allocator {
    /// The agent will be unavailable, or no longer; forgets what was said of it, and allocates it at once.
    pub fn update_unavailability(&mut self, id: &AgentId, is_scheduled: bool) {
        self.refusals.remove(id);
        if let Some(agent) = self.agents.get_mut(id) {
            agent.maintenance = is_scheduled.then(Maintenance::default);
            self.schedule.request(id);
        }
    }

    /// An inverse offer is over: answered, or taken back.
    pub fn close_inverse_offer(
        &mut self,
        now: Time,
        framework: &FrameworkId,
        agent_id: &AgentId,
        answer: Option<Answer>,
    ) {
        let agent = self.agents.get_mut(agent_id);
        let Some(maintenance) = agent.and_then(|agent| agent.maintenance.as_mut()) else { return };
        if !maintenance.asked.remove(framework) {
            return;
        }
        self.schedule.defer(now, agent_id);
        let Some(Answer { status, refusal }) = answer else { return };
        maintenance.statuses.insert(framework.clone(), said(now, framework, status));
        if !refusal.is_zero() {
            let refusals = self.refusals.entry(agent_id.clone()).or_default();
            let until = refusals.entry(framework.clone()).or_default();
            *until = (*until).max(now + refusal);
        }
    }

    /// What frameworks have said to the agent's unavailability.
    pub fn inverse_offer_statuses(&self, id: &AgentId) -> impl Iterator<Item = &InverseOfferStatus> {
        let maintenance = self.agents.get(id).and_then(|agent| agent.maintenance.as_ref());
        maintenance.into_iter().flat_map(|maintenance| maintenance.statuses.values())
    }

    /// Who is to be asked now for what he holds of which agent. To be called after every [`Self::allocate`].
    pub fn take_inverse_offers(&mut self) -> BTreeMap<FrameworkId, BTreeSet<AgentId>> {
        std::mem::take(&mut self.to_ask)
    }

    pub(super) fn ask_back(&mut self, now: Time, agents: &[AgentId]) {
        let Self { agents: known, frameworks, refusals, to_ask, .. } = self;
        for id in agents {
            let Some(agent) = known.get_mut(id).filter(|agent| agent.active) else { continue };
            let holders: Vec<FrameworkId> = agent.held().keys().cloned().collect();
            let Some(maintenance) = agent.maintenance.as_mut() else { continue };
            for framework in holders {
                let is_active = frameworks.get(&framework).is_some_and(|framework| framework.active);
                let refused = refusals.get(id).and_then(|refusals| refusals.get(&framework));
                let may_ask = is_active && refused.is_none_or(|until| *until < now);
                if may_ask && maintenance.asked.insert(framework.clone()) {
                    to_ask.entry(framework).or_default().insert(id.clone());
                }
            }
        }
    }

    /// A refusal that is over is a reason to look at its agent with the next tick.
    pub(super) fn expire_refusals(&mut self, now: Time) {
        let Self { refusals, schedule, .. } = self;
        refusals.retain(|agent, refusals| {
            let before = refusals.len();
            refusals.retain(|_, until| schedule.tick_after(*until) > now);
            if refusals.len() < before {
                schedule.request(agent);
            }
            !refusals.is_empty()
        });
    }

    pub(super) fn first_refusal_over(&self) -> Option<Time> {
        self.refusals.values().flat_map(BTreeMap::values).min().map(|until| self.schedule.tick_after(*until))
    }

    pub(super) fn forget_refusals_of(&mut self, framework: &FrameworkId) {
        self.refusals.values_mut().for_each(|refusals| _ = refusals.remove(framework));
        self.refusals.retain(|_, refusals| !refusals.is_empty());
    }
}

fn said(now: Time, framework: &FrameworkId, status: Status) -> InverseOfferStatus {
    InverseOfferStatus {
        status: status.into(),
        framework_id: framework.clone(),
        timestamp: crate::mesos::v1::TimeInfo { nanoseconds: now.as_nanos() },
    }
}
