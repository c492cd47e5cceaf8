//! The embedded provider: the whole lab inside one background process.
//!
//! `up` starts the process ([`spawn`]), which runs an [`EmbeddedLab`](lab::EmbeddedLab) and obeys orders
//! ([`control`]); every other command talks to the lab's public HTTP APIs.

pub mod control;
pub mod diff;
pub mod lab;
mod masters;
mod ports;
pub mod process;
mod scheduler;
mod services;
mod spawn;
mod zookeeper;

pub use lab::PortInUse;
pub use ports::{port_of, reserve};
pub use spawn::spawn;
