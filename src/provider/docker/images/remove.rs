//! Taking our own images away again, with the names that they have in the lab's registry.

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
        let filter = std::collections::HashMap::from([("label".to_owned(), vec![OURS.to_owned()])]);
        let options = ListImagesOptionsBuilder::new().filters(&filter).build();
        let mut listed = engine.api().list_images(Some(options)).await?;
        // What others begin with was made before them.
        listed.sort_by_key(|image| std::cmp::Reverse(image.created));
        let tags = listed.into_iter().flat_map(|image| image.repo_tags);
        for tag in tags.filter(|tag| self.is_ours(tag, registry)) {
            let _in_use = engine.remove_image(&tag).await;
        }
        Ok(())
    }

    fn is_ours(&self, tag: &str, registry: Option<&str>) -> bool {
        let own = format!("{}/", self.prefix);
        let there = registry.map(|registry| format!("{registry}/{own}"));
        tag.starts_with(&own) || there.is_some_and(|there| tag.starts_with(&there))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SpecLayer;

    #[test]
    fn only_what_bears_our_names_is_ours() {
        let images = Images::of(&SpecLayer::default().resolve());
        let registry = Some("127.0.0.1:5000");
        for tag in ["mesoslab/master:0.1.0", "127.0.0.1:5000/mesoslab/task:0.1.0"] {
            assert!(images.is_ours(tag, registry), "{tag}");
        }
        for tag in
            ["mesoslabs/master:1", "127.0.0.1:5001/mesoslab/task:0.1.0", "zookeeper:3.9", "x/mesoslab/a:1"]
        {
            assert!(!images.is_ours(tag, registry), "{tag}");
        }
        assert!(!images.is_ours("127.0.0.1:5000/mesoslab/task:0.1.0", None));
    }
}
