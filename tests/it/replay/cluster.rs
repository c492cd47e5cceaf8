//! A master and an agent in this process, on free ports, with a work directory of their own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mesoslab::{
    engine::{
        agent::{AgentConfig, account::Account},
        master::MasterConfig,
    },
    host::{
        accounts,
        agent::{self, AgentHandle},
        master::{self, MasterHandle},
    },
    mesos::{attributes, resources::Resources, v1::AgentInfo},
    runtime::{Clock, Tasks},
};
use tokio::net::TcpListener;

use super::normal::Place;

/// What is different from one group to the next.
pub struct Setup {
    /// The id of the recorded master, so that the ids of frameworks and agents are the recorded ones too.
    pub master_id: String,
    pub attributes: &'static str,
    pub ping_timeout: Duration,
    pub allocation_interval: Duration,
    pub heartbeat_interval: Duration,
    pub offer_timeout: Option<Duration>,
}

impl Setup {
    pub fn new(master_id: String) -> Self {
        Self {
            master_id,
            attributes: "",
            ping_timeout: Duration::from_secs(15),
            allocation_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(15),
            offer_timeout: None,
        }
    }
}

/// What the recorded agents had.
const RESOURCES: &str = "cpus:4;mem:4096;disk:10240;ports:[31000-32000]";

/// How long an agent may take to end its tasks.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Cluster {
    tasks: Tasks,
    clock: Clock,
    master: MasterHandle,
    agent: Mutex<Option<Agent>>,
    agent_port: Mutex<u16>,
    attributes: &'static str,
    work_dir: tempfile::TempDir,
}

struct Agent {
    handle: AgentHandle,
    tasks: Tasks,
}

impl Cluster {
    pub async fn start(setup: Setup) -> Self {
        let (tasks, clock) = (Tasks::new(), Clock::start());
        let config = MasterConfig {
            id: Some(setup.master_id),
            agent_ping_timeout: setup.ping_timeout,
            allocation_interval: setup.allocation_interval,
            heartbeat_interval: setup.heartbeat_interval,
            offer_timeout: setup.offer_timeout,
            // As Mesos has it: we are quicker here on purpose.
            offer_freed_resources_at_once: false,
            ..MasterConfig::default()
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self {
            master: master::start(&tasks, clock, listener, config).unwrap(),
            tasks,
            clock,
            agent: Mutex::default(),
            agent_port: Mutex::new(0),
            attributes: setup.attributes,
            work_dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts the agent, on the port that it had before.
    pub async fn start_agent(&self) {
        let port = *lock(&self.agent_port);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        *lock(&self.agent_port) = listener.local_addr().unwrap().port();
        let info = AgentInfo {
            hostname: "localhost".into(),
            resources: Resources::parse(RESOURCES, "*").unwrap().to_protos(),
            attributes: attributes::parse(self.attributes).unwrap(),
            ..AgentInfo::default()
        };
        let work_dir = self.work_dir.path().to_string_lossy().into_owned();
        let config = AgentConfig { switch_user: true, ..AgentConfig::new(info, work_dir) };
        let config = agent::Config { accounts: everybody_here, ..agent::Config::new(config) };
        let tasks = self.tasks.child();
        let handle = agent::start(&tasks, self.clock, listener, config, self.master.clone()).unwrap();
        *lock(&self.agent) = Some(Agent { handle, tasks });
    }

    /// The agent and its tasks end at once.
    pub async fn kill_agent(&self) {
        let agent = lock(&self.agent).take();
        if let Some(agent) = agent {
            agent.tasks.stop().await;
        }
    }

    /// The agent says goodbye.
    pub async fn unregister_agent(&self) {
        let agent = lock(&self.agent).take();
        if let Some(agent) = agent {
            assert!(agent.handle.stop(PATIENCE).await, "the agent's tasks did not end");
            agent.tasks.stop().await;
        }
    }

    pub fn master_address(&self) -> SocketAddr {
        self.master.endpoint()
    }

    pub fn agent_address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, *lock(&self.agent_port)))
    }

    pub fn place(&self) -> Place {
        Place {
            master: self.master_address().port(),
            agents: vec![*lock(&self.agent_port)],
            servers: Vec::new(),
            work_dirs: vec![self.work_dir.path().to_string_lossy().into_owned()],
        }
    }

    pub fn work_dir(&self) -> &Path {
        self.work_dir.path()
    }

    pub async fn stop(self) {
        self.unregister_agent().await;
        self.tasks.stop().await;
    }
}

/// The users of the recordings, whoever runs these tests: all of them are us.
fn everybody_here(user: &str) -> Result<Account, String> {
    match user {
        "nosuchuser" => accounts::find(user),
        _ => accounts::find(&accounts::own_name()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
