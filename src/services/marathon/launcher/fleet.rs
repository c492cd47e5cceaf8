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
    pub target: Option<Target>,
    pub statistics: Statistics,
    /// Since when instances wait for offers.
    pub queued_since: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    apps: BTreeMap<AppId, AppState>,
    /// Instances that wait for an offer.
    waiting: BTreeSet<InstanceId>,
    /// Instances whose state must not last.
    watched: BTreeSet<InstanceId>,
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

fn must_not_last(instance: &Instance) -> bool {
    matches!(
        instance.state,
        InstanceState::Provisioned
            | InstanceState::Staging
            | InstanceState::Starting
            | InstanceState::Unreachable
            | InstanceState::UnreachableInactive
    )
}

impl AppState {
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// What the instance runs, or the newest definition that there is.
    pub fn definition(&self, instance: &Instance) -> Option<&Arc<AppDefinition>> {
        let newest = || self.definitions.last_key_value().map(|(_, app)| app);
        self.definitions.get(&instance.version).or_else(newest)
    }

    fn forget_unused_definitions(&mut self) {
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
        let id = &instance.id;
        mark(&mut self.waiting, id, is_launchable(&instance));
        mark(&mut self.watched, id, must_not_last(&instance));
        let state = self.apps.entry(instance.app_id.clone()).or_default();
        state.instances.insert(id.clone(), instance);
    }

    pub fn remove(&mut self, id: &InstanceId) {
        self.waiting.remove(id);
        self.watched.remove(id);
        let app = id.app();
        if let Some(state) = self.apps.get_mut(&app) {
            state.instances.remove(id);
            state.forget_unused_definitions();
            if state.instances.is_empty() && state.target.is_none() {
                self.apps.remove(&app);
            }
        }
    }

    pub fn waiting(&self) -> impl Iterator<Item = &Instance> {
        self.waiting.iter().filter_map(|id| self.instance(id))
    }

    pub fn watched(&self) -> impl Iterator<Item = &Instance> {
        self.watched.iter().filter_map(|id| self.instance(id))
    }
}

fn mark(set: &mut BTreeSet<InstanceId>, id: &InstanceId, holds: bool) {
    if holds {
        set.insert(id.clone());
    } else {
        set.remove(id);
    }
}
