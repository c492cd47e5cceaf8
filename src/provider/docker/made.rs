//! What an engine has of a lab, and taking away what was not there before.

use std::{collections::BTreeSet, time::Duration};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::join_all;

use super::LabError;
use crate::{
    client::docker::{Engine, labels},
    provider::ready::{self, NotReady},
    runtime::Clock,
};

/// How long that may take.
const UNDOING: Duration = Duration::from_secs(15);

/// Everything of one lab: ids of containers and networks, names of volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    pub containers: BTreeSet<String>,
    pub networks: BTreeSet<String>,
    pub volumes: BTreeSet<String>,
}

impl Belongings {
    /// # Errors
    /// When the engine does not say.
    pub async fn of(engine: &Engine, lab: &str) -> Result<Self, LabError> {
        let filter = labels::filter(lab);
        let api = engine.api();
        let (containers, networks, volumes) = (
            ListContainersOptionsBuilder::new().all(true).filters(&filter).build(),
            ListNetworksOptionsBuilder::new().filters(&filter).build(),
            ListVolumesOptionsBuilder::new().filters(&filter).build(),
        );
        let (containers, networks, volumes) = tokio::try_join!(
            api.list_containers(Some(containers)),
            api.list_networks(Some(networks)),
            api.list_volumes(Some(volumes)),
        )
        .map_err(LabError::when("list what the engine has of the lab"))?;
        Ok(Self {
            containers: containers.into_iter().filter_map(|container| container.id).collect(),
            networks: networks.into_iter().filter_map(|network| network.id).collect(),
            volumes: volumes.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect(),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }

    /// What is here and not in `other`.
    fn without(&self, other: &Self) -> Self {
        let differing = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        Self {
            containers: differing(&self.containers, &other.containers),
            networks: differing(&self.networks, &other.networks),
            volumes: differing(&self.volumes, &other.volumes),
        }
    }

    /// Removes all of it: the containers first, since they hold the rest.
    ///
    /// # Errors
    /// What the engine refused first; the rest is removed all the same.
    pub async fn remove(&self, engine: &Engine) -> Result<(), LabError> {
        let removals = self.containers.iter().map(|id| remove_container(engine, id));
        let mut failures: Vec<LabError> =
            join_all(removals).await.into_iter().filter_map(Result::err).collect();
        for network in &self.networks {
            let removed = engine.api().remove_network(network).await;
            failures.extend(gone(removed).err().map(LabError::when("remove the lab's network")));
        }
        let removals = self.volumes.iter().map(|name| remove_volume(engine, name));
        failures.extend(join_all(removals).await.into_iter().filter_map(Result::err));
        failures.into_iter().next().map_or(Ok(()), Err)
    }
}

/// Takes away what the lab has beside what it had `before`, until nothing more appears: what was asked for last may
/// still be coming, and hold what is being removed.
///
/// # Errors
/// As [`Belongings::remove`], when that goes on.
pub async fn undo(engine: &Engine, lab: &str, before: &Belongings, clock: Clock) -> Result<(), LabError> {
    let gone = ready::until(clock, UNDOING, async || {
        let words = |error: LabError| NotReady(error.to_string());
        let new = Belongings::of(engine, lab).await.map_err(words)?.without(before);
        if new.is_empty() {
            return Ok(());
        }
        new.remove(engine).await.map_err(words)?;
        Err(NotReady("something of it may still be coming".to_owned()))
    });
    gone.await.map_err(|left| LabError::Other(format!("not all that was made could be removed: {left}")))
}

/// Kills a container and removes it with its anonymous volumes; that it is gone is fine.
///
/// # Errors
/// What the engine says.
pub async fn remove_container(engine: &Engine, id: &str) -> Result<(), LabError> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removed = engine.api().remove_container(id, Some(options)).await;
    gone(removed).map_err(LabError::when(format!("remove the container {id}")))
}

/// Removes a volume; that it is gone is fine.
///
/// # Errors
/// What the engine says.
pub async fn remove_volume(engine: &Engine, name: &str) -> Result<(), LabError> {
    let removed = engine.api().remove_volume(name, None::<RemoveVolumeOptions>).await;
    gone(removed).map_err(LabError::when(format!("remove the volume {name}")))
}

/// What is not there, or is being removed already, needs no removal.
fn gone(removed: Result<(), bollard::errors::Error>) -> Result<(), bollard::errors::Error> {
    match removed {
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 409, message })
            if message.contains("already in progress") =>
        {
            Ok(())
        }
        other => other,
    }
}
