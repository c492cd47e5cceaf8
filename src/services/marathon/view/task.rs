//! Tasks of instances.

use serde_json::{Value, json};

use crate::services::marathon::{
    core::Marathon,
    events::protocol,
    model::{AppId, Instance, InstanceState},
};

/// Whether it has a task to show.
fn has_task(instance: &Instance) -> bool {
    instance.state != InstanceState::Scheduled && instance.agent_id.is_some()
}

impl Marathon {
    pub(in crate::services::marathon) fn tasks_of(&self, app: &AppId) -> Value {
        let tasks = self.instances_of(app).into_iter().filter(|instance| has_task(instance));
        tasks.map(|instance| self.task(instance)).collect()
    }

    /// The tasks of all apps, of those states only when any is given.
    pub(in crate::services::marathon) fn all_tasks(&self, states: &[InstanceState]) -> Value {
        let chosen = |instance: &&Instance| {
            has_task(instance) && (states.is_empty() || states.contains(&instance.state))
        };
        self.launcher.instances().filter(chosen).map(|instance| self.task(instance)).collect()
    }

    pub(in crate::services::marathon) fn task(&self, instance: &Instance) -> Value {
        let mut task = json!({"appId": instance.app_id});
        let app = self.root.app(&instance.app_id);
        if app.is_some_and(|app| !app.health_checks.is_empty()) || !instance.health.is_empty() {
            task["healthCheckResults"] = json!(instance.health);
        }
        let active = !instance.state.is_terminal();
        let addresses = instance.ip_addresses.iter();
        let addresses: Vec<Value> =
            addresses.map(|ip| json!({"ipAddress": ip, "protocol": protocol(ip)})).collect();
        task["host"] = instance.host.as_str().into();
        task["id"] = instance.task_id.as_str().into();
        task["ipAddresses"] = addresses.into();
        task["ports"] = if active { json!(instance.ports) } else { json!([]) };
        task["servicePorts"] = json!(app.map(|app| app.service_ports()).unwrap_or_default());
        if let Some(agent) = &instance.agent_id {
            task["slaveId"] = agent.as_str().into();
        }
        task["state"] = instance.state.task_state().as_str_name().into();
        if active {
            for (name, moment) in [("stagedAt", instance.staged_at), ("startedAt", instance.started_at)] {
                if let Some(moment) = moment {
                    task[name] = json!(moment);
                }
            }
            task["version"] = json!(instance.version);
        }
        task["localVolumes"] = json!([]);
        for (name, value) in [("region", &instance.region), ("zone", &instance.zone)] {
            if let Some(value) = value {
                task[name] = value.as_str().into();
            }
        }
        task["role"] = instance.role.as_str().into();
        task
    }
}
