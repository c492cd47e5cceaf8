//! The loop of an agent: whatever happens goes into the engine, whatever the engine wants is done.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use tokio::{signal::unix::Signal, sync::mpsc::UnboundedReceiver};

use super::{
    AgentHandle, AgentMemory, Remembered,
    fetching::{Fetched, Fetching, Next},
    guests::Guests,
    locked,
    probe::{Prober, Target},
    processes::Processes,
    way::{Heard, Way},
};
use crate::{
    engine::{
        agent::{
            Container as Known, DEFAULT_PATH, Effect, Input, Launch,
            docker::{DockerRun, container_name},
            nested::Attended,
        },
        executor::check::Probe,
        wire::ToAgent,
    },
    host::{
        docker::{Containers, FoundContainer, Happened},
        fetcher::Fetcher,
        keeper::KeptContainer,
        process::Event,
        sandbox,
    },
    mesos::v1::ContainerId,
    runtime::{self, Tasks},
};

/// From the loss of the master to the next attempt to reach it.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A container that runs: what its probes need, and the probes under way.
struct Container {
    target: Target,
    probes: Tasks,
}

/// What comes to the loop, beside what comes from the master.
pub(super) struct Events {
    pub processes: UnboundedReceiver<Event>,
    pub containers: UnboundedReceiver<Happened>,
    /// From elsewhere.
    pub fed: UnboundedReceiver<Input>,
}

pub(super) struct Run {
    agent: AgentHandle,
    way: Way,
    pub memory: Option<AgentMemory>,
    processes: Processes,
    /// Those of Docker Engine.
    images: Containers,
    /// Those with streams of their own.
    guests: Guests,
    fetching: Fetching,
    events: Events,
    child_exits: Signal,
    /// Of all.
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
        (processes, images, guests): (Processes, Containers, Guests),
        events: Events,
        tasks: Tasks,
    ) -> io::Result<Self> {
        let fetcher =
            agent.with(|it| Fetcher::new(it.config.fetch.clone(), &it.config.work_dir, agent.0.clock));
        let fetching = Fetching::new(fetcher, tasks.child());
        Ok(Self {
            agent,
            way,
            memory: None,
            processes,
            images,
            guests,
            fetching,
            events,
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
            () = runtime::until(self.reconnect_at) => self.connect(),
            Some(event) = self.events.processes.recv() => self.process(event),
            Some(happened) = self.events.containers.recv() => self.happened(happened),
            Some(fetched) = self.fetching.next() => self.fetched(fetched),
            Some(input) = self.events.fed.recv() => self.step(input),
            Some(()) = self.child_exits.recv() => {
                let ended = self.processes.reap().into_iter().chain(self.guests.reap());
                for event in ended.collect::<Vec<_>>() {
                    self.process(event);
                }
            }
            () = self.agent.0.clock.reach(deadline) => self.step(Input::Tick),
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
    pub fn recover(
        &mut self,
        remembered: Option<(Remembered, Vec<KeptContainer>)>,
        found: Vec<FoundContainer>,
    ) {
        let Some((Remembered { id, log }, kept)) = remembered else {
            return found.into_iter().for_each(|found| self.images.discard(found));
        };
        let of_keeper = kept
            .iter()
            .map(|kept| (kept.launch.container_id.clone(), Known { pid: kept.pid, ..Known::default() }));
        let of_engine = found.iter().filter(|found| found.pid.is_some()).map(|found| {
            (found.container_id.clone(), Known { pid: found.pid, inspected: Some(found.inspected.clone()) })
        });
        let containers: BTreeMap<_, _> = of_keeper.chain(of_engine).collect();
        tracing::info!(%id, entries = log.len(), containers = containers.len(), "recovering");
        let effects = self.agent.lock().recover(self.agent.now(), id, log, &containers);
        for kept in kept {
            self.take_over(kept);
        }
        for found in found {
            self.take_over_image(found);
        }
        effects.into_iter().for_each(|effect| self.perform(effect));
    }

    /// What has happened to the container meanwhile comes as events.
    fn take_over(&mut self, kept: KeptContainer) {
        let container_id = kept.launch.container_id.clone();
        if self.agent.with(|agent| agent.has_container(&container_id)) {
            let launch = Arc::new(kept.launch);
            self.enter(container_id.clone(), Target::Process(launch));
            self.processes.claim(&container_id);
        } else {
            self.processes.discard(&container_id);
        }
    }

    /// One that was made and never started is of no use.
    fn take_over_image(&mut self, found: FoundContainer) {
        let directory = self.agent.with(|agent| agent.sandbox_of(&found.container_id).map(str::to_owned));
        let Some(directory) = directory.filter(|_| found.pid.is_some()) else {
            return self.images.discard(found);
        };
        self.images.take_over(&found, &directory);
        self.enter_image(&found.container_id);
    }

    fn enter(&mut self, container_id: ContainerId, target: Target) {
        self.containers.insert(container_id, Container { target, probes: self.tasks.child() });
    }

    fn enter_image(&mut self, container_id: &ContainerId) {
        if let Some(target) = self.images.target(container_id, &container_name(container_id)) {
            self.enter(container_id.clone(), Target::Docker(target));
        }
    }

    fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Inspected { container_id, inspected } => {
                self.step(Input::Inspected { container_id, inspected: Box::new(inspected) });
            }
            Happened::Event(event) => self.process(event),
        }
    }

    fn process(&mut self, event: Event) {
        match event {
            Event::Launched { container_id, pid } => {
                let exited = match self.guests.has(&container_id) {
                    true => self.guests.launched(&container_id, pid),
                    false => self.processes.launched(&container_id, pid),
                };
                self.step(Input::Launched { container_id, pid });
                exited.into_iter().for_each(|event| self.process(event));
            }
            Event::LaunchFailed { container_id, message } => {
                self.containers.remove(&container_id);
                tracing::warn!(%container_id, message, "failed to launch a container");
                self.step(Input::LaunchFailed { container_id: container_id.clone(), message });
                self.forget(&container_id);
            }
            Event::Exited { container_id, exit } => {
                if let Some(container) = self.containers.remove(&container_id) {
                    container.probes.cancel();
                }
                tracing::debug!(%container_id, %exit, "container ended");
                self.step(Input::Exited { container_id: container_id.clone(), exit });
                self.forget(&container_id);
            }
        }
    }

    fn forget(&mut self, container_id: &ContainerId) {
        if self.guests.has(container_id) {
            self.guests.forget(container_id);
            self.unplug(container_id);
        } else if !self.images.forget(container_id) {
            self.processes.forget(container_id);
        }
    }

    /// The streams of a container that is no more can be attached to until they have ended.
    fn unplug(&self, container_id: &ContainerId) {
        let Some(switchboard) = self.agent.switchboard(container_id) else { return };
        let (agent, container_id) = (self.agent.clone(), container_id.clone());
        let (ended, unplugged) = (switchboard.clone(), switchboard);
        self.guests.let_linger(ended, move || {
            let mut plugged = locked(&agent.0.switchboards);
            if plugged.get(&container_id).is_some_and(|it| it.is(&unplugged)) {
                plugged.remove(&container_id);
            }
        });
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
                if let Err(error) =
                    sandbox::create(&wanted.directory, &wanted.latest, wanted.account.as_ref())
                {
                    tracing::warn!(directory = wanted.directory, %error, "failed to make a sandbox");
                }
            }
            Effect::Launch(launch) if launch.setup.uris.is_empty() => self.launch(*launch),
            Effect::Launch(launch) => self.fetching.begin(Next::Launch(*launch)),
            Effect::Run(run) if run.uris.is_empty() => self.run(*run),
            Effect::Run(run) => self.fetching.begin(Next::Run(*run)),
            Effect::Attend(attended) if attended.launch.setup.uris.is_empty() => self.attend(*attended),
            Effect::Attend(attended) => self.fetching.begin(Next::Attend(*attended)),
            Effect::Answer { request, answer } => self.agent.answer(request, answer),
            Effect::Kill { container_id, .. } if self.fetching.give_up(&container_id) => {}
            Effect::Kill { container_id, signal } => self.kill(&container_id, signal),
            Effect::RemoveSandbox(directory) => {
                if let Err(error) = sandbox::remove(&directory) {
                    tracing::warn!(directory, %error, "failed to remove a sandbox");
                }
            }
            Effect::Signal { container_id, signal } if self.guests.has(&container_id) => {
                self.guests.signal(&container_id, signal);
            }
            Effect::Signal { container_id, signal } => {
                if !self.fetching.give_up(&container_id) && !self.images.signal(&container_id, signal) {
                    self.processes.signal(&container_id, signal);
                }
            }
            Effect::Probe { container_id, probe } => self.probe(container_id, *probe),
            Effect::ExecutorAnswer { request, answer } => self.agent.0.executors.answer(request, answer),
            Effect::Event { stream, event } => self.agent.0.executors.send(stream, &event),
            Effect::Close(stream) => self.agent.0.executors.close(stream),
            Effect::Stopped => self.stopped = true,
        }
    }

    fn fetched(&mut self, Fetched { container_id, next }: Fetched) {
        self.step(Input::Fetched(self.fetching.fetcher.fetches()));
        match next {
            Ok(Next::Launch(launch)) => self.launch(launch),
            Ok(Next::Run(run)) => self.run(run),
            Ok(Next::Attend(attended)) => self.attend(attended),
            Err(message) => self.process(Event::LaunchFailed { container_id, message }),
        }
    }

    fn launch(&mut self, launch: Launch) {
        let launch = Arc::new(launch);
        self.enter(launch.container_id.clone(), Target::Process(Arc::clone(&launch)));
        self.processes.launch(launch);
    }

    /// What is inherited is what the process of the other container was started with.
    fn attend(&mut self, attended: Attended) {
        let mut launch = attended.launch.clone();
        let directory = attended.inherits.as_ref().and_then(|parent| self.inherit(&mut launch, parent));
        let launch = Arc::new(launch);
        let container_id = launch.container_id.clone();
        self.enter(container_id.clone(), Target::Process(Arc::clone(&launch)));
        if let Some(switchboard) = self.guests.launch(launch, &attended, directory) {
            locked(&self.agent.0.switchboards).insert(container_id, switchboard);
        }
    }

    /// The working directory of the parent; one without a process, as a default executor, has its sandbox alone to give.
    fn inherit(&self, launch: &mut Launch, parent: &ContainerId) -> Option<String> {
        if let Some(Container { target: Target::Process(parent), .. }) = self.containers.get(parent) {
            let own = std::mem::replace(&mut launch.environment, parent.environment.clone());
            launch.environment.extend(own);
            return Some(parent.directory.clone());
        }
        let directory = self.agent.with(|agent| agent.sandbox_of(parent).map(str::to_owned))?;
        let bare = [("PATH", DEFAULT_PATH), ("MESOS_SANDBOX", &directory)];
        for (name, value) in bare {
            launch.environment.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        Some(directory)
    }

    fn kill(&self, container_id: &ContainerId, signal: i32) {
        match self.guests.has(container_id) {
            true => self.guests.kill(container_id, signal),
            false => self.processes.kill(container_id, signal),
        }
    }

    fn run(&mut self, run: DockerRun) {
        let container_id = run.container_id.clone();
        self.images.launch(run);
        self.enter_image(&container_id);
    }

    /// The answer comes back through the inputs; a container that ends takes its probes along.
    fn probe(&self, container_id: ContainerId, probe: Probe) {
        let Some(container) = self.containers.get(&container_id) else { return };
        let (prober, target) = (self.prober.clone(), container.target.clone());
        let inputs = self.agent.0.inputs.clone();
        container.probes.spawn(async move {
            let kind = probe.kind;
            let outcome = prober.probe(&target, probe).await;
            let _stopped = inputs.send(Input::Probed { container_id, kind, outcome });
        });
    }
}

/// A loop that is cancelled is an agent whose process has died: its master notices the broken connection.
impl Drop for Run {
    fn drop(&mut self) {
        self.way.disconnect();
        self.agent.0.executors.close_all();
    }
}
