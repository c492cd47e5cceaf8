//! The IO shells: loops around the pure engines, HTTP listeners, process runners, sandbox files.

pub mod accounts;
pub mod agent;
mod api;
pub mod docker;
pub mod executor;
pub mod exhibitor;
mod fetcher;
mod framework;
pub mod guard;
pub mod http;
mod interfaces;
pub mod keeper;
pub mod libprocess;
mod lock;
pub mod marathon;
pub mod master;
pub mod networks;
pub mod pages;
pub mod process;
mod record_log;
pub mod registry;
pub mod sandbox;
pub mod scheduler;
mod socket;
mod verbosity;
pub mod zookeeper;
