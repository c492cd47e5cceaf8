//! The images that a lab is made of: which they are, which of them are ours to build and which are pulled.
//!
//! ```text
//! scratch > base (our binary) > zookeeper, exhibitor, master, marathon, registry, framework
//!                    base > shell (a shell and the usual tools) > agent, task
//! ```

mod context;
mod ensure;
mod make;
mod program;
mod remove;
mod tools;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::spec::{Flavor, LabSpec};

pub use ensure::PresentImage;

/// What ours are called, before the component's name; another one keeps the images of a test apart.
const PREFIX: &str = "mesoslab";
const PREFIX_VARIABLE: &str = "MESOSLAB_IMAGE_PREFIX";

/// The published images of the apache flavor.
const PUBLISHED: [(&str, &str); 5] = [
    ("zookeeper", "zookeeper:3.9"),
    ("registry", "registry:2"),
    ("master", "mesosphere/mesos-master:1.7.1"),
    ("agent", "mesosphere/mesos-slave:1.7.1"),
    ("marathon", "mesosphere/marathon:v1.11.24"),
];

/// What a lab is made of, in the order in which it is shown.
const COMPONENTS: [&str; 8] =
    ["zookeeper", "exhibitor", "master", "agent", "marathon", "registry", "framework", "task"];

/// Where an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// It is ours, and made here.
    Built,
    /// Pulled where it is not there already.
    Pulled,
}

/// The image of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageRef {
    /// `mesoslab/master:0.1.0`, `zookeeper:3.9`.
    pub reference: String,
    pub source: Source,
}

/// The images of a lab, by component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pub by_component: BTreeMap<&'static str, ImageRef>,
    /// What ours with a shell begin with, in place of this machine's own.
    base: Option<String>,
    prefix: String,
}

impl Images {
    /// The images of `spec`; what `MESOSLAB_IMAGE_PREFIX` says stands in place of `mesoslab`.
    pub fn of(spec: &LabSpec) -> Self {
        let prefix = std::env::var(PREFIX_VARIABLE).unwrap_or_else(|_| PREFIX.to_owned());
        Self::with_prefix(spec, prefix.trim_end_matches(['/', '-', '.', '_']))
    }

    fn with_prefix(spec: &LabSpec, prefix: &str) -> Self {
        let mut images = Self {
            by_component: BTreeMap::new(),
            base: spec.images.of("base").map(str::to_owned),
            prefix: prefix.to_owned(),
        };
        let used = COMPONENTS.into_iter().filter(|name| spec.marathon || *name != "marathon");
        images.by_component = used.map(|name| (name, images.choose(spec, name))).collect();
        images
    }

    /// In the order in which they are shown.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &ImageRef)> {
        COMPONENTS.into_iter().filter_map(|name| Some((name, self.by_component.get(name)?)))
    }

    /// The references alone.
    pub fn references(&self) -> BTreeMap<String, String> {
        self.iter().map(|(name, image)| (name.to_owned(), image.reference.clone())).collect()
    }

    /// What our image of this name is called.
    pub fn ours(&self, name: &str) -> String {
        format!("{}/{name}:{}", self.prefix, env!("CARGO_PKG_VERSION"))
    }

    fn choose(&self, spec: &LabSpec, component: &str) -> ImageRef {
        let published = PUBLISHED.iter().find(|(name, _)| *name == component).map(|(_, image)| *image);
        let published = published.filter(|_| spec.flavor == Flavor::Apache);
        match spec.images.of(component).or(published) {
            Some(reference) => ImageRef { reference: reference.to_owned(), source: Source::Pulled },
            None => ImageRef { reference: self.ours(component), source: Source::Built },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SpecLayer;

    fn images(text: &str) -> Images {
        let spec = SpecLayer::parse("lab.toml", text, |_| Vec::new()).expect("valid").resolve();
        Images::with_prefix(&spec, PREFIX)
    }

    fn list(images: &Images) -> Vec<String> {
        let all = images.iter().map(|(name, image)| match image.source {
            Source::Built => format!("{name}: build {}", image.reference),
            Source::Pulled => format!("{name}: pull {}", image.reference),
        });
        all.collect()
    }

    #[test]
    fn published_images_where_there_are_any_that_work() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = [
            "zookeeper: pull zookeeper:3.9",
            &format!("exhibitor: build mesoslab/exhibitor:{version}"),
            "master: pull mesosphere/mesos-master:1.7.1",
            "agent: pull mesosphere/mesos-slave:1.7.1",
            "marathon: pull mesosphere/marathon:v1.11.24",
            "registry: pull registry:2",
            &format!("framework: build mesoslab/framework:{version}"),
            &format!("task: build mesoslab/task:{version}"),
        ];
        assert_eq!(list(&images("[lab]\nflavor = \"apache\"\n")), expected);
    }

    #[test]
    fn a_lite_lab_pulls_nothing_but_what_is_named() {
        let lite = images("[lab]\nflavor = \"lite\"\nmarathon = false\n");
        assert_eq!(lite.by_component.len(), 7);
        assert!(lite.iter().all(|(_, image)| image.source == Source::Built));
        let named =
            images("[lab]\nflavor = \"lite\"\n[images]\nmaster = \"my/master:2\"\nbase = \"debian:12\"\n");
        let master = ImageRef { reference: "my/master:2".to_owned(), source: Source::Pulled };
        assert_eq!(named.by_component["master"], master);
        assert_eq!(named.by_component["agent"].source, Source::Built);
        assert_eq!(named.base.as_deref(), Some("debian:12"));
    }
}
