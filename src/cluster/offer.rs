//! One offer: outstanding with some framework, or answered by our scheduler.

use std::sync::Arc;

use crate::{mesos::time::Time, scheduler::quantities::Quantities};

#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub id: String,
    pub agent_id: Arc<str>,
    pub hostname: Arc<str>,
    /// The name of the agent, as far as it is known.
    pub agent: Arc<str>,
    pub framework: Arc<str>,
    pub role: String,
    pub resources: Quantities,
    /// When it was first seen.
    pub at: Time,
    pub verdict: Verdict,
    /// Why, in the words of our scheduler; empty for offers of others.
    pub reason: String,
    /// The tasks launched on it.
    pub tasks: Vec<String>,
    /// What it was refused for, in seconds (an accepted one: what was left of it).
    pub refuse_seconds: f64,
    /// The order in which offers came to be known.
    pub order: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Its framework has not answered yet.
    Outstanding,
    Accepted,
    Declined,
    Rescinded,
    /// Another framework's, no longer outstanding: nobody told us what became of it.
    Gone,
}
