//! Probes of tasks, for their checks and health checks: a command in the sandbox, an HTTP request, a connection.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::Stdio,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustix::process::Signal;
use tokio::{net::TcpStream, process};

use crate::{
    engine::{
        agent::{Command, Launch, plain_variables},
        executor::check::{Probe, ProbeOutcome, ProbeTarget, command_status, http_status, tcp_status},
    },
    host::{
        docker,
        process::{
            spawn::{output, program, run_as},
            table::signal_group,
        },
    },
    mesos::v1::CommandInfo,
};

/// What a probe is made on.
#[derive(Clone, Debug)]
pub(in crate::host) enum Target {
    Process(Arc<Launch>),
    Docker(docker::Target),
}

impl Target {
    async fn run(&self, command: &CommandInfo) -> ProbeOutcome {
        match self {
            Self::Process(launch) => run_command(launch, command).await,
            Self::Docker(docker) => docker.run(command).await,
        }
    }

    /// A container has an address of its own, unless it is in our network.
    async fn address(&self, ipv6: bool) -> Result<IpAddr, String> {
        let own = match self {
            Self::Process(_) => None,
            Self::Docker(docker) => docker.address().await?,
        };
        let loopback = if ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        Ok(own.unwrap_or(loopback))
    }
}

/// Makes probes.
#[derive(Clone, Debug, Default)]
pub(in crate::host) struct Prober {
    http: Arc<OnceLock<reqwest::Client>>,
}

impl Prober {
    /// Dropping the future ends the probe and what it has started.
    pub async fn probe(&self, target: &Target, probe: Probe) -> ProbeOutcome {
        let making = self.make(target, probe.target);
        let Some(timeout) = probe.timeout else { return making.await };
        let made = tokio::time::timeout(timeout, making).await;
        made.unwrap_or_else(|_| Err(format!("timed out after {} s", timeout.as_secs_f64())))
    }

    async fn make(&self, target: &Target, probe: ProbeTarget) -> ProbeOutcome {
        match probe {
            ProbeTarget::Command(command) => target.run(&command).await,
            ProbeTarget::Http { scheme, port, path, ipv6 } => {
                let address = SocketAddr::new(target.address(ipv6).await?, port);
                self.get(&format!("{scheme}://{address}{path}")).await
            }
            ProbeTarget::Tcp { port } => {
                let address = SocketAddr::new(target.address(false).await?, port);
                Ok(tcp_status(TcpStream::connect(address).await.is_ok()))
            }
        }
    }

    /// Redirects are followed; what counts is the last status.
    async fn get(&self, url: &str) -> ProbeOutcome {
        let response = self.client()?.get(url).send().await.map_err(|error| error.to_string())?;
        Ok(http_status(response.status().as_u16()))
    }

    fn client(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.http.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder().no_proxy().pool_idle_timeout(Duration::ZERO).build();
        let client = client.map_err(|error| error.to_string())?;
        Ok(self.http.get_or_init(|| client))
    }
}

/// What a probe has started does not outlive it.
struct GroupGuard(Option<i32>);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            signal_group(group, Signal::KILL);
        }
    }
}

/// Runs in the sandbox with the environment of the task and its own; what it prints goes to the task's stderr.
async fn run_command(launch: &Launch, info: &CommandInfo) -> ProbeOutcome {
    let command = Command::from_info(info).ok_or("the check has no command")?;
    let mut child = start(launch, info, &command).map_err(|error| format!("failed to start: {error}"))?;
    let guard = GroupGuard(child.id().and_then(|pid| i32::try_from(pid).ok()));
    let status = child.wait().await.map_err(|error| format!("failed to wait: {error}"))?;
    drop(guard);
    status.code().map(command_status).ok_or_else(|| format!("the check ended with {status}"))
}

fn start(launch: &Launch, info: &CommandInfo, command: &Command) -> io::Result<process::Child> {
    let output = output(launch, "stderr")?;
    let own = info.environment.as_ref().into_iter().flat_map(plain_variables);
    let mut process = program(command);
    run_as(&mut process, launch.setup.account.as_ref());
    process::Command::from(process)
        .env_clear()
        .envs(&launch.environment)
        .envs(own)
        .current_dir(&launch.directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
}
