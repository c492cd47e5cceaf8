//! An app's definition. Its serde form is Marathon's JSON of a definition that is checked and complete (ports assigned,
//! defaults filled in), which is also the form in which it is saved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{
    AppId, Timestamp,
    container::{Container, Network, NetworkMode, PortDefinition, PortMapping},
    health::HealthCheck,
};

/// What is to run, how often, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppDefinition {
    pub id: AppId,
    /// Roles of the resources that it may use; empty: unreserved ones and those of its role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_resource_roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    #[serde(default = "default::backoff_factor", serialize_with = "number")]
    pub backoff_factor: f64,
    #[serde(default = "default::one")]
    pub backoff_seconds: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    #[serde(default = "default::cpus", serialize_with = "number")]
    pub cpus: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<AppId>,
    /// In MB.
    #[serde(default, serialize_with = "number")]
    pub disk: f64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub executor: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<Artifact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheck>,
    #[serde(default = "default::one")]
    pub instances: u32,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default = "default::max_launch_delay")]
    pub max_launch_delay_seconds: u32,
    /// In MB.
    #[serde(default = "default::mem", serialize_with = "number")]
    pub mem: f64,
    #[serde(default)]
    pub gpus: u32,
    #[serde(default)]
    pub networks: Vec<Network>,
    /// With host networking only; the numbers are service ports, and host ports with `require_ports`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_definitions: Option<Vec<PortDefinition>>,
    /// Kept as they are given; instances count as ready at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readiness_checks: Vec<Value>,
    #[serde(default)]
    pub require_ports: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_kill_grace_period_seconds: Option<u32>,
    #[serde(default)]
    pub upgrade_strategy: UpgradeStrategy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default)]
    pub version: Timestamp,
    #[serde(default)]
    pub version_info: VersionInfo,
    #[serde(default)]
    pub kill_selection: KillSelection,
    #[serde(default)]
    pub unreachable_strategy: UnreachableStrategy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    #[serde(default = "default::role")]
    pub role: String,
}

/// The ports of an app, in the order of `$PORT0`, `$PORT1`, ...
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ports<'a> {
    /// Host networking.
    Definitions(&'a [PortDefinition]),
    /// The container has an address of its own, or a bridge.
    Mappings(&'a [PortMapping]),
}

impl AppDefinition {
    /// What differs from it in version only by scaling has the same.
    pub fn config_version(&self) -> Timestamp {
        self.version_info.last_config_change_at
    }

    pub fn is_on_host_network(&self) -> bool {
        self.networks.iter().all(|network| network.mode == NetworkMode::Host)
    }

    pub fn ports(&self) -> Ports<'_> {
        if self.is_on_host_network() {
            Ports::Definitions(self.port_definitions.as_deref().unwrap_or_default())
        } else {
            let container = self.container.as_ref();
            Ports::Mappings(container.map(|container| &container.port_mappings[..]).unwrap_or_default())
        }
    }

    /// In the order of [`AppDefinition::ports`].
    pub fn service_ports(&self) -> Vec<u16> {
        match self.ports() {
            Ports::Definitions(definitions) => definitions.iter().map(|port| port.port).collect(),
            Ports::Mappings(mappings) => mappings.iter().map(|mapping| mapping.service_port).collect(),
        }
    }
}

/// `["hostname", "UNIQUE"]`, `["rack", "GROUP_BY", "3"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constraint {
    /// `hostname`, `@hostname`, `@region`, `@zone` or the name of an attribute.
    pub field: String,
    pub operator: Operator,
    pub value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operator {
    Unique,
    Cluster,
    GroupBy,
    Like,
    Unlike,
    MaxPer,
    Is,
}

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Some(value) => (&self.field, self.operator, value).serialize(serializer),
            None => (&self.field, self.operator).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Full(String, Operator, String),
            Short(String, Operator),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Full(field, operator, value) => Self { field, operator, value: Some(value) },
            Form::Short(field, operator) => Self { field, operator, value: None },
        })
    }
}

/// What the fetcher brings into the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    pub uri: String,
    #[serde(default = "default::yes")]
    pub extract: bool,
    #[serde(default)]
    pub executable: bool,
    #[serde(default)]
    pub cache: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest_path: Option<String>,
}

/// Shares of the number of instances, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStrategy {
    /// How many more may run during an upgrade.
    #[serde(serialize_with = "number")]
    pub maximum_over_capacity: f64,
    /// How many have to be healthy during an upgrade.
    #[serde(serialize_with = "number")]
    pub minimum_health_capacity: f64,
}

impl Default for UpgradeStrategy {
    fn default() -> Self {
        Self { maximum_over_capacity: 1.0, minimum_health_capacity: 1.0 }
    }
}

/// The version before the one that only scaled is the one that instances are held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    pub last_scaling_at: Timestamp,
    pub last_config_change_at: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KillSelection {
    #[default]
    YoungestFirst,
    OldestFirst,
}

/// What becomes of instances whose agent cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreachableStrategy {
    /// They are waited for without end.
    Disabled,
    Enabled {
        /// Then another is launched beside it.
        inactive_after_seconds: u64,
        /// Then it is forgotten, and killed should it come back.
        expunge_after_seconds: u64,
    },
}

impl Default for UnreachableStrategy {
    fn default() -> Self {
        Self::Enabled { inactive_after_seconds: 0, expunge_after_seconds: 0 }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum UnreachableForm {
    Word(String),
    #[serde(rename_all = "camelCase")]
    Seconds {
        #[serde(default)]
        inactive_after_seconds: u64,
        #[serde(default)]
        expunge_after_seconds: u64,
    },
}

impl Serialize for UnreachableStrategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match *self {
            Self::Disabled => UnreachableForm::Word("disabled".to_owned()),
            Self::Enabled { inactive_after_seconds, expunge_after_seconds } => {
                UnreachableForm::Seconds { inactive_after_seconds, expunge_after_seconds }
            }
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UnreachableStrategy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match UnreachableForm::deserialize(deserializer)? {
            UnreachableForm::Word(_) => Self::Disabled,
            UnreachableForm::Seconds { inactive_after_seconds, expunge_after_seconds } => {
                Self::Enabled { inactive_after_seconds, expunge_after_seconds }
            }
        })
    }
}

/// Writes a whole number without a fraction, as Marathon does.
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// Marathon's own.
pub(super) mod default {
    pub fn backoff_factor() -> f64 {
        1.15
    }

    pub fn one() -> u32 {
        1
    }

    pub fn cpus() -> f64 {
        1.0
    }

    pub fn mem() -> f64 {
        128.0
    }

    pub fn max_launch_delay() -> u32 {
        300
    }

    pub fn role() -> String {
        "*".to_owned()
    }

    pub fn yes() -> bool {
        true
    }
}
