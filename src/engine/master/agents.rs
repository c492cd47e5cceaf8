//! Agents say something, change, and answer pings.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Agent, Framework, Master, Resources,
    loss::Removal,
    model::{MarkingUnreachable, Observer},
    timers::Timer,
    unreachable::Turn,
};
use crate::{
    engine::wire::{AgentLink, AgentRegistration, ToAgent, ToMaster},
    mesos::v1::{AgentId, Resource},
};

impl Master {
    /// Whether an agent is watched under this number (`slave-observer(N)`).
    pub fn has_observer(&self, serial: u64) -> bool {
        self.agents.values().any(|agent| agent.observer.serial == serial)
    }

    /// Whether an operator has deactivated the agent, wherever it is.
    pub fn is_deactivated(&self, id: &AgentId) -> bool {
        self.deactivated.contains(id)
    }

    pub(super) fn agent_message(&mut self, link: AgentLink, message: ToMaster) {
        match message {
            ToMaster::Register(registration) => self.register_agent(link, registration),
            ToMaster::Reregister { registration, running } => {
                self.reregister_agent(link, registration, running);
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
            ToMaster::Update { total } => self.update_agent(agent, total),
            ToMaster::ExitedExecutor { framework_id, executor_id, status } => {
                self.exited_executor(agent, &framework_id, executor_id, status);
            }
            ToMaster::ExecutorMessage { framework_id, executor_id, data } => {
                self.executor_message(agent, &framework_id, executor_id, data);
            }
            ToMaster::Pong { observer } => self.pong(agent, observer),
            ToMaster::OperationUpdate(_) => self.counters.messages_operation_status_update += 1,
            ToMaster::Register(_) | ToMaster::Reregister { .. } => {}
        }
    }

    /// What is offered of an agent whose total has changed is offered anew.
    fn update_agent(&mut self, id: &AgentId, total: Option<Vec<Resource>>) {
        self.counters.messages_update_slave += 1;
        let Some(agent) = self.agents.get_mut(id) else { return };
        let Some(total) = total.map(Resources::from).filter(|total| *total != agent.total) else { return };
        agent.total = total.clone();
        self.rescind_offers_on(id);
        self.allocator.update_agent_total(id, total);
    }

    /// An answer to another observer than the agent's own comes too late.
    fn pong(&mut self, id: &AgentId, observer: u64) {
        let Some(agent) = self.agents.get_mut(id).filter(|agent| agent.observer.serial == observer) else {
            return;
        };
        agent.observer.is_waiting = false;
        agent.observer.timeouts = 0;
        if std::mem::take(&mut agent.observer.marking) == MarkingUnreachable::Scheduled {
            self.counters.slave_unreachable_canceled += 1;
            self.turns.cancel(&Turn::Silent(id.clone(), observer));
        }
    }

    /// Pings now and at every interval; gives the agent up after too many pings without an answer. Pings go on even then:
    /// as long as the rate limit holds that back, an answer is still in time.
    pub(super) fn ping_due(&mut self, id: &AgentId, serial: u64) {
        let most = self.config.max_agent_ping_timeouts;
        let Some(agent) = self.agents.get_mut(id).filter(|agent| agent.observer.serial == serial) else {
            return;
        };
        let connected = agent.connected;
        let Observer { is_waiting, timeouts, .. } = &mut agent.observer;
        if *is_waiting {
            *timeouts += 1;
        }
        let is_lost = *is_waiting && *timeouts >= most;
        *is_waiting = true;
        self.tell(id, ToAgent::Ping { observer: serial, connected });
        let timeout = self.config.agent_ping_timeout.max(std::time::Duration::from_millis(1));
        self.set_timer(timeout, Timer::Ping(id.clone(), serial));
        if is_lost {
            self.schedule_unreachable(id);
        }
    }
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
            capabilities: registration.capabilities,
            resource_version: registration.resource_version,
            registered_at: now,
            reregistered_at: None,
            active: true,
            connected: true,
            disconnected_at: None,
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

impl Framework {
    /// Whether what it runs survives its agent.
    pub(super) fn checkpoints(&self) -> bool {
        self.info.checkpoint()
    }
}
