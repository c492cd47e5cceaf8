//! How everything of a lab is marked on an engine: as ours, and as Compose marks what is its own, so that its tools show
//! the lab.

use std::collections::HashMap;

/// The lab that something belongs to.
pub const LAB: &str = "mesoslab.lab";

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

/// The labels of something of the lab, with these.
pub fn of<const N: usize>(lab: &str, project: &str, more: [(&str, &str); N]) -> HashMap<String, String> {
    let all = [(LAB, lab), (PROJECT, project)].into_iter().chain(more);
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The filter that lists what belongs to the lab.
pub fn filter(lab: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{LAB}={lab}")])])
}
