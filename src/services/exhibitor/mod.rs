//! Exhibitor without IO: what it says of a ZooKeeper, in the forms of soabase's Exhibitor 1.7, and when it starts one
//! again that has stopped answering.
//!
//! ```text
//! answers to ruok and srvr > judge > Supervisor > Check, Start, Stop, Restart
//! operator's start, stop, restart, switches  /          \> state, log
//! ```
//!
//! One Exhibitor looks after one ZooKeeper. What Apache-style ensembles need beside (rolling changes over several hosts,
//! backups, log search) is refused in words or left as a value that is kept and does nothing.

pub mod activity;
pub mod analysis;
pub mod config;
pub mod explorer;
pub mod forms;
pub mod judge;
pub mod supervisor;
#[cfg(test)]
mod tests;

pub use activity::Activity;
pub use config::{Config, SetError};
pub use judge::{InstanceState, Judgement, judge};
pub use supervisor::{Effect, Input, LONGEST_BACKOFF, Supervisor, Switch};
