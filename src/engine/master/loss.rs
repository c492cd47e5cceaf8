//! Agents that go: disconnected, unreachable, unregistered, marked gone.

use super::{
    Effect, Framework, LostAgent, Master, events, maintenance,
    status::{Verdict, time_info},
    timers::Timer,
};
use crate::{
    engine::wire::{AgentLink, ToAgent},
    mesos::{
        log::registry_entry::State,
        v1::{
            AgentId, ExecutorId, FrameworkId, TaskId, TaskState, TaskStatus, framework_info::capability,
            task_status::Reason,
        },
    },
};

/// Why an agent is removed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    Unregistered,
    /// Another one has registered at its address.
    Replaced,
    /// The machine that it is on is to be maintained.
    MachineDown,
}

impl Removal {
    fn cause(self) -> &'static str {
        match self {
            Self::Unregistered => "the agent unregistered",
            Self::Replaced => "a new agent registered at the same address",
            Self::MachineDown => maintenance::DOWN,
        }
    }
}

impl Master {
    /// The connection is gone: what does not checkpoint is lost, the rest has time until the pings give up.
    pub(super) fn agent_lost(&mut self, link: AgentLink) {
        let Some(id) = self.links.get(&link).cloned() else { return };
        let Some(agent) = self.agents.get_mut(&id).filter(|agent| agent.connected) else { return };
        agent.connected = false;
        agent.disconnected_at = Some(self.now);
        let frameworks: Vec<FrameworkId> = agent
            .tasks
            .keys()
            .chain(agent.executors.keys())
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        self.deactivate_agent(&id);
        for framework in frameworks {
            if !self.frameworks.get(&framework).is_some_and(Framework::checkpoints) {
                self.lose_framework_on(&id, &framework);
            }
        }
        self.set_timer(self.config.agent_reregister_timeout, Timer::AgentReregistration(id, self.now));
    }

    /// Nothing of this agent is offered for now.
    pub(super) fn deactivate_agent(&mut self, id: &AgentId) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.active = false;
        }
        self.allocator.deactivate_agent(id);
        self.rescind_offers_on(id);
        self.rescind_inverse_offers_on(id);
    }

    fn lose_framework_on(&mut self, agent_id: &AgentId, framework: &FrameworkId) {
        let Some(agent) = self.agents.get(agent_id) else { return };
        let message = format!("Agent {} disconnected", agent.info.hostname);
        let verdict = Verdict::new(TaskState::TaskLost, Reason::AgentDisconnected, message);
        for task in self.tasks_on(agent_id, framework) {
            self.end_task(framework, &task, &verdict, false);
        }
        for executor in self.executors_on(agent_id, framework) {
            self.remove_executor(agent_id, framework, &executor);
        }
    }

    /// Ends a task by the master's word and tells the framework, if it is there.
    fn end_task(&mut self, framework: &FrameworkId, task: &TaskId, verdict: &Verdict, unreachable: bool) {
        let Some(status) = self.condemn(framework, task, verdict) else { return };
        self.remove_task(framework, task, unreachable);
        self.send_if_connected(framework, events::update(status));
    }

    fn tasks_on(&self, agent: &AgentId, framework: &FrameworkId) -> Vec<TaskId> {
        let tasks = self.agents.get(agent).and_then(|agent| agent.tasks.get(framework));
        tasks.map(|tasks| tasks.iter().cloned().collect()).unwrap_or_default()
    }

    fn executors_on(&self, agent: &AgentId, framework: &FrameworkId) -> Vec<ExecutorId> {
        let executors = self.agents.get(agent).and_then(|agent| agent.executors.get(framework));
        executors.map(|executors| executors.keys().cloned().collect()).unwrap_or_default()
    }

    /// Strikes an agent off that is not removed in order: unreachable, or else gone.
    pub(super) fn lose_agent(&mut self, id: &AgentId, message: &str, is_unreachable: bool) {
        self.allocator.remove_agent(id);
        for framework in self.frameworks_on(id) {
            let is_aware = self
                .frameworks
                .get(&framework)
                .is_some_and(|it| it.has_capability(capability::Type::PartitionAware));
            let (state, reason) = match (is_aware, is_unreachable) {
                (false, _) => (TaskState::TaskLost, Reason::AgentRemoved),
                (true, true) => (TaskState::TaskUnreachable, Reason::AgentRemoved),
                (true, false) => (TaskState::TaskGoneByOperator, Reason::AgentRemovedByOperator),
            };
            let verdict = Verdict::new(state, reason, message);
            for task in self.tasks_on(id, &framework) {
                self.lose_task(&framework, &task, &verdict, is_unreachable, is_unreachable || !is_aware);
            }
        }
        self.strike_off(id);
        self.send_to_connected(&events::failure(id.clone(), None));
    }

    fn lose_task(
        &mut self,
        framework: &FrameworkId,
        task: &TaskId,
        verdict: &Verdict,
        has_time: bool,
        is_kept: bool,
    ) {
        let Some(known) = self.frameworks.get(framework).and_then(|framework| framework.tasks.get(task))
        else {
            return;
        };
        let unreachable_time = has_time.then(|| time_info(self.now));
        let status = TaskStatus { unreachable_time, ..verdict.of(self.now, known) };
        self.update_task(framework, task, &status, None);
        self.remove_task(framework, task, is_kept);
        self.send_if_connected(framework, events::update(status));
    }

    fn frameworks_on(&self, id: &AgentId) -> Vec<FrameworkId> {
        self.agents.get(id).map(|agent| agent.tasks.keys().cloned().collect()).unwrap_or_default()
    }

    /// Executors, offers and the agent itself leave the books.
    fn strike_off(&mut self, id: &AgentId) {
        let frameworks: Vec<FrameworkId> =
            self.agents.get(id).map(|agent| agent.executors.keys().cloned().collect()).unwrap_or_default();
        for framework in frameworks {
            for executor in self.executors_on(id, &framework) {
                self.remove_executor(id, &framework, &executor);
            }
        }
        self.rescind_offers_on(id);
        self.rescind_inverse_offers_on(id);
        let Some(agent) = self.agents.remove(id) else { return };
        if self.addresses.get(&agent.pid) == Some(id) {
            self.addresses.remove(&agent.pid);
        }
        if let Some(link) = agent.link.filter(|link| self.links.get(link) == Some(id)) {
            self.links.remove(&link);
            self.effects.push(Effect::AgentGone { link });
        }
    }

    /// The agent leaves in order.
    pub(super) fn remove_agent(&mut self, id: &AgentId, removal: Removal) {
        let Some(agent) = self.agents.get(id) else { return };
        let message = format!("Agent {} removed: {}", agent.info.hostname, removal.cause());
        let info = agent.info.clone();
        self.register(State::Removed, &info, None);
        self.counters.slave_removals += 1;
        match removal {
            Removal::Unregistered => self.counters.slave_removals_reason_unregistered += 1,
            Removal::Replaced => self.counters.slave_removals_reason_registered += 1,
            Removal::MachineDown => {}
        }
        self.allocator.remove_agent(id);
        let verdict = Verdict::new(TaskState::TaskLost, Reason::AgentRemoved, message);
        for framework in self.frameworks_on(id) {
            for task in self.tasks_on(id, &framework) {
                self.end_task(&framework, &task, &verdict, false);
            }
        }
        self.strike_off(id);
        self.removed_agents.insert(id.clone());
        self.deactivated.remove(id);
        self.draining.remove(id);
        self.send_to_connected(&events::failure(id.clone(), None));
        self.publish_agent_removed(id);
    }

    /// An operator knows that the agent will never be back; false when there is no such agent.
    pub(super) fn mark_gone(&mut self, id: &AgentId) -> bool {
        const MESSAGE: &str = "Agent has been marked gone";
        let known = self.agents.get(id).map(|agent| &agent.info);
        let lost = || self.unreachable_agents.get(id).map(|lost| &lost.info);
        let Some(info) = known.or_else(lost).or_else(|| self.recovered_agents.get(id)).cloned() else {
            return false;
        };
        self.register(State::Gone, &info, Some(self.now));
        self.gone_agents.insert(id.clone(), LostAgent { id: id.clone(), info, since: self.now });
        self.recovered_agents.remove(id);
        self.draining.remove(id);
        if self.agents.contains_key(id) {
            self.tell(id, ToAgent::Shutdown { message: MESSAGE.into() });
            self.lose_agent(id, MESSAGE, false);
        } else if self.unreachable_agents.remove(id).is_some() {
            self.deactivated.remove(id);
            self.end_unreachable_tasks(id, MESSAGE);
        }
        true
    }

    fn end_unreachable_tasks(&mut self, agent: &AgentId, message: &str) {
        let frameworks: Vec<FrameworkId> = self.frameworks.keys().cloned().collect();
        for id in frameworks {
            let is_aware = self
                .frameworks
                .get(&id)
                .is_some_and(|it| it.has_capability(capability::Type::PartitionAware));
            let (state, reason) = if is_aware {
                (TaskState::TaskGoneByOperator, Reason::AgentRemovedByOperator)
            } else {
                (TaskState::TaskLost, Reason::AgentRemoved)
            };
            let verdict = Verdict::new(state, reason, message);
            for status in self.complete_unreachable(&id, &verdict, |task| task.agent_id == *agent) {
                self.send_if_connected(&id, events::update(status));
            }
        }
    }
}
