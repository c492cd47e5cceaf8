//! The ports of a task: under which address and number each port of its app can be reached.

use crate::services::marathon::model::{AppDefinition, Network, NetworkMode, Ports};

/// One port of an app, as one task of it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub name: Option<String>,
    /// Where others reach it; none while the container's address is not known.
    pub address: Option<(String, u16)>,
    pub host_port: Option<u16>,
    /// Inside the container; none on the host's network.
    pub container_port: Option<u16>,
}

/// The address of a task's own: the host's, or its container's first.
pub fn address<'a>(app: &AppDefinition, host: &'a str, ips: &'a [String]) -> Option<&'a str> {
    let has_own = |network: &Network| network.mode == NetworkMode::Container;
    if app.networks.iter().any(has_own) { ips.first().map(String::as_str) } else { Some(host) }
}

/// All ports, in the order of the app's. `host_ports` are those that it has got of the host, in the same order.
pub fn assignments(app: &AppDefinition, host: &str, host_ports: &[u16], ips: &[String]) -> Vec<Assignment> {
    let mut given = host_ports.iter().copied();
    match app.ports() {
        Ports::Definitions(definitions) => definitions
            .iter()
            .zip(given)
            .map(|(definition, port)| Assignment {
                name: definition.name.clone(),
                address: Some((host.to_owned(), port)),
                host_port: Some(port),
                container_port: None,
            })
            .collect(),
        Ports::Mappings(mappings) => mappings
            .iter()
            .map(|mapping| {
                let host_port = mapping.host_port.and_then(|_| given.next());
                let container_port = match mapping.container_port {
                    0 => host_port.unwrap_or_default(),
                    port => port,
                };
                let own = address(app, host, ips).map(|address| (address.to_owned(), container_port));
                Assignment {
                    name: mapping.name.clone(),
                    address: host_port.map(|port| (host.to_owned(), port)).or(own),
                    host_port,
                    container_port: Some(container_port),
                }
            })
            .collect(),
    }
}

/// The ports that it has got of the host.
pub fn given(host_ports: &[Option<u32>]) -> Vec<u16> {
    host_ports.iter().flatten().filter_map(|port| u16::try_from(*port).ok()).collect()
}
