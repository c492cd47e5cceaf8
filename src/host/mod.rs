//! The IO shells: loops around the pure engines, HTTP listeners, process runners, sandbox files.

pub mod agent;
mod api;
pub mod guard;
pub mod http;
pub mod keeper;
mod interfaces;
pub mod libprocess;
pub mod master;
pub mod networks;
pub mod process;
pub mod sandbox;
pub mod scheduler;
mod socket;
