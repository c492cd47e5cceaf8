//! The network of a container, and its ports that answer on the host.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig, PortBinding,
};

use crate::mesos::{
    resources::Resources,
    v1::{
        ContainerInfo,
        container_info::{DockerInfo, docker_info},
    },
};

/// Where published ports answer: nowhere but on the machine itself.
pub(super) const LOOPBACK: &str = "127.0.0.1";

/// The network that a container is in.
#[derive(Debug, Default)]
pub(super) struct Network {
    mode: Mode,
    pub aliases: Vec<String>,
    /// Its fixed address.
    pub address: Option<String>,
    bindings: HashMap<String, Option<Vec<PortBinding>>>,
}

#[derive(Debug, Default)]
enum Mode {
    #[default]
    Host,
    /// The one of the agent's own container.
    Container(String),
    Bridge,
    None,
    /// By its name.
    User(String),
}

impl Network {
    /// # Errors
    /// Those of Mesos.
    pub fn of(container: &ContainerInfo, docker: &DockerInfo, own: Option<&str>) -> Result<Self, String> {
        let mode = match docker.network() {
            docker_info::Network::Bridge => Mode::Bridge,
            docker_info::Network::None => Mode::None,
            docker_info::Network::User => Mode::User(user_network(container)?),
            docker_info::Network::Host => match own {
                Some(own) => Mode::Container(own.to_owned()),
                None => Mode::Host,
            },
        };
        Ok(Self { mode, ..Self::default() })
    }

    /// Another network than the one that the task has named elsewhere.
    pub fn rename(&mut self, name: &str) {
        self.mode = match (name, std::mem::take(&mut self.mode)) {
            ("host", own @ (Mode::Container(_) | Mode::Host)) => own,
            ("host", _) => Mode::Host,
            ("bridge" | "default", _) => Mode::Bridge,
            ("none", _) => Mode::None,
            (name, _) => match name.strip_prefix("container:") {
                Some(container) => Mode::Container(container.to_owned()),
                None => Mode::User(name.to_owned()),
            },
        };
    }

    pub fn is_of_host(&self) -> bool {
        matches!(self.mode, Mode::Host | Mode::Container(_))
    }

    /// The ports that the task maps; each has to be among its resources.
    ///
    /// # Errors
    /// Those of Mesos.
    pub fn map_ports(&mut self, docker: &DockerInfo, resources: &Resources) -> Result<(), String> {
        if docker.port_mappings.is_empty() {
            return Ok(());
        }
        if self.is_of_host() || matches!(self.mode, Mode::None) {
            return Err("Port mappings are only supported for bridge and user-defined networks".to_owned());
        }
        let ports = resources.ports().ok_or("Port mappings require port resources")?;
        for mapping in &docker.port_mappings {
            let port = u64::from(mapping.host_port);
            if !ports.range.iter().any(|range| (range.begin..=range.end).contains(&port)) {
                return Err(format!("Port [{port}] not included in resources"));
            }
            let protocol = mapping.protocol.as_deref().unwrap_or("tcp").to_lowercase();
            self.publish(
                &format!("{}/{protocol}", mapping.container_port),
                Some(mapping.host_port.to_string()),
            );
        }
        Ok(())
    }

    /// `inner` is `PORT/PROTOCOL`; without a port of the host it is any free one.
    pub fn publish(&mut self, inner: &str, host_port: Option<String>) {
        let binding = PortBinding { host_ip: Some(LOOPBACK.to_owned()), host_port };
        self.bindings.entry(inner.to_owned()).or_default().get_or_insert_default().push(binding);
    }

    /// In the host's network nothing has to be published.
    pub fn write(self, body: &mut ContainerCreateBody, host: &mut HostConfig) {
        if !self.is_of_host() && !self.bindings.is_empty() {
            let mut exposed = body.exposed_ports.take().unwrap_or_default();
            exposed.extend(self.bindings.keys().cloned());
            exposed.sort_unstable();
            body.exposed_ports = Some(exposed);
            host.port_bindings = Some(self.bindings);
        }
        let name = match self.mode {
            Mode::Host => "host".to_owned(),
            Mode::Container(name) => format!("container:{name}"),
            Mode::Bridge => "bridge".to_owned(),
            Mode::None => "none".to_owned(),
            Mode::User(name) => name,
        };
        let ipam_config = self.address.map(|address| EndpointIpamConfig {
            ipv4_address: Some(address),
            ..EndpointIpamConfig::default()
        });
        if !self.aliases.is_empty() || ipam_config.is_some() {
            let aliases = (!self.aliases.is_empty()).then_some(self.aliases);
            let endpoint = EndpointSettings { aliases, ipam_config, ..EndpointSettings::default() };
            body.networking_config =
                Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(name.clone(), endpoint)])) });
        }
        host.network_mode = Some(name);
    }
}

fn user_network(container: &ContainerInfo) -> Result<String, String> {
    match container.network_infos.as_slice() {
        [] => Err("No network info found in container info".to_owned()),
        [network] => network.name.clone().ok_or_else(|| "No network name found in network info".to_owned()),
        _ => Err("Only a single network can be defined in Docker run".to_owned()),
    }
}
