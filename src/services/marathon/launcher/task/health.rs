//! The health check that a task's executor makes: the first one of the app that is not Marathon's own.

use super::assignments::Assignment;
use crate::{
    mesos::v1::{
        CommandInfo, HealthCheck as MesosCheck,
        health_check::{HttpCheckInfo, TcpCheckInfo, Type},
        network_info::Protocol,
    },
    services::marathon::model::{HealthCheck, HealthProtocol},
};

/// The check for the executor; none when there is none, or its port is none of the app's.
pub fn mesos_check(checks: &[HealthCheck], ports: &[Assignment]) -> Option<MesosCheck> {
    let check = checks.iter().find(|check| check.protocol.is_mesos())?;
    let common = MesosCheck {
        delay_seconds: Some(check.delay_seconds.into()),
        interval_seconds: Some(check.interval_seconds.into()),
        timeout_seconds: Some(check.timeout_seconds.into()),
        consecutive_failures: Some(check.max_consecutive_failures),
        grace_period_seconds: Some(check.grace_period_seconds.into()),
        ..MesosCheck::default()
    };
    match check.protocol {
        HealthProtocol::Command => {
            let value = check.command.as_ref().map(|command| command.value.clone());
            let command = Some(CommandInfo { shell: Some(true), value, ..CommandInfo::default() });
            Some(MesosCheck { r#type: Some(Type::Command.into()), command, ..common })
        }
        HealthProtocol::MesosTcp => {
            let tcp = TcpCheckInfo { protocol: protocol(check), port: inner_port(check, ports)?.into() };
            Some(MesosCheck { r#type: Some(Type::Tcp.into()), tcp: Some(tcp), ..common })
        }
        _ => {
            let is_http = check.protocol == HealthProtocol::MesosHttp;
            let http = HttpCheckInfo {
                protocol: protocol(check),
                scheme: Some(if is_http { "http" } else { "https" }.to_owned()),
                port: inner_port(check, ports)?.into(),
                path: check.path.clone(),
                ..HttpCheckInfo::default()
            };
            Some(MesosCheck { r#type: Some(Type::Http.into()), http: Some(http), ..common })
        }
    }
}

fn protocol(check: &HealthCheck) -> Option<i32> {
    let protocol = if check.ip_protocol == "IPv6" { Protocol::IPv6 } else { Protocol::IPv4 };
    Some(protocol.into())
}

/// The executor looks from inside the container.
fn inner_port(check: &HealthCheck, ports: &[Assignment]) -> Option<u16> {
    let by_index = || {
        let assignment = ports.get(check.port_index.unwrap_or_default())?;
        assignment.container_port.or(assignment.host_port)
    };
    check.port.or_else(by_index)
}
