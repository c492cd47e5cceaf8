//! The integration tests, one binary.

mod cli;
mod lab;
mod python;
mod readme;
mod replay;
mod scenarios;
mod support;
mod tidy;
mod tui;
mod watch;
