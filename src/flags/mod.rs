//! The command lines of `serve master` and `serve agent`: the flags of `mesos-master` and `mesos-agent` 1.11.0 with
//! what each is worth here, how they are read, and what they mean.
//!
//! ```text
//! argv, environment > typed > Flags (value by value, held against the table) > master::setup, agent::setup
//! table > --help, man pages and completions, --flags, the tables of the README, what `/flags` shows
//! ```

pub mod agent;
pub mod arguments;
mod given;
pub mod list;
pub mod listen;
pub mod logging;
pub mod machine;
pub mod master;
mod problem;
pub mod table;
mod typed;
pub mod value;

pub use problem::{Problem, Problems};
pub use table::{Component, Flag, Support};

#[cfg(test)]
mod tests;

/// `--zk_session_timeout`.
fn session_timeout(flags: &mut given::Flags) -> std::time::Duration {
    let timeout = flags.duration("zk_session_timeout").unwrap_or_default();
    flags.check("zk_session_timeout", !timeout.is_zero(), "must be longer than nothing");
    timeout
}
