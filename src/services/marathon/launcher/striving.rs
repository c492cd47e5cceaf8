//! What time brings: launches that take too long, agents that stay away, kills and probes that are due, and telling the
//! master for which roles offers are wanted.

use std::collections::BTreeMap;

use super::{Launcher, api::Effect, calls, market::Orders};
use crate::{
    mesos::{
        time::Time,
        v1::{TaskId, scheduler::call::reconcile},
    },
    services::marathon::model::{Instance, InstanceId, InstanceState, Timestamp},
};

impl Launcher {
    /// Does what is due.
    pub(super) fn strive(&mut self) {
        self.give_up_the_unreachable();
        self.kill_the_overdue();
        self.settle_all();
        self.probe();
        self.mark_queued();
        if self.framework_id.is_some() {
            self.send_kills();
            self.reconcile();
            self.trade();
        }
    }

    /// When [`super::api::Input::Tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Time> {
        let while_subscribed = [
            Some(self.reconcile_at),
            self.kills.next_deadline(),
            self.market.next_deadline(),
            self.backoff.next_deadline(self.now),
        ];
        let while_subscribed = while_subscribed.into_iter().flatten().filter(|_| self.framework_id.is_some());
        let watched = self.fleet.watched().filter_map(|instance| self.patience_ends(instance));
        while_subscribed.chain(watched).chain(self.probes.next_deadline()).min()
    }

    /// When a state that must not last ends.
    fn patience_ends(&self, instance: &Instance) -> Option<Time> {
        let patience = match instance.state {
            InstanceState::Unreachable => return Some(self.patience(instance)?.0.time()),
            InstanceState::UnreachableInactive => return Some(self.patience(instance)?.1.time()),
            InstanceState::Provisioned => self.options.launch_confirm_timeout,
            InstanceState::Staging | InstanceState::Starting => self.options.launch_timeout,
            _ => return None,
        };
        let waits = !self.kills.contains(&instance.id);
        instance.staged_at.filter(|_| waits).map(|staged| staged.time() + patience)
    }

    fn kill_the_overdue(&mut self) {
        let is_overdue = |instance: &&Instance| {
            !instance.state.is_unreachable()
                && self.patience_ends(instance).is_some_and(|end| end <= self.now)
        };
        let overdue: Vec<_> = self.fleet.watched().filter(is_overdue).map(|each| each.id.clone()).collect();
        overdue.iter().for_each(|id| self.kills.add(id));
    }

    fn send_kills(&mut self) {
        for id in self.kills.due(self.now) {
            match self.fleet.instance(&id).cloned() {
                Some(instance) => self.kill_task(&instance),
                None => self.kills.done(&id),
            }
        }
    }

    /// Asks about each task by its name, and then for all that the master has.
    fn reconcile(&mut self) {
        if self.now < self.reconcile_at {
            return;
        }
        self.reconcile_at = self.now + self.options.reconcile_interval;
        let has_task = |instance: &&Instance| {
            instance.state.is_active() || instance.state == InstanceState::UnreachableInactive
        };
        let question = |instance: &Instance| reconcile::Task {
            task_id: TaskId::new(instance.task_id.as_str()),
            agent_id: instance.agent(),
        };
        let tasks: Vec<_> = self.fleet.instances().filter(has_task).map(question).collect();
        if !tasks.is_empty() {
            self.call(|framework_id| calls::reconcile(framework_id, tasks));
        }
        self.call(|framework_id| calls::reconcile(framework_id, Vec::new()));
    }

    /// Says for which roles offers are wanted.
    fn trade(&mut self) {
        let launchable: BTreeMap<InstanceId, String> = self
            .fleet
            .waiting()
            .filter(|instance| self.may_launch(instance))
            .map(|instance| (instance.id.clone(), instance.role.clone()))
            .collect();
        let Orders { roles, suppress, revive } = self.market.orders(self.now, self.roles(), &launchable);
        self.effects.extend(roles.map(Effect::Roles));
        if !suppress.is_empty() {
            self.call(|framework_id| calls::suppress(framework_id, suppress));
        }
        if !revive.is_empty() {
            self.call(|framework_id| calls::revive(framework_id, revive));
        }
    }

    fn mark_queued(&mut self) {
        let waiting: Vec<_> = self.fleet.waiting().map(|instance| instance.app_id.clone()).collect();
        for app in waiting {
            if let Some(state) = self.fleet.app_mut(&app) {
                state.queued_since.get_or_insert(Timestamp::from(self.now));
            }
        }
    }
}
