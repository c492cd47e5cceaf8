//! The endpoints of the master that are older than the operator API: what people `curl`.
//!
//! [`Endpoint`] names them; its [`render`](Endpoint::render) gives the body. Everything is written straight from the
//! master's state, so that a large cluster is not copied first.

mod agents;
mod frameworks;
mod plain;
mod registry;
mod state;
mod summary;
mod tasks;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::plain::redirect_location;
use super::{flags, maintenance, metrics, quota, roles};
use crate::{
    engine::{
        legacy::{Build, System},
        master::Master,
    },
    mesos::{json, time::Time},
};

/// Parameters of the query, decoded.
pub type Query = BTreeMap<String, String>;

/// An endpoint that answers GET with JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    State,
    StateSummary,
    Slaves,
    Frameworks,
    Tasks,
    Roles,
    Flags,
    Version,
    Quota,
    Weights,
    MaintenanceSchedule,
    MaintenanceStatus,
    MetricsSnapshot,
    SystemStats,
    Registry,
    OfferConstraintsDebug,
    Processes,
    FilesDebug,
}

impl Endpoint {
    /// By path, without the `/master` that some of them may carry in front.
    pub fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "/state" => Self::State,
            "/state-summary" => Self::StateSummary,
            "/slaves" => Self::Slaves,
            "/frameworks" => Self::Frameworks,
            "/tasks" => Self::Tasks,
            "/roles" => Self::Roles,
            "/flags" => Self::Flags,
            "/version" => Self::Version,
            "/quota" => Self::Quota,
            "/weights" => Self::Weights,
            "/maintenance/schedule" => Self::MaintenanceSchedule,
            "/maintenance/status" => Self::MaintenanceStatus,
            "/metrics/snapshot" => Self::MetricsSnapshot,
            "/system/stats.json" => Self::SystemStats,
            "/registrar(1)/registry" => Self::Registry,
            "/allocator/offer_constraints_debug" => Self::OfferConstraintsDebug,
            "/__processes__" => Self::Processes,
            "/files/debug" => Self::FilesDebug,
            _ => return None,
        })
    }

    /// The body, in one line.
    pub fn render(
        self,
        master: &Master,
        now: Time,
        system: &System,
        query: &Query,
    ) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::State => body(&state::State::new(master)),
            Self::StateSummary => body(&summary::StateSummary::new(master)),
            Self::Slaves => body(&agents::Slaves::new(master, query)),
            Self::Frameworks => body(&frameworks::Frameworks::new(master, query)),
            Self::Tasks => body(&tasks::Tasks::new(master, query)),
            Self::Roles => body(&plain::Roles::new(&roles::all(master))),
            Self::Flags => body(&plain::Flags { flags: flags::all(&master.config) }),
            Self::Version => body(&Build::CURRENT),
            Self::Weights => body(&plain::weights(master)),
            Self::MetricsSnapshot => body(&metrics::snapshot(master, now, system)),
            Self::SystemStats => body(system),
            Self::Registry => body(&registry::registry(master)),
            Self::OfferConstraintsDebug => body(&plain::OfferConstraintsDebug::new(master)),
            Self::Processes => body(&plain::processes()),
            Self::Quota => body(&json::to_json(&quota::status(master))),
            Self::MaintenanceSchedule => body(&json::to_json(&maintenance::schedule(master))),
            Self::MaintenanceStatus => body(&json::to_json(&maintenance::status(master))),
            Self::FilesDebug => body(&serde_json::Map::new()),
        }
    }
}

fn body(view: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(view)
}

/// Whether the query asks for this id, or for no particular one.
fn selects(query: &Query, parameter: &str, id: &str) -> bool {
    query.get(parameter).is_none_or(|wanted| wanted == id)
}
