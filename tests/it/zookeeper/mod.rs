//! ZooKeeper: ours against the real one and against the clients that others wrote. What needs Debian's package or Python
//! says so and passes where that is missing.

mod clients;
mod differential;
mod process;
mod raw;
pub mod real;
mod rust_client;
