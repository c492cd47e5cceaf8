//! What turns the containers that are there into those that are planned.

use std::{collections::BTreeMap, fmt};

use super::plan::Service;

/// A container of the lab that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    pub id: String,
    /// As its label has it.
    pub hash: String,
    pub running: bool,
    pub paused: bool,
}

/// One thing to be done to the container of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Create,
    /// It is made of something else now.
    Replace,
    /// It is there, and does not run.
    Start,
    /// It runs, and was paused.
    Resume,
    /// The lab has no such service any more.
    Remove,
}

/// What a step does to which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub service: String,
    pub step: Step,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.step {
            Step::Create => "added",
            Step::Replace => "made anew: its settings or its image changed",
            Step::Start => "started again",
            Step::Resume => "resumed",
            Step::Remove => "removed",
        };
        write!(f, "{} {what}", self.service)
    }
}

/// What is to be done, in the order of the plan; removals first, since they free ports.
pub fn changes(planned: &[(&Service, String)], present: &BTreeMap<String, Present>) -> Vec<Change> {
    let is_planned = |name: &&String| planned.iter().any(|(service, _)| service.name == **name);
    let removed = present.keys().filter(|name| !is_planned(name));
    let removed = removed.map(|name| Change { service: name.clone(), step: Step::Remove });
    let wanted = planned.iter().filter_map(|(service, hash)| {
        let step = match present.get(&service.name) {
            None => Step::Create,
            Some(there) if there.hash != *hash => Step::Replace,
            Some(there) if there.paused => Step::Resume,
            Some(there) if !there.running => Step::Start,
            Some(_) => return None,
        };
        Some(Change { service: service.name.clone(), step })
    });
    removed.chain(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::docker::plan::Published;

    /// One that needs nothing.
    fn a_service(name: &str) -> Service {
        Service {
            name: name.to_owned(),
            image: "image".to_owned(),
            command: Vec::new(),
            environment: BTreeMap::new(),
            port: Published { host: 1, container: 1 },
            mounts: Vec::new(),
            after: Vec::new(),
            privileged: false,
            host_pids: false,
            init: false,
        }
    }

    fn there(hash: &str) -> Present {
        Present { id: "1".to_owned(), hash: hash.to_owned(), running: true, paused: false }
    }

    fn steps(present: &[(&str, Present)]) -> Vec<String> {
        let services = ["zookeeper", "master"].map(a_service);
        let planned: Vec<_> = services.iter().map(|service| (service, "new".to_owned())).collect();
        let present = present.iter().map(|(name, there)| ((*name).to_owned(), there.clone())).collect();
        changes(&planned, &present).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_as_planned_is_left_alone() {
        assert_eq!(steps(&[("zookeeper", there("new")), ("master", there("new"))]), [] as [&str; 0]);
        assert_eq!(steps(&[]), ["zookeeper added", "master added"]);
    }

    #[test]
    fn what_differs_is_mended() {
        let stopped = Present { running: false, ..there("new") };
        assert_eq!(
            steps(&[("agent-9", there("new")), ("zookeeper", there("old")), ("master", stopped)]),
            [
                "agent-9 removed",
                "zookeeper made anew: its settings or its image changed",
                "master started again"
            ]
        );
        let paused = Present { paused: true, ..there("new") };
        assert_eq!(steps(&[("zookeeper", paused), ("master", there("new"))]), ["zookeeper resumed"]);
    }
}
