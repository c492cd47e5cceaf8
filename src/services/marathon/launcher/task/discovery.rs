//! What service discovery is told of a task's ports.

use std::collections::BTreeMap;

use crate::{
    mesos::v1::{DiscoveryInfo, Label, Labels, Port, Ports as MesosPorts, discovery_info::Visibility},
    services::marathon::model::{AppDefinition, NetworkMode, PortMapping, Ports},
};

/// `host_ports` are as many as the app has ports.
pub fn discovery_info(app: &AppDefinition, host_ports: &[Option<u32>]) -> DiscoveryInfo {
    let ports = match app.ports() {
        Ports::Definitions(definitions) => definitions
            .iter()
            .zip(host_ports)
            .filter_map(|(port, number)| Some((port, (*number)?)))
            .flat_map(|(port, number)| of_each(&port.protocol, port.name.as_ref(), &port.labels, number))
            .collect(),
        Ports::Mappings(mappings) => {
            mappings.iter().zip(host_ports).flat_map(|(port, number)| mapped(app, port, *number)).collect()
        }
    };
    DiscoveryInfo {
        visibility: Visibility::Framework.into(),
        name: Some(app.id.host_name()),
        ports: Some(MesosPorts { ports }),
        ..DiscoveryInfo::default()
    }
}

/// One port for each protocol.
fn of_each(
    protocols: &str,
    name: Option<&String>,
    labels: &BTreeMap<String, String>,
    number: u32,
) -> Vec<Port> {
    let port = |protocol: &str| Port {
        number,
        name: name.cloned(),
        protocol: Some(protocol.to_owned()),
        labels: (!labels.is_empty()).then(|| to_labels(labels)),
        ..Port::default()
    };
    protocols.split(',').map(port).collect()
}

/// With the network on which the port is reached: the host's, or each of the container's.
fn mapped(app: &AppDefinition, mapping: &PortMapping, host_port: Option<u32>) -> Vec<Port> {
    let with = |more: &[(&str, &str)], number: u32| {
        let mut labels = mapping.labels.clone();
        labels.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        of_each(&mapping.protocol, mapping.name.as_ref(), &labels, number)
    };
    match host_port {
        Some(port) => with(&[("network-scope", "host")], port),
        None => networks(app, mapping)
            .into_iter()
            .flat_map(|network| {
                let labels = [("network-scope", "container"), ("network-name", network)];
                with(&labels, mapping.container_port.into())
            })
            .collect(),
    }
}

fn networks<'a>(app: &'a AppDefinition, mapping: &'a PortMapping) -> Vec<&'a str> {
    if !mapping.network_names.is_empty() {
        return mapping.network_names.iter().map(String::as_str).collect();
    }
    let own = app.networks.iter().filter(|network| network.mode == NetworkMode::Container);
    own.filter_map(|network| network.name.as_deref()).collect()
}

pub fn to_labels(labels: &BTreeMap<String, String>) -> Labels {
    let label = |(key, value): (&String, &String)| Label { key: key.clone(), value: Some(value.clone()) };
    Labels { labels: labels.iter().map(label).collect() }
}
