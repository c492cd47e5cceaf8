//! What survives a restart: keys and values for the store.
//!
//! ```text
//! framework                 the framework's id
//! root                      version, groups, and the version of every app
//! roots/<version>           the same, for every version of the tree that is still known
//! apps/<app>/<version>      a definition
//! instances/<id>            an instance
//! deployments/<id>          a deployment that is not done
//! failures/<app>            the last failure of an app
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    deploy::Deployment,
    model::{AppDefinition, AppId, Group, Instance, InstanceId, RootGroup, TaskFailure, Timestamp},
};

pub const FRAMEWORK: &str = "framework";
pub const ROOT: &str = "root";
/// How the keys of instances begin.
pub const INSTANCES: &str = "instances/";

/// One version of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRoot {
    pub version: Timestamp,
    pub groups: BTreeMap<AppId, Group>,
    pub apps: BTreeMap<AppId, Timestamp>,
}

impl SavedRoot {
    pub fn of(root: &RootGroup) -> Self {
        let apps = root.apps.iter().map(|(id, app)| (id.clone(), app.version)).collect();
        Self { version: root.version, groups: root.groups.clone(), apps }
    }
}

/// Every definition that is still known, by app and version.
pub type History = BTreeMap<AppId, BTreeMap<Timestamp, AppDefinition>>;

/// All that was saved.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    pub framework_id: Option<String>,
    pub root: SavedRoot,
    pub roots: BTreeMap<Timestamp, SavedRoot>,
    pub history: History,
    pub instances: Vec<Instance>,
    pub deployments: Vec<Deployment>,
    pub failures: BTreeMap<AppId, TaskFailure>,
}

/// What cannot be understood of what was saved.
#[derive(Debug, thiserror::Error)]
#[error("understand `{key}` of Marathon's state: {source}")]
pub struct Garbled {
    key: String,
    source: serde_json::Error,
}

impl Saved {
    /// Reads what a store gives. Keys of other kinds are passed over.
    ///
    /// # Errors
    /// When a value is no longer what was written.
    pub fn read(entries: impl IntoIterator<Item = (String, Bytes)>) -> Result<Self, Garbled> {
        let mut saved = Self::default();
        for (key, value) in entries {
            match key.split('/').next().unwrap_or_default() {
                FRAMEWORK => saved.framework_id = Some(value_of(&key, &value)?),
                ROOT => saved.root = value_of(&key, &value)?,
                "roots" => {
                    let root: SavedRoot = value_of(&key, &value)?;
                    saved.roots.insert(root.version, root);
                }
                "apps" => {
                    let app: AppDefinition = value_of(&key, &value)?;
                    saved.history.entry(app.id.clone()).or_default().insert(app.version, app);
                }
                "instances" => saved.instances.push(value_of(&key, &value)?),
                "deployments" => saved.deployments.push(value_of(&key, &value)?),
                "failures" => {
                    let failure: TaskFailure = value_of(&key, &value)?;
                    saved.failures.insert(failure.app_id.clone(), failure);
                }
                _ => {}
            }
        }
        saved.deployments.sort_by_key(|deployment| deployment.plan.version);
        Ok(saved)
    }

    /// The tree as it was saved last.
    pub fn root_group(&self) -> RootGroup {
        tree(&self.root, &self.history)
    }
}

/// A version of the tree with the definitions that are still known.
pub fn tree(root: &SavedRoot, history: &History) -> RootGroup {
    let known =
        |(id, version): (&AppId, &Timestamp)| Some((id.clone(), history.get(id)?.get(version)?.clone()));
    RootGroup {
        version: root.version,
        groups: root.groups.clone(),
        apps: root.apps.iter().filter_map(known).collect(),
    }
}

fn value_of<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, Garbled> {
    serde_json::from_slice(value).map_err(|source| Garbled { key: key.to_owned(), source })
}

/// The form of a value.
pub fn to_bytes(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

pub fn root_key(version: Timestamp) -> String {
    format!("roots/{version}")
}

pub fn app_key(app: &AppId, version: Timestamp) -> String {
    format!("apps/{}/{version}", app.safe())
}

pub fn instance_key(id: &InstanceId) -> String {
    format!("instances/{id}")
}

pub fn deployment_key(id: &str) -> String {
    format!("deployments/{id}")
}

pub fn failure_key(app: &AppId) -> String {
    format!("failures/{}", app.safe())
}

/// The versions of an app that nothing needs any more, beyond the newest `keep`.
pub fn outdated(
    versions: &BTreeMap<Timestamp, AppDefinition>,
    needed: &BTreeSet<Timestamp>,
    keep: usize,
) -> Vec<Timestamp> {
    let old = versions.keys().rev().skip(keep).filter(|version| !needed.contains(version));
    old.copied().collect()
}
