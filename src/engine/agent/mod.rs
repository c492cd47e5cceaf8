//! The agent: runs the tasks the master sends as containers, and reports what becomes of them until it is heard.
//!
//! Pure: processes, probes and the way to the master are effects. Files by concern: `registration`, `launch`, `group`,
//! `custom`, `kill`, `refusal`, `updates` (with the `streams` that repeat them), `nested` (what clients of the agent API launch), and
//! the state they share in `frameworks`.

pub mod account;
mod command;
mod custom;
pub mod docker;
mod environment;
pub mod fetch;
pub mod frameworks;
mod group;
mod kill;
mod launch;
mod memory;
pub mod nested;
pub mod reconfiguration;
mod recovery;
mod refusal;
mod registration;
pub mod setup;
mod streams;
mod updates;
pub mod view;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use rand::{RngCore, SeedableRng, rngs::StdRng};

pub use command::Command;
pub use custom::{ExecutorAnswer, validate_call};
pub use environment::{DEFAULT_PATH, plain_variables};
pub use frameworks::{Executor, ExecutorState, Framework, FrameworkState, Nested};
pub use group::Sandbox;
pub use launch::Launch;
pub use memory::compacted;
pub use recovery::Container;

use self::{
    account::Accounts,
    docker::{DockerConfig, DockerRun},
    fetch::{FetchConfig, Fetches},
    nested::{Answer, Attended, Guests, Order},
    registration::Registration,
    streams::Streams,
};
use super::{
    executor::{
        self, Signal, check::CheckKind, check::Probe, check::ProbeOutcome, custom::ExecutorStream,
        docker::Inspected, exit::Exit,
    },
    wire::{ToAgent, ToMaster},
};
use crate::mesos::{
    log::AgentLogEntry,
    time::Time,
    v1::{
        AgentId, AgentInfo, ContainerId, DrainConfig, ExecutorId, FrameworkId, Resource,
        executor as v1_executor,
    },
};

/// Completed frameworks that are kept, as in Mesos.
pub const MAX_COMPLETED_FRAMEWORKS: usize = 50;

/// What an agent is told at its start.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Host name, port, resources, attributes and domain; without an id.
    pub info: AgentInfo,
    /// The address in `pid`, in the environment of tasks and in their container status.
    pub ip: core::net::IpAddr,
    /// Where sandboxes live: an absolute path.
    pub work_dir: String,
    /// Tasks of frameworks that checkpoint outlive this agent, for the next one of its work directory to take over.
    pub checkpoints: bool,
    /// The longest pause before a registration; zero registers at once.
    pub registration_backoff_factor: Duration,
    /// How long tasks that outlive this agent wait for the next one: what executors are told.
    pub recovery_timeout: Duration,
    /// How it runs tasks that bring images; without it, it cannot.
    pub docker: Option<DockerConfig>,
    /// Containers run as the user that their command or their framework names, and not as the agent's.
    pub switch_user: bool,
    /// How it fetches what tasks bring as URIs.
    pub fetch: FetchConfig,
    /// Variables that every executor gets, before all others.
    pub executor_environment: BTreeMap<String, String>,
    /// How long the process of an executor may take to subscribe.
    pub executor_registration_timeout: Duration,
    /// How long it may take to do so again after a restart of the agent; also the longest pause between two attempts.
    pub executor_reregistration_timeout: Duration,
    /// From the request to shut down to the end of an executor.
    pub executor_shutdown_grace_period: Duration,
    /// How many completed executors of one framework are kept.
    pub max_completed_executors_per_framework: usize,
    /// The directory that Mesos shows in front of `mesos-executor`.
    pub launcher_dir: String,
    /// The version that the agent registers with.
    pub version: String,
    /// What `/flags` shows beside what follows from the fields above.
    pub flags: BTreeMap<String, String>,
}

impl AgentConfig {
    /// An agent on the loopback address with the defaults of Mesos; resources and attributes are those of `info`.
    pub fn new(info: AgentInfo, work_dir: impl Into<String>) -> Self {
        Self {
            info,
            ip: core::net::Ipv4Addr::LOCALHOST.into(),
            work_dir: work_dir.into(),
            checkpoints: false,
            registration_backoff_factor: Duration::ZERO,
            recovery_timeout: Duration::from_secs(15 * 60),
            docker: None,
            switch_user: false,
            fetch: FetchConfig::default(),
            executor_environment: BTreeMap::new(),
            executor_registration_timeout: Duration::from_secs(60),
            executor_reregistration_timeout: Duration::from_secs(2),
            executor_shutdown_grace_period: Duration::from_secs(5),
            max_completed_executors_per_framework: 150,
            launcher_dir: "/usr/libexec/mesos".to_owned(),
            version: "1.11.0".to_owned(),
            flags: BTreeMap::new(),
        }
    }

    /// The libprocess address.
    pub fn pid(&self) -> String {
        format!("slave(1)@{}", self.endpoint())
    }

    /// `ip:port`.
    pub fn endpoint(&self) -> String {
        format!("{}:{}", self.ip, self.info.port())
    }
}

/// What an agent is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// There is a way to a master.
    MasterConnected,
    /// The way to the master is gone.
    MasterLost,
    Master(ToAgent),
    /// What Docker Engine says of a container that is about to be launched.
    Inspected {
        container_id: ContainerId,
        inspected: Box<Inspected>,
    },
    /// The process of a container runs.
    Launched {
        container_id: ContainerId,
        pid: u32,
    },
    /// A container could not be started; a fragment that says why.
    LaunchFailed {
        container_id: ContainerId,
        message: String,
    },
    /// The process of a container has ended.
    Exited {
        container_id: ContainerId,
        exit: Exit,
    },
    /// A probe has ended.
    Probed {
        container_id: ContainerId,
        kind: CheckKind,
        outcome: ProbeOutcome,
    },
    /// A client of the agent API wants something of a container; answered with [`Effect::Answer`] of this number.
    Order {
        request: u64,
        order: Order,
    },
    /// The client of this number has gone.
    Abandon {
        request: u64,
    },
    /// Whoever has launched this session has gone, or has read it to its end.
    Destroy {
        container_id: ContainerId,
    },
    /// An executor calls, and [`validate_call`] has found nothing wrong; answered with [`Effect::ExecutorAnswer`].
    Executor {
        request: ExecutorStream,
        call: Box<v1_executor::Call>,
    },
    /// The event stream of an executor has ended.
    ExecutorGone(ExecutorStream),
    /// What the fetcher has done so far.
    Fetched(Fetches),
    /// The agent's resources have been changed; what runs goes on.
    Resources(Vec<Resource>),
    /// Unregister, end every task, and answer with [`Effect::Stopped`].
    Stop,
    /// Time has passed, see [`Agent::next_deadline`].
    Tick,
}

/// What an agent wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Master(Box<ToMaster>),
    /// Write this down before anything else is done: the next agent of this work directory has to know it.
    Remember(Memory),
    /// Make the sandbox of an executor that has no process.
    Sandbox(Box<Sandbox>),
    /// Fetch what the container needs, then start it; answered with [`Input::Launched`] or [`Input::LaunchFailed`]. A
    /// signal breaks the fetch off.
    Launch(Box<Launch>),
    /// Run a container of Docker Engine; answered with [`Input::Inspected`] and [`Input::Launched`], or with
    /// [`Input::LaunchFailed`].
    Run(Box<DockerRun>),
    /// Start a container with streams of its own; answered as [`Effect::Launch`] is.
    Attend(Box<Attended>),
    /// What became of an [`Input::Order`].
    Answer {
        request: u64,
        answer: Answer,
    },
    /// Send a signal, by its number, to the first process of a container.
    Kill {
        container_id: ContainerId,
        signal: i32,
    },
    /// Delete a sandbox of a container that is no more; one that is not there is no error.
    RemoveSandbox(String),
    /// Signal the whole process tree of a container.
    Signal {
        container_id: ContainerId,
        signal: Signal,
    },
    /// Make a probe; answered with [`Input::Probed`].
    Probe {
        container_id: ContainerId,
        probe: Box<Probe>,
    },
    /// The answer to a call of an executor.
    ExecutorAnswer {
        request: ExecutorStream,
        answer: ExecutorAnswer,
    },
    /// Send this on the stream of an executor.
    Event {
        stream: ExecutorStream,
        event: Box<v1_executor::Event>,
    },
    /// End the stream of an executor.
    Close(ExecutorStream),
    /// Nothing runs any more and nothing will.
    Stopped,
}

/// What an agent wants to know after its death.
#[derive(Clone, Debug, PartialEq)]
pub enum Memory {
    /// Who it is, with its id.
    Agent(AgentInfo),
    /// What has changed for a framework that checkpoints.
    Entry(Box<AgentLogEntry>),
}

/// Where the agent stands with its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    Disconnected,
    Running,
    Terminating,
}

/// What `/metrics/snapshot` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub tasks_finished: u64,
    pub tasks_failed: u64,
    pub tasks_killed: u64,
    pub tasks_lost: u64,
    pub tasks_gone: u64,
    pub executors_terminated: u64,
    pub container_launch_errors: u64,
    pub valid_status_updates: u64,
    pub invalid_status_updates: u64,
    pub valid_framework_messages: u64,
    pub invalid_framework_messages: u64,
}

/// One agent. Public fields are for the views.
#[derive(Debug)]
pub struct Agent {
    pub config: AgentConfig,
    /// With the id, once registered.
    pub info: AgentInfo,
    pub state: AgentState,
    pub started_at: Time,
    pub frameworks: BTreeMap<FrameworkId, Framework>,
    pub completed_frameworks: VecDeque<Framework>,
    pub counters: Counters,
    /// What clients of the agent API have launched.
    pub guests: Guests,
    pub fetches: Fetches,
    accounts: Accounts,
    registration: Registration,
    /// `resource_version_uuid`, new with every start.
    resource_version: Bytes,
    streams: Streams,
    containers: BTreeMap<ContainerId, (FrameworkId, ExecutorId)>,
    /// While a drain goes on.
    draining: Option<DrainConfig>,
    stopped: bool,
    rng: StdRng,
    effects: Vec<Effect>,
}

impl Agent {
    pub fn new(config: AgentConfig, now: Time, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut version = [0; 16];
        rng.fill_bytes(&mut version);
        Self {
            info: AgentInfo { checkpoint: Some(true), ..config.info.clone() },
            config,
            state: AgentState::Disconnected,
            started_at: now,
            frameworks: BTreeMap::new(),
            completed_frameworks: VecDeque::new(),
            counters: Counters::default(),
            guests: Guests::default(),
            fetches: Fetches::default(),
            accounts: account::unknown,
            registration: Registration::default(),
            resource_version: Bytes::copy_from_slice(
                uuid::Builder::from_random_bytes(version).as_uuid().as_bytes(),
            ),
            streams: Streams::default(),
            containers: BTreeMap::new(),
            draining: None,
            stopped: false,
            rng,
            effects: Vec::new(),
        }
    }

    /// The id the master gave, if it has.
    pub fn id(&self) -> Option<&AgentId> {
        self.info.id.as_ref()
    }

    /// What `resource_version_uuid` of its messages holds.
    pub fn resource_version(&self) -> &Bytes {
        &self.resource_version
    }

    /// Whether a container is one of this agent's.
    pub fn has_container(&self, id: &ContainerId) -> bool {
        self.containers.contains_key(id)
    }

    /// The sandbox of a container.
    pub fn sandbox_of(&self, id: &ContainerId) -> Option<&str> {
        let (framework_id, executor_id) = self.containers.get(id)?;
        let executor = self.frameworks.get(framework_id)?.executors.get(executor_id)?;
        Some(&executor.directory)
    }

    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        match input {
            Input::MasterConnected => self.master_connected(now),
            Input::MasterLost => self.master_lost(),
            Input::Master(message) => self.received(now, message),
            Input::Inspected { container_id, inspected } => self.inspected(&container_id, *inspected),
            Input::Launched { container_id, pid } if self.has_guest(&container_id) => {
                self.guest_launched(&container_id, pid);
            }
            Input::Launched { container_id, pid } => self.launched(now, &container_id, pid),
            Input::LaunchFailed { container_id, message } if self.has_guest(&container_id) => {
                self.guest_failed(&container_id, &message);
            }
            Input::LaunchFailed { container_id, message } => self.launch_failed(now, &container_id, &message),
            Input::Exited { container_id, exit } if self.has_guest(&container_id) => {
                self.guest_exited(&container_id, exit);
            }
            Input::Exited { container_id, exit } => {
                self.note_end(&container_id, exit);
                self.exited(now, &container_id, exit);
            }
            Input::Probed { container_id, kind, outcome } => {
                self.command(now, &container_id, executor::Input::Probed { kind, outcome });
            }
            Input::Order { request, order } => self.order(request, order),
            Input::Abandon { request } => self.abandon_order(request),
            Input::Destroy { container_id } => self.destroy(&container_id),
            Input::Executor { request, call } => self.executor_call(now, request, *call),
            Input::ExecutorGone(stream) => self.executor_gone(stream),
            Input::Fetched(fetches) => self.fetches = fetches,
            Input::Resources(total) => self.set_total(total),
            Input::Stop => self.stop(now),
            Input::Tick => self.tick(now),
        }
        self.settle_guests();
        self.register_when_recovered(now);
        self.end_drain_when_empty();
        self.stop_when_empty();
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is due; None when nothing waits for time.
    pub fn next_deadline(&self) -> Option<Time> {
        let executors = self.frameworks.values().flat_map(|framework| framework.executors.values());
        executors
            .filter_map(Executor::next_deadline)
            .chain(self.registration.next_deadline())
            .chain(self.streams.next_deadline())
            .min()
    }

    fn received(&mut self, now: Time, message: ToAgent) {
        match message {
            ToAgent::Registered { agent_id, ping_timeout } => self.registered(now, agent_id, ping_timeout),
            ToAgent::Reregistered { agent_id, ping_timeout, missing } => {
                self.reregistered(now, &agent_id, ping_timeout, missing);
            }
            ToAgent::RunTask { framework, task, launch } => self.run_task(now, *framework, *task, &launch),
            ToAgent::RunTaskGroup { framework, executor, group, launch } => {
                self.run_task_group(now, *framework, *executor, (*group, &launch));
            }
            ToAgent::KillTask { framework_id, task_id, kill_policy } => {
                self.kill_task(now, &framework_id, &task_id, kill_policy);
            }
            ToAgent::Acknowledge { framework_id, task_id, uuid, .. } => {
                self.acknowledge(now, &framework_id, &task_id, &uuid);
            }
            ToAgent::FrameworkMessage { framework_id, executor_id, data, .. } => {
                self.framework_message(&framework_id, &executor_id, data);
            }
            ToAgent::ShutdownExecutor { framework_id, executor_id } => {
                self.shutdown_executor(now, &framework_id, &executor_id);
            }
            ToAgent::ShutdownFramework { framework_id } => self.shutdown_framework(now, &framework_id),
            ToAgent::UpdateFramework { framework } => self.update_framework(now, *framework),
            ToAgent::Shutdown { .. } => self.shutdown(now),
            ToAgent::Ping { observer, connected } => self.ping(now, observer, connected),
            ToAgent::AcknowledgeOperation { .. } => {}
            ToAgent::ApplyOperation(request) => self.refuse_operation(*request),
            ToAgent::Drain(config) => self.drain(now, config),
        }
    }

    fn tick(&mut self, now: Time) {
        self.registration_due(now);
        for update in self.streams.due(now) {
            self.forward(update);
        }
        let due: Vec<ContainerId> = self
            .frameworks
            .values()
            .flat_map(|framework| framework.executors.values())
            .filter(|executor| executor.next_deadline().is_some_and(|at| at <= now))
            .map(|executor| executor.container_id.clone())
            .collect();
        for container_id in due {
            self.command(now, &container_id, executor::Input::Tick);
            self.custom_due(now, &container_id);
            self.destroy_overdue(now, &container_id);
            if self.executor_mut(&container_id).is_some_and(|it| it.leaves_at.is_some_and(|at| at <= now)) {
                self.leave(now, &container_id);
            }
        }
    }

    fn update_framework(&mut self, now: Time, info: crate::mesos::v1::FrameworkInfo) {
        let Some(id) = info.id.clone().filter(|_| self.state == AgentState::Running) else {
            self.counters.invalid_framework_messages += 1;
            return;
        };
        let Some(framework) = self.frameworks.get_mut(&id) else { return };
        if framework.state == FrameworkState::Running {
            framework.info = info;
            self.remember_framework(&id);
            self.resend(now);
        }
    }

    fn executor_mut(&mut self, container_id: &ContainerId) -> Option<&mut Executor> {
        let (framework_id, executor_id) = self.containers.get(container_id)?;
        self.frameworks.get_mut(framework_id)?.executors.get_mut(executor_id)
    }

    fn uuid(&mut self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    fn send(&mut self, message: ToMaster) {
        self.effects.push(Effect::Master(Box::new(message)));
    }
}

#[cfg(test)]
mod tests;
