//! Agents, and the gauges that sum them up.

use std::{collections::HashSet, sync::Arc};

use crate::{
    cluster::{
        ClusterView, Gauges,
        agent::{Agent, AgentState},
        history::{Kind, Weight},
    },
    mesos::v1::master::response::{GetAgents, get_agents},
    scheduler::quantities::Quantities,
};

impl ClusterView {
    /// All agents there are.
    pub(super) fn agents(&mut self, answer: GetAgents) {
        let named: HashSet<&str> = answer
            .agents
            .iter()
            .map(|agent| &agent.agent_info)
            .chain(&answer.recovered_agents)
            .filter_map(|info| Some(info.id.as_ref()?.as_str()))
            .collect();
        let gone = self.agents.iter().filter(|agent| !named.contains(&*agent.id));
        let gone: Vec<_> = gone.map(|agent| Arc::clone(&agent.id)).collect();
        gone.into_iter().for_each(|id| self.agent_gone(&id));
        for info in answer.recovered_agents {
            let agent = Agent::recovered(info, &mut self.fold.names);
            self.put_agent(agent);
        }
        answer.agents.into_iter().for_each(|agent| self.agent(agent));
    }

    pub(super) fn agent(&mut self, agent: get_agents::Agent) {
        let agent = Agent::read(agent, &mut self.fold.names);
        self.put_agent(agent);
    }

    fn put_agent(&mut self, mut agent: Agent) {
        let tally = self.fold.on_agent.get(&agent.id).copied().unwrap_or_default();
        agent.tasks = tally.live;
        let old = self.agents.find(&agent.id);
        if old == Some(&agent) {
            return;
        }
        let is_renamed = old.is_none_or(|old| old.hostname != agent.hostname);
        let old = old.map(|old| (old.state, sums(old)));
        if is_renamed && tally.all > 0 {
            self.rename_agent(&agent);
        }
        self.gauges = self.gauges.changed(old.map(|(_, sums)| sums), sums(&agent));
        self.tell_agent(&agent, old.map(|(state, _)| state));
        self.agents.put(&Arc::clone(&agent.id), agent);
    }

    fn rename_agent(&mut self, agent: &Agent) {
        for task in self.tasks.iter_mut().filter(|task| task.agent_id == agent.id) {
            task.agent = Arc::clone(&agent.hostname);
        }
    }

    fn tell_agent(&mut self, agent: &Agent, before: Option<AgentState>) {
        let (id, name) = (Arc::clone(&agent.id), &agent.hostname);
        let weight = if agent.state == AgentState::Active { Weight::Good } else { Weight::Warning };
        match before {
            None => {
                let Quantities { cpus, mem, .. } = agent.total;
                self.tell(Kind::Agent, weight, &id, format!("agent {name} is there: {cpus} cpus, {mem} MB"));
            }
            Some(before) if before != agent.state => {
                self.tell(Kind::Agent, weight, &id, format!("agent {name}: {}", agent.state.word()));
            }
            Some(_) => {}
        }
    }

    pub(super) fn agent_gone(&mut self, id: &str) {
        let Some(agent) = self.agents.remove(id) else { return };
        self.gauges = self.gauges.changed(Some(sums(&agent)), Gauges::default());
        self.tell(Kind::Agent, Weight::Bad, id, format!("agent {} is gone", agent.hostname));
    }
}

/// What an agent adds to the gauges.
fn sums(agent: &Agent) -> Gauges {
    match agent.state {
        AgentState::Active => Gauges { total: agent.total, used: agent.used, offered: agent.offered },
        AgentState::Inactive | AgentState::Deactivated | AgentState::Draining => Gauges::default(),
    }
}

impl Gauges {
    fn changed(self, before: Option<Self>, after: Self) -> Self {
        let before = before.unwrap_or_default();
        Self {
            total: self.total.minus(&before.total).plus(&after.total),
            used: self.used.minus(&before.used).plus(&after.used),
            offered: self.offered.minus(&before.offered).plus(&after.offered),
        }
    }
}
