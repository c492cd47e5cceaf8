//! Which version an app gets when it changes, and when its configuration has changed last.

use super::model::{AppDefinition, RootGroup, Timestamp, VersionInfo};

/// How a definition differs from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    None,
    /// Only the number of instances.
    Scale,
    /// Anything else.
    Config,
}

pub fn difference(before: &AppDefinition, after: &AppDefinition) -> Difference {
    let same_otherwise = AppDefinition {
        instances: before.instances,
        version: before.version,
        version_info: before.version_info,
        ..after.clone()
    } == *before;
    match (same_otherwise, before.instances == after.instances) {
        (false, _) => Difference::Config,
        (true, false) => Difference::Scale,
        (true, true) => Difference::None,
    }
}

/// Gives every app of `target` that is new or has changed the version `version`.
pub fn stamp(version: Timestamp, before: &RootGroup, target: &mut RootGroup) {
    target.version = version;
    for app in target.apps.values_mut() {
        let (at, info) = match before.app(&app.id) {
            None => (version, new(version)),
            Some(old) => match difference(old, app) {
                Difference::Config => (version, new(version)),
                Difference::Scale => (version, VersionInfo { last_scaling_at: version, ..old.version_info }),
                Difference::None if app.version == Timestamp::default() => {
                    (version, VersionInfo { last_config_change_at: version, ..old.version_info })
                }
                Difference::None => (old.version, old.version_info),
            },
        };
        (app.version, app.version_info) = (at, info);
    }
}

/// Marks an app to be restarted as it is.
pub fn mark_for_restart(app: &mut AppDefinition) {
    app.version = Timestamp::default();
}

fn new(version: Timestamp) -> VersionInfo {
    VersionInfo { last_scaling_at: version, last_config_change_at: version }
}
