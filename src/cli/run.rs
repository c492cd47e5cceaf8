//! What `mesoslab run` takes.

use std::time::Duration;

use clap::Args;

use super::duration;

const AFTER: &str = "One word is a line for the shell, several are a program with its arguments: run 'echo $HOME; date', run -- ls -l.
The command ends with the first code other than 0 that a task ended with, or 128 and the number of its signal; with 1 where a
task ended in another way, 3 where it found no place in time, and 130 after Ctrl-C, which kills the tasks (a second one waits for nothing).";

/// A command that is run once, as by mesos-execute.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Run {
    /// What to run; an image without it runs its own command
    #[arg(value_name = "CMD")]
    pub words: Vec<String>,
    /// How many tasks run it, each with these resources
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub instances: u32,
    /// In a container of Docker Engine, made of this image
    #[arg(long, value_name = "IMAGE", aliases = ["docker-image", "docker_image"])]
    pub image: Option<String>,
    /// The tasks of a pod, run by the default executor: a TaskGroupInfo in JSON, its file, or - for stdin
    #[arg(long, value_name = "FILE", alias = "task_group", conflicts_with_all = ["words", "image"])]
    pub task_group: Option<String>,
    /// A variable of the environment; again for another one; or a JSON object of texts
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// What each task takes: cpus, mem and disk
    #[arg(long, default_value = "cpus:1;mem:128", value_name = "RESOURCES")]
    pub resources: String,
    /// How many ports each task gets, in PORT0, PORT1...
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub ports: u32,
    /// The name of the tasks and of the framework
    #[arg(long, default_value = "mesoslab-run", value_name = "NAME", alias = "task_name")]
    pub task_name: String,
    /// The role whose resources are used
    #[arg(long, default_value = "*", value_name = "ROLE")]
    pub role: String,
    /// The user that tasks run as [default: you; root where agents are containers or other machines]
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// A file to be fetched into the sandbox; again for another one
    #[arg(long, value_name = "URI")]
    pub uri: Vec<String>,
    /// Take all words as one line for the shell
    #[arg(long, conflicts_with = "argv")]
    pub shell: bool,
    /// Take the words as a program with its arguments, even one alone
    #[arg(long)]
    pub argv: bool,
    /// Kill a task so long after it began to run
    #[arg(long, value_name = "DURATION", value_parser = duration, alias = "kill_after")]
    pub kill_after: Option<Duration>,
    /// Give up when not every task has found a place by then [default: never]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
}
