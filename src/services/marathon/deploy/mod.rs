//! Deployments: what is on the way from one tree to another, and what has to happen for the next step.

mod plan;
mod rolling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::model::{
    Action, ActionKind, AppDefinition, AppId, DeploymentPlan, Goal, Instance, InstanceId, InstanceState, Step,
};

pub use plan::steps;
pub use rolling::{Rolling, is_ready};

/// A plan on its way. What is saved of it begins again at the first step: steps that are done already take no time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    pub plan: DeploymentPlan,
    /// The apps that it changes, as they were.
    pub before: BTreeMap<AppId, AppDefinition>,
    /// And as they are to be.
    pub target: BTreeMap<AppId, AppDefinition>,
    /// Instances that go first where an app scales down.
    pub victims: BTreeMap<AppId, Vec<InstanceId>>,
    /// The step that is being done, from 0.
    #[serde(skip)]
    pub step: usize,
    /// Whether its actions have begun.
    #[serde(skip)]
    pub begun: bool,
    /// The restarts among them.
    #[serde(skip)]
    pub rolling: BTreeMap<AppId, Rolling>,
}

impl Deployment {
    pub fn current_step(&self) -> Option<&Step> {
        self.plan.steps.get(self.step)
    }

    /// Whether it changes the app.
    pub fn affects(&self, app: &AppId) -> bool {
        self.before.contains_key(app) || self.target.contains_key(app)
    }

    /// The ids of the apps that it changes.
    pub fn apps(&self) -> BTreeSet<&AppId> {
        self.plan.affected_apps()
    }

    /// The app of an action, as it is to be; as it was where it stops.
    pub fn app_of(&self, action: &Action) -> Option<&AppDefinition> {
        let gone = action.action == ActionKind::StopApplication;
        if gone { self.before.get(&action.app) } else { self.target.get(&action.app) }
    }
}

/// Whether as many instances as are wanted are ready, and no other is left.
pub fn has_scaled(app: &AppDefinition, instances: &[&Instance]) -> bool {
    let counted = |instance: &&&Instance| {
        instance.goal == Goal::Running && instance.state != InstanceState::UnreachableInactive
    };
    let wanted = app.instances as usize;
    let kept: Vec<&&Instance> = instances.iter().filter(counted).collect();
    let leaving = instances.iter().any(|instance| instance.goal == Goal::Decommissioned);
    let ready = kept.iter().filter(|instance| is_ready(app, instance)).count();
    !leaving && kept.len() <= wanted && ready >= wanted
}
