//! The life of one container.

use std::{fs, io::Write, net::IpAddr, sync::Arc, time::Duration};

use bollard::{
    errors::Error,
    models::{ContainerInspectResponse, ContainerStateStatusEnum},
    query_parameters::{
        CreateContainerOptions, KillContainerOptions, RemoveContainerOptions, WaitContainerOptions,
    },
};
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::{Happened, Site, image, is_missing, logs, reason};
use crate::{
    client::docker::Engine,
    engine::{
        agent::docker::DockerRun,
        executor::{Signal, docker::Inspected, exit::Exit},
    },
    host::{process::Event, sandbox},
    mesos::v1::ContainerId,
};

/// From the loss of the engine to the next attempt.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the last output of a container that has ended is waited for.
const LAST_OUTPUT: Duration = Duration::from_secs(10);

/// How long the engine may take to remove a container.
const REMOVAL: Duration = Duration::from_secs(30);

/// What `docker run` ends with when the container was killed.
const KILLED: i32 = 137;

/// What is to be done with a container.
#[derive(Debug)]
pub(super) enum Order {
    Signal(Signal),
    /// Its end has been noted.
    Forget,
}

/// A container, and who wants to know of it.
#[derive(Debug)]
pub(super) struct Life {
    pub site: Arc<Site>,
    pub container_id: ContainerId,
    pub name: String,
    pub directory: String,
    pub survives: bool,
    pub events: UnboundedSender<Happened>,
    pub orders: UnboundedReceiver<Order>,
    /// The agent's process is going.
    pub stop: CancellationToken,
}

impl Life {
    /// From the image to the end.
    pub async fn begin(mut self, run: DockerRun) {
        let launched = self.launch(&run).await;
        match launched {
            Ok(()) => self.go_on().await,
            Err(message) => {
                remove(&self.site, &self.name).await;
                complain(&self.directory, &message);
                self.tell(Event::LaunchFailed { container_id: self.container_id.clone(), message });
            }
        }
    }

    /// A container of an earlier agent, to its end.
    pub async fn resume(self) {
        self.go_on().await;
    }

    fn tell(&self, event: Event) {
        let _stopped = self.events.send(Happened::Event(event));
    }

    /// Nobody waits for an image whose task is killed. What begins after that is not broken off.
    async fn launch(&mut self, run: &DockerRun) -> Result<(), String> {
        let site = Arc::clone(&self.site);
        let stop = self.stop.clone();
        let prepared = tokio::select! {
            prepared = prepare(&site, run) => prepared?,
            Some(_) = self.orders.recv() => return Err("The task was killed meanwhile".to_owned()),
            () = stop.cancelled() => return Err("the agent is going".to_owned()),
        };
        let (engine, labels) = prepared;
        let mut body = (*run.body).clone();
        body.labels.get_or_insert_default().extend(labels.iter().cloned());
        site.mark().map_err(|error| format!("Failed to write in the work directory: {error}"))?;
        let inspected = run_container(engine, run, body).await?;
        let pid = inspected.state.as_ref().and_then(|state| state.pid).unwrap_or_default();
        let (container_id, inspected) = (self.container_id.clone(), told(&inspected));
        let _stopped =
            self.events.send(Happened::Inspected { container_id: container_id.clone(), inspected });
        self.tell(Event::Launched { container_id, pid: u32::try_from(pid).unwrap_or_default() });
        Ok(())
    }

    async fn go_on(mut self) {
        let site = Arc::clone(&self.site);
        let Some(engine) = connected(&site, &self.stop).await else { return };
        let Some(exit) = self.follow(engine).await else {
            if !self.survives {
                remove(&site, &self.name).await;
            }
            return;
        };
        self.tell(Event::Exited { container_id: self.container_id.clone(), exit });
        if self.noted().await {
            let _going = tokio::time::timeout(site.remove_delay, self.stop.cancelled()).await;
            remove(&site, &self.name).await;
        }
    }

    /// Copies its output and passes signals on until it ends; how. None when the agent's process goes before.
    async fn follow(&mut self, engine: &Engine) -> Option<Exit> {
        let name = self.name.clone();
        let signal = stop_signal(engine, &name).await;
        let mut ended = Box::pin(ended(engine, &name));
        let mut copied = false;
        let mut copying = Box::pin(logs::copy(engine, &name, &self.directory));
        let exit = loop {
            tokio::select! {
                exit = &mut ended => break exit,
                done = &mut copying, if !copied => {
                    copied = true;
                    if let Err(error) = done {
                        tracing::warn!(name, %error, "failed to write the output of a container");
                    }
                }
                Some(order) = self.orders.recv() => if let Order::Signal(kind) = order {
                    kill(engine, &name, if kind == Signal::Kill { "KILL" } else { &signal }).await;
                },
                () = self.stop.cancelled() => return None,
            }
        };
        if !copied {
            let _late = tokio::time::timeout(LAST_OUTPUT, copying).await;
        }
        Some(exit)
    }

    /// Waits until the agent has noted the end, or goes; whether the container is of no use any more.
    async fn noted(&mut self) -> bool {
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Signal(_)) => {}
                    Some(Order::Forget) => return true,
                    None => return !self.survives,
                },
                () = self.stop.cancelled() => return !self.survives,
            }
        }
    }
}

/// The engine, as soon as it answers. None when the agent's process goes before.
pub(super) async fn connected<'a>(site: &'a Site, stop: &CancellationToken) -> Option<&'a Engine> {
    loop {
        if let Ok(engine) = site.engine().await {
            return Some(engine);
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return None,
        }
    }
}

/// The engine, with the image there, and the labels that containers get because of where the agent runs.
async fn prepare<'a>(
    site: &'a Site,
    run: &DockerRun,
) -> Result<(&'a Engine, &'a [(String, String)]), String> {
    sandbox::create(&run.directory, &run.latest, run.account.as_ref()).map_err(|error| error.to_string())?;
    for directory in &run.directories {
        fs::create_dir_all(directory).map_err(|error| format!("Failed to make '{directory}': {error}"))?;
    }
    let engine = site.engine().await?;
    let labels = site.own_labels(engine).await?;
    image::provide(engine, &run.image, run.force_pull).await?;
    Ok((engine, labels))
}

async fn run_container(
    engine: &Engine,
    run: &DockerRun,
    body: bollard::models::ContainerCreateBody,
) -> Result<ContainerInspectResponse, String> {
    let refused = |error: Error| format!("Failed to run docker container: {}", reason(&error));
    let options =
        CreateContainerOptions { name: Some(run.name.clone()), ..CreateContainerOptions::default() };
    engine.api().create_container(Some(options), body).await.map_err(refused)?;
    engine.api().start_container(&run.name, None).await.map_err(refused)?;
    engine.api().inspect_container(&run.name, None).await.map_err(refused)
}

/// What a failed launch leaves for whoever looks into the sandbox.
fn complain(directory: &str, message: &str) {
    let stderr = fs::OpenOptions::new().append(true).create(true).open(format!("{directory}/stderr"));
    let _unwritten = stderr.and_then(|mut stderr| writeln!(stderr, "{message}"));
}

/// What an executor tells of an inspected container. As in Mesos its address is that of the network it was run with.
pub(super) fn told(inspected: &ContainerInspectResponse) -> Inspected {
    let text = serde_json::to_string(&[inspected]).unwrap_or_default();
    let mode = inspected.host_config.as_ref().and_then(|host| host.network_mode.clone()).unwrap_or_default();
    let networks = inspected.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let network = networks.and_then(|networks| match networks.get(&mode) {
        // Podman's word for every network that it bridges, whatever its name.
        None if mode == "bridge" && networks.len() == 1 => networks.values().next(),
        named => named,
    });
    let addresses = network.into_iter().flat_map(|it| [&it.ip_address, &it.global_ipv6_address]);
    let addresses = addresses.flatten().filter_map(|address| address.parse::<IpAddr>().ok()).collect();
    Inspected { text, addresses }
}

/// How a container has ended or ends. One that is gone was killed by somebody else.
async fn ended(engine: &Engine, name: &str) -> Exit {
    loop {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let mut waiting = Box::pin(engine.api().wait_container(name, Some(options)));
        match waiting.next().await {
            Some(Ok(response)) => return exit(response.status_code),
            Some(Err(Error::DockerContainerWaitError { code, .. })) => return exit(code),
            Some(Err(error)) if is_missing(&error) => return Exit::Code(KILLED),
            Some(Err(_)) | None => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn exit(code: i64) -> Exit {
    Exit::Code(i32::try_from(code).unwrap_or(KILLED))
}

/// What the image wants in place of TERM.
async fn stop_signal(engine: &Engine, name: &str) -> String {
    let inspected = engine.api().inspect_container(name, None).await.ok();
    let signal = inspected.and_then(|inspected| inspected.config?.stop_signal);
    signal.filter(|signal| !signal.is_empty()).unwrap_or_else(|| "TERM".to_owned())
}

/// One that has ended needs no signal.
async fn kill(engine: &Engine, name: &str, signal: &str) {
    let options = KillContainerOptions { signal: signal.to_owned() };
    if let Err(error) = engine.api().kill_container(name, Some(options)).await {
        tracing::debug!(name, signal, error = reason(&error), "a container was not signalled");
    }
}

/// Removes a container with its nameless volumes, whatever it does; nothing where there is none, or no engine.
pub(super) async fn remove(site: &Site, name: &str) {
    let Some(engine) = site.engine.get() else { return };
    let options = RemoveContainerOptions { v: true, force: true, link: false };
    let removed = tokio::time::timeout(REMOVAL, engine.api().remove_container(name, Some(options))).await;
    match removed {
        Ok(Err(error)) if !is_missing(&error) => {
            tracing::warn!(name, error = reason(&error), "failed to remove a container");
        }
        Err(_) => tracing::warn!(name, "the engine does not remove a container"),
        Ok(_) => {}
    }
}

/// Whether a container was ever started.
pub(super) fn was_started(inspected: &ContainerInspectResponse) -> bool {
    let status = inspected.state.as_ref().and_then(|state| state.status);
    !matches!(status, None | Some(ContainerStateStatusEnum::CREATED | ContainerStateStatusEnum::EMPTY))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::told;

    #[test]
    fn a_container_has_the_address_of_the_network_it_was_run_with() {
        let addresses = |mode: &str, networks: &[(&str, &str)]| {
            let networks: serde_json::Map<_, _> =
                networks.iter().map(|(name, ip)| ((*name).to_owned(), json!({"IPAddress": ip}))).collect();
            let inspected =
                json!({"HostConfig": {"NetworkMode": mode}, "NetworkSettings": {"Networks": networks}});
            let inspected = serde_json::from_value(inspected).expect("an answer");
            told(&inspected).addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(addresses("lab", &[("other", "10.1.0.2"), ("lab", "10.2.0.2")]), ["10.2.0.2"]);
        assert_eq!(addresses("bridge", &[("bridge", "172.17.0.2"), ("lab", "10.2.0.2")]), ["172.17.0.2"]);
        assert_eq!(addresses("bridge", &[("lab", "10.2.0.2")]), ["10.2.0.2"], "as Podman says it");
        assert!(addresses("bridge", &[("other", "10.1.0.2"), ("lab", "10.2.0.2")]).is_empty());
        assert!(addresses("host", &[("host", "")]).is_empty());
    }
}
