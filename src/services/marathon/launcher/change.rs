//! The one way in which an instance changes: it is saved, the change is told, and what follows from it is done.

use std::time::Duration;

use super::{
    Launcher,
    api::{Effect, Event, StatusUpdate},
    backoff::Strategy,
    fleet::{is_launchable, is_spent},
};
use crate::services::marathon::model::{
    AppDefinition, AppId, Goal, Instance, InstanceId, InstanceState, Timestamp,
};

pub fn strategy(app: &AppDefinition) -> Strategy {
    Strategy {
        first: Duration::from_secs(app.backoff_seconds.into()),
        factor: app.backoff_factor,
        longest: Duration::from_secs(app.max_launch_delay_seconds.into()),
    }
}

pub fn delay_key(app: &AppDefinition) -> (AppId, Timestamp) {
    (app.id.clone(), app.config_version())
}

impl Launcher {
    /// Keeps `instance` in place of what was known of it; `update` is the status that changed it.
    pub(super) fn put(&mut self, instance: Instance, update: Option<StatusUpdate>) {
        let id = instance.id.clone();
        let before = self.fleet.instance(&id);
        let old_state = before.map(|before| before.state);
        let was_launchable = before.is_some_and(is_launchable);
        let has_changed =
            before.is_none_or(|before| (before.state, before.goal) != (instance.state, instance.goal));
        let is_spent = is_spent(&instance);
        let event = changed(&instance);
        self.fleet.put(instance.clone());
        self.watch_patience(&id);
        if !was_launchable && is_launchable(&instance) {
            self.market.refresh(&instance.role);
        }
        if is_spent {
            self.effects.push(Effect::Forget(id.clone()));
        } else {
            self.effects.push(Effect::Save(id.clone()));
        }
        if let Some(update) = update {
            self.tell(Event::StatusUpdate(update));
        }
        if has_changed {
            self.tell(event);
        }
        if old_state != Some(instance.state) {
            self.follow_state(&instance, old_state);
        }
        if is_spent {
            self.forget(&id);
        } else {
            self.watch_health(&id);
        }
    }

    /// Takes the instance out at once; with the event of its end when it has not ended.
    pub(super) fn expunge(&mut self, id: &InstanceId) {
        let Some(instance) = self.fleet.instance(id) else { return };
        let last = Instance { state: InstanceState::Killed, ..instance.clone() };
        self.effects.push(Effect::Forget(id.clone()));
        self.tell(changed(&last));
        self.unsettled.insert(last.app_id);
        self.forget(id);
    }

    fn forget(&mut self, id: &InstanceId) {
        self.kills.done(id);
        self.probes.remove_all(id);
        self.patience.remove(id);
        self.fleet.remove(id);
    }

    fn follow_state(&mut self, instance: &Instance, old: Option<InstanceState>) {
        let state = instance.state;
        if let Some(app) = self.fleet.definition(instance) {
            let key = delay_key(app);
            if state.delays_launches() {
                self.backoff.add(self.now, key, &strategy(app));
            } else if state.advances_delay() {
                self.backoff.advance(self.now, &key);
            }
        }
        if state.is_over() {
            self.kills.done(&instance.id);
        }
        let was_over = old.is_some_and(InstanceState::is_over);
        if state.is_over() || was_over {
            self.unsettled.insert(instance.app_id.clone());
        }
        if was_over && instance.goal == Goal::Decommissioned && state.is_active() {
            self.kills.add(&instance.id);
        }
    }

    /// Nothing takes its place; its task is killed.
    pub(super) fn decommission(&mut self, id: &InstanceId) {
        let Some(instance) = self.fleet.instance(id) else { return };
        if instance.goal == Goal::Running {
            self.put(Instance { goal: Goal::Decommissioned, ..instance.clone() }, None);
        }
        if self.fleet.instance(id).is_some() {
            self.kills.add(id);
        }
    }
}

fn changed(instance: &Instance) -> Event {
    Event::InstanceChanged {
        id: instance.id.clone(),
        app_id: instance.app_id.clone(),
        version: instance.version,
        state: instance.state,
        goal: instance.goal,
        agent_id: instance.agent_id.clone(),
        host: instance.host.clone(),
    }
}
