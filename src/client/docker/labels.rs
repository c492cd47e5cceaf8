//! How everything of a lab is marked on an engine: as ours, and as Compose marks what is its own, so that its tools show
//! the lab.

use std::collections::HashMap;

/// The lab that something belongs to.
pub const LAB: &str = "mesoslab.lab";

/// The directory in which somebody keeps that lab's state: labs of one name of two people are two labs.
pub const OWNER: &str = "mesoslab.state";

/// What of a lab a container is; what has none is a task.
pub const SERVICE: &str = "com.docker.compose.service";

/// What a container was made from, its image among it.
pub const HASH: &str = "com.docker.compose.config-hash";

/// Whose state a volume keeps: an agent that says something else of itself is another one.
pub const IDENTITY: &str = "mesoslab.identity";

/// The id of the task that a container runs.
pub const TASK: &str = "mesoslab.task";

/// The agent that a container of a task is on.
pub const AGENT: &str = "mesoslab.agent";

const PROJECT: &str = "com.docker.compose.project";

/// A lab, and who has it: the directory of its state; empty where that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabName {
    pub name: String,
    pub owner: String,
}

impl LabName {
    /// The labels of something of the lab, with these.
    pub fn labels<const N: usize>(&self, project: &str, more: [(&str, &str); N]) -> HashMap<String, String> {
        let own = [(LAB, self.name.as_str()), (OWNER, &self.owner), (PROJECT, project)];
        let all = own.into_iter().filter(|(_, value)| !value.is_empty()).chain(more);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Whose something is that has these labels, where it is not the lab's own. Compose marks with the lab's name alone.
    pub fn stranger<'a>(&self, labels: &'a HashMap<String, String>) -> Option<&'a str> {
        if labels.get(LAB) != Some(&self.name) {
            return Some("somebody else");
        }
        let owner = labels.get(OWNER).filter(|_| !self.owner.is_empty())?;
        (*owner != self.owner).then_some(owner)
    }
}

/// The filter that lists what belongs to the lab.
pub fn filter(lab: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{LAB}={lab}")])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_of_the_same_name_in_another_directory_is_somebody_elses() {
        let lab = |owner: &str| LabName { name: "mine".to_owned(), owner: owner.to_owned() };
        let (here, there) = (lab("/home/a/labs/mine"), lab("/home/b/labs/mine"));
        assert_eq!(here.stranger(&here.labels("p", [])), None);
        assert_eq!(here.stranger(&there.labels("p", [])), Some("/home/b/labs/mine"));
        assert_eq!(here.stranger(&lab("").labels("p", [])), None, "made by Compose");
        assert_eq!(lab("").stranger(&there.labels("p", [])), None, "a record that does not tell");
        assert_eq!(here.stranger(&HashMap::new()), Some("somebody else"));
    }
}
