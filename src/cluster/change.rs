//! What the feeds tell the read model.

use std::time::Duration;

use crate::{
    client::published::Published,
    cluster::{component::Component, history::Happening, link::Link, snapshot::Snapshot},
    mesos::v1::master::{Event, response},
    scheduler::api,
};

/// One piece of news about the cluster.
#[derive(Debug)]
pub enum Change {
    MasterLink(Link),
    SchedulerLink(Link),
    /// Where masters and agents answer that tell addresses of their own network.
    Published(Published),
    /// The master that answers: its URL and what it says of itself.
    Master {
        url: String,
        answer: Box<response::GetMaster>,
        version: String,
    },
    /// All there is, at the beginning of a stream or of each poll: what it does not name is gone.
    Snapshot(Box<Snapshot>),
    /// An event of the master's stream.
    Event(Box<Event>),
    /// What the stream does not tell: allocations, outstanding offers, whether agents are active.
    Refresh {
        agents: Box<response::GetAgents>,
        frameworks: Box<response::GetFrameworks>,
    },
    /// An event of our scheduler's stream.
    Scheduler(Box<api::Event>),
    /// A component was asked how it does.
    Probed {
        component: Box<Component>,
        round_trip: Option<Duration>,
    },
    /// The components that there are now, by name: others are forgotten.
    Components(Vec<String>),
    /// Something to be remembered as it is.
    Happened(Happening),
}
