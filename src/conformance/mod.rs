//! Conformance: named behaviours of Apache Mesos, each looked at on any master and its agents through their HTTP APIs.
//!
//! ```text
//! Check    a name, a sentence, a source, what it needs, and how it is looked at
//! Site     the cluster: who leads, which agent can be reached, what this run has made and takes away
//! Request  an HTTP request as strange as wanted; Expect: what its answer should be
//! Framework, Fleet   frameworks on the v1 API: one of a check's own, one whose tasks are launched for all
//! Report   pass, fail or skipped for each, as JSON and as JUnit's XML
//! ```
//!
//! A check states what Mesos does, never what we do. All that a run makes is in a role of its own, takes a few hundredths
//! of a CPU for each task, and goes with its frameworks: at the end, after Ctrl-C, and when the process is killed.

pub mod check;
mod checks;
mod expect;
mod fleet;
mod framework;
pub mod http;
pub mod report;
pub mod run;
pub mod site;
mod stream;
mod task;

pub use checks::all;
