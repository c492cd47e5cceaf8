//! The container of a task, with its image, volumes and networks.

use crate::{
    mesos::v1::{
        ContainerInfo, Image, Label, Labels, NetworkInfo, Parameter, TtyInfo, Volume as MesosVolume,
        container_info::{
            DockerInfo, MesosInfo, Type,
            docker_info::{Network as DockerNetwork, PortMapping as DockerMapping},
        },
        image, network_info, volume,
    },
    services::marathon::model::{
        AppDefinition, Container, Docker, Engine, Network, NetworkMode, PortMapping, Volume, VolumeMode,
    },
};

/// The network that `container/bridge` means to Mesos' own containerizer.
const BRIDGE: &str = "mesos-bridge";

/// None for an app that asks for none and runs on the host's network. `host_ports` are as many as the app has ports.
pub fn container_info(
    app: &AppDefinition,
    task_id: &str,
    host_ports: &[Option<u32>],
) -> Option<ContainerInfo> {
    if app.container.is_none() && app.is_on_host_network() {
        return None;
    }
    let mappings = app.container.as_ref().map(|container| bound(container, host_ports)).unwrap_or_default();
    let mut info = ContainerInfo { volumes: volumes(app.container.as_ref()), ..ContainerInfo::default() };
    if app.tty == Some(true) {
        info.tty_info = Some(TtyInfo::default());
    }
    match app.container.as_ref() {
        Some(Container { engine: Engine::Docker, docker: Some(docker), .. }) => {
            info.set_type(Type::Docker);
            info.docker = Some(docker_info(docker, task_id, &app.networks, &mappings));
            let named = app.networks.iter().filter(|network| network.mode == NetworkMode::Container);
            let info_of =
                |network: &Network| NetworkInfo { name: network.name.clone(), ..NetworkInfo::default() };
            info.network_infos = named.map(info_of).collect();
        }
        container => {
            info.set_type(Type::Mesos);
            let docker = container.and_then(|container| container.docker.as_ref());
            info.mesos = Some(MesosInfo { image: docker.map(image) });
            let outside = app.networks.iter().filter(|network| network.mode != NetworkMode::Host);
            info.network_infos = outside.map(|network| network_info(network, &mappings)).collect();
        }
    }
    Some(info)
}

/// The mappings that have a port of the host, with that port.
fn bound(container: &Container, host_ports: &[Option<u32>]) -> Vec<(PortMapping, u32)> {
    let pairs = container.port_mappings.iter().zip(host_ports);
    pairs.filter_map(|(mapping, port)| Some((mapping.clone(), (*port)?))).collect()
}

fn inner((mapping, host_port): &(PortMapping, u32)) -> u32 {
    if mapping.container_port == 0 { *host_port } else { mapping.container_port.into() }
}

fn volumes(container: Option<&Container>) -> Vec<MesosVolume> {
    container.map(|container| container.volumes.iter().map(host_volume).collect()).unwrap_or_default()
}

fn host_volume(volume: &Volume) -> MesosVolume {
    let mode = match volume.mode {
        VolumeMode::Rw => volume::Mode::Rw,
        VolumeMode::Ro => volume::Mode::Ro,
    };
    MesosVolume {
        mode: mode.into(),
        container_path: volume.container_path.clone(),
        host_path: Some(volume.host_path.clone()),
        ..MesosVolume::default()
    }
}

fn image(docker: &Docker) -> Image {
    Image {
        r#type: image::Type::Docker.into(),
        docker: Some(image::Docker { name: docker.image.clone(), ..image::Docker::default() }),
        cached: Some(!docker.force_pull_image),
        ..Image::default()
    }
}

fn docker_info(
    docker: &Docker,
    task_id: &str,
    networks: &[Network],
    mappings: &[(PortMapping, u32)],
) -> DockerInfo {
    let parameter = |key: &str, value: &str| Parameter { key: key.to_owned(), value: value.to_owned() };
    let given = docker.parameters.iter().map(|each| parameter(&each.key, &each.value));
    let label = parameter("label", &format!("MESOS_TASK_ID={task_id}"));
    let network = networks.last().map(|network| match network.mode {
        NetworkMode::Container => DockerNetwork::User,
        NetworkMode::Bridge => DockerNetwork::Bridge,
        NetworkMode::Host => DockerNetwork::Host,
    });
    DockerInfo {
        image: docker.image.clone(),
        network: network.map(Into::into),
        port_mappings: mappings.iter().flat_map(docker_mappings).collect(),
        privileged: Some(docker.privileged),
        parameters: given.chain([label]).collect(),
        force_pull_image: Some(docker.force_pull_image),
        ..DockerInfo::default()
    }
}

fn docker_mappings(mapping: &(PortMapping, u32)) -> Vec<DockerMapping> {
    let of = |protocol: &str| DockerMapping {
        host_port: mapping.1,
        container_port: inner(mapping),
        protocol: Some(protocol.to_owned()),
    };
    mapping.0.protocol.split(',').map(of).collect()
}

fn network_info(network: &Network, mappings: &[(PortMapping, u32)]) -> NetworkInfo {
    let name = match network.mode {
        NetworkMode::Container => network.name.clone().unwrap_or_default(),
        NetworkMode::Bridge | NetworkMode::Host => BRIDGE.to_owned(),
    };
    let own = mappings.iter().filter(|(mapping, _)| mapping.network_names.iter().all(|each| *each == name));
    let port_mappings = own.flat_map(network_mappings).collect();
    let label = |(key, value): (&String, &String)| Label { key: key.clone(), value: Some(value.clone()) };
    NetworkInfo {
        ip_addresses: vec![network_info::IpAddress::default()],
        labels: Some(Labels { labels: network.labels.iter().map(label).collect() }),
        port_mappings,
        name: Some(name),
        ..NetworkInfo::default()
    }
}

fn network_mappings(mapping: &(PortMapping, u32)) -> Vec<network_info::PortMapping> {
    let of = |protocol: &str| network_info::PortMapping {
        host_port: mapping.1,
        container_port: inner(mapping),
        protocol: Some(protocol.to_owned()),
    };
    mapping.0.protocol.split(',').map(of).collect()
}
