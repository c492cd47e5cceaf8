//! `mesoslab serve agent`: an agent that takes the flags of `mesos-agent`.

use std::net::SocketAddr;

use crate::{
    error::{Context, Failure, Result},
    flags::{
        Component,
        agent::{self, AgentSetup, MasterAddress},
        machine::Machine,
    },
    runtime::Clock,
    settings::Settings,
};

/// # Errors
/// Everything that is wrong with the flags; when the master's name has no address.
pub async fn run(settings: &Settings, argv: &[String], clock: Clock) -> Result<()> {
    let setup = agent::setup(argv, &super::variables(), Machine::here);
    let setup = setup.map_err(|problems| super::wrong_flags(Component::Agent, &problems))?;
    let master = resolve(&setup.master).await?;
    run_agent(settings, setup, master, clock)
}

/// The address of the master; of several one of the fourth version, as masters listen there.
async fn resolve(master: &MasterAddress) -> Result<SocketAddr> {
    let MasterAddress { host, port } = master;
    let action = format!("find the address of the master `{host}`");
    let addresses: Vec<SocketAddr> =
        tokio::net::lookup_host((host.as_str(), *port)).await.context(&action)?.collect();
    let best = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    best.copied().ok_or_else(|| {
        Failure::failed(format!("failed to {action}: it has none")).hint("--master=127.0.0.1:5050")
    })
}

fn run_agent(_: &Settings, setup: AgentSetup, master: SocketAddr, _: Clock) -> Result<()> {
    let agents = setup.agents.len();
    Err(Failure::failed(format!("{agents} agent(s) of {master}: no agent runs as a process of its own yet"))
        .hint("mesoslab up has agents in the lab's own process"))
}
