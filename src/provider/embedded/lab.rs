//! The lab while it runs: all its parts in one process, and the changes it can take.

use std::{collections::BTreeMap, io, net::SocketAddr, path::Path, time::Duration};

use rustix::process::{Pid, Signal};
use serde_json::{Map, Value};

use super::{
    diff::{self, Change},
    masters::LabMasters,
    ports::{self, Bound},
    scheduler::LabScheduler,
    services::{Coordination, MarathonUnit},
};
use crate::{
    client::masters::Masters,
    engine::agent::{Agent, AgentConfig, Executor, docker::DockerConfig, view},
    host::{
        agent::{self, AgentHandle},
        docker,
        guard::{self, Guard, GuardCommand},
        networks::Networks,
        registry::{self, RegistryHandle},
    },
    mesos::{attributes, resources::Resources, v1::AgentInfo},
    provider::{
        self, AgentName, Endpoints, master_name, scheduler_app,
        state::{LabRecord, StateDir},
    },
    runtime::{Clock, Tasks},
    spec::{AgentSpec, LabSpec, Part},
};

/// How long an agent gets to end its tasks before it goes.
const AGENT_GRACE: Duration = Duration::from_secs(5);

/// A port that was taken when a component started.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PortInUse {
    pub component: String,
    pub port: u16,
}

/// An agent with the tasks that serve it, its listener among them.
struct Running {
    handle: AgentHandle,
    tasks: Tasks,
}

impl Running {
    /// Ends its tasks with their grace, then gives its port back.
    async fn stop(self) {
        if !self.handle.stop(AGENT_GRACE).await {
            tracing::warn!(endpoint = %self.handle.endpoint(), "the tasks of an agent were killed: their grace was over");
        }
        self.tasks.stop().await;
    }
}

/// A running lab. [`EmbeddedLab::down`] ends it; dropping it leaves the ending to the guard.
pub struct EmbeddedLab {
    spec: LabSpec,
    state: StateDir,
    clock: Clock,
    tasks: Tasks,
    guard: Guard,
    coordination: Coordination,
    masters: LabMasters,
    agents: BTreeMap<AgentName, Running>,
    marathon: Option<MarathonUnit>,
    registry: RegistryHandle,
    scheduler: LabScheduler,
    started_at: f64,
    last: Endpoints,
    in_use: Vec<PortInUse>,
}

impl EmbeddedLab {
    /// Starts all parts; returns when all of them listen. The record tells where.
    ///
    /// # Errors
    /// When a listener, the guard or the state directory cannot be had.
    pub async fn start(spec: LabSpec, state: StateDir, clock: Clock) -> io::Result<Self> {
        let previous = state.record_if_sound()?;
        let last = previous.as_ref().map(|record| record.endpoints.clone()).unwrap_or_default();
        std::fs::create_dir_all(state.agents())?;
        guard::sweep(&state.agents())?;
        if let Err(error) = docker::sweep(&state.agents()).await {
            tracing::warn!(error, "containers of the lab's last run may be left");
        }
        let tasks = Tasks::new();
        let guard = Guard::spawn(&tasks, GuardCommand::this_binary(&state.agents())?)?;
        let mut in_use = Vec::new();
        let coordination = coordination(&tasks, clock, &spec, &state, (&last, &mut in_use)).await?;
        let registry = registry(&tasks, clock, &spec, &state, (&last, &mut in_use)).await?;
        let (url, timeout) = (coordination.masters_at(), spec.master.zk_session_timeout);
        let masters = LabMasters::new(&tasks, clock, url, timeout);
        let at = coordination.masters_at();
        let scheduler = LabScheduler::new(&tasks, clock, state.scheduler(), &at)?;
        let mut lab = Self {
            state,
            clock,
            tasks,
            guard,
            coordination,
            masters,
            agents: BTreeMap::new(),
            marathon: None,
            registry,
            scheduler,
            started_at: clock.now().as_secs_f64(),
            last,
            in_use,
            spec,
        };
        for at in 0..lab.spec.masters {
            lab.add_master(at).await?;
        }
        for agent in lab.spec.agents.clone() {
            lab.start_agent(&agent).await?;
        }
        let changed = match previous {
            Some(record) => diff::scheduler_changes(&record.spec.scheduler, &lab.spec.scheduler),
            None => Map::new(),
        };
        lab.scheduler.prepare(&lab.spec.scheduler, &changed, true).await?;
        if lab.spec.marathon {
            lab.start_marathon(true).await?;
        }
        lab.run_scheduler().await?;
        lab.write_record(false)?;
        Ok(lab)
    }

    pub fn endpoints(&self) -> Endpoints {
        let mut masters = self.masters.addresses().map(url);
        Endpoints {
            zookeeper: Some(self.coordination.masters_at().to_string()),
            exhibitor: Some(url(self.coordination.exhibitor())),
            master: masters.next().unwrap_or_default(),
            more_masters: masters.collect(),
            marathon: self.marathon.as_ref().map(MarathonUnit::url),
            registry: Some(url(self.registry.endpoint())),
            agents: self
                .agents
                .iter()
                .map(|(name, agent)| (name.clone(), url(agent.handle.endpoint())))
                .collect(),
            scheduler: self.scheduler.url(),
            ..Endpoints::default()
        }
    }

    /// The ports that were taken when the lab started.
    pub fn ports_in_use(&self) -> &[PortInUse] {
        &self.in_use
    }

    /// Becomes `wanted`, and says what that took.
    ///
    /// # Errors
    /// When a component cannot be started, or the scheduler refuses a setting; the changes before it hold.
    pub async fn apply(&mut self, wanted: LabSpec) -> io::Result<Vec<Change>> {
        let mut changes = diff::changes(&self.spec, &wanted);
        for change in &mut changes {
            self.make(change, &wanted).await?;
        }
        self.spec = wanted;
        self.start_scheduler().await?;
        self.write_record(false)?;
        Ok(changes)
    }

    /// Makes one change true. Resources that still hold what runs are changed in place, and the change says so.
    async fn make(&mut self, change: &mut Change, wanted: &LabSpec) -> io::Result<()> {
        match change {
            Change::AgentAdded(agent) => self.start_agent(agent).await?,
            Change::AgentRemoved { name } => self.stop_agent(name).await,
            Change::AgentResized(agent) => {
                self.resize(agent)?;
            }
            Change::AgentReplaced { agent, what } => {
                if what == &["resources"] && self.resize(agent)? {
                    *change = Change::AgentResized(agent.clone());
                    return Ok(());
                }
                self.stop_agent(&agent.name).await;
                self.start_agent(agent).await?;
            }
            Change::SchedulerSet(set) => self.set_scheduler(set).await?,
            Change::MasterSet => {
                self.spec.master = wanted.master.clone();
                self.masters.reconfigure(&wanted.master);
            }
            Change::MasterAdded => self.add_master(self.masters.len()).await?,
            Change::MasterRemoved => self.masters.remove_last(),
            Change::MarathonAdded => {
                self.scheduler.stop(None, false).await?;
                self.start_marathon(false).await?;
            }
            Change::MarathonRemoved => {
                self.scheduler.stop(self.marathon.as_ref().map(MarathonUnit::url), false).await?;
                if let Some(marathon) = self.marathon.take() {
                    marathon.stop().await;
                }
            }
        }
        Ok(())
    }

    /// Gives an agent other resources while it runs; not when they do not hold what its tasks use.
    fn resize(&self, spec: &AgentSpec) -> io::Result<bool> {
        let Some(agent) = self.agents.get(&AgentName(spec.name.clone())) else { return Ok(false) };
        let total = Resources::parse(&spec.all_resources(), "*").map_err(io::Error::other)?;
        let used = agent.handle.with(view::allocated).unallocated();
        let fits = total.contains(&used);
        if fits {
            agent.handle.set_resources(total.to_protos());
        }
        Ok(fits)
    }

    /// Starts the scheduler where it is stopped, or has given up because another took its framework over: then it takes
    /// that back. Until somebody asks for this, one that has given up stays and says why.
    ///
    /// # Errors
    /// When it gets no port, or its kept state cannot be read.
    pub async fn start_scheduler(&mut self) -> io::Result<()> {
        if !self.scheduler.is_there() {
            self.scheduler.prepare(&self.spec.scheduler, &Map::new(), false).await?;
        }
        self.run_scheduler().await
    }

    async fn run_scheduler(&mut self) -> io::Result<()> {
        let wished = self.spec.ports.scheduler;
        let last = self.last.scheduler.as_deref().and_then(ports::port_of);
        let marathon = self.marathon.as_ref().map(MarathonUnit::url);
        let in_use = self.scheduler.start(marathon, (wished, last)).await?;
        self.in_use.extend(in_use.map(|port| PortInUse { component: "scheduler".to_owned(), port }));
        self.last.scheduler = self.scheduler.url();
        self.write_record(false)
    }

    /// Stops the scheduler; with `teardown` its framework and tasks end too.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub async fn stop_scheduler(&mut self, teardown: bool) -> io::Result<()> {
        self.scheduler.stop(self.marathon.as_ref().map(MarathonUnit::url), teardown).await?;
        self.write_record(false)
    }

    async fn start_marathon(&mut self, tasks_are_gone: bool) -> io::Result<()> {
        let last = self.last.marathon.as_deref().and_then(ports::port_of);
        let bound = ports::bind(self.spec.ports.marathon, last).await?;
        let listener = note("marathon", bound, &mut self.in_use);
        let masters =
            Masters::parse(&self.coordination.masters_at().to_string()).map_err(io::Error::other)?;
        let state = self.coordination.marathon_at();
        let marathon =
            MarathonUnit::start(&self.tasks, self.clock, listener, masters, state, tasks_are_gone).await?;
        self.last.marathon = Some(marathon.url());
        self.marathon = Some(marathon);
        Ok(())
    }

    async fn add_master(&mut self, at: usize) -> io::Result<()> {
        let wished = self.spec.ports.of_master(at);
        let last = self.last.masters().nth(at).and_then(ports::port_of);
        let bound = ports::bind(wished, last).await?;
        let listener = note(&master_name(at, self.spec.masters), bound, &mut self.in_use);
        self.masters.add(listener, &self.spec.master)
    }

    /// Ends a part as `kill -9` would, and lets it come back: ZooKeeper by Exhibitor, the scheduler by Marathon, the
    /// others at once.
    ///
    /// # Errors
    /// When the lab has no such part, or it cannot start again.
    pub async fn crash(&mut self, part: Part) -> io::Result<()> {
        match part {
            Part::ZooKeeper => self.coordination.crash_zookeeper().await,
            Part::Leader => {
                let leader = self.masters.leader().ok_or_else(|| io::Error::other("no master leads"))?;
                self.masters.crash(leader, &self.spec.master).await?;
            }
            Part::Marathon => {
                let marathon =
                    self.marathon.take().ok_or_else(|| io::Error::other("there is no Marathon"))?;
                self.marathon = Some(marathon.crash().await?);
            }
            Part::Scheduler => self.crash_scheduler()?,
        }
        Ok(())
    }

    fn crash_scheduler(&self) -> io::Result<()> {
        let is_ours = |executor: &&Executor| executor.id().as_str().starts_with(scheduler_app::TASK_PREFIX);
        let of = |agent: &Agent| -> Vec<u32> {
            let executors = agent.frameworks.values().flat_map(|framework| framework.executors.values());
            executors.filter(is_ours).flat_map(Executor::processes).collect()
        };
        let mut pids = self.agents.values().flat_map(|agent| agent.handle.with(of));
        let pid = pids.next().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.ok_or_else(|| io::Error::other("no scheduler runs as a process of its own"))?;
        Ok(rustix::process::kill_process(pid, Signal::KILL)?)
    }

    /// Ends everything in reverse order; no process of a task is left.
    ///
    /// # Errors
    /// When the record cannot be written; everything has ended all the same.
    pub async fn down(mut self) -> io::Result<()> {
        let recorded = self.write_record(true);
        self.scheduler.end().await;
        if let Some(marathon) = self.marathon.take() {
            marathon.stop().await;
        }
        let stops = std::mem::take(&mut self.agents).into_values().map(Running::stop);
        futures_util::future::join_all(stops).await;
        self.guard.dismiss().await;
        self.tasks.stop().await;
        recorded
    }

    async fn start_agent(&mut self, spec: &AgentSpec) -> io::Result<()> {
        let name = AgentName(spec.name.clone());
        let last = self.last.agents.get(&name).and_then(|url| ports::port_of(url));
        let bound = ports::bind(self.agent_port(&name), last).await?;
        let listener = note(&spec.name, bound, &mut self.in_use);
        let mut config = agent::Config::new(agent_config(spec, &self.state.agents())?);
        config.guard = Some(self.guard.clone());
        config.log = Some(self.state.log());
        let tasks = self.tasks.child();
        let handle = agent::start(&tasks, self.clock, listener, config, self.masters.seat())?;
        self.last.agents.insert(name.clone(), url(handle.endpoint()));
        self.agents.insert(name, Running { handle, tasks });
        Ok(())
    }

    /// `agent-3` listens on the third port from `ports.agents`; from 0, all listen where it is free.
    fn agent_port(&self, name: &AgentName) -> u16 {
        let number = name.0.rsplit('-').next().and_then(|digits| digits.parse::<u16>().ok()).unwrap_or(1);
        match self.spec.ports.agents {
            0 => 0,
            first => first.checked_add(number.saturating_sub(1)).unwrap_or(0),
        }
    }

    async fn stop_agent(&mut self, name: &str) {
        if let Some(agent) = self.agents.remove(&AgentName(name.to_owned())) {
            agent.stop().await;
        }
    }

    async fn set_scheduler(&self, set: &Map<String, Value>) -> io::Result<()> {
        let Some(url) = self.scheduler.url().filter(|_| !set.is_empty()) else { return Ok(()) };
        let api = provider::scheduler_api(&url).map_err(io::Error::other)?;
        api.patch_config(&Value::Object(set.clone())).await.map(drop).map_err(io::Error::other)
    }

    fn write_record(&self, stopped: bool) -> io::Result<()> {
        let endpoints = if stopped { self.last.clone() } else { self.endpoints() };
        self.state.write_record(&LabRecord {
            spec: self.spec.clone(),
            endpoints,
            pid: std::process::id(),
            containers: None,
            halted: Vec::new(),
            started_at: self.started_at,
            stopped,
        })
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn note(component: &str, bound: Bound, in_use: &mut Vec<PortInUse>) -> tokio::net::TcpListener {
    if let Some(port) = bound.in_use {
        in_use.push(PortInUse { component: component.to_owned(), port });
    }
    bound.listener
}

async fn coordination(
    tasks: &Tasks,
    clock: Clock,
    spec: &LabSpec,
    state: &StateDir,
    (last, in_use): (&Endpoints, &mut Vec<PortInUse>),
) -> io::Result<Coordination> {
    let port =
        |url: &Option<String>| url.as_deref().and_then(|url| ports::port_of(url.trim_end_matches("/mesos")));
    let bound = ports::bind(spec.ports.zookeeper, port(&last.zookeeper)).await?;
    let zookeeper = note("zookeeper", bound, in_use);
    let bound = ports::bind(spec.ports.exhibitor, port(&last.exhibitor)).await?;
    let exhibitor = note("exhibitor", bound, in_use);
    let masters: Vec<u16> = last.masters().filter_map(ports::port_of).collect();
    Coordination::start(tasks, clock, [zookeeper, exhibitor], state.zookeeper(), &masters).await
}

async fn registry(
    tasks: &Tasks,
    clock: Clock,
    spec: &LabSpec,
    state: &StateDir,
    (last, in_use): (&Endpoints, &mut Vec<PortInUse>),
) -> io::Result<RegistryHandle> {
    let last = last.registry.as_deref().and_then(ports::port_of);
    let bound = ports::bind(spec.ports.registry, last).await?;
    let listener = note("registry", bound, in_use);
    let config = registry::Config { data_dir: state.registry(), networks: Networks::loopback() };
    registry::start(tasks, clock, listener, config)
}

fn agent_config(spec: &AgentSpec, agents_dir: &Path) -> io::Result<AgentConfig> {
    let resources = Resources::parse(&spec.all_resources(), "*").map_err(io::Error::other)?;
    let info = AgentInfo {
        hostname: spec.hostname.clone(),
        resources: resources.to_protos(),
        attributes: attributes::parse(&spec.attributes).map_err(io::Error::other)?,
        ..AgentInfo::default()
    };
    let docker = DockerConfig::default();
    let config = AgentConfig::new(info, agents_dir.join(&spec.name).display().to_string());
    Ok(AgentConfig { docker: Some(docker), ..config })
}
