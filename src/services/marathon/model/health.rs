//! Health checks as an app asks for them, and what they have found.

use serde::{Deserialize, Serialize};

use super::{InstanceId, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<HealthCommand>,
    #[serde(default = "default::grace")]
    pub grace_period_seconds: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_http1xx: Option<bool>,
    #[serde(default = "default::interval")]
    pub interval_seconds: u32,
    /// 0: never killed.
    #[serde(default = "default::failures")]
    pub max_consecutive_failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Which of the app's ports; 0 where neither it nor `port` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_index: Option<usize>,
    #[serde(default)]
    pub protocol: HealthProtocol,
    /// `IPv4` or `IPv6`.
    #[serde(default = "default::ip")]
    pub ip_protocol: String,
    #[serde(default = "default::timeout")]
    pub timeout_seconds: u32,
    #[serde(default = "default::delay")]
    pub delay_seconds: u32,
}

/// Run by a shell; 0 is healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCommand {
    pub value: String,
}

/// `HTTP`, `HTTPS` and `TCP` are Marathon's own probes; the others are made by the executor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HealthProtocol {
    #[default]
    Http,
    Https,
    Tcp,
    Command,
    MesosTcp,
    MesosHttp,
    MesosHttps,
}

impl HealthProtocol {
    /// Whether the executor makes the check, and Marathon only hears of it in status updates.
    pub fn is_mesos(self) -> bool {
        !matches!(self, Self::Http | Self::Https | Self::Tcp)
    }
}

/// What one check says of one instance: an item of `healthCheckResults`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub alive: bool,
    pub consecutive_failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_success: Option<Timestamp>,
    pub instance_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_cause: Option<String>,
}

impl Health {
    /// Before the first result.
    pub fn unknown(instance: &InstanceId) -> Self {
        Self {
            alive: false,
            consecutive_failures: 0,
            first_success: None,
            instance_id: instance.to_string(),
            last_success: None,
            last_failure: None,
            last_failure_cause: None,
        }
    }

    /// Whether there has been a result that counts.
    pub fn is_known(&self) -> bool {
        self.first_success.is_some() || self.last_failure.is_some()
    }

    #[must_use]
    pub fn healthy_at(self, now: Timestamp) -> Self {
        Self {
            alive: true,
            consecutive_failures: 0,
            first_success: self.first_success.or(Some(now)),
            last_success: Some(now),
            ..self
        }
    }

    #[must_use]
    pub fn unhealthy_at(self, now: Timestamp, cause: String) -> Self {
        Self {
            alive: false,
            consecutive_failures: self.consecutive_failures + 1,
            last_failure: Some(now),
            last_failure_cause: Some(cause),
            ..self
        }
    }
}

mod default {
    pub fn grace() -> u32 {
        300
    }

    pub fn interval() -> u32 {
        60
    }

    pub fn failures() -> u32 {
        3
    }

    pub fn timeout() -> u32 {
        20
    }

    pub fn delay() -> u32 {
        15
    }

    pub fn ip() -> String {
        "IPv4".to_owned()
    }
}
