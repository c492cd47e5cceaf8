//! What agent and keeper say to each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        agent::Launch,
        executor::{Signal, exit::Exit},
    },
    host::process::Event,
    mesos::v1::ContainerId,
};

/// Goes up with every change that an older side does not understand.
pub(super) const VERSION: u32 = 1;

/// From an agent.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum ToKeeper {
    /// The first message of a connection, answered with [`FromKeeper::Welcome`].
    Hello {
        version: u32,
        recovery_timeout: Duration,
    },
    Launch(Box<Launch>),
    Signal {
        container_id: ContainerId,
        signal: Signal,
    },
    /// The end of this container has been noted.
    Forget {
        container_id: ContainerId,
    },
    /// Nobody wants this container: kill it, and say nothing of it to later agents.
    Discard {
        container_id: ContainerId,
    },
    /// Kill whatever is left, and go.
    Goodbye,
}

/// From the keeper.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum FromKeeper {
    /// So many [`FromKeeper::Kept`] follow.
    Welcome {
        containers: usize,
    },
    /// The keeper speaks another version; the connection ends.
    Refused {
        version: u32,
    },
    Kept(Box<KeptContainer>),
    Event(Event),
}

/// A container that has outlived its agent, or whose end that agent has not noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptContainer {
    pub launch: Launch,
    /// Once it has been started; the process is gone when there is an exit.
    pub pid: Option<u32>,
    pub exit: Option<Exit>,
    /// Why it could not be started.
    pub failed: Option<String>,
}

impl KeptContainer {
    pub fn container_id(&self) -> &ContainerId {
        &self.launch.container_id
    }

    pub fn has_ended(&self) -> bool {
        self.exit.is_some() || self.failed.is_some()
    }

    /// The event that tells of its end, if that has come.
    pub(super) fn end(&self) -> Option<Event> {
        let container_id = self.container_id().clone();
        match (self.exit, &self.failed) {
            (Some(exit), _) => Some(Event::Exited { container_id, exit }),
            (None, Some(message)) => Some(Event::LaunchFailed { container_id, message: message.clone() }),
            (None, None) => None,
        }
    }
}
