//! The difference between the lab that runs and the lab that is wanted.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spec::{AgentSpec, LabSpec};

/// One thing that `up` does to a running lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    AgentAdded(AgentSpec),
    AgentRemoved {
        name: String,
    },
    /// It has other resources; its tasks go on.
    AgentResized(AgentSpec),
    /// Its tasks end and are placed anew.
    AgentReplaced {
        agent: AgentSpec,
        what: Vec<String>,
    },
    /// The settings of our framework that the lab file changed.
    SchedulerSet(Map<String, Value>),
    /// The master's settings, taken over while it runs.
    MasterSet,
    MasterAdded,
    MasterRemoved,
    MarathonAdded,
    MarathonRemoved,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentAdded(agent) => write!(f, "{} added: {}", agent.name, agent.all_resources()),
            Self::AgentResized(agent) => {
                write!(f, "{} resized, its tasks go on: {}", agent.name, agent.all_resources())
            }
            Self::AgentRemoved { name } => write!(f, "{name} removed, its tasks move"),
            Self::AgentReplaced { agent, what } => {
                write!(f, "{} replaced, its tasks are placed anew: {} changed", agent.name, what.join(", "))
            }
            Self::SchedulerSet(keys) => {
                let keys: Vec<_> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "scheduler: {}", keys.join(" "))
            }
            Self::MasterSet => f.write_str("master: settings changed"),
            Self::MasterAdded => f.write_str("one more master stands for election"),
            Self::MasterRemoved => f.write_str("the last master removed"),
            Self::MarathonAdded => f.write_str("marathon added; it runs the scheduler now"),
            Self::MarathonRemoved => f.write_str("marathon removed; the lab runs the scheduler itself"),
        }
    }
}

/// What turns `now` into `wanted`. Ports are not among it: a running component keeps its port.
pub fn changes(now: &LabSpec, wanted: &LabSpec) -> Vec<Change> {
    let mut changes = Vec::new();
    if now.master != wanted.master {
        changes.push(Change::MasterSet);
    }
    let (more, fewer) = (Change::MasterAdded, Change::MasterRemoved);
    changes.extend(vec![more; wanted.masters.saturating_sub(now.masters)]);
    changes.extend(vec![fewer; now.masters.saturating_sub(wanted.masters)]);
    match (now.marathon, wanted.marathon) {
        (false, true) => changes.push(Change::MarathonAdded),
        (true, false) => changes.push(Change::MarathonRemoved),
        _ => {}
    }
    changes.extend(agent_changes(&now.agents, &wanted.agents));
    let set = scheduler_changes(&now.scheduler, &wanted.scheduler);
    if !set.is_empty() {
        changes.push(Change::SchedulerSet(set));
    }
    changes
}

fn agent_changes(now: &[AgentSpec], wanted: &[AgentSpec]) -> Vec<Change> {
    let before: BTreeMap<_, _> = now.iter().map(|agent| (&agent.name, agent)).collect();
    let after: BTreeMap<_, _> = wanted.iter().map(|agent| (&agent.name, agent)).collect();
    let removed = now
        .iter()
        .filter(|agent| !after.contains_key(&agent.name))
        .map(|agent| Change::AgentRemoved { name: agent.name.clone() });
    let kept = wanted.iter().filter_map(|agent| match before.get(&agent.name) {
        None => Some(Change::AgentAdded(agent.clone())),
        Some(old) if *old == agent => None,
        Some(old) => Some(Change::AgentReplaced { agent: agent.clone(), what: differing(old, agent) }),
    });
    removed.chain(kept).collect()
}

fn differing(old: &AgentSpec, new: &AgentSpec) -> Vec<String> {
    let fields = [
        ("resources", old.all_resources() != new.all_resources()),
        ("attributes", old.attributes != new.attributes),
        ("hostname", old.hostname != new.hostname),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

/// The settings that the lab file changed; one that it no longer names stays as it is.
pub fn scheduler_changes(now: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    wanted
        .iter()
        .filter(|(key, value)| now.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Change, changes};
    use crate::spec::SpecLayer;

    fn spec(text: &str) -> crate::spec::LabSpec {
        SpecLayer::parse("lab.toml", text, |_| Vec::new()).expect("valid").resolve()
    }

    #[test]
    fn the_same_lab_needs_no_change() {
        let lab = spec("[[agents]]\ncount = 2\n");
        assert_eq!(changes(&lab, &lab), []);
    }

    #[test]
    fn agents_come_go_and_change() {
        let two = spec("[[agents]]\n[[agents]]\n");
        let other = spec("[[agents]]\nresources = \"cpus:8\"\n");
        let there = changes(&two, &other);
        assert_eq!(there[0], Change::AgentRemoved { name: "agent-2".into() });
        assert!(matches!(&there[1], Change::AgentReplaced { what, .. } if what == &["resources"]));
        assert!(
            changes(&other, &two).iter().any(|c| matches!(c, Change::AgentAdded(a) if a.name == "agent-2"))
        );
    }

    #[test]
    fn masters_and_marathon_come_and_go() {
        let small = spec("[lab]\nmarathon = false\n");
        let large = spec("[lab]\nmasters = 3\n");
        assert_eq!(
            changes(&small, &large),
            [Change::MasterAdded, Change::MasterAdded, Change::MarathonAdded]
        );
        assert_eq!(
            changes(&large, &small),
            [Change::MasterRemoved, Change::MasterRemoved, Change::MarathonRemoved]
        );
    }

    #[test]
    fn only_changed_settings_reach_the_scheduler() {
        let before = spec("[scheduler]\ncpus = 1\nmem = 32\n");
        let after = spec("[scheduler]\ncpus = 2\nmem = 32\n");
        let [Change::SchedulerSet(set)] = &changes(&before, &after)[..] else { panic!("one change") };
        assert_eq!(set.keys().collect::<Vec<_>>(), ["cpus"]);
    }
}
