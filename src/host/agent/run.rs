//! The loop of an agent: whatever happens goes into the engine, whatever the engine wants is done.

use std::{collections::BTreeMap, future, io, sync::Arc, time::Duration};

use tokio::{signal::unix::Signal, sync::mpsc::UnboundedReceiver};

use super::{
    AgentHandle, AgentMemory, Remembered,
    probe::Prober,
    processes::Processes,
    way::{Heard, Way},
};
use crate::{
    engine::{
        agent::{Container as Known, Effect, Input, Launch},
        executor::check::Probe,
        wire::ToAgent,
    },
    host::{keeper::KeptContainer, process::Event, sandbox},
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
    way: Way,
    pub memory: Option<AgentMemory>,
    processes: Processes,
    process_events: UnboundedReceiver<Event>,
    fed: UnboundedReceiver<Input>,
    child_exits: Signal,
    containers: BTreeMap<ContainerId, Container>,
    prober: Prober,
    tasks: Tasks,
    /// When the master is to be looked for again.
    reconnect_at: Option<tokio::time::Instant>,
    stopped: bool,
}

impl Run {
    pub fn new(
        agent: AgentHandle,
        way: Way,
        processes: Processes,
        process_events: UnboundedReceiver<Event>,
        fed: UnboundedReceiver<Input>,
        tasks: Tasks,
    ) -> io::Result<Self> {
        Ok(Self {
            agent,
            way,
            memory: None,
            processes,
            process_events,
            fed,
            child_exits: runtime::child_exits()?,
            containers: BTreeMap::new(),
            prober: Prober::default(),
            tasks,
            reconnect_at: None,
            stopped: false,
        })
    }

    pub async fn until_stopped(mut self) {
        let _ended = self.agent.0.stopped.clone().drop_guard();
        self.connect();
        while !self.stopped {
            self.turn().await;
        }
        self.way.disconnect();
        self.tasks.cancel();
        tracing::info!(endpoint = %self.agent.endpoint(), "agent stopped");
    }

    async fn turn(&mut self) {
        let deadline = self.agent.with(crate::engine::agent::Agent::next_deadline);
        let deadline = deadline.map(|time| self.agent.0.clock.instant(time));
        tokio::select! {
            heard = self.way.next() => match heard {
                Heard::Message(message) => {
                    if let ToAgent::Shutdown { message } = &*message {
                        tracing::warn!(message, "the master asks this agent to shut down");
                    }
                    self.step(Input::Master(*message));
                }
                Heard::Lost => self.lost(),
                Heard::Moved => self.moved(),
            },
            () = until(self.reconnect_at) => self.connect(),
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
        self.reconnect_at = None;
        if self.way.connect() {
            self.step(Input::MasterConnected);
        }
    }

    /// The master that is left need not be told; one that comes is registered with.
    fn moved(&mut self) {
        self.way.disconnect();
        self.step(Input::MasterLost);
        self.connect();
    }

    fn lost(&mut self) {
        self.way.disconnect();
        self.step(Input::MasterLost);
        self.reconnect_at = Some(self.agent.0.clock.instant(self.agent.now() + RECONNECT_PAUSE));
    }

    /// Goes on where an earlier agent of the work directory has ended; its containers that nobody knows are killed.
    pub fn recover(&mut self, remembered: Remembered, kept: Vec<KeptContainer>) {
        let Remembered { id, log } = remembered;
        let containers = kept.iter().map(|kept| (kept.launch.container_id.clone(), Known { pid: kept.pid }));
        let containers: BTreeMap<_, _> = containers.collect();
        tracing::info!(%id, entries = log.len(), containers = containers.len(), "recovering");
        let effects = self.agent.lock().recover(self.agent.now(), id, log, &containers);
        for kept in kept {
            self.take_over(kept);
        }
        effects.into_iter().for_each(|effect| self.perform(effect));
    }

    /// What has happened to the container meanwhile comes as events.
    fn take_over(&mut self, kept: KeptContainer) {
        let container_id = kept.launch.container_id.clone();
        if self.agent.with(|agent| agent.has_container(&container_id)) {
            let launch = Arc::new(kept.launch);
            self.containers.insert(container_id.clone(), Container { launch, probes: self.tasks.child() });
            self.processes.claim(&container_id);
        } else {
            self.processes.discard(&container_id);
        }
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
                let agent = self.agent.lock();
                self.way.send(&agent, *message);
            }
            Effect::Remember(memory) => self.memory.iter_mut().for_each(|known| known.remember(&memory)),
            Effect::Sandbox(wanted) => {
                if let Err(error) = sandbox::create(&wanted.directory, &wanted.latest) {
                    tracing::warn!(directory = wanted.directory, %error, "failed to make a sandbox");
                }
            }
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
        self.way.disconnect();
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => future::pending().await,
    }
}
