//! The whole dashboard on a screen in memory.

mod keys;
mod lists;
pub mod sample;
mod tabs;
