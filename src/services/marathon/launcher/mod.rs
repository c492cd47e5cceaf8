//! Keeps instances running, without IO: what to launch on which offer, what has become of each task, whom to kill.
//!
//! [`api`] says what it is told and what it wants done.

pub mod api;
pub mod backoff;
mod condition;
pub mod matching;
pub mod statistics;
pub mod task;
