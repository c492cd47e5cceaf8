//! The whole dashboard on a screen in memory.

mod keys;
pub mod sample;
mod tabs;
