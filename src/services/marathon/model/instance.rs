//! One instance of an app: one task at a time, under an id that its next task inherits.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{AppDefinition, AppId, Timestamp, health::Health};
use crate::mesos::v1::{AgentId, TaskId, TaskState};

/// `mesoslab_scheduler.instance-<uuid>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(String);

impl InstanceId {
    pub fn new(app: &AppId, uuid: impl fmt::Display) -> Self {
        Self(format!("{}.instance-{uuid}", app.safe()))
    }

    /// Of a task's id; none when it is none of Marathon's.
    pub fn of_task(task: &str) -> Option<Self> {
        let (instance, _) = task.rsplit_once("._app.")?;
        instance.contains(".instance-").then(|| Self(instance.to_owned()))
    }

    /// The id of its task number `incarnation`, from 1.
    pub fn task(&self, incarnation: u32) -> TaskId {
        TaskId::new(format!("{}._app.{incarnation}", self.0))
    }

    /// The app that it is an instance of; parts of an app's id hold no underscore.
    pub fn app(&self) -> AppId {
        let safe = self.0.rsplit_once(".instance-").map_or(&self.0[..], |(safe, _)| safe);
        AppId::new(&safe.replace('_', "/"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Saved whenever it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    pub id: InstanceId,
    pub app_id: AppId,
    /// The version of the app that its task was made of.
    pub version: Timestamp,
    /// How many tasks it has had, the present one among them.
    pub incarnation: u32,
    pub task_id: String,
    pub state: InstanceState,
    pub goal: Goal,
    #[serde(default)]
    pub agent_id: Option<String>,
    #[serde(default)]
    pub host: String,
    /// Host ports in the order of the app's ports.
    #[serde(default)]
    pub ports: Vec<u16>,
    #[serde(default)]
    pub ip_addresses: Vec<String>,
    #[serde(default)]
    pub staged_at: Option<Timestamp>,
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When its state has changed last.
    pub since: Timestamp,
    #[serde(default)]
    pub region: Option<String>,
    #[serde(default)]
    pub zone: Option<String>,
    /// Of its agent, as constraints compare them.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Since when its agent cannot be reached.
    #[serde(default)]
    pub unreachable_since: Option<Timestamp>,
    pub role: String,
    /// One for each health check of the app.
    #[serde(default)]
    pub health: Vec<Health>,
}

impl Instance {
    pub fn agent(&self) -> Option<AgentId> {
        self.agent_id.as_deref().map(AgentId::new)
    }

    /// Whether it runs what `app` says; an older one is to be replaced.
    pub fn is_of(&self, app: &AppDefinition) -> bool {
        self.app_id == app.id && self.version >= app.config_version()
    }

    /// Whether all its checks say so; none where nothing is checked, or one of them has said nothing yet.
    pub fn healthy(&self) -> Option<bool> {
        let all_alive = !self.health.is_empty() && self.health.iter().all(|health| health.alive);
        let is_known = !self.health.is_empty() && self.health.iter().all(Health::is_known);
        if all_alive { Some(true) } else { is_known.then_some(false) }
    }
}

/// What is to become of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// A task that ends is followed by another.
    #[default]
    Running,
    /// It is killed, and gone when its task has ended.
    Decommissioned,
}

/// Marathon's `condition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceState {
    /// It has no task, and waits for an offer.
    Scheduled,
    /// Its task is on the way to the master.
    Provisioned,
    Staging,
    Starting,
    Running,
    Killing,
    Finished,
    Failed,
    Error,
    Killed,
    /// Its agent cannot be reached.
    Unreachable,
    /// For longer than its app's strategy waits: another runs beside it.
    UnreachableInactive,
    Gone,
    Dropped,
    Unknown,
}

impl InstanceState {
    /// Its task has ended.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Finished
                | Self::Failed
                | Self::Error
                | Self::Killed
                | Self::Gone
                | Self::Dropped
                | Self::Unknown
        )
    }

    /// It has a task that may run.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Provisioned
                | Self::Staging
                | Self::Starting
                | Self::Running
                | Self::Killing
                | Self::Unreachable
        )
    }

    /// `Running`, `UnreachableInactive`: the `condition` of events.
    pub fn condition(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Provisioned => "Provisioned",
            Self::Staging => "Staging",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Killing => "Killing",
            Self::Finished => "Finished",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Killed => "Killed",
            Self::Unreachable => "Unreachable",
            Self::UnreachableInactive => "UnreachableInactive",
            Self::Gone => "Gone",
            Self::Dropped => "Dropped",
            Self::Unknown => "Unknown",
        }
    }

    /// `TASK_RUNNING`: the `state` of tasks and of status updates.
    pub fn task_state(self) -> TaskState {
        match self {
            Self::Scheduled | Self::Provisioned | Self::Staging => TaskState::TaskStaging,
            Self::Starting => TaskState::TaskStarting,
            Self::Running => TaskState::TaskRunning,
            Self::Killing => TaskState::TaskKilling,
            Self::Finished => TaskState::TaskFinished,
            Self::Failed => TaskState::TaskFailed,
            Self::Error => TaskState::TaskError,
            Self::Killed => TaskState::TaskKilled,
            Self::Unreachable | Self::UnreachableInactive => TaskState::TaskUnreachable,
            Self::Gone => TaskState::TaskGone,
            Self::Dropped => TaskState::TaskDropped,
            Self::Unknown => TaskState::TaskUnknown,
        }
    }
}

/// The last task of an app that failed: `lastTaskFailure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskFailure {
    pub app_id: AppId,
    pub host: String,
    pub message: String,
    pub state: String,
    pub task_id: String,
    pub timestamp: Timestamp,
    pub version: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slave_id: Option<String>,
}
