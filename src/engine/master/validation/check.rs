//! Checks and health checks.

use super::{Checked, Context, command, ensure};
use crate::mesos::v1::{CheckInfo, CommandInfo, HealthCheck, check_info, health_check};

/// # Errors
/// The text of Mesos' `validateHealthCheck`.
pub fn validate_health(check: &HealthCheck) -> Checked {
    let kind = check.r#type.and_then(|number| health_check::Type::try_from(number).ok());
    match kind.ok_or("HealthCheck must specify 'type'")? {
        health_check::Type::Unknown => Err("'UNKNOWN' is not a valid health check type".into()),
        health_check::Type::Command => {
            validate_command(check.command.as_ref(), "health check", "Health check")
        }
        health_check::Type::Http => validate_health_http(check),
        health_check::Type::Tcp => {
            ensure(check.tcp.is_some(), "Expecting 'tcp' to be set for TCP health check")
        }
    }?;
    non_negative("delay_seconds", check.delay_seconds)?;
    non_negative("grace_period_seconds", check.grace_period_seconds)?;
    non_negative("interval_seconds", check.interval_seconds)?;
    non_negative("timeout_seconds", check.timeout_seconds)
}

fn validate_health_http(check: &HealthCheck) -> Checked {
    let http = check.http.as_ref().ok_or("Expecting 'http' to be set for HTTP health check")?;
    if let Some(scheme) = &http.scheme {
        let known = scheme == "http" || scheme == "https";
        ensure(known, format!("Unsupported HTTP health check scheme: '{scheme}'"))?;
    }
    validate_path(http.path.as_deref(), "HTTP health check")
}

/// # Errors
/// The text of Mesos' `validateCheckInfo`.
pub fn validate(check: &CheckInfo) -> Checked {
    let kind = check.r#type.and_then(|number| check_info::Type::try_from(number).ok());
    match kind.ok_or("CheckInfo must specify 'type'")? {
        check_info::Type::Unknown => Err("'UNKNOWN' is not a valid check type".into()),
        check_info::Type::Command => {
            validate_command(check.command.as_ref().map(|check| &check.command), "check", "Check")
        }
        check_info::Type::Http => {
            let http = check.http.as_ref().ok_or("Expecting 'http' to be set for HTTP check")?;
            validate_path(http.path.as_deref(), "HTTP check")
        }
        check_info::Type::Tcp => ensure(check.tcp.is_some(), "Expecting 'tcp' to be set for TCP check"),
    }?;
    non_negative("delay_seconds", check.delay_seconds)?;
    non_negative("interval_seconds", check.interval_seconds)?;
    non_negative("timeout_seconds", check.timeout_seconds)
}

fn validate_command(info: Option<&CommandInfo>, what: &str, title: &str) -> Checked {
    let info = info.ok_or_else(|| format!("Expecting 'command' to be set for COMMAND {what}"))?;
    let kind = if info.shell() { "'shell command'" } else { "'executable path'" };
    ensure(info.value.is_some(), format!("Command {what} must contain {kind}"))?;
    command::validate(info).context(&format!("{title}'s `CommandInfo` is invalid"))
}

fn validate_path(path: Option<&str>, what: &str) -> Checked {
    let Some(path) = path else { return Ok(()) };
    ensure(path.starts_with('/'), format!("The path '{path}' of {what} must start with '/'"))
}

fn non_negative(field: &str, seconds: Option<f64>) -> Checked {
    let negative = seconds.is_some_and(|seconds| seconds < 0.0);
    ensure(!negative, format!("Expecting '{field}' to be non-negative"))
}
