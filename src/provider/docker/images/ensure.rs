//! Making an engine have the images of a lab: ours are built, the others pulled, all at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future;

use crate::client::docker::{Engine, EngineError, Event, Outcome, Watch, What};

use super::{Images, Source};

/// What is run from a registry.
const PUSHED: [&str; 2] = ["framework", "task"];

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PresentImage {
    pub reference: String,
    /// `sha256:...`: another one whenever the content is.
    pub id: String,
    /// What was done for it.
    pub outcome: Outcome,
}

impl Images {
    /// Builds what is ours and has changed, and pulls what is missing; gives every image by its component.
    ///
    /// # Errors
    /// The first image that can be neither built nor pulled; what was under way is given up.
    pub async fn ensure(
        &self,
        engine: &Engine,
        watch: Watch<'_>,
    ) -> Result<BTreeMap<String, PresentImage>, EngineError> {
        let (mut all, pulled) =
            future::try_join(self.build(engine, &[], false, watch), self.pull(engine, watch)).await?;
        all.extend(pulled);
        Ok(all)
    }

    /// Pushes our images of framework and task to `registry`, an address such as `127.0.0.1:5000`; gives what each is
    /// called there, by component.
    ///
    /// # Errors
    /// When one is not built, or the registry does not take it.
    pub async fn push(
        &self,
        engine: &Engine,
        registry: &str,
        watch: Watch<'_>,
    ) -> Result<BTreeMap<String, String>, EngineError> {
        let ours = self.iter().filter(|(name, image)| image.source == Source::Built && PUSHED.contains(name));
        let pushes = ours.map(async |(name, image)| {
            let there = format!("{registry}/{}", image.reference);
            if engine.image(&image.reference).await?.is_none() {
                return Err(not_built(&image.reference));
            }
            engine.tag(&image.reference, &there).await?;
            engine.push(&there, watch).await?;
            Ok((name.to_owned(), there))
        });
        Ok(future::try_join_all(pushes).await?.into_iter().collect())
    }

    /// Pulls what is to be pulled and is not there.
    async fn pull(
        &self,
        engine: &Engine,
        watch: Watch<'_>,
    ) -> Result<BTreeMap<String, PresentImage>, EngineError> {
        let wanted: Vec<_> = self.iter().filter(|(_, image)| image.source == Source::Pulled).collect();
        let references: BTreeSet<_> = wanted.iter().map(|(_, image)| image.reference.as_str()).collect();
        let pulls = references.into_iter().map(|reference| present_or_pulled(engine, reference, watch));
        let images = future::try_join_all(pulls).await?;
        let of = |reference: &str| images.iter().find(|image| image.reference == reference).cloned();
        Ok(wanted
            .into_iter()
            .filter_map(|(name, image)| Some((name.to_owned(), of(&image.reference)?)))
            .collect())
    }
}

fn not_built(image: &str) -> EngineError {
    EngineError::NoContent {
        image: image.to_owned(),
        reason: "it is not built yet".to_owned(),
        remedy: "mesoslab build".to_owned(),
    }
}

/// The image of this reference, from its registry where the engine has it not.
pub(super) async fn present_or_pulled(
    engine: &Engine,
    reference: &str,
    watch: Watch<'_>,
) -> Result<PresentImage, EngineError> {
    if let Some(image) = engine.image(reference).await? {
        let what = What::Done(Outcome::Present);
        watch(&Event { image: reference.to_owned(), what });
        return Ok(PresentImage { reference: reference.to_owned(), id: image.id, outcome: Outcome::Present });
    }
    engine.pull(reference, watch).await?;
    match engine.image(reference).await? {
        Some(image) => {
            Ok(PresentImage { reference: reference.to_owned(), id: image.id, outcome: Outcome::Pulled })
        }
        None => Err(EngineError::NoImage(format!("`{reference}`"))),
    }
}
