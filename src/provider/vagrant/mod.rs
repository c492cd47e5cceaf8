//! A lab of virtual machines that Vagrant makes: what machines there are, where their files lie, and what Vagrant says.

pub mod files;
pub mod plan;
pub mod progress;
pub mod words;
