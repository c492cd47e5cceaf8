//! What another `num_of_node` would do, without doing it.

use crate::{
    mesos::{time::Time, v1},
    scheduler::{
        api::{Missing, TaskView},
        config::SchedulerConfig,
    },
};

/// What a forecast is made from; all of it is public.
#[derive(Clone, Debug)]
pub struct Question {
    pub config: SchedulerConfig,
    pub tasks: Vec<TaskView>,
    /// One made-up offer per active agent, with what is free there.
    pub agents: Vec<v1::Offer>,
    pub wanted: u64,
    pub now: Time,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    pub wanted: u64,
    /// Agents that would take new tasks.
    pub placed: Vec<Placed>,
    /// New tasks that would find no place.
    pub unplaced: u64,
    /// Why, in the words of `explain`.
    pub missing: Vec<Missing>,
    /// The tasks that would end, in this order.
    pub ending: Vec<String>,
    /// How many tasks of ours would run if as many as possible were wanted.
    pub fits: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub agent_id: String,
    pub hostname: String,
    pub tasks: u64,
}
