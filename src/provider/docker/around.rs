//! What a plan needs to know of the machine and its engine: free ports, where volumes are, where the socket is.

use std::collections::{BTreeMap, BTreeSet};

use super::{LabError, plan};
use crate::{
    client::docker::Engine,
    provider::embedded::{PortInUse, reserve},
    spec::LabSpec,
};

/// Where engines listen on their machine that are reached in another way.
const SOCKET: &str = "/var/run/docker.sock";

/// Ports of the machine by service, and those that were taken by others.
pub struct Ports {
    pub of: BTreeMap<String, u16>,
    pub in_use: Vec<PortInUse>,
}

/// A port for every service: the one of a container that is `kept`, else the one that is wished for, else the `last`
/// one, else any that is free.
///
/// # Errors
/// When there is no free port at all.
pub async fn ports(
    spec: &LabSpec,
    kept: &BTreeMap<String, u16>,
    last: &BTreeMap<String, u16>,
) -> Result<Ports, LabError> {
    let mut ports = Ports { of: BTreeMap::new(), in_use: Vec::new() };
    let mut given: BTreeSet<u16> = kept.values().copied().collect();
    for (service, wished) in plan::wished_ports(spec) {
        if let Some(port) = kept.get(&service) {
            ports.of.insert(service, *port);
            continue;
        }
        let (port, in_use) = free(wished, last.get(&service).copied(), &given).await?;
        given.insert(port);
        ports.of.insert(service.clone(), port);
        ports.in_use.extend(in_use.map(|port| PortInUse { component: service, port }));
    }
    Ok(ports)
}

/// A free port that no other service has been given.
async fn free(wished: u16, last: Option<u16>, given: &BTreeSet<u16>) -> Result<(u16, Option<u16>), LabError> {
    let no_port = |error: std::io::Error| LabError::Other(format!("failed to find a free port: {error}"));
    let is_given = given.contains(&wished);
    let first = if wished == 0 || is_given { last.unwrap_or_default() } else { wished };
    let (address, in_use) = reserve(first, last).await.map_err(no_port)?;
    let in_use = in_use.filter(|port| *port == wished);
    let mut port = address.port();
    while given.contains(&port) {
        port = reserve(0, None).await.map_err(no_port)?.0.port();
    }
    Ok((port, in_use.or(is_given.then_some(wished))))
}

/// Where the engine keeps its volumes.
///
/// # Errors
/// When the engine does not say.
pub async fn volumes_dir(engine: &Engine) -> Result<String, LabError> {
    let info =
        engine.api().info().await.map_err(LabError::when("ask the engine where it keeps its volumes"))?;
    let root = info.docker_root_dir.unwrap_or_else(|| "/var/lib/docker".to_owned());
    Ok(format!("{}/volumes", root.trim_end_matches('/')))
}

/// The engine's socket on its machine.
pub fn socket(engine: &Engine) -> String {
    engine.socket().map_or_else(|| SOCKET.to_owned(), |path| path.display().to_string())
}
