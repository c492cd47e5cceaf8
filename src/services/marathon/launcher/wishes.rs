//! What is wanted of apps: so many instances, more of them, these not, none.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Launcher, calls,
    fleet::{Target, is_launchable},
    scaling::propose,
};
use crate::{
    mesos::v1::TaskId,
    services::marathon::model::{AppDefinition, AppId, Goal, Instance, InstanceId, InstanceState, Timestamp},
};

impl Launcher {
    pub(super) fn scale(&mut self, app: Arc<AppDefinition>, count: u32, victims: Vec<InstanceId>) {
        let target = Target { app: app.clone(), count: count as usize };
        self.fleet.define(&app).target = Some(target);
        self.bring_up_to_date(&app);
        self.settle(&app.id, &victims.into_iter().collect());
    }

    /// Instances that wait run what the app says now.
    fn bring_up_to_date(&mut self, app: &AppDefinition) {
        let Some(state) = self.fleet.app(&app.id) else { return };
        let stale = |instance: &&Instance| instance.is_of(app) && instance.version != app.version;
        let stale: Vec<_> = state.waiting().filter(stale).cloned().collect();
        for instance in stale {
            self.put(Instance { version: app.version, role: app.role.clone(), ..instance }, None);
        }
    }

    /// Brings an app to its number of instances.
    pub(super) fn settle(&mut self, id: &AppId, victims: &BTreeSet<InstanceId>) {
        self.unsettled.remove(id);
        let Some(state) = self.fleet.app(id) else { return };
        let Some(Target { app, count }) = state.target.clone() else { return };
        let instances: Vec<_> = state.instances().collect();
        let proposal = propose(&app, &instances, victims, count);
        proposal.decommission.iter().for_each(|id| self.decommission(id));
        (0..proposal.start).for_each(|_| self.add_instance(&app));
    }

    /// Brings all apps to their numbers that may not be there.
    pub(super) fn settle_all(&mut self) {
        while let Some(app) = self.unsettled.pop_first() {
            self.settle(&app, &BTreeSet::new());
        }
    }

    fn add_instance(&mut self, app: &AppDefinition) {
        let bytes = rand::Rng::random(&mut self.rng);
        let id = InstanceId::new(&app.id, uuid::Builder::from_random_bytes(bytes).into_uuid());
        let instance = Instance {
            id,
            app_id: app.id.clone(),
            version: app.version,
            incarnation: 0,
            task_id: String::new(),
            state: InstanceState::Scheduled,
            goal: Goal::Running,
            agent_id: None,
            host: String::new(),
            ports: Vec::new(),
            ip_addresses: Vec::new(),
            staged_at: None,
            started_at: None,
            since: Timestamp::from(self.now),
            region: None,
            zone: None,
            attributes: std::collections::BTreeMap::new(),
            unreachable_since: None,
            role: app.role.clone(),
            health: Vec::new(),
        };
        self.put(instance, None);
    }

    pub(super) fn launch(&mut self, app: &Arc<AppDefinition>, count: u32) {
        self.fleet.define(app).target = None;
        self.bring_up_to_date(app);
        (0..count).for_each(|_| self.add_instance(app));
    }

    pub(super) fn decommission_all(&mut self, ids: &[InstanceId]) {
        for id in ids {
            if let Some(state) = self.fleet.app_mut(&id.app()) {
                state.target = None;
            }
            self.decommission(id);
        }
    }

    pub(super) fn kill_tasks(&mut self, ids: &[InstanceId], wipe: bool) {
        for id in ids {
            let Some(instance) = self.fleet.instance(id).cloned() else { continue };
            if wipe {
                self.kill_task(&instance);
                self.expunge(id);
            } else if instance.state.is_unreachable() {
                self.decommission(id);
                self.unsettled.insert(instance.app_id);
            } else if !is_launchable(&instance) {
                self.kills.add(id);
            }
        }
    }

    /// Kills the task that the instance has, if it has one.
    pub(super) fn kill_task(&mut self, instance: &Instance) {
        if instance.state.is_active() || instance.state == InstanceState::UnreachableInactive {
            let (task_id, agent) = (TaskId::new(instance.task_id.as_str()), instance.agent());
            self.call(|framework_id| calls::kill(framework_id, task_id, agent));
        }
    }

    pub(super) fn reset_delay(&mut self, app: &AppId) {
        self.backoff.reset_where(|(id, _)| id == app);
        let waiting = self.fleet.app(app).and_then(|state| state.waiting().next());
        if let Some(role) = waiting.map(|instance| instance.role.clone()) {
            self.market.refresh(&role);
        }
    }

    pub(super) fn stop(&mut self, app: &AppId) {
        self.backoff.reset_where(|(id, _)| id == app);
        let Some(state) = self.fleet.app_mut(app) else { return };
        state.target = None;
        let ids: Vec<_> = state.instances().map(|instance| instance.id.clone()).collect();
        ids.iter().for_each(|id| self.decommission(id));
    }
}
