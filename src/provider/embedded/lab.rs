//! The lab while it runs: master, agents and scheduler of one process, and the changes it can take.

use std::{collections::BTreeMap, io, net::SocketAddr, path::Path, time::Duration};

use serde_json::{Map, Value};

use super::{
    diff::{self, Change},
    ports::{self, Bound},
};
use crate::{
    client::masters::Masters,
    engine::{
        agent::{AgentConfig, view},
        master::MasterConfig,
    },
    host::{
        agent::{self, AgentHandle},
        guard::{self, Guard, GuardCommand},
        master::{self, MasterHandle},
        scheduler::{self, SchedulerHandle},
    },
    mesos::{attributes, resources::Resources, v1::AgentInfo},
    provider::{
        self, AgentName, Endpoints,
        state::{LabRecord, StateDir},
    },
    runtime::{Clock, Tasks},
    scheduler::config::SchedulerConfig,
    spec::{AgentSpec, LabSpec, MasterSpec},
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
    master: MasterHandle,
    agents: BTreeMap<AgentName, Running>,
    scheduler: Option<SchedulerHandle>,
    started_at: f64,
    last: Endpoints,
    in_use: Vec<PortInUse>,
}

impl EmbeddedLab {
    /// Starts master, agents and scheduler; returns when all of them listen. The record tells where.
    ///
    /// # Errors
    /// When a listener, the guard or the state directory cannot be had.
    pub async fn start(spec: LabSpec, state: StateDir, clock: Clock) -> io::Result<Self> {
        let previous = state.record_if_sound()?;
        let last = previous.as_ref().map(|record| record.endpoints.clone()).unwrap_or_default();
        std::fs::create_dir_all(state.agents())?;
        guard::sweep(&state.agents())?;
        let tasks = Tasks::new();
        let guard = Guard::spawn(&tasks, GuardCommand::this_binary(&state.agents())?)?;
        let mut in_use = Vec::new();
        let bound = ports::bind(spec.ports.master, ports::port_of(&last.master)).await?;
        let listener = note("master", bound, &mut in_use);
        let config = master_config(&spec.master);
        let master = master::start(&tasks, clock, listener, config)?;
        let mut lab = Self {
            state,
            clock,
            tasks,
            guard,
            master,
            agents: BTreeMap::new(),
            scheduler: None,
            started_at: clock.now().as_secs_f64(),
            last,
            in_use,
            spec,
        };
        for agent in lab.spec.agents.clone() {
            lab.start_agent(&agent).await?;
        }
        let changed = match previous {
            Some(record) => diff::scheduler_changes(&record.spec.scheduler, &lab.spec.scheduler),
            None => Map::new(),
        };
        lab.run_scheduler(true).await?;
        lab.set_scheduler(&changed).await?;
        lab.write_record(false)?;
        Ok(lab)
    }

    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            zookeeper: None,
            exhibitor: None,
            marathon: None,
            master: url(self.master.endpoint()),
            more_masters: Vec::new(),
            agents: self
                .agents
                .iter()
                .map(|(name, agent)| (name.clone(), url(agent.handle.endpoint())))
                .collect(),
            scheduler: self.scheduler.as_ref().map(SchedulerHandle::endpoint),
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
            self.make(change, &wanted.master).await?;
        }
        self.start_scheduler().await?;
        self.spec = wanted;
        self.write_record(false)?;
        Ok(changes)
    }

    /// Makes one change true. Resources that still hold what runs are changed in place, and the change says so.
    async fn make(&mut self, change: &mut Change, master: &MasterSpec) -> io::Result<()> {
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
            Change::MasterSet => self.set_master(master),
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
        match self.scheduler.take_if(|scheduler| scheduler.has_stopped()) {
            Some(ended) => ended.stop(false).await,
            None if self.scheduler.is_some() => return Ok(()),
            None => {}
        }
        self.run_scheduler(false).await
    }

    /// `tasks_are_gone` for a lab that begins: its guard has seen to it that none is left of the last one.
    async fn run_scheduler(&mut self, tasks_are_gone: bool) -> io::Result<()> {
        let last = self.last.scheduler.as_deref().and_then(ports::port_of);
        let bound = ports::bind(self.spec.ports.scheduler, last).await?;
        let listener = note("scheduler", bound, &mut self.in_use);
        let config = scheduler_config(&self.spec.scheduler)?;
        let masters = Masters::new([url(self.master.endpoint())]).map_err(io::Error::other)?;
        let mut setup = scheduler::Setup::new(config, self.state.scheduler(), masters);
        setup.tasks_are_gone = tasks_are_gone;
        let handle =
            scheduler::start(&self.tasks, self.clock, listener, setup).await.map_err(io::Error::other)?;
        self.last.scheduler = Some(handle.endpoint());
        self.scheduler = Some(handle);
        self.write_record(false)
    }

    /// Stops the scheduler; with `teardown` its framework and tasks end too.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub async fn stop_scheduler(&mut self, teardown: bool) -> io::Result<()> {
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.stop(teardown).await;
        }
        self.write_record(false)
    }

    /// Ends everything in reverse order; no process of a task is left.
    ///
    /// # Errors
    /// When the record cannot be written; everything has ended all the same.
    pub async fn down(mut self) -> io::Result<()> {
        let recorded = self.write_record(true);
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.stop(false).await;
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
        let handle = agent::start(&tasks, self.clock, listener, config, self.master.clone())?;
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
        let Some(scheduler) = self.scheduler.as_ref().filter(|_| !set.is_empty()) else { return Ok(()) };
        let api = provider::scheduler_api(&scheduler.endpoint()).map_err(io::Error::other)?;
        api.patch_config(&Value::Object(set.clone())).await.map(drop).map_err(io::Error::other)
    }

    fn set_master(&self, spec: &MasterSpec) {
        self.master.reconfigure(
            spec.allocation_interval,
            spec.offer_timeout,
            spec.offer_freed_resources_at_once,
        );
    }

    fn write_record(&self, stopped: bool) -> io::Result<()> {
        let endpoints = if stopped { self.last.clone() } else { self.endpoints() };
        self.state.write_record(&LabRecord {
            spec: self.spec.clone(),
            endpoints,
            pid: std::process::id(),
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

fn master_config(spec: &MasterSpec) -> MasterConfig {
    MasterConfig {
        allocation_interval: spec.allocation_interval,
        offer_timeout: spec.offer_timeout,
        offer_freed_resources_at_once: spec.offer_freed_resources_at_once,
        ..MasterConfig::default()
    }
}

fn agent_config(spec: &AgentSpec, agents_dir: &Path) -> io::Result<AgentConfig> {
    let resources = Resources::parse(&spec.all_resources(), "*").map_err(io::Error::other)?;
    let info = AgentInfo {
        hostname: spec.hostname.clone(),
        resources: resources.to_protos(),
        attributes: attributes::parse(&spec.attributes).map_err(io::Error::other)?,
        ..AgentInfo::default()
    };
    Ok(AgentConfig::new(info, agents_dir.join(&spec.name).display().to_string()))
}

/// The settings of a scheduler that has none yet: the defaults with what the lab file sets.
fn scheduler_config(set: &Map<String, Value>) -> io::Result<SchedulerConfig> {
    SchedulerConfig::default().patched(&Value::Object(set.clone())).map_err(io::Error::other)
}
