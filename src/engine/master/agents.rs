//! Agents register, register again, change, and answer pings.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Agent, Framework, Master, Resources,
    loss::Removal,
    model::Observer,
    status::{Verdict, latest},
    timers::Timer,
};
use crate::{
    engine::wire::{AgentLink, AgentRegistration, ToAgent, ToMaster},
    mesos::v1::{
        AgentId, ExecutorInfo, FrameworkId, FrameworkInfo, Resource, Task, TaskId, TaskStatus,
        agent_info::{Capability, capability::Type},
        task_status::Reason,
    },
};

/// What runs on an agent that registers again.
struct Running {
    tasks: Vec<Task>,
    executors: Vec<(FrameworkId, ExecutorInfo)>,
    frameworks: Vec<FrameworkInfo>,
}

impl Master {
    pub(super) fn agent_message(&mut self, link: AgentLink, message: ToMaster) {
        match message {
            ToMaster::Register(registration) => self.register_agent(link, registration),
            ToMaster::Reregister { registration, tasks, executors, frameworks } => {
                self.reregister_agent(link, registration, Running { tasks, executors, frameworks });
            }
            message => {
                if let Some(agent) = self.links.get(&link).cloned() {
                    self.message_of(&agent, message);
                }
            }
        }
    }

    fn message_of(&mut self, agent: &AgentId, message: ToMaster) {
        match message {
            ToMaster::Unregister => {
                self.counters.messages_unregister_slave += 1;
                self.remove_agent(agent, Removal::Unregistered);
            }
            ToMaster::StatusUpdate(update) => self.status_update(agent, update),
            ToMaster::UpdateTotal(total) => self.update_total(agent, total),
            ToMaster::ExitedExecutor { framework_id, executor_id, status } => {
                self.exited_executor(agent, &framework_id, executor_id, status);
            }
            ToMaster::ExecutorMessage { framework_id, executor_id, data } => {
                self.executor_message(agent, &framework_id, executor_id, data);
            }
            ToMaster::Pong => self.pong(agent),
            ToMaster::Register(_) | ToMaster::Reregister { .. } => {}
        }
    }

    fn register_agent(&mut self, link: AgentLink, registration: AgentRegistration) {
        self.counters.messages_register_slave += 1;
        if let Some(known) = self.links.get(&link).cloned() {
            return self.tell(&known, ToAgent::Registered { agent_id: known.clone() });
        }
        if let Some(old) = self.addresses.get(&registration.pid).cloned() {
            self.remove_agent(&old, Removal::Replaced);
        }
        let id = AgentId::new(format!("{}-S{}", self.info.id, self.next_agent));
        self.next_agent += 1;
        self.counters.slave_registrations += 1;
        self.add_agent(&id, link, registration, None);
    }

    /// Enters an agent on which nothing runs, and greets it; `running` is put on it before it is offered.
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
        let serial = agent.observer.serial;
        self.agents.insert(id.clone(), agent);
        let frameworks = running.as_ref().map(|running| running.frameworks.clone()).unwrap_or_default();
        if let Some(running) = running {
            self.readmit(id, running);
        }
        self.announce_agent(id);
        self.tell(id, ToAgent::Registered { agent_id: id.clone() });
        self.greet_frameworks(id, &frameworks);
        self.ping_due(id, serial);
    }

    /// Tells the allocator and the operators of a new agent.
    fn announce_agent(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get(id) else { return };
        let capabilities = agent.capabilities.iter().cloned().collect();
        self.allocator.add_agent(id, &agent.info, capabilities, agent.total.clone(), &agent.used);
        if !agent.active {
            self.allocator.deactivate_agent(id);
        }
        self.publish_agent_added(id);
    }

    fn reregister_agent(&mut self, link: AgentLink, registration: AgentRegistration, running: Running) {
        let Some(id) = registration.info.id.clone().filter(|id| !id.value.is_empty()) else {
            return self.register_agent(link, registration);
        };
        self.counters.messages_reregister_slave += 1;
        if self.gone_agents.contains_key(&id) {
            let message = Box::new(ToAgent::Shutdown { message: "Agent has been marked gone".into() });
            self.effects.push(super::Effect::Agent { link, message });
            return;
        }
        self.counters.slave_reregistrations += 1;
        if self.agents.contains_key(&id) {
            return self.reconnect_agent(&id, link, registration, running);
        }
        self.add_agent(&id, link, registration, Some(running));
        self.unreachable_agents.remove(&id);
        self.removed_agents.remove(&id);
    }

    /// Takes over what runs on an agent that this master did not know, or had given up.
    fn readmit(&mut self, id: &AgentId, running: Running) {
        self.recover_frameworks(&running.frameworks);
        let was_unreachable = self.unreachable_agents.contains_key(id);
        for (framework, executor) in running.executors {
            if self.frameworks.contains_key(&framework) {
                self.add_executor(id, &framework, &executor);
            }
        }
        for task in running.tasks {
            self.readmit_task(id, task, was_unreachable);
        }
        for framework in self.frameworks.values_mut() {
            framework.unreachable_tasks.retain(|task| task.agent_id != *id);
        }
    }

    fn readmit_task(&mut self, id: &AgentId, mut task: Task, was_unreachable: bool) {
        let Some(framework) = self.frameworks.get_mut(&task.framework_id) else { return };
        if framework.tasks.contains_key(&task.task_id) {
            return;
        }
        framework.unreachable_tasks.retain(|old| old.task_id != task.task_id);
        framework.completed_tasks.retain(|old| old.task_id != task.task_id);
        let was_known = !framework.recovered();
        task.agent_id = id.clone();
        let message =
            if was_unreachable { "Unreachable agent re-reregistered" } else { "Unknown agent reregistered" };
        let status = state_of(&task, message, self.now);
        let framework = task.framework_id.clone();
        if was_known {
            self.send_if_connected(&framework, super::events::update(status));
        }
        self.add_task(task);
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
        if let Some(old) = agent.link.replace(link) {
            self.links.remove(&old);
        }
        self.links.insert(link, id.clone());
        let total = Resources::from(registration.info.resources.clone());
        self.addresses.remove(&agent.pid);
        self.addresses.insert(registration.pid.clone(), id.clone());
        agent.info = registration.info;
        agent.pid = registration.pid;
        agent.version = registration.version;
        agent.total = total.clone();
        agent.reregistered_at = Some(now);
        agent.observer.is_waiting = false;
        agent.observer.timeouts = 0;
        let capabilities = agent.capabilities.iter().cloned().collect();
        self.allocator.update_agent(id, &agent.info, capabilities);
        self.allocator.update_agent_total(id, total);
        self.tell(id, ToAgent::Registered { agent_id: id.clone() });
        self.recover_frameworks(&running.frameworks);
        self.reconcile_agent(id, &running);
        self.activate_again(id);
        self.greet_frameworks(id, &running.frameworks);
    }

    fn activate_again(&mut self, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else { return };
        let was_connected = std::mem::replace(&mut agent.connected, true);
        if !was_connected && !agent.deactivated {
            agent.active = true;
            self.allocator.activate_agent(self.now, id);
        }
    }

    /// Compares the books with what the agent says.
    fn reconcile_agent(&mut self, id: &AgentId, running: &Running) {
        let on_agent: BTreeSet<(&FrameworkId, &TaskId)> =
            running.tasks.iter().map(|task| (&task.framework_id, &task.task_id)).collect();
        for (framework_id, statuses) in self.missing_tasks(id, &on_agent) {
            self.tell(id, ToAgent::ReconcileTasks { framework_id, statuses });
        }
        self.remove_missing_executors(id, running);
        let killed = self.agents.get(id).map(|agent| agent.killed_tasks.clone()).unwrap_or_default();
        for task in running.tasks.iter().filter(|task| !super::status::is_terminal(task.state())) {
            if killed.get(&task.framework_id).is_some_and(|tasks| tasks.contains(&task.task_id)) {
                let (framework_id, task_id) = (task.framework_id.clone(), task.task_id.clone());
                self.tell(id, ToAgent::KillTask { framework_id, task_id, kill_policy: None });
            }
        }
    }

    fn missing_tasks(
        &self,
        id: &AgentId,
        on_agent: &BTreeSet<(&FrameworkId, &TaskId)>,
    ) -> Vec<(FrameworkId, Vec<TaskStatus>)> {
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
            (!statuses.is_empty()).then(|| (framework_id.clone(), statuses))
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

    fn update_total(&mut self, id: &AgentId, total: Vec<Resource>) {
        self.counters.messages_update_slave += 1;
        let total = Resources::from(total);
        let Some(agent) = self.agents.get_mut(id) else { return };
        if agent.total == total {
            return;
        }
        agent.total = total.clone();
        self.rescind_offers_on(id);
        self.allocator.update_agent_total(id, total);
    }

    fn pong(&mut self, id: &AgentId) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.observer.is_waiting = false;
            agent.observer.timeouts = 0;
        }
    }

    /// Pings now and at every interval; gives the agent up after too many pings without an answer.
    pub(super) fn ping_due(&mut self, id: &AgentId, serial: u64) {
        let most = self.config.max_agent_ping_timeouts;
        let Some(agent) = self.agents.get_mut(id).filter(|agent| agent.observer.serial == serial) else {
            return;
        };
        let Observer { is_waiting, timeouts, .. } = &mut agent.observer;
        if *is_waiting {
            *timeouts += 1;
        }
        let is_lost = *is_waiting && *timeouts >= most;
        *is_waiting = true;
        let connected = agent.connected;
        if is_lost {
            return self.mark_unreachable(id, "health check timed out");
        }
        self.tell(id, ToAgent::Ping { connected });
        let timeout = self.config.agent_ping_timeout.max(std::time::Duration::from_millis(1));
        self.set_timer(timeout, Timer::Ping(id.clone(), serial));
    }
}

fn state_of(task: &Task, message: &str, now: super::Time) -> TaskStatus {
    let told = Task { status_update_state: None, ..task.clone() };
    latest(&told, Reason::AgentReregistered, message, now)
}

impl Agent {
    pub fn new(id: AgentId, registration: AgentRegistration, now: super::Time) -> Self {
        let mut info = registration.info;
        info.id = Some(id.clone());
        Self {
            id,
            total: Resources::from(info.resources.clone()),
            info,
            link: None,
            pid: registration.pid,
            version: registration.version,
            capabilities: capabilities(),
            registered_at: now,
            reregistered_at: None,
            active: true,
            connected: true,
            deactivated: false,
            drain_info: None,
            estimated_drain_start_time: None,
            offers: BTreeSet::new(),
            tasks: BTreeMap::new(),
            executors: BTreeMap::new(),
            used: BTreeMap::new(),
            offered: Resources::default(),
            killed_tasks: BTreeMap::new(),
            observer: Observer::default(),
        }
    }
}

/// Those of an agent of Mesos 1.11: the wire does not carry them.
fn capabilities() -> Vec<Capability> {
    let all = [
        Type::MultiRole,
        Type::HierarchicalRole,
        Type::ReservationRefinement,
        Type::ResourceProvider,
        Type::ResizeVolume,
        Type::AgentOperationFeedback,
        Type::AgentDraining,
        Type::TaskResourceLimits,
    ];
    all.into_iter().map(|kind| Capability { r#type: Some(kind.into()) }).collect()
}

impl Framework {
    /// Whether what it runs survives its agent.
    pub(super) fn checkpoints(&self) -> bool {
        self.info.checkpoint()
    }
}
