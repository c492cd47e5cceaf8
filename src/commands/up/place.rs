//! Where a lab is to live: what was asked for, else where it is, else the best that works on this machine.

use std::time::Duration;

use crate::{
    client::docker::{Engine, EngineError},
    error::{Failure, Result},
    provider::{
        docker::images::{Images, Source},
        state::{LabRecord, StateDir},
    },
    settings::Settings,
    spec::{Flavor, LabSpec, ProviderKind},
};

/// How long a registry may take to say whether it has an image.
const REGISTRY: Duration = Duration::from_secs(4);

/// Where a lab lives.
pub(super) struct Place {
    pub provider: ProviderKind,
    pub flavor: Flavor,
    /// For the first line that `up` says.
    pub words: String,
    /// That of a lab of containers.
    pub engine: Option<Engine>,
}

impl Place {
    fn embedded(because: Option<&str>) -> Self {
        let words = because.map_or("embedded".to_owned(), |because| format!("embedded (auto: {because})"));
        Self { provider: ProviderKind::Embedded, flavor: Flavor::default(), words, engine: None }
    }

    fn machines(flavor: Flavor) -> Self {
        let words = format!("vagrant, flavor {}", flavor.word());
        Self { provider: ProviderKind::Vagrant, flavor, words, engine: None }
    }

    fn docker(engine: Engine, flavor: Flavor, because: Option<&str>) -> Self {
        let auto = because.map(|because| format!(" (auto: {because})")).unwrap_or_default();
        let words = format!("docker, flavor {}{auto}", flavor.word());
        Self { provider: ProviderKind::Docker, flavor, words, engine: Some(engine) }
    }
}

/// # Errors
/// When the lab runs elsewhere; when an engine is asked for, and none answers.
pub(super) async fn choose(
    settings: &Settings,
    spec: &LabSpec,
    state: &StateDir,
    kept: Option<&LabRecord>,
) -> Result<Place> {
    let there = kept.map(|record| record.spec.provider).filter(|provider| *provider != ProviderKind::Auto);
    let wanted = spec.provider;
    if let Some(there) = there.filter(|there| wanted != ProviderKind::Auto && *there != wanted) {
        return elsewhere(spec, state, there);
    }
    match (wanted, there) {
        (ProviderKind::Embedded, _) => Ok(Place::embedded(None)),
        (ProviderKind::Docker, _) => Ok(Place::docker(connect().await?, spec.flavor, None)),
        (ProviderKind::Vagrant, _) => Ok(Place::machines(spec.flavor)),
        (ProviderKind::Auto, Some(ProviderKind::Docker)) => {
            Ok(Place::docker(connect().await?, spec.flavor, Some("it is there already")))
        }
        (ProviderKind::Auto, Some(_)) => Ok(Place::embedded(Some("it is there already"))),
        (ProviderKind::Auto, None) => Ok(best(settings, spec).await),
    }
}

/// A lab does not move.
fn elsewhere(spec: &LabSpec, state: &StateDir, there: ProviderKind) -> Result<Place> {
    let suffix = Settings::name_suffix(&spec.name);
    let (wanted, there) = (spec.provider.word(), there.word());
    let is = if state.is_running() { "runs" } else { "has its state" };
    Err(Failure::failed(format!("lab `{}` {is} with the provider {there}, not {wanted}", spec.name)).hint(
        format!(
            "mesoslab down --purge{suffix}, or another lab: mesoslab up --name other --provider {wanted}"
        ),
    ))
}

async fn connect() -> Result<Engine> {
    Engine::connect().await.map_err(|error| Failure::failed(error.to_string()).hint(error.remedy()))
}

/// Docker where it has everything, or can get it; else the provider that needs nothing.
async fn best(settings: &Settings, spec: &LabSpec) -> Place {
    let engine = match Engine::connect().await {
        Ok(engine) => engine,
        Err(error) => return Place::embedded(Some(&error.to_string())),
    };
    match got(settings, spec, &engine).await {
        Ok(()) => Place::docker(engine, spec.flavor, Some("an engine answers, and has the images")),
        Err(error) => Place::embedded(Some(&error.to_string())),
    }
}

/// Has the engine have every image; gives up at once where the first that is missing is not to be had.
async fn got(settings: &Settings, spec: &LabSpec, engine: &Engine) -> Result<(), EngineError> {
    let images = Images::of(spec);
    for (_, image) in images.iter().filter(|(_, image)| image.source == Source::Pulled) {
        if engine.image(&image.reference).await?.is_none() {
            reachable(engine, &image.reference).await?;
            break;
        }
    }
    let board = settings.printer.board();
    images.ensure(engine, &|event| board.show(event)).await.map(drop)
}

/// Whether its registry says that there is such an image, without several tries.
async fn reachable(engine: &Engine, reference: &str) -> Result<(), EngineError> {
    let asked = engine.api().inspect_registry_image(reference, None);
    let answer = tokio::time::timeout(REGISTRY, asked).await.map_err(|_| EngineError::Timeout);
    let seen = answer.and_then(|answer| answer.map(drop).map_err(EngineError::from));
    seen.map_err(|error| {
        let whole = error.to_string();
        // The end of what the engine says is the reason, the rest is how it came to it.
        let reason = whole.rsplit(": ").next().unwrap_or_default();
        EngineError::Other(format!("{reference} is not here and cannot be pulled: {reason}"))
    })
}
