//! What an engine says of the images that it has.

use std::collections::HashMap;

use bollard::{
    models::ImageInspect,
    query_parameters::{RemoveImageOptions, TagImageOptionsBuilder},
};

use super::{Engine, EngineError, reference::Reference};

/// An image that an engine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `sha256:...`
    pub id: String,
    /// Every `name:tag` that it has.
    pub tags: Vec<String>,
    /// Every `name@sha256:...` under which a registry has it.
    pub digests: Vec<String>,
    pub labels: HashMap<String, String>,
    pub bytes: u64,
}

impl From<ImageInspect> for Image {
    fn from(image: ImageInspect) -> Self {
        Self {
            id: image.id.unwrap_or_default(),
            tags: image.repo_tags.unwrap_or_default(),
            digests: image.repo_digests.unwrap_or_default(),
            labels: image.config.and_then(|config| config.labels).unwrap_or_default(),
            bytes: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        }
    }
}

impl Engine {
    /// The image of this reference or id, where the engine has it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        match self.api().inspect_image(reference).await.map_err(EngineError::from) {
            Ok(image) => Ok(Some(image.into())),
            Err(EngineError::NoImage(_) | EngineError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an image another name.
    ///
    /// # Errors
    /// When the engine does not have it.
    pub async fn tag(&self, image: &str, reference: &str) -> Result<(), EngineError> {
        let parts = Reference::parse(reference);
        let options = TagImageOptionsBuilder::default().repo(parts.name).tag(parts.tag).build();
        Ok(self.api().tag_image(image, Some(options)).await?)
    }

    /// Removes an image that nobody uses.
    ///
    /// # Errors
    /// When a container or another image is made of it, or the engine does not have it.
    pub async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        Ok(self.api().remove_image(image, None::<RemoveImageOptions>, None).await.map(drop)?)
    }
}
