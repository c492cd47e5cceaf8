//! What commands do with a lab of containers that is there.

use std::time::Duration;

use serde_json::Map;

use crate::{
    client::{
        Http,
        docker::{Engine, EngineError},
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

/// How long the registry may take to answer.
const REGISTRY: Duration = Duration::from_secs(30);

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
    Ok(DockerLab::new(engine, &record.spec.name, clock))
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
}

impl<'a> Start<'a> {
    /// The scheduler that answers at these endpoints.
    pub fn scheduler(&'a self, endpoints: &'a Endpoints) -> DockerScheduler<'a> {
        let state_dir = self.state.scheduler();
        DockerScheduler { lab: self.lab, spec: self.spec, endpoints, clock: self.clock, state_dir }
    }

    fn failed(&self, error: &LabError) -> Failure {
        failure(&self.spec.name, "the scheduler could not start", error)
    }
}

/// Readies and starts the scheduler where it does not run, else gives it what the lab file has changed since `kept`.
/// Marathon runs it from the lab's registry, where there is a Marathon.
///
/// # Errors
/// When the registry, Marathon or the engine refuses, or a setting is invalid.
pub async fn start_scheduler(
    start: &Start<'_>,
    drawn: &Drawn,
    kept: Option<&LabRecord>,
    image: Option<String>,
) -> Result<()> {
    let changed = match kept {
        Some(record) => scheduler_changes(&record.spec.scheduler, &start.spec.scheduler),
        None => Map::new(),
    };
    let endpoints = &drawn.endpoints;
    let url = endpoints.scheduler.as_deref().unwrap_or_default();
    let api = provider::scheduler_api(url).context("talk to the scheduler")?;
    let runs = api.state().await.is_ok();
    let scheduler = start.scheduler(endpoints);
    if !runs {
        let prepared = scheduler.prepare(&changed, drawn.is_fresh()).await;
        prepared.map_err(|error| start.failed(&error))?;
    } else if !changed.is_empty() {
        api.patch_config(&changed.into()).await.context("set the scheduler's settings")?;
    }
    if let (Some(marathon), Some(image)) = (&endpoints.marathon, image) {
        let port = drawn.ports.get(SCHEDULER).copied().unwrap_or_default();
        return scheduler.put(marathon, &image, port).await.map_err(|error| start.failed(&error));
    }
    start.lab.make(drawn, Phase::Scheduler).await.map_err(|error| start.failed(&error))
}

/// Pushes our images to the lab's registry once it answers; gives what the framework's is called there, for a lab whose
/// Marathon runs it.
///
/// # Errors
/// When the registry does not come, or does not take them.
pub async fn push(start: &Start<'_>, drawn: &Drawn) -> Result<Option<String>> {
    let (Some(_), Some(url)) = (&drawn.endpoints.marathon, &drawn.endpoints.registry) else {
        return Ok(None);
    };
    let there = ready::service(&Http::new(), "registry", url, start.clock, REGISTRY).await;
    there.map_err(|missing| Failure::new(Code::NotReady, format!("the registry is not ready: {missing}")))?;
    let images = Images::of(start.spec);
    let board = start.settings.printer.board();
    let registry = url.trim_start_matches("http://");
    let mut pushed = images.push(start.lab.engine(), registry, &|event| board.show(event)).await?;
    let own = || images.references().remove(FRAMEWORK).unwrap_or_default();
    Ok(Some(pushed.remove(FRAMEWORK).unwrap_or_else(own)))
}

/// A failure of the lab, with what helps.
pub fn failure(lab: &str, doing: &str, error: &LabError) -> Failure {
    let hint = error.remedy(&Settings::name_suffix(lab));
    Failure::failed(format!("{doing}: {error}")).seen(error.lines()).hint(hint)
}
