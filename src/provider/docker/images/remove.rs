//! Taking our own images away again, with the names that they have in the lab's registry.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bollard::query_parameters::ListImagesOptionsBuilder;

use super::Images;
use crate::client::docker::{Engine, EngineError};

/// How often, and how many times at most, it is looked for images that are still coming; so many looks without one are
/// enough.
const LOOK: Duration = Duration::from_millis(300);
const LOOKS: usize = 20;
const QUIET: usize = 2;

/// The label of every image of ours.
const OURS: &str = "mesoslab.image";

impl Images {
    /// Removes our images under their own names and those in `registry`; what a container is made of stays, and so does
    /// what another image begins with.
    ///
    /// # Errors
    /// When the engine does not list its images.
    pub async fn remove(&self, engine: &Engine, registry: Option<&str>) -> Result<(), EngineError> {
        let is_ours = |tag: &str| self.is_own(tag) || registry.is_some_and(|at| self.is_in(at, tag));
        remove_where(engine, is_ours).await.map(drop)
    }

    /// Our images that the engine has now: names, and ids of those that have none.
    ///
    /// # Errors
    /// As [`Images::remove`].
    pub async fn present(engine: &Engine) -> Result<BTreeSet<String>, EngineError> {
        Ok(listed(engine).await?.into_iter().collect())
    }

    /// Removes our images but those that were there `before`, and those of which something is made. An engine goes on
    /// for a moment with a build that nobody waits for: nameless images may still be coming.
    ///
    /// # Errors
    /// As [`Images::remove`].
    pub async fn remove_new(
        &self,
        engine: &Engine,
        before: &BTreeSet<String>,
        registry: Option<&str>,
    ) -> Result<(), EngineError> {
        let is_new = |name: &str| {
            let is_ours = self.is_own(name) || registry.is_some_and(|at| self.is_in(at, name));
            !before.contains(name) && (is_ours || is_id(name))
        };
        let mut quiet = 0;
        for _ in 0..LOOKS {
            let left = remove_where(engine, is_new).await?;
            quiet = if left == 0 { quiet + 1 } else { 0 };
            if quiet == QUIET {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn is_own(&self, tag: &str) -> bool {
        tag.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('/'))
    }

    fn is_in(&self, registry: &str, tag: &str) -> bool {
        let name = tag.strip_prefix(registry).and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| self.is_own(name))
    }
}

/// Gives how many were meant.
async fn remove_where(engine: &Engine, is_meant: impl Fn(&str) -> bool) -> Result<usize, EngineError> {
    let mut meant = listed(engine).await?;
    meant.retain(|name| is_meant(name));
    for name in &meant {
        let _in_use = engine.remove_image(name).await;
    }
    Ok(meant.len())
}

/// The names of our images, and ids of those without one; what others begin with was made before them, and comes after them.
async fn listed(engine: &Engine) -> Result<Vec<String>, EngineError> {
    let filter = HashMap::from([("label".to_owned(), vec![OURS.to_owned()])]);
    let options = ListImagesOptionsBuilder::new().filters(&filter).build();
    let mut listed = engine.api().list_images(Some(options)).await?;
    listed.sort_by_key(|image| Reverse(image.created));
    let names = listed.into_iter().flat_map(|image| {
        // An engine of before 25 gives a nameless image this name.
        let names = image.repo_tags.iter().filter(|tag| *tag != "<none>:<none>");
        let names: Vec<_> = names.map(|tag| familiar(tag).to_owned()).collect();
        if names.is_empty() { vec![image.id] } else { names }
    });
    Ok(names.collect())
}

/// As Docker has a name that Podman tells with the registry that it would be pulled from.
fn familiar(tag: &str) -> &str {
    tag.strip_prefix("docker.io/").unwrap_or(tag)
}

fn is_id(name: &str) -> bool {
    name.starts_with("sha256:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SpecLayer;

    #[test]
    fn only_what_bears_our_names_is_ours() {
        let images = Images::of(&SpecLayer::default().resolve());
        assert!(images.is_own("mesoslab/master:0.1.0"));
        assert!(images.is_own(familiar("docker.io/mesoslab/master:0.1.0")));
        assert!(!images.is_own(familiar("quay.io/mesoslab/master:0.1.0")));
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
