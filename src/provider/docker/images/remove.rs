//! Taking our own images away again, with the names that they have in the lab's registry.

use std::{cmp::Reverse, collections::HashMap};

use bollard::query_parameters::ListImagesOptionsBuilder;

use super::Images;
use crate::client::docker::{Engine, EngineError};

/// The label of every image of ours.
const OURS: &str = "mesoslab.image";

impl Images {
    /// Removes our images under their own names and those in `registry`; what a container is made of stays, and so does
    /// what another image begins with.
    ///
    /// # Errors
    /// When the engine does not list its images.
    pub async fn remove(&self, engine: &Engine, registry: Option<&str>) -> Result<(), EngineError> {
        remove_where(engine, |tag| self.is_own(tag) || registry.is_some_and(|at| self.is_in(at, tag))).await
    }

    /// Takes the names in `registry` from our images, and leaves them their own.
    ///
    /// # Errors
    /// As [`Images::remove`].
    pub async fn untag(&self, engine: &Engine, registry: &str) -> Result<(), EngineError> {
        remove_where(engine, |tag| self.is_in(registry, tag)).await
    }

    fn is_own(&self, tag: &str) -> bool {
        tag.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('/'))
    }

    fn is_in(&self, registry: &str, tag: &str) -> bool {
        let name = tag.strip_prefix(registry).and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| self.is_own(name))
    }
}

async fn remove_where(engine: &Engine, is_meant: impl Fn(&str) -> bool) -> Result<(), EngineError> {
    let filter = HashMap::from([("label".to_owned(), vec![OURS.to_owned()])]);
    let options = ListImagesOptionsBuilder::new().filters(&filter).build();
    let mut listed = engine.api().list_images(Some(options)).await?;
    // What others begin with was made before them.
    listed.sort_by_key(|image| Reverse(image.created));
    let tags = listed.into_iter().flat_map(|image| image.repo_tags);
    for tag in tags.filter(|tag| is_meant(tag)) {
        let _in_use = engine.remove_image(&tag).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SpecLayer;

    #[test]
    fn only_what_bears_our_names_is_ours() {
        let images = Images::of(&SpecLayer::default().resolve());
        assert!(images.is_own("mesoslab/master:0.1.0"));
        assert!(images.is_in("127.0.0.1:5000", "127.0.0.1:5000/mesoslab/task:0.1.0"));
        for tag in
            ["mesoslabs/master:1", "127.0.0.1:5000/mesoslab/task:0.1.0", "zookeeper:3.9", "x/mesoslab/a:1"]
        {
            assert!(!images.is_own(tag), "{tag}");
        }
        for tag in
            ["127.0.0.1:5001/mesoslab/task:0.1.0", "127.0.0.1:5000/other/task:1", "mesoslab/task:0.1.0"]
        {
            assert!(!images.is_in("127.0.0.1:5000", tag), "{tag}");
        }
    }
}
