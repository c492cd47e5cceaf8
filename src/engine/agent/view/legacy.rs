//! The endpoints of the agent that are older than its v1 API.

mod containers;
mod state;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{flags, known_executors, metrics, v1::Source};
use crate::engine::{agent::Agent, legacy::Build};

/// Parameters of the query, decoded.
pub type Query = BTreeMap<String, String>;

/// An endpoint that answers GET with JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    State,
    Containers,
    MonitorStatistics,
    Flags,
    Version,
    MetricsSnapshot,
    SystemStats,
    FilesDebug,
    Processes,
}

impl Endpoint {
    /// By path, without the `/slave(1)` that some of them may carry in front.
    pub fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "/state" => Self::State,
            "/containers" => Self::Containers,
            "/monitor/statistics" => Self::MonitorStatistics,
            "/flags" => Self::Flags,
            "/version" => Self::Version,
            "/metrics/snapshot" => Self::MetricsSnapshot,
            "/system/stats.json" => Self::SystemStats,
            "/files/debug" => Self::FilesDebug,
            "/__processes__" => Self::Processes,
            _ => return None,
        })
    }

    /// The body, in one line.
    pub fn render(self, source: Source<'_>, query: &Query) -> serde_json::Result<Vec<u8>> {
        let agent = source.agent;
        match self {
            Self::State => body(&state::State::new(agent)),
            Self::Containers => body(&containers::containers(source, query)),
            Self::MonitorStatistics => body(&containers::statistics(source)),
            Self::Flags => body(&json!({"flags": flags::all(&agent.config)})),
            Self::Version => body(&Build::CURRENT),
            Self::MetricsSnapshot => body(&metrics::snapshot(agent, source.now, source.system)),
            Self::SystemStats => body(source.system),
            Self::FilesDebug => body(&attached_paths(agent)),
            Self::Processes => body(&processes()),
        }
    }
}

fn body(view: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(view)
}

/// The virtual paths of sandboxes with the directories they lead to.
pub fn attached_paths(agent: &Agent) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    for (framework, executor) in known_executors(agent) {
        let directory = &executor.directory;
        let latest = directory.rsplit_once('/').map(|(runs, _)| format!("{runs}/latest"));
        let short = format!("/frameworks/{}/executors/{}/runs/latest", framework.id(), executor.id());
        for path in [Some(short), Some(directory.clone()), latest].into_iter().flatten() {
            paths.insert(path, directory.clone());
        }
    }
    paths
}

/// The actors that have an endpoint.
fn processes() -> Vec<Value> {
    let ids =
        ["__processes__", "files", "help", "logging", "metrics", "profiler", "slave(1)", "system", "version"];
    ids.map(|id| json!({"events": [], "id": id})).into()
}
