//! What is: a read model of a cluster, folded from the streams of its public APIs.
//!
//! ```text
//! master: SUBSCRIBE, or /state again and again ─┐
//! master: GET_AGENTS, GET_FRAMEWORKS (offers)  ─┼─> watch ─> Change ─> ClusterView::apply(now, change) ─> readers
//! scheduler: /v1/events                        ─┤
//! components: are they there                   ─┘
//! ```
//!
//! `watch` does the IO and reconnects; [`ClusterView`] only computes, and has one writer: whoever owns it.

pub mod agent;
pub mod amounts;
pub mod change;
pub mod component;
mod fold;
mod forecast;
pub mod framework;
pub mod history;
pub mod link;
pub mod offer;
pub mod rates;
pub mod rows;
pub mod scheduler;
pub mod snapshot;
pub mod task;
#[cfg(test)]
pub(crate) mod tests;
pub mod watch;

use crate::{
    cluster::{
        agent::Agent,
        component::Component,
        framework::Framework,
        history::Happening,
        link::Link,
        offer::Offer,
        rates::Rates,
        rows::{Ring, Table},
        scheduler::SchedulerView,
        task::Task,
    },
    mesos::time::Time,
    scheduler::quantities::Quantities,
};

pub use change::Change;

/// The cluster as it was last heard of. Everything keeps its last known value while a link is down.
#[derive(Debug, Default)]
pub struct ClusterView {
    /// How the stream of the master does.
    pub master_link: Link,
    pub master: Master,
    /// How the stream of our scheduler does.
    pub scheduler_link: Link,
    /// None until our scheduler was first heard of.
    pub scheduler: Option<SchedulerView>,
    pub tasks: Table<Task>,
    pub agents: Table<Agent>,
    pub frameworks: Table<Framework>,
    /// Outstanding offers of all frameworks, and the answered ones of ours; the newest are kept.
    pub offers: Table<Offer>,
    pub components: Table<Component>,
    pub history: Ring<Happening>,
    pub rates: Rates,
    pub gauges: Gauges,
    pub counts: StateCounts,
    fold: fold::Memory,
}

/// The master that leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Master {
    /// `http://127.0.0.1:5050`, without a slash at its end; empty until one is known.
    pub url: String,
    /// The id it gave itself when it was elected.
    pub id: String,
    pub hostname: String,
    pub version: String,
    pub started: Option<Time>,
    pub elected: Option<Time>,
}

/// Sums over the active agents.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gauges {
    pub total: Quantities,
    pub used: Quantities,
    pub offered: Quantities,
}

/// How many tasks of the whole cluster are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// Staging and starting.
    pub starting: usize,
    pub running: usize,
    pub killing: usize,
    pub unreachable: usize,
    /// Ended with failure, error, lost, dropped, gone; of those still known.
    pub failed: usize,
    /// Finished and killed; of those still known.
    pub ended: usize,
}

impl StateCounts {
    /// All that are not over.
    pub fn live(&self) -> usize {
        self.starting + self.running + self.killing + self.unreachable
    }
}

impl Gauges {
    /// What is neither used nor offered.
    pub fn free(&self) -> Quantities {
        self.total.minus(&self.used).minus(&self.offered)
    }
}
