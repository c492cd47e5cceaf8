//! Agents register, and register again with what runs on them.

use std::collections::BTreeSet;

use super::{
    Agent, Effect, Master, Resources,
    loss::Removal,
    status::{Verdict, latest},
    validation,
};
use crate::{
    engine::wire::{AgentLink, AgentRegistration, Reconciliation, Running, ToAgent},
    mesos::{
        log::registry_entry::State,
        v1::{
            AgentId, AgentInfo, ExecutorInfo, FrameworkId, FrameworkInfo, Task, TaskId, TaskState,
            TaskStatus, task_status::Reason,
        },
    },
};

impl Master {
    pub(super) fn register_agent(&mut self, link: AgentLink, registration: AgentRegistration) {
        self.counters.messages_register_slave += 1;
        if self.is_on_machine_down(&registration) {
            return self.send_away(link, "Machine is `DOWN`");
        }
        if let Err(error) = self.admissible(&registration) {
            return self.refuse_agent(link, &registration, &error);
        }
        if let Some(known) = self.addresses.get(&registration.pid).cloned() {
            if self.links.get(&link) == Some(&known) && self.is_connected(&known) {
                return self.tell_registered(&known);
            }
            self.remove_agent(&known, Removal::Replaced);
        }
        let id = AgentId::new(format!("{}-S{}", self.info.id, self.next_agent));
        self.next_agent += 1;
        self.counters.slave_registrations += 1;
        let info = AgentInfo { id: Some(id.clone()), ..registration.info.clone() };
        self.register(State::Admitted, &info, None);
        self.add_agent(&id, link, registration, None);
    }

    /// What makes Mesos ignore an agent: it hears nothing, and tries again.
    fn admissible(&self, registration: &AgentRegistration) -> Result<(), String> {
        let AgentRegistration { info, version, .. } = registration;
        let parsed = version.split(['.', '-']).next().and_then(|major| major.parse::<u64>().ok());
        match parsed {
            None => return Err(format!("failed to parse version '{version}'")),
            Some(0) => {
                return Err(format!("agent version is {version}, minimum supported agent version is 1.0.0"));
            }
            Some(_) => {}
        }
        if info.domain.is_some() && self.info.domain.is_none() {
            return Err("it is configured with a domain but the master has no configured domain".to_owned());
        }
        info.id.as_ref().map_or(Ok(()), |id| validation::id::validate(id.as_str()))
    }

    /// The agent hears nothing, as in Mesos; the log does.
    fn refuse_agent(&mut self, link: AgentLink, registration: &AgentRegistration, error: &str) {
        let message = format!("Ignoring an agent at {}: {error}", registration.pid);
        self.effects.push(Effect::Log(message));
        self.forget_stranger(link);
    }

    /// A link on which no agent is known needs no connection.
    fn forget_stranger(&mut self, link: AgentLink) {
        if !self.links.contains_key(&link) {
            self.effects.push(Effect::AgentGone { link });
        }
    }

    fn tell_registered(&mut self, id: &AgentId) {
        let ping_timeout = Some(self.total_ping_timeout());
        self.tell(id, ToAgent::Registered { agent_id: id.clone(), ping_timeout });
    }

    fn tell_reregistered(&mut self, id: &AgentId, missing: Vec<Reconciliation>) {
        let ping_timeout = Some(self.total_ping_timeout());
        self.tell(id, ToAgent::Reregistered { agent_id: id.clone(), ping_timeout, missing });
    }

    /// After this long without a ping an agent knows that its master is gone.
    fn total_ping_timeout(&self) -> std::time::Duration {
        self.config.agent_ping_timeout * self.config.max_agent_ping_timeouts
    }

    /// Enters an agent, with what runs on it, and greets it before any of it is offered.
    fn add_agent(
        &mut self,
        id: &AgentId,
        link: AgentLink,
        registration: AgentRegistration,
        running: Option<Running>,
    ) {
        let mut agent = Agent::new(id.clone(), registration, self.now);
        agent.link = Some(link);
        agent.deactivated = self.deactivated.contains(id);
        agent.active = !agent.deactivated;
        self.next_observer += 1;
        agent.observer.serial = self.next_observer;
        self.links.insert(link, id.clone());
        agent.reregistered_at = running.as_ref().map(|_| self.now);
        self.addresses.insert(agent.pid.clone(), id.clone());
        self.maintenance.entry(&agent.machine_id());
        let serial = agent.observer.serial;
        self.agents.insert(id.clone(), agent);
        match running {
            None => {
                self.announce_agent(id);
                self.tell_registered(id);
            }
            Some(running) => {
                let frameworks = running.frameworks.clone();
                self.readmit(id, running);
                self.announce_agent(id);
                self.resume_drain(id);
                self.tell_reregistered(id, Vec::new());
                self.greet_frameworks(id, &frameworks);
            }
        }
        self.ping_due(id, serial);
    }

    /// Tells the allocator and the operators of a new agent.
    fn announce_agent(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get(id) else { return };
        let capabilities = agent.capabilities.iter().cloned().collect();
        self.allocator.add_agent(id, &agent.info, capabilities, agent.total.clone(), &agent.used);
        if self.maintenance.unavailability(&agent.machine_id()).is_some() {
            self.allocator.update_unavailability(id, true);
        }
        if !agent.active {
            self.allocator.deactivate_agent(id);
        }
        self.publish_agent_added(id);
    }

    pub(super) fn reregister_agent(
        &mut self,
        link: AgentLink,
        registration: AgentRegistration,
        running: Running,
    ) {
        let Some(id) = registration.info.id.clone().filter(|id| !id.value.is_empty()) else {
            return self.register_agent(link, registration);
        };
        self.counters.messages_reregister_slave += 1;
        if self.gone_agents.contains_key(&id) {
            return self.send_away(link, "Agent has been marked gone");
        }
        if self.is_on_machine_down(&registration) {
            return self.send_away(link, "Machine is `DOWN`");
        }
        if let Err(error) = self.admissible(&registration).and_then(|()| coherent(&id, &running)) {
            return self.refuse_agent(link, &registration, &error);
        }
        self.counters.slave_reregistrations += 1;
        if let Some(known) = self.agents.get(&id) {
            if has_moved(known, &registration) {
                return self.send_away(link, "Agent attempted to reregister with different IP / hostname");
            }
            return self.reconnect_agent(&id, link, registration, running);
        }
        self.add_returned(&id, link, registration, running);
    }

    /// An agent that was unreachable, is known from before this master's time, or comes from another one's.
    fn add_returned(
        &mut self,
        id: &AgentId,
        link: AgentLink,
        registration: AgentRegistration,
        running: Running,
    ) {
        if let Some(other) = self.addresses.get(&registration.pid).cloned() {
            self.remove_agent(&other, Removal::Replaced);
        }
        if self.recovered_agents.get(id) != Some(&registration.info) {
            self.register(State::Admitted, &registration.info, None);
        }
        self.add_agent(id, link, registration, Some(running));
        self.recovered_agents.remove(id);
        self.unreachable_agents.remove(id);
        self.removed_agents.remove(id);
    }

    /// Tells an agent that is not in the books to end.
    fn send_away(&mut self, link: AgentLink, message: &str) {
        let message = Box::new(ToAgent::Shutdown { message: message.to_owned() });
        self.effects.push(Effect::Agent { link, message });
        self.forget_stranger(link);
    }

    /// Takes over what runs on an agent that this master did not know, or had given up.
    fn readmit(&mut self, id: &AgentId, running: Running) {
        self.recover_frameworks(&running.frameworks);
        let is_news = !self.recovered_agents.contains_key(id);
        let was_unreachable = self.unreachable_agents.contains_key(id);
        for (framework, executor) in running.executors {
            if self.frameworks.contains_key(&framework) {
                self.add_executor(id, &framework, &executor);
            }
        }
        for task in running.tasks {
            self.readmit_task(task, is_news, was_unreachable);
        }
        for (framework, tasks) in running.completed {
            self.readmit_completed(framework, tasks);
        }
        for framework in self.frameworks.values_mut() {
            framework.unreachable_tasks.retain(|task| task.agent_id != *id);
        }
    }

    /// Frameworks hear of tasks that are back; not of those that this master, being new, only hears of now.
    fn readmit_task(&mut self, task: Task, is_news: bool, was_unreachable: bool) {
        let Some(framework) = self.frameworks.get_mut(&task.framework_id) else { return };
        if framework.tasks.contains_key(&task.task_id) {
            return;
        }
        framework.unreachable_tasks.retain(|old| old.task_id != task.task_id);
        framework.completed_tasks.retain(|old| old.task_id != task.task_id);
        let message =
            if was_unreachable { "Unreachable agent re-reregistered" } else { "Unknown agent reregistered" };
        let status = state_of(&task, message, self.now);
        if is_news && !framework.recovered() {
            let framework = task.framework_id.clone();
            self.send_if_connected(&framework, super::events::update(status));
        }
        self.add_task(task);
    }

    /// What an agent remembers of a framework that this master, being new, does not know.
    fn readmit_completed(&mut self, info: FrameworkInfo, tasks: Vec<Task>) {
        let Some(id) = info.id.clone() else { return };
        if let Some(framework) = self.frameworks.get_mut(&id) {
            return framework.keep_completed(tasks, self.config.max_completed_tasks_per_framework);
        }
        let known = self.completed_frameworks.iter_mut().find(|framework| framework.id == id);
        if let Some(framework) = known {
            return framework.keep_completed(tasks, self.config.max_completed_tasks_per_framework);
        }
        let mut framework = super::Framework::new(id, info, super::Time::default());
        framework.keep_completed(tasks, self.config.max_completed_tasks_per_framework);
        self.complete_unseen(framework);
    }

    fn recover_frameworks(&mut self, frameworks: &[FrameworkInfo]) {
        for info in frameworks {
            if let Some(id) = info.id.clone() {
                self.recover_framework(&id, info);
            }
        }
    }

    /// Tells the agent what its frameworks look like now, and which are gone.
    fn greet_frameworks(&mut self, agent: &AgentId, frameworks: &[FrameworkInfo]) {
        for id in frameworks.iter().filter_map(|info| info.id.clone()) {
            let message = match self.frameworks.get(&id) {
                Some(known) => ToAgent::UpdateFramework { framework: Box::new(known.info.clone()) },
                None => ToAgent::ShutdownFramework { framework_id: id },
            };
            self.tell(agent, message);
        }
    }

    /// A known agent is back, on a new connection or after a hiccup.
    fn reconnect_agent(
        &mut self,
        id: &AgentId,
        link: AgentLink,
        registration: AgentRegistration,
        running: Running,
    ) {
        let now = self.now;
        let Some(agent) = self.agents.get_mut(id) else { return };
        let has_changed = agent.info != registration.info;
        if let Some(old) = agent.link.replace(link).filter(|old| *old != link) {
            self.links.remove(&old);
            self.effects.push(Effect::AgentGone { link: old });
        }
        self.links.insert(link, id.clone());
        let total = Resources::from(registration.info.resources.clone());
        self.addresses.remove(&agent.pid);
        self.addresses.insert(registration.pid.clone(), id.clone());
        agent.info = registration.info;
        agent.pid = registration.pid;
        agent.version = registration.version;
        agent.capabilities = registration.capabilities;
        agent.resource_version = registration.resource_version;
        agent.total = total.clone();
        agent.reregistered_at = Some(now);
        agent.observer.is_waiting = false;
        agent.observer.timeouts = 0;
        let capabilities = agent.capabilities.iter().cloned().collect();
        self.allocator.update_agent(id, &agent.info, capabilities);
        self.allocator.update_agent_total(id, total);
        if has_changed && let Some(info) = self.agents.get(id).map(|agent| agent.info.clone()) {
            self.register(State::Admitted, &info, None);
            self.rescind_offers_on(id);
        }
        self.recover_frameworks(&running.frameworks);
        self.reconcile_agent(id, &running);
        self.activate_again(id);
        self.resume_drain(id);
        self.greet_frameworks(id, &running.frameworks);
    }

    fn activate_again(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        let was_connected = std::mem::replace(&mut agent.connected, true);
        agent.disconnected_at = None;
        if !was_connected && !agent.deactivated {
            agent.active = true;
            self.allocator.activate_agent(self.now, id);
        }
    }

    /// Compares the books with what the agent says.
    fn reconcile_agent(&mut self, id: &AgentId, running: &Running) {
        let on_agent: BTreeSet<(&FrameworkId, &TaskId)> =
            running.tasks.iter().map(|task| (&task.framework_id, &task.task_id)).collect();
        let missing = self.missing_tasks(id, &on_agent);
        self.tell_reregistered(id, missing);
        self.remove_missing_executors(id, running);
        let killed = self.agents.get(id).map(|agent| agent.killed_tasks.clone()).unwrap_or_default();
        for task in running.tasks.iter().filter(|task| !super::status::is_terminal(task.state())) {
            let Task { framework_id, task_id, .. } = task;
            let is_killed = killed.get(framework_id).is_some_and(|tasks| tasks.contains(task_id));
            if is_killed || self.is_stray(id, framework_id, task_id) {
                self.kill_on(id, framework_id, task_id);
            }
        }
    }

    /// Whether an agent runs a task that is not in the books: its framework has been told that it is lost, because the
    /// connection had ended, or its launch was delivered only after the agent had been given up.
    pub(super) fn is_stray(&self, agent: &AgentId, framework: &FrameworkId, task: &TaskId) -> bool {
        let known = self.agents.get(agent).and_then(|agent| agent.tasks.get(framework));
        self.frameworks.contains_key(framework) && !known.is_some_and(|tasks| tasks.contains(task))
    }

    pub(super) fn kill_on(&mut self, agent: &AgentId, framework: &FrameworkId, task: &TaskId) {
        let (framework_id, task_id) = (framework.clone(), task.clone());
        self.tell(agent, ToAgent::KillTask { framework_id, task_id, kill_policy: None });
    }

    fn missing_tasks(
        &self,
        id: &AgentId,
        on_agent: &BTreeSet<(&FrameworkId, &TaskId)>,
    ) -> Vec<Reconciliation> {
        let Some(agent) = self.agents.get(id) else { return Vec::new() };
        let of_framework = |(framework_id, tasks): (&FrameworkId, &BTreeSet<TaskId>)| {
            let framework = self.frameworks.get(framework_id)?;
            let missing = tasks.iter().filter(|task| !on_agent.contains(&(framework_id, *task)));
            let statuses: Vec<TaskStatus> = missing
                .filter_map(|task| framework.tasks.get(task))
                .map(|task| {
                    let state = task.status_update_state.map_or(task.state(), |_| task.status_update_state());
                    Verdict::new(state, Reason::Reconciliation, "Reconciliation request").of(self.now, task)
                })
                .collect();
            (!statuses.is_empty()).then(|| Reconciliation {
                framework_id: framework_id.clone(),
                framework: Some(Box::new(framework.info.clone())),
                statuses,
            })
        };
        agent.tasks.iter().filter_map(of_framework).collect()
    }

    fn remove_missing_executors(&mut self, id: &AgentId, running: &Running) {
        let Some(agent) = self.agents.get(id) else { return };
        let is_there = |framework: &FrameworkId, executor: &ExecutorInfo| {
            running.executors.iter().any(|(f, e)| f == framework && e.executor_id == executor.executor_id)
        };
        let missing: Vec<_> = agent
            .executors
            .iter()
            .flat_map(|(framework, executors)| executors.values().map(move |executor| (framework, executor)))
            .filter(|(framework, executor)| !is_there(framework, executor))
            .map(|(framework, executor)| (framework.clone(), executor.executor_id.clone()))
            .collect();
        for (framework, executor) in missing {
            self.remove_executor(id, &framework, &executor);
        }
    }
}

/// Another machine that claims an agent's id.
fn has_moved(known: &Agent, registration: &AgentRegistration) -> bool {
    let ip =
        |pid: &str| pid.rsplit_once('@').and_then(|(_, at)| at.rsplit_once(':')).map(|(ip, _)| ip.to_owned());
    ip(&known.pid) != ip(&registration.pid) || known.info.hostname != registration.info.hostname
}

/// Whether the parts of a re-registration fit together (`validation::master::message::reregisterSlave`).
fn coherent(id: &AgentId, running: &Running) -> Result<(), String> {
    let mut frameworks = BTreeSet::new();
    for framework in running.frameworks.iter().filter_map(|info| info.id.as_ref()) {
        if !frameworks.insert(framework) {
            return Err(format!("Framework has a duplicate FrameworkID: '{framework}'"));
        }
    }
    let mut executors = BTreeSet::new();
    for (framework, executor) in &running.executors {
        if !frameworks.contains(framework) {
            return Err(format!("Executor has an invalid FrameworkID '{framework}'"));
        }
        if !executors.insert((framework, &executor.executor_id)) {
            let executor = &executor.executor_id;
            return Err(format!("Framework '{framework}' has a duplicate ExecutorID '{executor}'"));
        }
    }
    for task in &running.tasks {
        let valid = validation::id::validate(task.task_id.as_str());
        valid.map_err(|error| format!("Task has an invalid TaskID: {error}"))?;
        if task.agent_id != *id {
            return Err(format!("Task has an invalid SlaveID '{}'", task.agent_id));
        }
        if !frameworks.contains(&task.framework_id) {
            return Err(format!("Task has an invalid FrameworkID '{}'", task.framework_id));
        }
        if let Some(executor) = task.executor_id.as_ref().filter(|_| task.state() == TaskState::TaskRunning)
            && !executors.contains(&(&task.framework_id, executor))
        {
            return Err(format!("Task has an invalid ExecutorID '{executor}'"));
        }
    }
    Ok(())
}

fn state_of(task: &Task, message: &str, now: super::Time) -> TaskStatus {
    let told = Task { status_update_state: None, ..task.clone() };
    latest(&told, Reason::AgentReregistered, message, now)
}
