//! Marathon 1.11, a framework that keeps apps running, without IO.
//!
//! ```text
//! HTTP request ─> Marathon ── desired instances of an app at a version ─> Launcher ─> calls to Mesos, probes
//! Mesos event ──> Marathon ──────────────────────────────────────────────> Launcher ─> instance changed, health changed
//!                    └─> deployments take their next step, events for watchers, what is to be saved
//! ```
//!
//! - [`model`] has the words that both halves speak.
//! - The [`launcher`] answers offers, makes tasks, follows them through their states, probes their health and kills them.
//!   It is told how many instances of an app are wanted and which are to go; it knows neither requests nor deployments.
//! - Everything else knows apps, groups, versions and deployments, and nothing of offers.

pub mod api;
mod core;
mod deploy;
mod events;
mod form;
pub mod launcher;
mod mesos;
pub mod model;
mod options;
mod ports;
mod problem;
mod rollout;
pub mod saved;
#[cfg(test)]
mod tests;
mod versions;
mod view;

pub use core::{Effect, Input, Marathon};
pub use events::Frame;
pub use options::Options;
pub use ports::PortRange;
