//! The task processes of an agent, in one of two ways: its own children, or those of a keeper that outlives it.
//!
//! With [`Processes::Own`] tasks die with the agent's process. With [`Processes::Kept`] those that survive are there
//! for the next agent of the work directory: it attaches, recovers what it knows of each container, and claims it
//! with [`KeeperHub::claim`]; what has happened meanwhile then comes as events, like all else.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::{
    engine::{agent::Launch, executor::Signal},
    host::{
        keeper::KeeperHub,
        process::{Event, Runner},
    },
    mesos::v1::ContainerId,
};

/// The number of SIGTERM.
const TERM: i32 = 15;

/// What the agent's loop does to processes; what becomes of them is told through the channel that both ways know.
#[derive(Debug)]
pub(super) enum Processes {
    Own(Runner),
    Kept { hub: KeeperHub, events: UnboundedSender<Event> },
}

impl Processes {
    /// Starts a container; answered with [`Event::Launched`] or [`Event::LaunchFailed`].
    pub fn launch(&mut self, launch: Arc<Launch>) {
        match self {
            Self::Own(runner) => runner.launch(launch),
            Self::Kept { hub, events } => hub.launch(launch, events.clone()),
        }
    }

    /// Takes note of a started process; gives its end if that has already come.
    pub fn launched(&mut self, container_id: &ContainerId, pid: u32) -> Option<Event> {
        match self {
            Self::Own(runner) => runner.launched(container_id, pid),
            Self::Kept { .. } => None,
        }
    }

    /// Takes a container of an earlier agent over.
    pub fn claim(&self, container_id: &ContainerId) {
        if let Self::Kept { hub, events } = self {
            hub.claim(container_id, events.clone());
        }
    }

    /// Kills a container of an earlier agent.
    pub fn discard(&self, container_id: &ContainerId) {
        if let Self::Kept { hub, .. } = self {
            hub.discard(container_id);
        }
    }

    /// Signals the process tree of a container.
    pub fn signal(&self, container_id: &ContainerId, signal: Signal) {
        match self {
            Self::Own(runner) => runner.signal(container_id, signal),
            Self::Kept { hub, .. } => hub.signal(container_id, signal),
        }
    }

    /// Sends a signal, by its number, to the first process of a container. A keeper knows the two that end it.
    pub fn kill(&self, container_id: &ContainerId, signal: i32) {
        match self {
            Self::Own(runner) => runner.kill(container_id, signal),
            Self::Kept { hub, .. } if signal == TERM => hub.signal(container_id, Signal::Terminate),
            Self::Kept { hub, .. } if signal != 0 => hub.signal(container_id, Signal::Kill),
            Self::Kept { .. } => {}
        }
    }

    /// The end of a container has been taken note of: the next agent need not be told of it.
    pub fn forget(&mut self, container_id: &ContainerId) {
        match self {
            Self::Own(runner) => runner.forget(container_id),
            Self::Kept { hub, .. } => hub.forget(container_id),
        }
    }

    /// The ends of all children that have ended; a keeper tells of those of its own.
    pub fn reap(&mut self) -> Vec<Event> {
        match self {
            Self::Own(runner) => runner.reap(),
            Self::Kept { .. } => Vec::new(),
        }
    }
}
