//! Images from and to registries: layer by layer, and again where the way failed.

use std::time::Duration;

use bollard::models::{CreateImageInfo, ProgressDetail, PushImageInfo};
use bollard::query_parameters::{CreateImageOptionsBuilder, PushImageOptionsBuilder};
use futures_util::{Stream, StreamExt, future::BoxFuture};

use crate::client::retry::Retry;

use super::{
    Engine, EngineError, credentials,
    progress::{Outcome, Teller, Watch, What},
    reference::Reference,
};

/// How often the same image is asked for.
const TRIES: u32 = 5;

/// A registry that was away for a moment is not back in fifty milliseconds.
const FIRST_WAITS: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// What an engine tells of a layer, pulled or pushed.
struct Line {
    id: Option<String>,
    status: Option<String>,
    detail: Option<ProgressDetail>,
}

impl From<CreateImageInfo> for Line {
    fn from(info: CreateImageInfo) -> Self {
        Self { id: info.id, status: info.status, detail: info.progress_detail }
    }
}

impl Engine {
    /// Pulls `reference`, with the credentials that Docker has for its registry.
    ///
    /// # Errors
    /// When it is not there, not for us, or not to be reached after several tries.
    pub async fn pull(&self, reference: &str, watch: Watch<'_>) -> Result<(), EngineError> {
        let teller = Teller { image: reference, watch };
        let parts = Reference::parse(reference);
        let (engine, parts) = (self, &parts);
        again(teller, || {
            Box::pin(async move {
                let credentials = credentials::of(parts.registry()).await;
                let options =
                    CreateImageOptionsBuilder::default().from_image(parts.name).tag(parts.tag).build();
                let lines = engine.api().create_image(Some(options), None, credentials);
                follow(teller, lines.map(|line| line.map(Line::from))).await
            })
        })
        .await
        .map_err(|error| named(error, reference))?;
        teller.tell(What::Done(Outcome::Pulled));
        Ok(())
    }

    /// Pushes `reference` to the registry that it names.
    ///
    /// # Errors
    /// As [`Engine::pull`].
    pub async fn push(&self, reference: &str, watch: Watch<'_>) -> Result<(), EngineError> {
        let teller = Teller { image: reference, watch };
        let parts = Reference::parse(reference);
        let (engine, parts) = (self, &parts);
        again(teller, || {
            Box::pin(async move {
                let credentials = credentials::of(parts.registry()).await;
                let options = PushImageOptionsBuilder::default().tag(parts.tag).build();
                let lines = engine.api().push_image(parts.name, Some(options), credentials);
                follow(teller, lines.map(|line| line.map(pushed))).await
            })
        })
        .await?;
        teller.tell(What::Done(Outcome::Pushed));
        Ok(())
    }
}

/// The crate drops a layer's name here; its size tells layers apart.
fn pushed(info: PushImageInfo) -> Line {
    let total = info.progress_detail.as_ref().and_then(|detail| detail.total);
    Line { id: total.map(|bytes| bytes.to_string()), status: info.status, detail: info.progress_detail }
}

async fn follow(
    teller: Teller<'_>,
    lines: impl Stream<Item = Result<Line, bollard::errors::Error>>,
) -> Result<(), EngineError> {
    let mut lines = std::pin::pin!(lines);
    while let Some(line) = lines.next().await {
        let line = line?;
        let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        let detail = line.detail.unwrap_or_default();
        teller.tell(What::Layer {
            id: line.id.unwrap_or_default(),
            status: line.status.unwrap_or_default(),
            current: bytes(detail.current).unwrap_or_default(),
            total: bytes(detail.total).filter(|total| *total > 0),
        });
    }
    Ok(())
}

/// Tries until it works, until the answer is one that will not change, or [`TRIES`] times.
async fn again<'a>(
    teller: Teller<'_>,
    mut work: impl FnMut() -> BoxFuture<'a, Result<(), EngineError>>,
) -> Result<(), EngineError> {
    let mut retry = Retry::new(seed(teller.image)).at_most(LONGEST_WAIT);
    for _ in 0..FIRST_WAITS {
        retry.wait();
    }
    for _ in 1..TRIES {
        match work().await {
            Err(error) if error.is_passing() => {
                let after = retry.wait();
                teller.tell(What::Retry { after, reason: error.to_string() });
                tokio::time::sleep(after).await;
            }
            other => return other,
        }
    }
    work().await
}

/// Images that are pulled at once come again at different times.
fn seed(image: &str) -> u64 {
    image.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// The engine's own sentence may name only a part of the image.
fn named(error: EngineError, reference: &str) -> EngineError {
    match error {
        EngineError::NoImage(_) => EngineError::NoImage(format!("`{reference}`")),
        EngineError::NotFound(text) | EngineError::Other(text) => {
            EngineError::Other(format!("pull `{reference}`: {text}"))
        }
        EngineError::NoRegistry(text) => EngineError::NoRegistry(format!("pull `{reference}`: {text}")),
        EngineError::Unauthorized(text) => EngineError::Unauthorized(format!("pull `{reference}`: {text}")),
        other => other,
    }
}
