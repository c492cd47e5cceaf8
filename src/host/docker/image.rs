//! Images of tasks: there, or pulled.

use crate::client::docker::Engine;

/// Sees to it that an image is there.
pub(super) async fn provide(engine: &Engine, image: &str, force_pull: bool) -> Result<(), String> {
    if !force_pull {
        let known = engine.image(image).await;
        let known = known.map_err(|error| format!("Failed to find image '{image}': {error}"))?;
        if known.is_some() {
            return Ok(());
        }
    }
    tracing::info!(image, "pulling an image");
    let pulled = engine.pull(image, &|_| {}).await;
    pulled.map_err(|error| format!("Failed to pull image '{image}': {error}"))
}
