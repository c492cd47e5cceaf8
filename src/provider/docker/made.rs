//! What an engine has of a lab, and taking away what was not there before.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::join_all;

use super::LabError;
use crate::{
    client::docker::{
        Engine,
        labels::{self, LabName},
    },
    provider::ready::{self, NotReady},
    runtime::Clock,
};

/// How long that may take.
const UNDOING: Duration = Duration::from_secs(15);

/// How many looks in a row are to find nothing.
const QUIET_LOOKS: u32 = 4;

/// Between two of them.
const QUIET: Duration = Duration::from_millis(300);

/// Everything of one lab: ids of containers, with the service that each is of, ids of networks, names of volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    pub containers: BTreeMap<String, Option<String>>,
    pub networks: BTreeSet<String>,
    pub volumes: BTreeSet<String>,
}

impl Belongings {
    /// # Errors
    /// When the engine does not say, or some of it is of a lab of this name that somebody else has.
    pub async fn of(engine: &Engine, lab: &LabName) -> Result<Self, LabError> {
        let filter = labels::filter(&lab.name);
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
        let volumes = volumes.volumes.unwrap_or_default();
        let none = HashMap::new();
        let all = (containers.iter().filter_map(|container| container.labels.as_ref()))
            .chain(networks.iter().map(|network| network.labels.as_ref().unwrap_or(&none)))
            .chain(volumes.iter().map(|volume| &volume.labels));
        if let Some(owner) = all.filter_map(|labels| lab.stranger(labels)).next() {
            let (what, owner) = (format!("lab `{}` of this engine", lab.name), owner.to_owned());
            return Err(LabError::Foreign { what, owner });
        }
        let service = |labels: Option<HashMap<String, String>>| labels?.remove(labels::SERVICE);
        Ok(Self {
            containers: containers
                .into_iter()
                .filter_map(|container| Some((container.id?, service(container.labels))))
                .collect(),
            networks: networks.into_iter().filter_map(|network| network.id).collect(),
            volumes: volumes.into_iter().map(|volume| volume.name).collect(),
        })
    }

    /// The services that have a container.
    fn services(&self) -> BTreeSet<&str> {
        self.containers.values().flatten().map(String::as_str).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }

    /// What is here and not in `other`; a container that stands in place of another one is there too.
    fn without(&self, other: &Self) -> Self {
        let differing = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        let services = other.services();
        let is_new = |id: &String, service: &Option<String>| {
            let replaces = service.as_deref().is_some_and(|service| services.contains(service));
            !replaces && !other.containers.contains_key(id)
        };
        let containers = self.containers.iter().filter(|(id, service)| is_new(id, service));
        Self {
            containers: containers.map(|(id, service)| (id.clone(), service.clone())).collect(),
            networks: differing(&self.networks, &other.networks),
            volumes: differing(&self.volumes, &other.volumes),
        }
    }

    /// Removes all of it: the containers first, since they hold the rest.
    ///
    /// # Errors
    /// What the engine refused first; the rest is removed all the same.
    pub async fn remove(&self, engine: &Engine) -> Result<(), LabError> {
        let removals = self.containers.keys().map(|id| remove_container(engine, id));
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
/// still be coming, and hold what is being removed. Gives the services that have lost their container meanwhile.
///
/// # Errors
/// As [`Belongings::remove`], when that goes on.
pub async fn undo(
    engine: &Engine,
    lab: &LabName,
    before: &Belongings,
    clock: Clock,
) -> Result<Vec<String>, LabError> {
    // What is asked for and not waited for may come after a look that found nothing: so many in a row are wanted.
    let quiet = Cell::new(0);
    let gone = ready::until(clock, UNDOING, async || {
        let words = |error: LabError| NotReady(error.to_string());
        let now = Belongings::of(engine, lab).await.map_err(words)?;
        let new = now.without(before);
        quiet.set(if new.is_empty() { quiet.get() + 1 } else { 0 });
        if quiet.get() == QUIET_LOOKS {
            let lost = before.services().into_iter().filter(|service| !now.services().contains(service));
            return Ok(lost.map(str::to_owned).collect());
        }
        match new.is_empty() {
            true => tokio::time::sleep(QUIET).await,
            false => new.remove(engine).await.map_err(words)?,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_place_of_another_one_is_not_new() {
        let of = |containers: &[(&str, Option<&str>)]| Belongings {
            containers: containers
                .iter()
                .map(|(id, service)| ((*id).to_owned(), service.map(str::to_owned)))
                .collect(),
            ..Belongings::default()
        };
        let before = of(&[("a", Some("master")), ("b", Some("agent-1")), ("t", None)]);
        let after = of(&[("c", Some("master")), ("b", Some("agent-1")), ("d", Some("agent-2")), ("u", None)]);
        assert_eq!(after.without(&before), of(&[("d", Some("agent-2")), ("u", None)]));
        assert_eq!(after.without(&Belongings::default()), after);
    }
}
