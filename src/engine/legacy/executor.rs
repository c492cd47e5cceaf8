//! An executor with its command.

use serde::Serialize;
use serde_json::Value;

use super::{Labels, Resources, task::role_of};
use crate::mesos::{json, v1};

/// An executor of a framework in `/state` and `/frameworks` of the master.
#[derive(Debug, Serialize)]
pub struct Executor<'a> {
    executor_id: &'a str,
    name: &'a str,
    framework_id: &'a str,
    command: Command<'a>,
    resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    slave_id: &'a str,
}

impl<'a> Executor<'a> {
    pub fn new(executor: &'a v1::ExecutorInfo, agent_id: &'a v1::AgentId) -> Self {
        Self {
            executor_id: executor.executor_id.as_str(),
            name: executor.name(),
            framework_id: executor.framework_id.as_ref().map_or("", v1::FrameworkId::as_str),
            command: executor.command.as_ref().map(Command::from).unwrap_or_default(),
            resources: executor.resources.iter().collect(),
            role: (!executor.resources.is_empty()).then(|| role_of(&executor.resources)),
            labels: executor.labels.as_ref().map(Labels::from),
            kind: executor.r#type.is_some().then(|| executor.r#type().as_str_name()),
            slave_id: agent_id.as_str(),
        }
    }
}

/// A command; that of an executor without one (the default executor) is empty.
#[derive(Debug, Default, Serialize)]
pub struct Command<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    argv: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Value>,
    uris: Vec<Uri<'a>>,
}

#[derive(Debug, Serialize)]
struct Uri<'a> {
    value: &'a str,
    executable: bool,
}

impl<'a> From<&'a v1::CommandInfo> for Command<'a> {
    fn from(command: &'a v1::CommandInfo) -> Self {
        Self {
            shell: command.shell,
            value: command.value.as_deref(),
            argv: &command.arguments,
            environment: command.environment.as_ref().map(json::to_json),
            uris: command
                .uris
                .iter()
                .map(|uri| Uri { value: &uri.value, executable: uri.executable() })
                .collect(),
        }
    }
}
