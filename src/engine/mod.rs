//! What happens in a cluster, without IO: master, allocator, agent and executor are plain structs with one
//! entry, `handle(now, input) -> output`. No tokio, no socket, no clock, no unseeded randomness.

pub mod agent;
pub mod allocator;
pub mod executor;
#[cfg(test)]
pub(crate) mod golden;
pub mod legacy;
pub mod master;
mod operator_json;
pub mod own_executor;
pub mod wire;
