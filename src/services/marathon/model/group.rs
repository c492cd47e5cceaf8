//! The tree of groups, kept flat: apps and groups by their paths.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AppDefinition, AppId, Timestamp};

/// What a group says of itself; a group exists where it is named or where something lies in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<AppId>,
    /// Whether apps take the group's name as their role: kept, and without effect.
    #[serde(default)]
    pub enforce_role: bool,
    #[serde(default)]
    pub version: Timestamp,
}

/// All groups and apps, at one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RootGroup {
    pub version: Timestamp,
    pub apps: BTreeMap<AppId, AppDefinition>,
    pub groups: BTreeMap<AppId, Group>,
}

impl RootGroup {
    pub fn app(&self, id: &AppId) -> Option<&AppDefinition> {
        self.apps.get(id)
    }

    pub fn has_group(&self, id: &AppId) -> bool {
        id.is_root()
            || self.groups.contains_key(id)
            || self.groups.keys().chain(self.apps.keys()).any(|other| other.is_below(id))
    }

    pub fn apps_below<'a>(&'a self, group: &'a AppId) -> impl Iterator<Item = &'a AppDefinition> {
        self.apps.values().filter(move |app| app.id.is_below(group))
    }

    /// The groups that lie directly in `group`, named or implied.
    pub fn groups_in(&self, group: &AppId) -> Vec<AppId> {
        let depth = group.segments().count();
        let named = self.groups.keys().filter(|id| id.is_below(group)).cloned();
        let implied = self.apps.keys().map(AppId::parent).filter(|id| id.is_below(group));
        let mut found: Vec<AppId> = named
            .chain(implied)
            .map(|id| AppId::new(&id.segments().take(depth + 1).collect::<Vec<_>>().join("/")))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// Names a group, so that it stays when nothing lies in it any more.
    pub fn keep_group(&mut self, id: AppId) {
        if !id.is_root() {
            let version = self.version;
            self.groups.entry(id).or_insert_with(|| Group { version, ..Group::default() });
        }
    }

    /// Removes all that lies in the group.
    pub fn remove_below(&mut self, group: &AppId) {
        self.apps.retain(|id, _| !id.is_below(group));
        self.groups.retain(|id, _| !id.is_below(group));
    }
}
