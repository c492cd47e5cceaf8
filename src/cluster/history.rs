//! One thing that happened.

use crate::mesos::time::Time;

#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub at: Time,
    pub kind: Kind,
    pub weight: Weight,
    /// The id of what it is about: a task, an agent, a framework, an offer, a component.
    pub subject: String,
    /// A sentence that needs nothing beside it: it names what it is about.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Task,
    Agent,
    Framework,
    Offer,
    Scheduler,
    Connection,
    /// Somebody at this screen did it.
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Info,
    Good,
    Warning,
    Bad,
}
