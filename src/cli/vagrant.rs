//! `mesoslab vagrant`, as it is typed.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Args)]
#[command(
    after_help = "Vagrant works beside the Vagrantfile of mesoslab where one stands in the current directory, else \
    in the lab's state. The machines are those of the lab file: [vagrant], [[agents]], [ports]."
)]
pub struct Vagrant {
    #[command(subcommand)]
    pub action: VagrantAction,
}

#[derive(Debug, Subcommand)]
pub enum VagrantAction {
    /// Make the machines, or bring them to what the lab file says; then as `mesoslab up`
    Up(VagrantUp),
    /// The machines and how they are
    Status(Output),
    /// Shut machines down, all or one, as a cluster sees them go
    Halt(Node),
    /// Start machines that were halted
    Resume(Node),
    /// Remove the machines with all that is in them
    Destroy,
    /// A shell in a machine, or one command there
    Ssh(Ssh),
    /// Set machines up again: after a change of the lab file or a new build
    Provision(Node),
    /// What the lab file means for machines: no Vagrant is asked
    Plan(Output),
}

#[derive(Debug, Args)]
pub struct VagrantUp {
    /// How many agents
    #[arg(long, env = "MESOSLAB_AGENTS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=crate::spec::MAX_AGENTS as u64))]
    pub agents: Option<u64>,
    /// How many tasks our framework runs; left out: as before, none at first
    #[arg(long, env = "MESOSLAB_TASKS", value_name = "N", value_parser = super::task_count)]
    pub tasks: Option<u64>,
    /// Give up when the cluster is not ready so long after its machines
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = super::duration)]
    pub wait: Duration,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Node {
    /// `master`, `agent-1`...; left out: all
    pub node: Option<String>,
}

#[derive(Debug, Args)]
pub struct Ssh {
    /// `master`, `agent-1`...
    #[arg(default_value = "master")]
    pub node: String,
    /// What to run there instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}
