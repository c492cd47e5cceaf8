//! What time brings: launches that take too long, agents that stay away, kills and probes that are due, and telling the
//! master for which roles offers are wanted.

use std::collections::BTreeSet;

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
        self.lose_patience();
        self.settle_all();
        self.probe();
        self.fleet.mark_queued(Timestamp::from(self.now));
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
        while_subscribed.chain(self.patience.next_deadline()).chain(self.probes.next_deadline()).min()
    }

    /// When a state that must not last ends.
    fn patience_ends(&self, instance: &Instance) -> Option<Time> {
        let patience = match instance.state {
            InstanceState::Unreachable => return Some(self.patience_with(instance)?.0.time()),
            InstanceState::UnreachableInactive => return Some(self.patience_with(instance)?.1.time()),
            InstanceState::Provisioned => self.options.launch_confirm_timeout,
            InstanceState::Staging | InstanceState::Starting => self.options.launch_timeout,
            _ => return None,
        };
        instance.staged_at.map(|staged| staged.time() + patience)
    }

    /// Notes when the present state of an instance must end.
    pub(super) fn watch_patience(&mut self, id: &InstanceId) {
        match self.fleet.instance(id).and_then(|instance| self.patience_ends(instance)) {
            Some(at) => self.patience.set(id.clone(), at),
            None => self.patience.remove(id),
        }
    }

    fn lose_patience(&mut self) {
        for id in self.patience.due(self.now) {
            self.patience.remove(&id);
            match self.fleet.instance(&id).cloned() {
                Some(instance) if instance.state.is_unreachable() => self.give_up(instance),
                Some(_) => self.kills.add(&id),
                None => {}
            }
        }
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
        for (app, _) in self.backoff.ended(self.now) {
            let waiting = self.fleet.app(&app).and_then(|state| state.waiting().next());
            if let Some(role) = waiting.map(|instance| instance.role.clone()) {
                self.market.refresh(&role);
            }
        }
        let wanted = self.wanted_roles();
        let Orders { roles, suppress, revive } = self.market.orders(self.now, self.roles(), &wanted);
        self.effects.extend(roles.map(Effect::Roles));
        if !suppress.is_empty() {
            self.call(|framework_id| calls::suppress(framework_id, suppress));
        }
        if !revive.is_empty() {
            self.call(|framework_id| calls::revive(framework_id, revive));
        }
    }

    /// The roles in which something could be launched now.
    fn wanted_roles(&self) -> BTreeSet<String> {
        let mut wanted = BTreeSet::new();
        for (_, state) in self.fleet.apps() {
            for instance in state.waiting() {
                if wanted.contains(&instance.role) {
                    break;
                }
                if self.may_launch(instance) {
                    wanted.insert(instance.role.clone());
                }
            }
        }
        wanted
    }
}
