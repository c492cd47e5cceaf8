//! `mesoslab serve agent`: an agent that takes the flags of `mesos-agent`.

use std::{net::SocketAddr, path::Path};

use tokio::net::TcpListener;

use crate::{
    client::election,
    commands::lab_process,
    error::{Context, Failure, Result},
    flags::{
        Component,
        agent::{self, AgentSetup, MasterAddress, OneAgent, Recover},
        machine::Machine,
    },
    host::{
        self,
        agent::{AgentHandle, AgentMemory, DEFAULT_STOP_PATIENCE, MasterAt, memory::forget},
        keeper::{KeeperConfig, KeeperHub, KeptContainer},
    },
    runtime::{self, Clock, Signals, Tasks},
    settings::Settings,
};

/// # Errors
/// Everything that is wrong with the flags; when the master's name has no address; when it cannot listen, write in its
/// work directory, or go on as the agent that was there before.
pub async fn run(settings: &Settings, argv: &[String], clock: Clock) -> Result<()> {
    let setup = agent::setup(argv, &super::variables(), Machine::here);
    let setup = setup.map_err(|problems| super::wrong_flags(Component::Agent, &problems))?;
    let mut end = Signals::listen().context("listen for signals")?;
    let mut unregister = runtime::user_signal().context("listen for signals")?;
    lab_process::raise_open_files();
    super::log::start(&setup.logging)?;
    let tasks = Tasks::new();
    let master = master(&setup, &tasks).await?;
    let kept = KeeperHub::attach(keeper(&setup)?, &tasks).await;
    let (hub, kept) = kept.map_err(|error| Failure::failed(error.to_string()))?;
    let agents = start(&setup, master, &tasks, clock, (&hub, kept)).await?;
    if setup.recover == Recover::Cleanup {
        return clean_up(settings, agents, hub, tasks).await;
    }
    announce(settings, &setup, &agents);
    tokio::select! {
        () = end.next() => {}
        Some(()) = unregister.recv() => stop(&agents, &hub).await,
        () = all_stopped(&agents) => hub.goodbye().await,
    }
    tasks.stop().await;
    Ok(())
}

/// The process that runs the tasks of these agents, and goes on with some of them when this one ends.
fn keeper(setup: &AgentSetup) -> Result<KeeperConfig> {
    let config = KeeperConfig::this_binary(&setup.work_dir).context("find this program")?;
    Ok(KeeperConfig { recovery_timeout: setup.recovery_timeout, ..config })
}

async fn start(
    setup: &AgentSetup,
    master: MasterAt,
    tasks: &Tasks,
    clock: Clock,
    (hub, kept): (&KeeperHub, Vec<KeptContainer>),
) -> Result<Vec<AgentHandle>> {
    let networks =
        super::admitted((*setup.listen.address.ip()).into(), Some(&setup.listen.networks.join(",")))?;
    let mut agents = Vec::new();
    for one in &setup.agents {
        let listener = super::bind(one.address).await?;
        let docker = one.config.docker.as_ref();
        let found = match docker {
            Some(docker) => host::docker::find(docker, &one.config.work_dir).await,
            None => Vec::new(),
        };
        let config = host::agent::Config {
            found,
            networks: networks.clone(),
            log: setup.logging.shown().cloned(),
            ..config(setup, one, &listener, hub, &kept)?
        };
        let started = host::agent::start(tasks, clock, listener, config, master.clone());
        agents.push(started.context(format_args!("start the agent at {}", one.address))?);
    }
    hub.discard_unclaimed();
    Ok(agents)
}

/// An agent with what an earlier one of its work directory has left.
fn config(
    setup: &AgentSetup,
    one: &OneAgent,
    listener: &TcpListener,
    hub: &KeeperHub,
    kept: &[KeptContainer],
) -> Result<host::agent::Config> {
    let mut info = one.config.info.clone();
    let bound = listener.local_addr().context("find the port")?.port();
    info.port = Some(setup.listen.advertise_port.unwrap_or(bound).into());
    info.checkpoint = Some(true);
    let directory = Path::new(&one.config.work_dir);
    let opened = AgentMemory::open(directory, &info, setup.reconfiguration_policy, setup.strict);
    let (memory, remembered) = opened.map_err(|error| Failure::failed(error.to_string()))?;
    let own = kept.iter().filter(|kept| Path::new(&kept.launch.directory).starts_with(directory));
    let own: Vec<KeptContainer> = own.cloned().collect();
    Ok(host::agent::Config {
        keeper: Some(hub.clone()),
        remembered: remembered.map(|remembered| (remembered, own)),
        memory: Some(memory),
        advertise: setup
            .listen
            .advertised_elsewhere()
            .map(|address| SocketAddr::from((*address.ip(), setup.listen.advertise_port.unwrap_or(0)))),
        ..host::agent::Config::new(one.config.clone())
    })
}

fn announce(settings: &Settings, setup: &AgentSetup, agents: &[AgentHandle]) {
    if setup.logging.quiet {
        return;
    }
    let master = match &setup.master {
        MasterAddress::At { host, port } => format!("{host}:{port}"),
        MasterAddress::Elected(url) => url.to_string(),
    };
    let tick = settings.printer.tick();
    let ends = "Ctrl-C ends it; tasks of frameworks that checkpoint go on";
    let line = match agents {
        [agent] => format!("  {tick} agent  http://{}   for the master {master}; {ends}", agent.endpoint()),
        [first, ..] => format!(
            "  {tick} {} agents  http://{}:{}   for the master {master}; {ends}",
            agents.len(),
            first.endpoint().ip(),
            ports(agents.iter().map(|agent| agent.endpoint().port())),
        ),
        [] => return,
    };
    settings.printer.say(line);
}

/// `5051 to 5053`, or each of them where they do not follow each other.
fn ports(ports: impl Iterator<Item = u16>) -> String {
    let ports: Vec<u16> = ports.collect();
    let follow = ports.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match &ports[..] {
        [first, .., last] if follow => format!("{first} to {last}"),
        all => all.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Unregisters, and ends every task with its grace.
async fn stop(agents: &[AgentHandle], hub: &KeeperHub) {
    let stops = agents.iter().map(|agent| agent.stop(DEFAULT_STOP_PATIENCE));
    futures_util::future::join_all(stops).await;
    hub.goodbye().await;
}

async fn all_stopped(agents: &[AgentHandle]) {
    futures_util::future::join_all(agents.iter().map(AgentHandle::stopped)).await;
}

/// `--recover=cleanup`: ends what an earlier agent has left, and makes the next one a new one.
async fn clean_up(settings: &Settings, agents: Vec<AgentHandle>, hub: KeeperHub, tasks: Tasks) -> Result<()> {
    stop(&agents, &hub).await;
    for agent in &agents {
        agent.with(|agent| forget(&agent.config.work_dir)).context("remove the agent's id")?;
    }
    tasks.stop().await;
    settings.printer.say(format!("  {} nothing is left of the agent before", settings.printer.tick()));
    Ok(())
}

/// Where the master is, or is found.
async fn master(setup: &AgentSetup, tasks: &Tasks) -> Result<MasterAt> {
    match &setup.master {
        MasterAddress::At { host, port } => resolve(host, *port).await.map(MasterAt::Address),
        MasterAddress::Elected(url) => {
            Ok(MasterAt::Detected(election::detect(tasks, url.clone(), setup.session_timeout)))
        }
    }
}

/// The address of the master; of several one of the fourth version, as masters listen there.
async fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let action = format!("find the address of the master `{host}`");
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.context(&action)?.collect();
    let best = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    best.copied().ok_or_else(|| {
        Failure::failed(format!("failed to {action}: it has none")).hint("--master=127.0.0.1:5050")
    })
}

#[cfg(test)]
mod tests {
    use super::ports;

    #[test]
    fn ports_that_follow_each_other_are_a_range() {
        assert_eq!(ports([5051, 5052, 5053].into_iter()), "5051 to 5053");
        assert_eq!(ports([40001, 39999].into_iter()), "40001, 39999");
        assert_eq!(ports([5051].into_iter()), "5051");
    }
}
