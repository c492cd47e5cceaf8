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
            let agent = Agent::recovered(info, &mut self.fold.names, &self.fold.published);
            self.put_agent(agent);
        }
        answer.agents.into_iter().for_each(|agent| self.agent(agent));
    }

    pub(super) fn agent(&mut self, agent: get_agents::Agent) {
        let agent = Agent::read(agent, &mut self.fold.names, &self.fold.published);
        self.put_agent(agent);
    }

    fn put_agent(&mut self, mut agent: Agent) {
        let tally = self.fold.on_agent.get(&agent.id).copied().unwrap_or_default();
        agent.tasks = tally.live;
        if let Some(name) = self.fold.agent_names.get(&agent.url) {
            agent.name = Arc::clone(name);
        }
        let old = self.agents.find(&agent.id);
        if old == Some(&agent) {
            return;
        }
        let is_renamed = old.is_none_or(|old| old.name != agent.name);
        let old = old.map(|old| (old.state, sums(old)));
        if is_renamed {
            self.rename_agent(&agent, tally.all > 0);
        }
        self.gauges = self.gauges.changed(old.map(|(_, sums)| sums), sums(&agent));
        self.tell_agent(&agent, old.map(|(state, _)| state));
        self.agents.put(&Arc::clone(&agent.id), agent);
    }

    fn rename_agent(&mut self, agent: &Agent, has_tasks: bool) {
        if self.offers.iter().any(|offer| offer.agent_id == agent.id) {
            for offer in self.offers.iter_mut().filter(|offer| offer.agent_id == agent.id) {
                offer.agent = Arc::clone(&agent.name);
            }
        }
        if has_tasks {
            for task in self.tasks.iter_mut().filter(|task| task.agent_id == agent.id) {
                task.agent = Arc::clone(&agent.name);
            }
        }
    }

    /// What a component is called, the agent at its URL is called too.
    pub(super) fn agent_component(&mut self, url: &str, name: &str) {
        if url.is_empty() || self.fold.agent_names.get(url).is_some_and(|known| **known == *name) {
            return;
        }
        let name = self.fold.names.get(name);
        self.fold.agent_names.insert(url.to_owned(), name);
        let agent = self.agents.iter().find(|agent| agent.url == url).cloned();
        if let Some(agent) = agent {
            self.put_agent(agent);
        }
    }

    /// The name of an agent; its hostname while it is not known.
    pub(super) fn agent_name(&mut self, id: &str, hostname: &str) -> Arc<str> {
        match self.agents.find(id) {
            Some(agent) => Arc::clone(&agent.name),
            None => self.fold.names.get(hostname),
        }
    }

    fn tell_agent(&mut self, agent: &Agent, before: Option<AgentState>) {
        let (id, name) = (Arc::clone(&agent.id), &agent.name);
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
        self.tell(Kind::Agent, Weight::Bad, id, format!("agent {} is gone", agent.name));
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
