//! What commands do with a lab of containers that is there.

use std::time::Duration;

use crate::{
    client::{
        Http,
        docker::{Engine, EngineError, labels::LabName},
    },
    error::{Code, Context, Failure, Result},
    provider::{
        self, Endpoints,
        docker::{DockerLab, DockerScheduler, Drawn, LabError, Phase, images::Images, plan::SCHEDULER},
        embedded::diff::scheduler_changes,
        ready,
        state::{ContainerRecord, LabRecord, StateDir},
    },
    runtime::Clock,
    settings::Settings,
    spec::LabSpec,
};

/// The component whose image is our scheduler.
const FRAMEWORK: &str = "framework";

/// The lab on the engine that it was made on.
///
/// # Errors
/// When that engine does not answer.
pub async fn lab(record: &LabRecord, containers: &ContainerRecord, clock: Clock) -> Result<DockerLab> {
    let engine = open(&containers.engine).await.map_err(|error| {
        let message = format!("the engine of lab `{}` cannot be used: {error}", record.spec.name);
        Failure::failed(message).hint(error.remedy())
    })?;
    let lab = LabName { name: record.spec.name.clone(), owner: containers.owner.clone() };
    Ok(DockerLab::new(engine, lab, clock))
}

async fn open(place: &str) -> Result<Engine, EngineError> {
    Engine::at(&place.parse()?).await
}

/// What it takes to start the scheduler of a lab of containers.
pub struct Start<'a> {
    pub settings: &'a Settings,
    pub lab: &'a DockerLab,
    pub spec: &'a LabSpec,
    pub state: &'a StateDir,
    pub clock: Clock,
    /// How long each of those that it needs may take to answer.
    pub wait: Duration,
}

impl<'a> Start<'a> {
    /// The scheduler that answers at these endpoints.
    pub fn scheduler(&'a self, endpoints: &'a Endpoints) -> DockerScheduler<'a> {
        let state_dir = self.state.scheduler();
        DockerScheduler { lab: self.lab, spec: self.spec, endpoints, clock: self.clock, state_dir }
    }

    async fn answers(&self, service: &str, url: Option<&str>) -> Result<()> {
        let there =
            ready::service(&Http::new(), service, url.unwrap_or_default(), self.clock, self.wait).await;
        there.map(drop).map_err(|missing| {
            Failure::new(Code::NotReady, format!("the scheduler waits for {service}: {missing}"))
        })
    }

    fn failed(&self, error: &LabError) -> Failure {
        failure(&self.spec.name, "the scheduler could not start", error)
    }
}

/// Readies and starts the scheduler where it does not run, else gives it what the lab file has changed since `kept`, as
/// soon as what it needs is there. Marathon runs it from the lab's registry, where there is a Marathon.
///
/// # Errors
/// When ZooKeeper, the registry or Marathon does not come, one of them or the engine refuses, or a setting is invalid.
pub async fn start_scheduler(start: &Start<'_>, drawn: &Drawn, kept: Option<&LabRecord>) -> Result<()> {
    let Endpoints { zookeeper, marathon, registry, .. } = &drawn.endpoints;
    let ready = async {
        start.answers("zookeeper", zookeeper.as_deref()).await?;
        ready(start, drawn, kept).await
    };
    let (Some(marathon), Some(registry)) = (marathon, registry) else {
        ready.await?;
        return start.lab.make(drawn, Phase::Scheduler).await.map_err(|error| start.failed(&error));
    };
    let pushed = async {
        start.answers("registry", Some(registry)).await?;
        pushed(start, registry).await
    };
    let ((), image, ()) = tokio::try_join!(ready, pushed, start.answers("marathon", Some(marathon)))?;
    let port = drawn.ports.get(SCHEDULER).copied().unwrap_or_default();
    let put = start.scheduler(&drawn.endpoints).put(marathon, &image, port).await;
    put.map_err(|error| start.failed(&error))
}

/// Its settings are where it finds them when it starts, or has them already.
async fn ready(start: &Start<'_>, drawn: &Drawn, kept: Option<&LabRecord>) -> Result<()> {
    let wanted = &start.spec.scheduler;
    let changed = kept.map(|record| scheduler_changes(&record.spec.scheduler, wanted)).unwrap_or_default();
    let url = drawn.endpoints.scheduler.as_deref().unwrap_or_default();
    let api = provider::scheduler_api(url).context("talk to the scheduler")?;
    if api.state().await.is_err() {
        let prepared = start.scheduler(&drawn.endpoints).prepare(&changed, drawn.is_fresh()).await;
        return prepared.map_err(|error| start.failed(&error));
    }
    if !changed.is_empty() {
        api.patch_config(&changed.into()).await.context("set the scheduler's settings")?;
    }
    Ok(())
}

/// Pushes our images to the lab's registry; gives what the framework's is called there.
async fn pushed(start: &Start<'_>, registry: &str) -> Result<String> {
    let images = Images::of(start.spec);
    let board = start.settings.printer.board();
    let registry = registry.trim_start_matches("http://");
    let mut pushed = images.push(start.lab.engine(), registry, &|event| board.show(event)).await?;
    let own = || images.references().remove(FRAMEWORK).unwrap_or_default();
    Ok(pushed.remove(FRAMEWORK).unwrap_or_else(own))
}

/// A failure of the lab, with what helps.
pub fn failure(lab: &str, doing: &str, error: &LabError) -> Failure {
    let hint = error.remedy(&Settings::name_suffix(lab));
    Failure::failed(format!("{doing}: {error}")).seen(error.lines()).hint(hint)
}
