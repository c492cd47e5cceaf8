//! Containers that earlier agents of a work directory have left.

use std::{collections::HashMap, path::Path};

use bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};

use super::{Site, is_marked, is_missing, life, reason, unmark};
use crate::{
    client::docker::Engine,
    engine::{
        agent::docker::{AGENT_LABEL, DockerConfig, NAME_PREFIX},
        executor::docker::Inspected,
    },
    mesos::v1::ContainerId,
};

/// A container that is there.
#[derive(Debug, PartialEq)]
pub struct FoundContainer {
    pub container_id: ContainerId,
    pub name: String,
    /// None when it was made and never started.
    pub pid: Option<u32>,
    pub inspected: Inspected,
}

/// The containers of a work directory. The engine is not even asked where none were ever run.
pub async fn find(config: &DockerConfig, work_dir: &str) -> Vec<FoundContainer> {
    if !is_marked(Path::new(work_dir)) {
        return Vec::new();
    }
    let site = Site::new(config, work_dir);
    match all(&site, work_dir).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error, "containers of an earlier agent cannot be found");
            Vec::new()
        }
    }
}

async fn all(site: &Site, work_dir: &str) -> Result<Vec<FoundContainer>, String> {
    let engine = site.engine().await?;
    let mut found = Vec::new();
    for name in names(engine, &format!("{AGENT_LABEL}={work_dir}")).await? {
        match engine.api().inspect_container(&name, None).await {
            Ok(inspected) => found.extend(name.strip_prefix(NAME_PREFIX).map(|id| FoundContainer {
                container_id: ContainerId { value: id.to_owned(), parent: None },
                pid: life::was_started(&inspected).then(|| pid(&inspected)),
                inspected: life::told(&inspected),
                name: name.clone(),
            })),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(reason(&error)),
        }
    }
    Ok(found)
}

/// Zero of one that has ended.
fn pid(inspected: &bollard::models::ContainerInspectResponse) -> u32 {
    let pid = inspected.state.as_ref().and_then(|state| state.pid);
    pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()
}

/// The names of containers that carry a label, running or not.
async fn names(engine: &Engine, label: &str) -> Result<Vec<String>, String> {
    let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
    let options =
        ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
    let listed = engine.api().list_containers(Some(options)).await.map_err(|error| reason(&error))?;
    let names = listed.into_iter().filter_map(|container| container.names?.into_iter().next());
    Ok(names.map(|name| name.trim_start_matches('/').to_owned()).collect())
}

/// Removes the containers of agents whose work directories are in `directory`: how many. The engine is not even asked
/// where none were ever run.
///
/// # Errors
/// When there were some and the engine does not answer, or does not remove one.
pub async fn sweep(directory: &Path) -> Result<usize, String> {
    let agents = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let marked: Vec<_> = agents.filter(|agent| is_marked(agent)).collect();
    if marked.is_empty() {
        return Ok(0);
    }
    let engine = Engine::connect().await.map_err(|error| error.to_string())?;
    let mut removed = 0;
    for agent in marked {
        for name in names(&engine, &format!("{AGENT_LABEL}={}", agent.display())).await? {
            let options = RemoveContainerOptions { v: true, force: true, link: false };
            match engine.api().remove_container(&name, Some(options)).await {
                Ok(()) => removed += 1,
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(reason(&error)),
            }
        }
        unmark(&agent);
    }
    Ok(removed)
}
