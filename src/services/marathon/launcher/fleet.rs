//! All apps that the launcher knows, with their definitions and instances, and which instances wait for something.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::statistics::Statistics;
use crate::services::marathon::model::{
    AppDefinition, AppId, Goal, Instance, InstanceId, InstanceState, Timestamp,
};

/// How many instances an app is to have, and as what.
#[derive(Clone, Debug)]
pub struct Target {
    pub app: Arc<AppDefinition>,
    pub count: usize,
}

/// One app.
#[derive(Clone, Debug, Default)]
pub struct AppState {
    definitions: BTreeMap<Timestamp, Arc<AppDefinition>>,
    instances: BTreeMap<InstanceId, Instance>,
    /// Instances that wait for an offer.
    waiting: BTreeSet<InstanceId>,
    pub target: Option<Target>,
    pub statistics: Statistics,
    /// Since when instances wait for offers.
    pub queued_since: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    apps: BTreeMap<AppId, AppState>,
    /// How many instances have each role.
    roles: BTreeMap<String, usize>,
}

/// Whether it wants a task.
pub fn is_launchable(instance: &Instance) -> bool {
    instance.goal == Goal::Running
        && (instance.state == InstanceState::Scheduled || instance.state.is_terminal())
}

/// Nothing can happen to it any more.
pub fn is_spent(instance: &Instance) -> bool {
    instance.goal == Goal::Decommissioned
        && (instance.state == InstanceState::Scheduled || instance.state.is_terminal())
}

impl AppState {
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// Those that wait for an offer.
    pub fn waiting(&self) -> impl Iterator<Item = &Instance> {
        self.waiting.iter().filter_map(|id| self.instances.get(id))
    }

    /// What the instance runs, or the newest definition that there is.
    pub fn definition(&self, instance: &Instance) -> Option<&Arc<AppDefinition>> {
        let newest = || self.definitions.last_key_value().map(|(_, app)| app);
        self.definitions.get(&instance.version).or_else(newest)
    }

    fn forget_unused_definitions(&mut self) {
        if self.definitions.len() == 1 {
            return;
        }
        let used: BTreeSet<_> = self.instances.values().map(|instance| instance.version).collect();
        let target = self.target.as_ref().map(|target| target.app.version);
        self.definitions.retain(|version, _| used.contains(version) || target == Some(*version));
    }
}

impl Fleet {
    pub fn app(&self, id: &AppId) -> Option<&AppState> {
        self.apps.get(id)
    }

    pub fn app_mut(&mut self, id: &AppId) -> Option<&mut AppState> {
        self.apps.get_mut(id)
    }

    pub fn apps(&self) -> impl Iterator<Item = (&AppId, &AppState)> {
        self.apps.iter()
    }

    /// Notes since when apps wait for offers.
    pub fn mark_queued(&mut self, now: Timestamp) {
        for state in self.apps.values_mut() {
            if state.waiting.is_empty() {
                state.queued_since = None;
            } else {
                state.queued_since.get_or_insert(now);
            }
        }
    }

    /// Knows this version of an app from now on.
    pub fn define(&mut self, app: &Arc<AppDefinition>) -> &mut AppState {
        let state = self.apps.entry(app.id.clone()).or_default();
        state.definitions.insert(app.version, app.clone());
        state
    }

    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.apps.get(&id.app())?.instances.get(id)
    }

    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.apps.values().flat_map(AppState::instances)
    }

    pub fn definition(&self, instance: &Instance) -> Option<&Arc<AppDefinition>> {
        self.apps.get(&instance.app_id)?.definition(instance)
    }

    /// Keeps an instance in place of what was known of it.
    pub fn put(&mut self, instance: Instance) {
        *self.roles.entry(instance.role.clone()).or_default() += 1;
        let state = self.apps.entry(instance.app_id.clone()).or_default();
        if is_launchable(&instance) {
            state.waiting.insert(instance.id.clone());
        } else {
            state.waiting.remove(&instance.id);
        }
        if let Some(before) = state.instances.insert(instance.id.clone(), instance) {
            release(&mut self.roles, &before.role);
        }
    }

    pub fn remove(&mut self, id: &InstanceId) {
        let app = id.app();
        if let Some(state) = self.apps.get_mut(&app) {
            state.waiting.remove(id);
            if let Some(before) = state.instances.remove(id) {
                release(&mut self.roles, &before.role);
            }
            state.forget_unused_definitions();
            if state.instances.is_empty() && state.target.is_none() {
                self.apps.remove(&app);
            }
        }
    }

    /// The roles of all instances.
    pub fn roles(&self) -> impl Iterator<Item = &String> {
        self.roles.keys()
    }
}

fn release(roles: &mut BTreeMap<String, usize>, role: &str) {
    if let Some(count) = roles.get_mut(role) {
        *count -= 1;
        if *count == 0 {
            roles.remove(role);
        }
    }
}
