//! A deployment: from one state of the tree to another, in steps.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AppId, Timestamp};

/// The steps are done one after another, the actions of a step beside each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentPlan {
    /// A uuid.
    pub id: String,
    pub version: Timestamp,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub actions: Vec<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub action: ActionKind,
    pub app: AppId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ActionKind {
    StartApplication,
    ScaleApplication,
    RestartApplication,
    StopApplication,
}

impl DeploymentPlan {
    pub fn affected_apps(&self) -> BTreeSet<&AppId> {
        self.steps.iter().flat_map(|step| &step.actions).map(|action| &action.app).collect()
    }
}
