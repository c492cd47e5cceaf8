//! Task processes that outlive their agent: the keeper, a process of its own, runs them, and the next agent on the
//! same work directory takes over those that survive, with the ends it has missed.
//!
//! ```text
//! agents > KeeperHub > link -- WORK_DIR/meta/keeper.sock --> serve > Runner > task processes
//!                                                             book: what runs, what has ended and is not yet noted
//! ```
//!
//! * The first launch starts the keeper: this binary again, in a session of its own, with the listening socket as
//!   its stdin. One keeper and one agent process per work directory: each holds a lock that its death lets go of.
//! * The connection is the agent's life. When it ends, containers that do not survive are killed; the others run on
//!   until an agent attaches or the recovery timeout is over. A keeper without agent and containers goes.
//! * An end is kept until the agent says that it has noted it, so that none is lost and none told to strangers.
//! * When the keeper dies, its tasks die with it ([`super::process`]); the link kills what else is left of them, tells
//!   their agents, and starts another keeper for the next launch. When both die, the next attach kills what is left.

mod book;
mod hub;
mod link;
mod message;
mod peer;
mod place;
mod routes;
mod serve;
mod wire;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

pub use hub::KeeperHub;
pub use message::KeptContainer;
pub use serve::run_keeper;

/// The first argument that makes this binary a keeper; the work directory follows.
pub const ARGUMENT: &str = "__keeper";

/// Mesos' own `--recovery_timeout`.
pub const DEFAULT_RECOVERY_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How often survivors are looked for; each look is followed by a pause of milliseconds.
const ROUNDS: usize = 2000;

/// How an agent process wants its tasks kept.
#[derive(Clone, Debug)]
pub struct KeeperConfig {
    /// Sandboxes lie below it; shared by the agents of one process.
    pub work_dir: PathBuf,
    /// How long containers that survive wait for the next agent.
    pub recovery_timeout: Duration,
    /// What to execute as a keeper.
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl KeeperConfig {
    /// This binary with [`ARGUMENT`]; its `main` has to call [`run_if_asked`] before all else.
    ///
    /// # Errors
    /// When the path of this binary is unknown.
    pub fn this_binary(work_dir: &Path) -> io::Result<Self> {
        Ok(Self {
            work_dir: work_dir.to_path_buf(),
            recovery_timeout: DEFAULT_RECOVERY_TIMEOUT,
            program: std::env::current_exe()?,
            arguments: vec![ARGUMENT.into(), work_dir.into()],
        })
    }
}

/// Runs the keeper when the command line asks for one: to be called first in `main`.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|argument| argument == ARGUMENT);
    asked.then(|| run_keeper(Path::new(&arguments.next().unwrap_or_default())))
}

#[cfg(test)]
pub(in crate::host) mod tests;
