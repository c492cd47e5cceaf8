//! mesoslab: a whole Apache Mesos development lab in one binary.

pub mod client;
pub mod engine;
pub mod host;
pub mod mesos;
pub mod runtime;
pub mod scheduler;
pub mod spec;

/// Parses the command line, runs the command, prints its error, and returns its exit code.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
