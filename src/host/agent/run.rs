//! The loop of an agent: whatever happens goes into the engine, whatever the engine wants is done.

use std::{collections::BTreeMap, future, io, sync::Arc, time::Duration};

use tokio::{signal::unix::Signal, sync::mpsc::UnboundedReceiver};

use super::{AgentHandle, probe::Prober, processes::Processes};
use crate::{
    engine::{
        agent::{Effect, Input, Launch},
        executor::check::Probe,
        wire::{AgentLink, ToAgent},
    },
    host::{master::MasterHandle, process::Event},
    mesos::v1::ContainerId,
    runtime::{self, Tasks},
};

/// From the loss of the master to the next attempt to reach it.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A container that runs: what its probes need, and the probes under way.
struct Container {
    launch: Arc<Launch>,
    probes: Tasks,
}

pub(super) struct Run {
    agent: AgentHandle,
    master: MasterHandle,
    link: Option<AgentLink>,
    from_master: Option<UnboundedReceiver<ToAgent>>,
    processes: Processes,
    process_events: UnboundedReceiver<Event>,
    fed: UnboundedReceiver<Input>,
    child_exits: Signal,
    containers: BTreeMap<ContainerId, Container>,
    prober: Prober,
    tasks: Tasks,
    stopped: bool,
}

impl Run {
    pub fn new(
        agent: AgentHandle,
        master: MasterHandle,
        processes: Processes,
        process_events: UnboundedReceiver<Event>,
        fed: UnboundedReceiver<Input>,
        tasks: Tasks,
    ) -> io::Result<Self> {
        Ok(Self {
            agent,
            master,
            link: None,
            from_master: None,
            processes,
            process_events,
            fed,
            child_exits: runtime::child_exits()?,
            containers: BTreeMap::new(),
            prober: Prober::default(),
            tasks,
            stopped: false,
        })
    }

    pub async fn until_stopped(mut self) {
        let _ended = self.agent.0.stopped.clone().drop_guard();
        self.connect();
        while !self.stopped {
            self.turn().await;
        }
        self.disconnect();
        self.tasks.cancel();
        tracing::info!(endpoint = %self.agent.endpoint(), "agent stopped");
    }

    async fn turn(&mut self) {
        let deadline = self.agent.with(crate::engine::agent::Agent::next_deadline);
        let deadline = deadline.map(|time| self.agent.0.clock.instant(time));
        tokio::select! {
            message = next(self.from_master.as_mut()) => match message {
                Some(message) => self.step(Input::Master(message)),
                None => self.reconnect().await,
            },
            Some(event) = self.process_events.recv() => self.process(event),
            Some(input) = self.fed.recv() => self.step(input),
            Some(()) = self.child_exits.recv() => {
                for event in self.processes.reap() {
                    self.process(event);
                }
            }
            () = until(deadline) => self.step(Input::Tick),
        }
    }

    fn connect(&mut self) {
        let (link, from_master) = self.master.connect_agent();
        self.link = Some(link);
        self.from_master = Some(from_master);
        self.step(Input::MasterConnected);
    }

    fn disconnect(&mut self) {
        self.from_master = None;
        if let Some(link) = self.link.take() {
            self.master.agent_gone(link);
        }
    }

    async fn reconnect(&mut self) {
        self.disconnect();
        self.step(Input::MasterLost);
        tokio::time::sleep(RECONNECT_PAUSE).await;
        self.connect();
    }

    fn process(&mut self, event: Event) {
        match event {
            Event::Launched { container_id, pid } => {
                let exited = self.processes.launched(&container_id, pid);
                self.step(Input::Launched { container_id, pid });
                exited.into_iter().for_each(|event| self.process(event));
            }
            Event::LaunchFailed { container_id, message } => {
                self.containers.remove(&container_id);
                tracing::warn!(%container_id, message, "failed to launch a container");
                self.step(Input::LaunchFailed { container_id: container_id.clone(), message });
                self.processes.forget(&container_id);
            }
            Event::Exited { container_id, exit } => {
                if let Some(container) = self.containers.remove(&container_id) {
                    container.probes.cancel();
                }
                tracing::debug!(%container_id, %exit, "container ended");
                self.step(Input::Exited { container_id: container_id.clone(), exit });
                self.processes.forget(&container_id);
            }
        }
    }

    fn step(&mut self, input: Input) {
        let effects = self.agent.lock().handle(self.agent.now(), input);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Master(message) => {
                if let Some(link) = self.link {
                    self.master.from_agent(link, *message);
                }
            }
            Effect::Remember(_) => {}
            Effect::Launch(launch) => self.launch(*launch),
            Effect::Signal { container_id, signal } => self.processes.signal(&container_id, signal),
            Effect::Probe { container_id, probe } => self.probe(container_id, *probe),
            Effect::Stopped => self.stopped = true,
        }
    }

    fn launch(&mut self, launch: Launch) {
        let launch = Arc::new(launch);
        let container = Container { launch: Arc::clone(&launch), probes: self.tasks.child() };
        self.containers.insert(launch.container_id.clone(), container);
        self.processes.launch(launch);
    }

    /// The answer comes back through the inputs; a container that ends takes its probes along.
    fn probe(&self, container_id: ContainerId, probe: Probe) {
        let Some(container) = self.containers.get(&container_id) else { return };
        let (prober, launch) = (self.prober.clone(), Arc::clone(&container.launch));
        let inputs = self.agent.0.inputs.clone();
        container.probes.spawn(async move {
            let kind = probe.kind;
            let outcome = prober.probe(&launch, probe).await;
            let _stopped = inputs.send(Input::Probed { container_id, kind, outcome });
        });
    }
}

/// A loop that is cancelled is an agent whose process has died: its master notices the broken connection.
impl Drop for Run {
    fn drop(&mut self) {
        self.disconnect();
    }
}

async fn next(from_master: Option<&mut UnboundedReceiver<ToAgent>>) -> Option<ToAgent> {
    match from_master {
        Some(from_master) => from_master.recv().await,
        None => future::pending().await,
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => future::pending().await,
    }
}
