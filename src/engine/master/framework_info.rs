//! Whether a `FrameworkInfo` can be accepted by this master.

use std::collections::BTreeSet;

use super::{
    Master,
    validation::{Checked, framework},
};
use crate::{
    engine::allocator::roles_of,
    mesos::v1::{FrameworkId, FrameworkInfo},
};

impl Master {
    pub(super) fn validate_framework(&self, info: &FrameworkInfo, suppressed: &[String]) -> Checked {
        framework::validate(info)?;
        self.validate_whitelist(info)?;
        let subscribed = roles_of(info);
        if let Some(role) = suppressed.iter().find(|role| !subscribed.contains(*role)) {
            return Err(format!("Suppressed role '{role}' is not contained in the list of roles"));
        }
        if info.user == "root" && !self.config.root_submissions {
            return Err("User 'root' is not allowed to run frameworks without --root_submissions set".into());
        }
        if info.id.as_ref().is_some_and(|id| self.is_completed(id)) {
            return Err("Framework has been removed".into());
        }
        framework::validate_failover_timeout(info.failover_timeout())
    }

    fn validate_whitelist(&self, info: &FrameworkInfo) -> Checked {
        let subscribed = roles_of(info);
        let unknown: BTreeSet<_> = subscribed.into_iter().filter(|role| !self.is_whitelisted(role)).collect();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(format!("Roles {} are not present in the master's --roles", framework::braces(&unknown)))
        }
    }

    /// Whether `--roles` lets the role be used.
    pub(super) fn is_whitelisted(&self, role: &str) -> bool {
        role == "*" || self.config.roles.as_ref().is_none_or(|roles| roles.iter().any(|known| known == role))
    }

    pub(super) fn is_completed(&self, id: &FrameworkId) -> bool {
        self.completed_frameworks.iter().any(|framework| framework.id == *id)
    }
}
