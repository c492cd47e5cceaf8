//! Which image each component of a lab is made of: the lab file's own, else the usual one of its flavor.

use std::collections::BTreeMap;

use crate::spec::{Flavor, LabSpec};

/// What a lab's containers and tasks are made of, in the order in which they come to be.
pub const COMPONENTS: [&str; 8] =
    ["zookeeper", "registry", "exhibitor", "master", "agent", "marathon", "framework", "task"];

/// The references of `spec`, by component.
pub fn references(spec: &LabSpec) -> BTreeMap<String, String> {
    let reference = |component: &str| match spec.images.of(component) {
        Some(own) => own.to_owned(),
        None => usual(spec.flavor, component),
    };
    COMPONENTS.map(|component| (component.to_owned(), reference(component))).into()
}

/// The reference of a component that the lab file says nothing about.
fn usual(flavor: Flavor, component: &str) -> String {
    match published(component) {
        Some(published) if flavor == Flavor::Apache => published.to_owned(),
        _ => format!("mesoslab/{component}:{}", env!("CARGO_PKG_VERSION")),
    }
}

/// The newest published image that is in use and that engines of today still take.
fn published(component: &str) -> Option<&'static str> {
    match component {
        "zookeeper" => Some("zookeeper:3.9"),
        "registry" => Some("registry:2"),
        "master" => Some("mesosphere/mesos-master:1.7.1"),
        "agent" => Some("mesosphere/mesos-slave:1.7.1"),
        "marathon" => Some("mesosphere/marathon:v1.11.24"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SpecLayer;

    fn of(text: &str) -> BTreeMap<String, String> {
        references(&SpecLayer::parse("lab.toml", text, |_| Vec::new()).expect("valid").resolve())
    }

    #[test]
    fn published_images_are_taken_where_there_are_any() {
        let apache = of("");
        assert_eq!(apache["zookeeper"], "zookeeper:3.9");
        assert_eq!(apache["framework"], concat!("mesoslab/framework:", env!("CARGO_PKG_VERSION")));
        let lite = of("[lab]\nflavor = \"lite\"\n");
        assert!(lite.values().all(|reference| reference.starts_with("mesoslab/")), "{lite:?}");
    }

    #[test]
    fn the_lab_file_has_the_last_word() {
        let images = of("[images]\nmaster = \"avhost/mesos-mini:1\"\ntask = \"busybox\"\n");
        assert_eq!((images["master"].as_str(), images["task"].as_str()), ("avhost/mesos-mini:1", "busybox"));
        assert_eq!(images["agent"], "mesosphere/mesos-slave:1.7.1");
    }
}
