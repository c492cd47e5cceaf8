//! `mesoslab compose`, as it is typed.

use clap::Args;

use crate::spec::{Flavor, MAX_AGENTS, MAX_MASTERS};

#[derive(Debug, Args)]
#[command(after_help = "No engine is asked, so nothing is built and no port is looked at: \
    the file has the ports of the lab file, and the usual ones where that takes any.")]
pub struct Compose {
    /// What the containers are made of
    #[arg(long, value_enum, env = "MESOSLAB_FLAVOR")]
    pub flavor: Option<Flavor>,
    /// How many agents
    #[arg(long, env = "MESOSLAB_AGENTS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_AGENTS as u64))]
    pub agents: Option<u64>,
    /// How many masters, which elect their leader
    #[arg(long, env = "MESOSLAB_MASTERS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_MASTERS as u64))]
    pub masters: Option<u64>,
    /// Run the scheduler without Marathon
    #[arg(long, env = "MESOSLAB_NO_MARATHON", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_marathon: bool,
    /// Where the engine keeps its volumes; rootless: ~/.local/share/docker/volumes
    #[arg(long, default_value = "/var/lib/docker/volumes", value_name = "DIR")]
    pub volumes_dir: String,
    /// The engine's socket, which agents run containers by; rootless: $XDG_RUNTIME_DIR/docker.sock
    #[arg(long, default_value = "/var/run/docker.sock", value_name = "PATH")]
    pub engine_socket: String,
}
