//! The question that a forecast answers, asked of the cluster as it is.

use crate::{
    cluster::{
        ClusterView,
        agent::{Agent, AgentState},
    },
    mesos::{resources::Resources, v1},
    scheduler::forecast::Question,
};

impl ClusterView {
    /// What another `num_of_node` would do; none while our scheduler is not known.
    pub fn forecast_question(&self, wanted: u64) -> Option<Question> {
        let config = self.scheduler.as_ref()?.config.config.clone();
        let mut active: Vec<_> =
            self.agents.iter().filter(|agent| agent.state == AgentState::Active).collect();
        active.sort_by_key(|agent| (agent.name.len(), &agent.name, &agent.id));
        let agents = active.into_iter().map(offer).collect();
        let tasks = self.fold.scheduler_views();
        Some(Question { config, tasks, agents, wanted, now: self.fold.now() })
    }
}

/// All that is free on an agent, as one offer.
fn offer(agent: &Agent) -> v1::Offer {
    let total = Resources::from(agent.total_resources.clone());
    let used = Resources::from(agent.allocated_resources.clone()).unallocated();
    v1::Offer {
        id: v1::OfferId::new(format!("free-{}", agent.id)),
        agent_id: v1::AgentId::new(&*agent.id),
        hostname: agent.info.hostname.clone(),
        domain: agent.info.domain.clone(),
        attributes: agent.info.attributes.clone(),
        resources: (total - used).to_protos(),
        ..v1::Offer::default()
    }
}
