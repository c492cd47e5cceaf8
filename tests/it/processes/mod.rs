//! Masters, agents and schedulers as processes of their own: killed, stopped, started again and cut off from each other,
//! on loopback and in network namespaces.
//!
//! ```text
//! Site      a directory and a loopback address; nothing is left there when it is dropped
//! Process   one process of the real binary, with its log
//! Cluster   a master and agents, each started again on the same work directory and port
//! Framework a framework on the v1 API that does what the test says
//! Networks  a bridge and hosts with addresses of their own
//! ```

mod agents;
mod apart;
mod apis;
mod changed;
pub mod cluster;
mod elections;
mod executors;
pub mod framework;
mod garbage;
pub mod http;
mod keepers;
mod masters;
mod networks;
mod pings;
pub mod process;
mod scheduler;
mod signals;
pub mod site;
mod storms;
mod stream;
mod zoo;
