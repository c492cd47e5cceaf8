//! The feeds: tasks that keep a cluster's streams open, reconnect, and send what they hear.
//!
//! - `master`: the event stream of the leading master; `refresh`: what that stream does not tell;
//!   `polling` and `state_json`: `/state` again and again, where the stream is refused
//! - `scheduler`: the event stream of our scheduler
//! - `probe`: whether each component answers; `containers`: what the engine of a lab of containers says of them

pub mod containers;
mod feed;
mod master;
mod polling;
mod probe;
mod refresh;
mod scheduler;
mod state_json;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::mpsc;

use crate::{
    client::published::Published,
    cluster::Change,
    runtime::{Clock, Tasks},
};

use feed::Feed;

/// Where a cluster can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// One URL, or several with commas between.
    pub master: String,
    /// Of a lab of containers, whose masters and agents tell addresses of their own network.
    pub published: Published,
    /// Absent when our scheduler does not run, or is not known.
    pub scheduler: Option<String>,
    /// What to say when there is no scheduler.
    pub no_scheduler: String,
    /// Of a lab of ours with several masters, each by name: they are looked after one by one.
    pub masters: BTreeMap<String, String>,
    /// `zookeeper`, `exhibitor`, `marathon` and `registry` by name, where the lab has them.
    pub services: BTreeMap<String, String>,
    /// The lab's agents by name; empty for someone else's cluster, whose agents the master names.
    pub agents: BTreeMap<String, String>,
    /// Of a lab of containers: its engine, and its name there.
    pub engine: Option<(String, String)>,
}

/// Asked before every connection: a lab that was healed may have moved. The error is for people.
pub type Locate = Arc<dyn Fn() -> Result<Addresses, String> + Send + Sync>;

/// Starts the feeds in `tasks`; they end with it, or when nobody listens any more.
pub fn start(tasks: &Tasks, clock: Clock, locate: Locate, changes: mpsc::Sender<Change>) {
    let feed = Feed::new(clock, locate, changes);
    tasks.spawn(feed.clone().until_nobody_listens(master::Master::new(feed.clone()).run()));
    tasks.spawn(feed.clone().until_nobody_listens(scheduler::run(feed.clone())));
    tasks.spawn(feed.clone().until_nobody_listens(probe::run(feed)));
}
