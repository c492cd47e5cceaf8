//! What a lab has beside Mesos, without IO.

pub mod exhibitor;
pub mod marathon;
pub mod registry;
pub mod zookeeper;
