//! What `/v2/events` tells, in Marathon's members and their order.

use serde_json::{Value, json};

use super::{
    launcher::api::{Event, StatusUpdate},
    model::{AppDefinition, AppId, DeploymentPlan, HealthCheck, Step, Timestamp},
};

/// One event: its type, and its JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub kind: &'static str,
    pub data: Value,
}

impl Frame {
    /// `event: <type>`, `data: <json>` and an empty line.
    pub fn to_text(&self) -> String {
        format!("event: {}\r\ndata: {}\r\n\r\n", self.kind, self.data)
    }
}

fn frame(kind: &'static str, now: Timestamp, mut data: Value) -> Frame {
    data["eventType"] = kind.into();
    data["timestamp"] = now.to_string().into();
    Frame { kind, data }
}

pub fn attached(now: Timestamp, remote: &str) -> Frame {
    frame("event_stream_attached", now, json!({"remoteAddress": remote}))
}

pub fn detached(now: Timestamp, remote: &str) -> Frame {
    frame("event_stream_detached", now, json!({"remoteAddress": remote}))
}

pub fn registered(now: Timestamp, framework: &str, master: &str) -> Frame {
    frame("scheduler_registered_event", now, json!({"frameworkId": framework, "master": master}))
}

pub fn reregistered(now: Timestamp, master: &str) -> Frame {
    frame("scheduler_reregistered_event", now, json!({"master": master}))
}

pub fn disconnected(now: Timestamp) -> Frame {
    frame("scheduler_disconnected_event", now, json!({}))
}

pub fn api_post(now: Timestamp, remote: &str, uri: &str, app: &AppDefinition) -> Frame {
    frame("api_post_event", now, json!({"clientIp": remote, "uri": uri, "appDefinition": app}))
}

pub fn app_terminated(now: Timestamp, app: &AppId) -> Frame {
    frame("app_terminated_event", now, json!({"appId": app}))
}

pub fn health_check_added(now: Timestamp, app: &AppDefinition, check: &HealthCheck) -> Frame {
    let data = json!({"appId": app.id, "version": app.version, "healthCheck": check});
    frame("add_health_check_event", now, data)
}

pub fn health_check_removed(now: Timestamp, app: &AppId) -> Frame {
    frame("remove_health_check_event", now, json!({"appId": app}))
}

pub fn group_changed(now: Timestamp, group: &AppId, version: Timestamp) -> Frame {
    frame("group_change_success", now, json!({"groupId": group, "version": version}))
}

pub fn group_not_changed(now: Timestamp, group: &AppId, version: Timestamp, reason: &str) -> Frame {
    frame("group_change_failed", now, json!({"groupId": group, "version": version, "reason": reason}))
}

pub fn deployment_info(now: Timestamp, plan: &DeploymentPlan, step: &Step) -> Frame {
    frame("deployment_info", now, json!({"plan": plan, "currentStep": step}))
}

pub fn step_success(now: Timestamp, plan: &DeploymentPlan, step: &Step) -> Frame {
    frame("deployment_step_success", now, json!({"plan": plan, "currentStep": step}))
}

pub fn deployment_success(now: Timestamp, plan: &DeploymentPlan) -> Frame {
    frame("deployment_success", now, json!({"id": plan.id, "plan": plan}))
}

pub fn deployment_failed(now: Timestamp, plan: &DeploymentPlan, reason: &str) -> Frame {
    let mut failed = frame("deployment_failed", now, json!({"id": plan.id, "plan": plan}));
    failed.data["reason"] = reason.into();
    failed
}

/// What the launcher tells.
pub fn of_launcher(now: Timestamp, event: &Event) -> Frame {
    match event {
        Event::StatusUpdate(update) => status_update(now, update),
        Event::InstanceChanged { id, app_id, version, state, agent_id, host, .. } => {
            let data = json!({
                "instanceId": id, "condition": state.condition(), "runSpecId": app_id, "agentId": agent_id,
                "host": host, "runSpecVersion": version,
            });
            frame("instance_changed_event", now, data)
        }
        Event::InstanceHealthChanged { id, app_id, version, healthy } => {
            let data = json!({
                "instanceId": id, "runSpecId": app_id, "healthy": healthy, "runSpecVersion": version,
            });
            frame("instance_health_changed_event", now, data)
        }
        Event::HealthStatusChanged { id, app_id, version, alive } => {
            let data = json!({"appId": app_id, "instanceId": id, "version": version, "alive": alive});
            frame("health_status_changed_event", now, data)
        }
        Event::HealthCheckFailed { id, app_id, check } => {
            let data = json!({"appId": app_id, "taskId": id, "healthCheck": check});
            frame("failed_health_check_event", now, data)
        }
        Event::UnhealthyKill { id, task_id, app_id, version, reason, host, agent_id } => {
            let data = json!({
                "appId": app_id, "taskId": task_id, "instanceId": id, "version": version, "reason": reason,
                "host": host, "slaveId": agent_id,
            });
            frame("unhealthy_instance_kill_event", now, data)
        }
        Event::UnknownTerminated { id, app_id, state } => {
            let data = json!({"instanceId": id, "runSpecId": app_id, "condition": state.condition()});
            frame("unknown_instance_terminated_event", now, data)
        }
    }
}

fn status_update(now: Timestamp, update: &StatusUpdate) -> Frame {
    let addresses: Vec<Value> =
        update.ip_addresses.iter().map(|ip| json!({"ipAddress": ip, "protocol": protocol(ip)})).collect();
    let data = json!({
        "slaveId": update.agent_id, "taskId": update.task_id, "taskStatus": update.state.as_str_name(),
        "message": update.message, "appId": update.app_id, "host": update.host, "ipAddresses": addresses,
        "ports": update.ports, "version": update.version,
    });
    frame("status_update_event", now, data)
}

/// `IPv4` or `IPv6`.
pub fn protocol(ip: &str) -> &'static str {
    if ip.contains(':') { "IPv6" } else { "IPv4" }
}
