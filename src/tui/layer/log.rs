//! The log of a task.

pub mod buffer;
pub mod plain;
