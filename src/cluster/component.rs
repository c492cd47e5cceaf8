//! One part of the lab.

use std::time::Duration;

use crate::mesos::time::Time;

#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// `master`, `agent-1`, `scheduler`; the hostname of an agent of someone else's cluster.
    pub name: String,
    pub kind: Kind,
    /// Empty while there is none.
    pub url: String,
    pub health: Health,
    /// One line: `elected`, `registered`, `subscribed, 5/5 tasks running`, `Connection refused`.
    pub state: String,
    pub version: String,
    pub started: Option<Time>,
    /// How often it was seen to start anew since we watch.
    pub restarts: u32,
    pub last_ping: Option<Time>,
    pub round_trip: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Master,
    Agent,
    Scheduler,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Ready,
    /// It answers, and does not do what it is there for.
    Degraded,
    /// It does not answer.
    Down,
    /// It is not meant to run.
    Stopped,
    /// Not asked yet.
    Unknown,
}
