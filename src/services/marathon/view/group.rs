//! Groups with what lies in them, and deployments.

use serde_json::{Value, json};

use super::Embed;
use crate::services::marathon::{
    core::Marathon,
    deploy::Deployment,
    model::{AppId, RootGroup},
};

/// What a group is shown with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEmbed {
    pub groups: bool,
    pub apps: bool,
    pub pods: bool,
    pub app: Embed,
}

impl GroupEmbed {
    /// Of words such as `group.apps`; everything when there is none.
    pub fn parse(words: &[&str]) -> Self {
        let has = |word: &str| words.is_empty() || words.contains(&word);
        let within = words.iter().copied().filter(|word| word.starts_with("group.apps."));
        let within: Vec<&str> = within.map(|word| word.trim_start_matches("group.")).collect();
        Self {
            groups: has("group.groups"),
            apps: has("group.apps") || !within.is_empty(),
            pods: has("group.pods"),
            app: Embed::parse(within.into_iter()),
        }
    }
}

impl Marathon {
    /// A group of a tree and, where wanted, what lies in it at any depth.
    pub(in crate::services::marathon) fn group_info(
        &self,
        root: &RootGroup,
        id: &AppId,
        embed: GroupEmbed,
        live: bool,
    ) -> Value {
        let group = root.groups.get(id).cloned().unwrap_or_default();
        let mut info = json!({"id": id});
        if embed.apps {
            let apps = root.apps.values().filter(|app| app.id.parent() == *id);
            let show = |app| if live { self.app_info(app, embed.app) } else { json!(app) };
            info["apps"] = apps.map(show).collect();
        }
        if embed.pods {
            info["pods"] = json!([]);
        }
        if embed.groups {
            let groups = root.groups_in(id).into_iter().filter(|group| group != id);
            info["groups"] = groups.map(|group| self.group_info(root, &group, embed, live)).collect();
        }
        info["dependencies"] = json!(group.dependencies);
        info["version"] = json!(group.version.max(if id.is_root() { root.version } else { group.version }));
        if group.enforce_role {
            info["enforceRole"] = true.into();
        }
        info
    }

    pub(in crate::services::marathon) fn deployments_info(&self) -> Value {
        self.deployments.iter().map(deployment_info).collect()
    }
}

fn deployment_info(deployment: &Deployment) -> Value {
    let plan = &deployment.plan;
    let actions = deployment.current_step().map(|step| &step.actions[..]).unwrap_or_default();
    let current: Vec<Value> = actions
        .iter()
        .map(|action| json!({"action": action.action, "app": action.app, "readinessCheckResults": []}))
        .collect();
    json!({
        "id": plan.id, "version": plan.version, "affectedApps": plan.affected_apps(), "affectedPods": [],
        "steps": plan.steps, "currentActions": current, "currentStep": deployment.step + 1,
        "totalSteps": plan.steps.len(),
    })
}
