//! What the flags of `serve agent` mean. Files by concern: `config` for the agents themselves, `words` for values with a
//! form of their own.

mod config;
mod words;

use std::{
    net::SocketAddrV4,
    path::{Path, PathBuf},
    time::Duration,
};

pub use words::{MasterAddress, Recover};

use super::{Component, Problems, given::Flags, listen::Listen, logging::Logging, machine::Machine};
use crate::engine::agent::{AgentConfig, reconfiguration::ReconfigurationPolicy};

const LONGEST_REREGISTRATION: Duration = Duration::from_secs(15);

/// The agents of one process as their command line wants them.
#[derive(Clone, Debug)]
pub struct AgentSetup {
    /// At least one. All are alike but for their ports and directories.
    pub agents: Vec<OneAgent>,
    pub master: MasterAddress,
    pub session_timeout: Duration,
    /// Of the first agent.
    pub listen: Listen,
    /// Of the only agent; where there are several, their directories are below it.
    pub work_dir: PathBuf,
    pub recovery_timeout: Duration,
    pub recover: Recover,
    pub strict: bool,
    pub reconfiguration_policy: ReconfigurationPolicy,
    pub logging: Logging,
}

/// One of the agents.
#[derive(Clone, Debug)]
pub struct OneAgent {
    /// What is bound; port 0 for any free one.
    pub address: SocketAddrV4,
    /// Address and port are those that others are told, as far as they are known before the socket is bound.
    pub config: AgentConfig,
}

/// Reads the flags (without the program's name) and the environment; `machine` says what the machine has, with the disk
/// of this work directory.
///
/// # Errors
/// Everything that is wrong with them.
pub fn setup(
    argv: &[String],
    variables: &[(String, String)],
    machine: impl FnOnce(&Path) -> Machine,
) -> Result<AgentSetup, Problems> {
    let mut flags = Flags::read(Component::Agent, argv, variables);
    let listen = Listen::of(&mut flags);
    let work_dir = PathBuf::from(flags.required("work_dir").unwrap_or_default());
    let setup = AgentSetup {
        agents: config::agents(&mut flags, &listen, &work_dir, &machine(&work_dir)),
        master: master(&mut flags),
        session_timeout: super::session_timeout(&mut flags),
        listen,
        work_dir,
        recovery_timeout: flags.duration("recovery_timeout").unwrap_or_default(),
        recover: flags.parsed("recover", Recover::parse).unwrap_or_default(),
        strict: flags.is_set("strict"),
        reconfiguration_policy: flags.parsed("reconfiguration_policy", str::parse).unwrap_or_default(),
        logging: Logging::of(&mut flags, Component::Agent),
    };
    let longest = flags.duration("executor_reregistration_timeout") <= Some(LONGEST_REREGISTRATION);
    flags.check("executor_reregistration_timeout", longest, "must be at most 15secs");
    flags.finish(setup)
}

fn master(flags: &mut Flags) -> MasterAddress {
    let address = flags.required("master").map(|text| MasterAddress::parse(&text));
    let address = address.and_then(|address| flags.noted("master", address));
    address.unwrap_or_else(|| MasterAddress::At { host: String::new(), port: 0 })
}
