//! The whole dashboard on a screen in memory.

mod keys;
pub mod layers;
mod lists;
mod orders;
pub mod sample;
mod screen;
mod slider;
mod tabs;
mod top;
