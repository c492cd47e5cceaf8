//! The process of our custom executor: its connection with the agent, and the processes of its tasks.
//!
//! ```text
//! SUBSCRIBE > events > OwnExecutor > UPDATE, one after another
//!     ^- backoff -- the stream has ended, a call has failed; when that lasts for the recovery timeout: end
//! OwnExecutor > launch, signal, probe > processes > OwnExecutor
//! ```
//!
//! A framework that does not checkpoint has no recovery: its executor ends with its connection, as in Mesos.

use std::{
    collections::BTreeMap,
    fs::File,
    future, io,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::Instant,
};

use super::{
    agent::probe::{Prober, Target},
    process::{Event as ProcessEvent, Runner, spawn::Surroundings},
    sandbox::Outputs,
};
use crate::{
    client::{
        ClientError,
        executor::{Events, ExecutorApi},
        retry::Retry,
    },
    engine::{
        agent::Launch,
        executor::{self, check::Probe},
        own_executor::{Effect, Input, OwnExecutor, Terms},
    },
    mesos::v1::{
        ContainerId,
        executor::{Call, Event},
    },
    runtime::{self, Clock, Signals, Tasks},
};

/// What the agent has told us.
#[derive(Clone, Debug)]
pub struct Config {
    pub terms: Terms,
    pub recovery: Option<Recovery>,
}

/// How an executor waits for its agent to come back.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// `MESOS_RECOVERY_TIMEOUT`.
    pub timeout: Duration,
    /// `MESOS_SUBSCRIPTION_BACKOFF_MAX`: between two tries.
    pub backoff: Duration,
}

/// Why an executor cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    #[error("run processes: {0}")]
    Process(#[from] io::Error),
    #[error("be the executor of this agent: {0}")]
    Refused(String),
    #[error("reach the agent: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Ended(String),
}

type Subscribing = Pin<Box<dyn Future<Output = Result<Events, ClientError>> + Send>>;

/// How the executor stands with its agent.
enum Connection {
    /// To be tried at this time.
    Closed(Instant),
    Trying(Subscribing),
    Open(Events),
    /// It is not waited for any more.
    GivenUp,
}

/// What comes of a connection.
enum Heard {
    ItIsTime,
    Subscribed(Result<Events, ClientError>),
    Event(Result<Box<Event>, ClientError>),
}

impl Connection {
    /// May be dropped and called again without losing anything.
    async fn next(&mut self) -> Heard {
        match self {
            Self::Closed(at) => {
                tokio::time::sleep_until(*at).await;
                Heard::ItIsTime
            }
            Self::Trying(subscribing) => Heard::Subscribed(subscribing.await),
            Self::Open(events) => Heard::Event(events.next().await.map(Box::new)),
            Self::GivenUp => future::pending().await,
        }
    }
}

/// A task that runs: what its probes need, and the probes under way.
struct Container {
    target: Target,
    probes: Tasks,
}

struct Run {
    clock: Clock,
    api: ExecutorApi,
    engine: OwnExecutor,
    sandbox: String,
    recovery: Option<Recovery>,
    connection: Connection,
    retry: Retry,
    /// The agent has answered us once.
    was_subscribed: bool,
    /// Since when there is nobody to talk to.
    lost_at: Option<Instant>,
    calls: UnboundedSender<Call>,
    runner: Runner,
    containers: BTreeMap<ContainerId, Container>,
    prober: Prober,
    probed: UnboundedSender<Input>,
    tasks: Tasks,
    ended: Option<Result<(), ExecutorError>>,
}

/// Runs until there is nothing left to do, the agent is gone for too long, or one of `signals` comes.
///
/// # Errors
/// When no processes can be run, the agent was never reached, refuses us, or sends an ERROR.
pub async fn run(
    tasks: &Tasks,
    clock: Clock,
    api: ExecutorApi,
    config: Config,
    signals: &mut Signals,
) -> Result<(), ExecutorError> {
    let (started, mut processes) = unbounded_channel();
    let (calls, waiting) = unbounded_channel();
    let (failed, mut failures) = unbounded_channel();
    let (probed, mut outcomes) = unbounded_channel();
    tasks.spawn(say_all(api.clone(), waiting, failed));
    let mut child_exits = runtime::child_exits()?;
    let retry = Retry::new(config.terms.seed);
    let mut run = Run {
        clock,
        api,
        sandbox: config.terms.sandbox.clone(),
        engine: OwnExecutor::new(config.terms),
        retry: config.recovery.map_or(retry.clone(), |recovery| retry.at_most(recovery.backoff)),
        recovery: config.recovery,
        connection: Connection::Closed(clock.instant(clock.now())),
        was_subscribed: false,
        lost_at: None,
        calls,
        runner: Runner::start(&started, None)?,
        containers: BTreeMap::new(),
        prober: Prober::default(),
        probed,
        tasks: tasks.clone(),
        ended: None,
    };
    loop {
        let deadline = run.engine.next_deadline();
        tokio::select! {
            heard = run.connection.next() => run.heard(heard),
            Some(error) = failures.recv() => run.lost(&error),
            Some(event) = processes.recv() => run.process(event),
            Some(input) = outcomes.recv() => run.step(input),
            Some(()) = child_exits.recv() => run.reap(),
            () = signals.next() => run.step(Input::Stop),
            () = clock.reach(deadline) => run.step(Input::Tick),
        }
        if let Some(how) = run.ended.take() {
            return how;
        }
    }
}

/// Updates of a task arrive in the order in which they were made: one call after another.
async fn say_all(
    api: ExecutorApi,
    mut waiting: UnboundedReceiver<Call>,
    failed: UnboundedSender<ClientError>,
) {
    while let Some(call) = waiting.recv().await {
        if let Err(error) = api.call(&call).await {
            // The next SUBSCRIBE says it, and what was to follow.
            while waiting.try_recv().is_ok() {}
            if failed.send(error).is_err() {
                return;
            }
        }
    }
}

impl Run {
    fn now(&self) -> Instant {
        self.clock.instant(self.clock.now())
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::ItIsTime => {
                let (api, call) = (self.api.clone(), self.engine.subscribe());
                self.connection = Connection::Trying(Box::pin(async move { api.subscribe(&call).await }));
            }
            Heard::Subscribed(Ok(events)) => {
                self.was_subscribed = true;
                self.lost_at = None;
                self.retry.succeeded();
                self.connection = Connection::Open(events);
            }
            Heard::Event(Ok(event)) => self.step(Input::Event(event)),
            Heard::Subscribed(Err(error)) | Heard::Event(Err(error)) => self.lost(&error),
        }
    }

    /// Tries again as long as the agent may come back. What it denies it will deny again, but for who has not subscribed.
    fn lost(&mut self, error: &ClientError) {
        tracing::warn!("The agent cannot be talked to: {error}");
        self.step(Input::Disconnected);
        if error.is_denial() && error.status() != Some(403) {
            self.ended = Some(Err(ExecutorError::Refused(error.to_string())));
            return;
        }
        let now = self.now();
        let since = *self.lost_at.get_or_insert(now);
        if self.recovery.is_none_or(|recovery| now >= since + recovery.timeout) {
            tracing::warn!("It is not waited for any more");
            self.connection = Connection::GivenUp;
            self.step(Input::Stop);
            if !self.was_subscribed {
                self.ended = Some(Err(ExecutorError::Unreachable(error.to_string())));
            }
        } else {
            self.connection = Connection::Closed(now + self.retry.wait());
        }
    }

    fn process(&mut self, event: ProcessEvent) {
        match event {
            ProcessEvent::Launched { container_id, pid } => {
                let exited = self.runner.launched(&container_id, pid);
                tracing::info!("Task {container_id} runs as process {pid}");
                self.step_process(container_id, executor::Input::Launched);
                exited.into_iter().for_each(|event| self.process(event));
            }
            ProcessEvent::LaunchFailed { container_id, message } => {
                self.over(&container_id);
                self.step_process(container_id, executor::Input::Missing(message));
            }
            ProcessEvent::Exited { container_id, exit } => {
                self.over(&container_id);
                self.step_process(container_id, executor::Input::Exited(exit));
            }
        }
    }

    fn reap(&mut self) {
        for event in self.runner.reap() {
            self.process(event);
        }
    }

    fn over(&mut self, container_id: &ContainerId) {
        self.runner.forget(container_id);
        if let Some(container) = self.containers.remove(container_id) {
            container.probes.cancel();
        }
    }

    fn step_process(&mut self, container_id: ContainerId, input: executor::Input) {
        self.step(Input::Process { container_id, input });
    }

    fn step(&mut self, input: Input) {
        for effect in self.engine.handle(self.clock.now(), input) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Say(call) => self.calls.send(*call).unwrap_or_default(),
            Effect::Launch(launch) => self.launch(*launch),
            Effect::Signal { container_id, signal } => self.runner.signal(&container_id, signal),
            Effect::Probe { container_id, probe } => self.probe(container_id, *probe),
            Effect::Log(line) => tracing::info!("{line}"),
            Effect::End(how) => self.ended = Some(how.map_err(ExecutorError::Ended)),
        }
    }

    /// Tasks share our sandbox, so that each needs another mark by which what it has started is known as its own.
    fn launch(&mut self, launch: Launch) {
        let container_id = launch.container_id.clone();
        let surroundings = match surroundings(&self.sandbox) {
            Ok(surroundings) => surroundings,
            Err(error) => {
                let missing = executor::Input::Missing(error.to_string());
                return self.step_process(container_id, missing);
            }
        };
        let marked = Launch { directory: format!("{}/tasks/{container_id}", self.sandbox), ..launch.clone() };
        let target = Target::Process(Arc::new(launch));
        self.containers.insert(container_id, Container { target, probes: self.tasks.child() });
        self.runner.launch_in(Arc::new(marked), surroundings);
    }

    /// A task that ends takes its probes along.
    fn probe(&self, container_id: ContainerId, probe: Probe) {
        let Some(container) = self.containers.get(&container_id) else { return };
        let (prober, target) = (self.prober.clone(), container.target.clone());
        let probed = self.probed.clone();
        container.probes.spawn(async move {
            let kind = probe.kind;
            let outcome = prober.probe(&target, probe).await;
            let input = executor::Input::Probed { kind, outcome };
            probed.send(Input::Process { container_id, input }).unwrap_or_default();
        });
    }
}

/// What a task writes goes where our own words go, as under the command executor.
fn surroundings(sandbox: &str) -> io::Result<Surroundings> {
    let copy = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from);
    let outputs = Outputs { stdout: copy(io::stdout().as_fd())?, stderr: copy(io::stderr().as_fd())? };
    Ok(Surroundings { directory: Some(sandbox.to_owned()), ..Surroundings::of(outputs)? })
}
