//! The integration tests, one binary.

#[cfg(target_os = "linux")]
mod browser;
mod chaos;
mod cli;
mod conformance;
mod docker;
mod exec;
#[cfg(target_os = "linux")]
mod fetching;
mod fuzz;
#[cfg(target_os = "linux")]
mod keeper;
mod lab;
mod libprocess;
mod marathon;
#[cfg(target_os = "linux")]
mod processes;
mod python;
mod readme;
mod registry;
mod replay;
mod run;
mod scenarios;
mod serve;
mod support;
mod tidy;
mod tui;
#[cfg(unix)]
mod vagrant;
mod watch;
mod whole_lab;
mod zookeeper;
