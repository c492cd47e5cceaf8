//! Frameworks that come into the books, lose their stream, and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Framework, FrameworkState, Master, Resources, StreamId, status::Verdict, timers::Timer};
use crate::{
    engine::wire::ToAgent,
    mesos::v1::{
        AgentId, ExecutorId, FrameworkId, FrameworkInfo, OfferId, TaskId, TaskState,
        scheduler::OfferConstraints, task_status::Reason,
    },
};

impl Master {
    pub(super) fn add_framework(&mut self, framework: Framework) {
        let id = framework.id.clone();
        let suppressed = framework.suppressed_roles.clone();
        self.allocator.add_framework(&id, &framework.info, suppressed, framework.active, &framework.used);
        self.frameworks.insert(id, framework);
    }

    /// Enters a framework that some agent, or itself, says there is; does nothing when it is known.
    pub(super) fn recover_framework(&mut self, id: &FrameworkId, info: &FrameworkInfo) {
        if self.frameworks.contains_key(id) || self.is_completed(id) {
            return;
        }
        let info = FrameworkInfo { id: Some(id.clone()), ..info.clone() };
        self.add_framework(Framework::new(id.clone(), info, super::Time::default()));
        self.publish_framework_added(id);
    }

    /// The reader of a scheduler's stream is gone.
    pub(super) fn disconnected(&mut self, stream: &StreamId) {
        let Some(id) = self.streams.remove(stream) else { return };
        let Some(framework) = self.frameworks.get_mut(&id) else { return };
        framework.stream = None;
        let timeout = framework.failover_timeout();
        self.deactivate_framework(&id, true);
        let (now, expires) = (self.now, self.now + timeout);
        if let Some(framework) = self.frameworks.get_mut(&id) {
            framework.state = FrameworkState::Disconnected { since: now, expires: Some(expires) };
        }
        if timeout > Duration::ZERO {
            self.set_timer(timeout, Timer::FailoverTimeout(id));
        } else {
            self.remove_framework(&id);
        }
    }

    fn deactivate_framework(&mut self, id: &FrameworkId, rescind: bool) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        if !std::mem::replace(&mut framework.active, false) {
            return;
        }
        self.allocator.deactivate_framework(id);
        for offer in self.offers_of(id) {
            if rescind {
                self.rescind_offer(&offer);
            } else {
                self.discard_offer(&offer, None);
            }
        }
        self.withdraw_inverse_offers(id, rescind);
    }

    pub(super) fn offers_of(&self, id: &FrameworkId) -> Vec<OfferId> {
        self.frameworks
            .get(id)
            .map(|framework| framework.offers.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The framework is gone for good: its tasks are killed and it is kept among the completed ones.
    pub(super) fn remove_framework(&mut self, id: &FrameworkId) {
        self.deactivate_framework(id, false);
        self.tell_all(&ToAgent::ShutdownFramework { framework_id: id.clone() });
        self.kill_all(id);
        for (agent, executor) in self.executors_of(id) {
            self.remove_executor(&agent, id, &executor);
        }
        self.close_stream(id, None);
        self.allocator.remove_framework(self.now, id);
        if let Some(framework) = self.frameworks.remove(id) {
            self.complete(framework);
        }
    }

    fn kill_all(&mut self, id: &FrameworkId) {
        let message = format!("Framework {id} removed");
        let verdict = Verdict::new(TaskState::TaskKilled, Reason::FrameworkRemoved, message);
        let tasks: Vec<TaskId> = self
            .frameworks
            .get(id)
            .map(|framework| framework.tasks.keys().cloned().collect())
            .unwrap_or_default();
        for task in &tasks {
            self.condemn(id, task, &verdict);
            self.remove_task(id, task, false);
        }
        self.complete_unreachable(id, &verdict, |_| true);
    }

    fn executors_of(&self, id: &FrameworkId) -> Vec<(AgentId, ExecutorId)> {
        let Some(framework) = self.frameworks.get(id) else { return Vec::new() };
        let all = framework.executors.iter();
        all.flat_map(|(agent, executors)| executors.keys().map(|it| (agent.clone(), it.clone()))).collect()
    }

    fn complete(&mut self, mut framework: Framework) {
        framework.unregistered_at = Some(self.now);
        let info = framework.info.clone();
        self.complete_unseen(framework);
        self.publish_framework_removed(info);
    }

    /// Puts a framework behind the completed ones; nobody hears of it.
    pub(super) fn complete_unseen(&mut self, mut framework: Framework) {
        framework.state = FrameworkState::Completed;
        self.completed_frameworks.push_back(framework);
        while self.completed_frameworks.len() > self.config.max_completed_frameworks {
            self.completed_frameworks.pop_front();
        }
    }
}

impl Framework {
    /// A framework of which nothing but its existence is known.
    pub fn new(id: FrameworkId, info: FrameworkInfo, now: super::Time) -> Self {
        Self {
            id,
            info,
            stream: None,
            state: FrameworkState::Recovered,
            active: false,
            registered_at: now,
            reregistered_at: now,
            unregistered_at: None,
            tasks: BTreeMap::new(),
            completed_tasks: std::collections::VecDeque::new(),
            unreachable_tasks: std::collections::VecDeque::new(),
            executors: BTreeMap::new(),
            offers: BTreeSet::new(),
            suppressed_roles: BTreeSet::new(),
            offer_constraints: OfferConstraints::default(),
            used: BTreeMap::new(),
            counters: super::FrameworkCounters::default(),
        }
    }

    pub(super) fn hold(&mut self, agent: &AgentId, resources: &Resources) {
        if !resources.is_empty() {
            *self.used.entry(agent.clone()).or_default() += resources.clone();
        }
    }

    pub(super) fn release(&mut self, agent: &AgentId, resources: &Resources) {
        let Some(used) = self.used.get_mut(agent) else { return };
        *used -= resources.clone();
        if used.is_empty() {
            self.used.remove(agent);
        }
    }
}
