//! `mesoslab conformance` as it is typed.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "The master is that of the lab, or the one of --master; it needs no mesoslab. A run uses a role of its own and \
    a few tasks of 0.02 CPUs and 32 MB each, changes nothing else, and takes away what it has made, also after Ctrl-C. \
    Code 0: no check failed; 1: some did."
)]
pub struct Conformance {
    /// Look at this agent [default: the first that can be reached]
    #[arg(long, value_name = "URL")]
    pub agent: Option<String>,
    /// Only the checks of this name or group, such as `scheduler.subscribe`; may be repeated
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub only: Vec<String>,
    /// List the checks with their sources instead
    #[arg(long)]
    pub list: bool,
    /// How long each step of a check may take; an answer that does not come is a failure
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = super::duration)]
    pub timeout: Duration,
    /// The role of all frameworks of the run
    #[arg(long, default_value = "mesoslab-conformance", value_name = "ROLE")]
    pub role: String,
    /// Tasks run as this user [default: whoever runs this]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: ConformanceFormat,
}

/// How a run is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ConformanceFormat {
    /// For people.
    #[default]
    Table,
    /// For programs: stable, documented names.
    Json,
    /// For continuous integration: JUnit's XML.
    Junit,
}
