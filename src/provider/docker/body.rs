//! A planned service as the body of a request to create its container.

use std::{collections::HashMap, net::Ipv4Addr};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig,
    NetworkingConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};

use super::plan::{Mount, Plan, Service};
use crate::client::docker::labels::{self, LabName};

/// What the engine keeps of a container's output.
const LOG: [(&str, &str); 2] = [("max-size", "10m"), ("max-file", "3")];

/// The container of `service`, with the hash of what it is made from.
pub fn container(
    lab: &LabName,
    plan: &Plan,
    service: &Service,
    hash: &str,
    address: Option<Ipv4Addr>,
) -> ContainerCreateBody {
    let port = format!("{}/tcp", service.port.container);
    let labels = lab.labels(
        &plan.project,
        [
            (labels::SERVICE, &service.name),
            (labels::HASH, hash),
            ("com.docker.compose.container-number", "1"),
            ("com.docker.compose.oneoff", "False"),
        ],
    );
    let environment = service.environment.iter().map(|(name, value)| format!("{name}={value}"));
    let address = address.map(|address| EndpointIpamConfig {
        ipv4_address: Some(address.to_string()),
        ..EndpointIpamConfig::default()
    });
    let endpoint = EndpointSettings {
        aliases: Some(vec![service.name.clone()]),
        ipam_config: address,
        ..EndpointSettings::default()
    };
    ContainerCreateBody {
        image: Some(service.image.clone()),
        cmd: (!service.command.is_empty()).then(|| service.command.clone()),
        env: Some(environment.collect()),
        exposed_ports: Some(vec![port.clone()]),
        labels: Some(labels),
        host_config: Some(host_config(plan, service, port)),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(plan.network(), endpoint)])),
        }),
        ..ContainerCreateBody::default()
    }
}

fn host_config(plan: &Plan, service: &Service, port: String) -> HostConfig {
    let binding =
        PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(service.port.host.to_string()) };
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    HostConfig {
        binds: Some(service.mounts.iter().map(bind).collect()),
        network_mode: Some(plan.network()),
        port_bindings: Some(HashMap::from([(port, Some(vec![binding]))])),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(LOG.map(text).into()),
        }),
        privileged: service.privileged.then_some(true),
        pid_mode: service.host_pids.then(|| "host".to_owned()),
        init: service.init.then_some(true),
        ..HostConfig::default()
    }
}

fn bind(mount: &Mount) -> String {
    match mount {
        Mount::Volume { name, target } => format!("{name}:{target}"),
        Mount::Engine { source, target } => format!("{source}:{target}"),
    }
}
