//! The health check in a configuration, and its form on the wire.

use serde::{Deserialize, Serialize};

use crate::{
    mesos::v1,
    scheduler::{config::FieldError, seconds::Seconds},
};

/// How the executor finds out whether a task is healthy: exactly one of `command`, `http` and `tcp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// A shell command; healthy when it exits with 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpCheck>,
    /// From the start of the task to the first check.
    pub delay: Seconds,
    pub interval: Seconds,
    pub timeout: Seconds,
    /// So many failures in a row kill the task.
    pub consecutive_failures: u32,
    /// Failures this soon after the start do not count.
    pub grace_period: Seconds,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            command: None,
            http: None,
            tcp: None,
            delay: Seconds(0.0),
            interval: Seconds(10.0),
            timeout: Seconds(20.0),
            consecutive_failures: 3,
            grace_period: Seconds(10.0),
        }
    }
}

/// Healthy when a GET answers with 200 to 399.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpCheck {
    pub path: String,
    /// A fixed port; the task's port number `port_index` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub port_index: u32,
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self { path: "/".to_owned(), port: None, port_index: 0 }
    }
}

/// Healthy when the port accepts a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TcpCheck {
    /// A fixed port; the task's port number `port_index` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub port_index: u32,
}

impl HealthCheck {
    pub(super) fn errors(&self, ports: u32) -> Vec<FieldError> {
        let kinds = [self.command.is_some(), self.http.is_some(), self.tcp.is_some()];
        let mut errors = Vec::new();
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            errors.push(FieldError::new("health_check", "needs exactly one of `command`, `http` and `tcp`"));
        }
        if self.command.as_deref().is_some_and(|line| line.trim().is_empty()) {
            errors.push(FieldError::new("health_check.command", "must not be empty"));
        }
        errors.extend(self.port_error(ports));
        errors.extend(self.time_errors());
        errors
    }

    fn port_error(&self, ports: u32) -> Option<FieldError> {
        let (kind, port, index) = match (&self.http, &self.tcp) {
            (Some(http), _) => ("http", http.port, http.port_index),
            (_, Some(tcp)) => ("tcp", tcp.port, tcp.port_index),
            _ => return None,
        };
        (port.is_none() && index >= ports).then(|| {
            let field = format!("health_check.{kind}.port_index");
            FieldError::new(
                field,
                format!("is {index}, but a task has {ports} ports (set `ports`, or `port` here)"),
            )
        })
    }

    fn time_errors(&self) -> Vec<FieldError> {
        let times = [
            ("delay", self.delay),
            ("interval", self.interval),
            ("timeout", self.timeout),
            ("grace_period", self.grace_period),
        ];
        times
            .into_iter()
            .filter(|(_, time)| !time.is_sane())
            .map(|(name, time)| {
                FieldError::new(format!("health_check.{name}"), format!("must be 0 or more, is {}", time.0))
            })
            .collect()
    }

    /// The message for a task that was given `ports`.
    pub(super) fn to_proto(&self, ports: &[u32]) -> v1::HealthCheck {
        let port = |fixed: Option<u16>, index: u32| {
            fixed.map(u32::from).or_else(|| ports.get(index as usize).copied()).unwrap_or_default()
        };
        let mut check = v1::HealthCheck {
            delay_seconds: Some(self.delay.0),
            interval_seconds: Some(self.interval.0),
            timeout_seconds: Some(self.timeout.0),
            consecutive_failures: Some(self.consecutive_failures),
            grace_period_seconds: Some(self.grace_period.0),
            ..Default::default()
        };
        if let Some(line) = &self.command {
            check.set_type(v1::health_check::Type::Command);
            check.command = Some(v1::CommandInfo { value: Some(line.clone()), ..Default::default() });
        } else if let Some(http) = &self.http {
            check.set_type(v1::health_check::Type::Http);
            check.http = Some(v1::health_check::HttpCheckInfo {
                port: port(http.port, http.port_index),
                path: Some(http.path.clone()),
                ..Default::default()
            });
        } else if let Some(tcp) = &self.tcp {
            check.set_type(v1::health_check::Type::Tcp);
            check.tcp = Some(v1::health_check::TcpCheckInfo {
                port: port(tcp.port, tcp.port_index),
                ..Default::default()
            });
        }
        check
    }
}
