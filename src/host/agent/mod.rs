//! An agent with its IO: one mutex around the pure [`Agent`], one HTTP listener, and one loop that feeds it.
//!
//! ```text
//! master, processes, probes, timer > loop > Agent::handle > effects > master, runner, probes
//! HTTP request > lock > view > answer
//! HTTP request > order > loop > Agent::handle > answer; attached streams > switchboard > process
//! ```
//!
//! Only the loop changes the agent, so effects keep the engine's order without the lock being held.

mod containers;
mod executors;
mod fetching;
mod files;
mod guests;
mod http;
pub mod memory;
pub(super) mod probe;
mod processes;
mod providers;
mod run;
mod switchboard;
mod way;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
};
use tokio_util::sync::CancellationToken;

pub use self::memory::{AgentMemory, Remembered};
use self::{
    executors::Executors,
    guests::Guests,
    processes::Processes,
    run::{Events, Run},
    switchboard::Switchboard,
    way::{Leader, Way},
};
use super::{
    accounts,
    docker::{Containers, FoundContainer, Site},
    guard::Guard,
    http::{Guard as HostGuard, Options, serve},
    keeper::{KeeperHub, KeptContainer},
    libprocess::{Peer, PeerLimits},
    master::{MasterHandle, Seat},
    networks::Networks,
    process::Runner,
    sandbox::files::Files,
    verbosity::Verbosity,
};
use crate::{
    client::election::Detection,
    engine::agent::{
        Agent, AgentConfig, Input,
        account::Accounts,
        nested::{Answer, Order},
    },
    mesos::{
        time::Time,
        v1::{ContainerId, Resource},
    },
    runtime::{Clock, Tasks},
};

/// How long an agent that stops waits for its tasks, whatever their grace periods say.
pub const DEFAULT_STOP_PATIENCE: Duration = Duration::from_secs(10);

/// What an agent is started with.
#[derive(Debug)]
pub struct Config {
    /// Port and address are those of the listener, whatever it says here.
    pub agent: AgentConfig,
    /// What container ids and uuids of updates are drawn from.
    pub seed: u64,
    /// What `/slave/log` shows.
    pub log: Option<PathBuf>,
    /// Keeps task processes from outliving this process.
    pub guard: Option<Guard>,
    /// Runs the task processes, so that those that survive can; without one they are children of this process.
    pub keeper: Option<KeeperHub>,
    /// What the agent remembers for the next one of its work directory; without one it starts and ends as a new one.
    pub memory: Option<AgentMemory>,
    /// What an earlier agent has left: its id, its log, and its containers.
    pub remembered: Option<(Remembered, Vec<KeptContainer>)>,
    /// Containers of Docker Engine that earlier agents have left.
    pub found: Vec<FoundContainer>,
    /// What the master is told to connect to, where that is not the listener's address.
    pub advertise: Option<SocketAddr>,
    /// Who may connect, and whom the agent connects to, beside this machine.
    pub networks: Networks,
    /// Names by which it may be asked, beside loopback names and its address.
    pub hosts: Vec<String>,
    /// How the users are found that tasks are to run as.
    pub accounts: Accounts,
}

impl Config {
    /// With a random seed, for this machine alone, and with nothing that would outlive the process.
    pub fn new(agent: AgentConfig) -> Self {
        Self {
            agent,
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            log: None,
            guard: None,
            keeper: None,
            memory: None,
            remembered: None,
            found: Vec::new(),
            advertise: None,
            networks: Networks::default(),
            hosts: Vec::new(),
            accounts: accounts::find,
        }
    }
}

/// The master of an agent.
#[derive(Clone)]
pub enum MasterAt {
    /// In this process.
    Here(MasterHandle),
    /// Whoever leads in this process.
    Seat(Seat),
    /// In another one, under this address.
    Address(SocketAddr),
    /// In another one, wherever the leader is found to be.
    Detected(watch::Receiver<Detection>),
}

impl From<Seat> for MasterAt {
    fn from(seat: Seat) -> Self {
        Self::Seat(seat)
    }
}

impl From<MasterHandle> for MasterAt {
    fn from(master: MasterHandle) -> Self {
        Self::Here(master)
    }
}

/// A running agent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AgentHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    endpoint: SocketAddr,
    agent: Mutex<Agent>,
    log: Option<PathBuf>,
    /// Those that are connected.
    executors: Executors,
    /// What is fed to the loop from elsewhere.
    inputs: mpsc::UnboundedSender<Input>,
    /// Counts the orders of clients.
    orders: AtomicU64,
    /// Who waits for what becomes of an order.
    answers: Mutex<BTreeMap<u64, oneshot::Sender<Answer>>>,
    /// Containers with streams to attach to.
    switchboards: Mutex<BTreeMap<ContainerId, Switchboard>>,
    /// Cancelled when the loop has ended.
    stopped: CancellationToken,
    verbosity: Verbosity,
}

/// Runs an agent that registers with `master` and serves HTTP on `listener`, until it is stopped or `tasks` is
/// cancelled; the latter kills its tasks at once.
///
/// Fails when the work directory cannot be made, or the threads that start processes.
pub fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    mut config: Config,
    master: impl Into<MasterAt>,
) -> io::Result<AgentHandle> {
    let endpoint = listener.local_addr()?;
    let master = master.into();
    let address = config.advertised(endpoint);
    config.agent.info.port = Some(address.port().into());
    config.agent.ip = address.ip();
    let named = match &master {
        MasterAt::Here(master) => Some(master.endpoint()),
        MasterAt::Address(address) => Some(*address),
        MasterAt::Seat(_) | MasterAt::Detected(_) => None,
    };
    if let Some(named) = named {
        config.agent.flags.entry("master".to_owned()).or_insert_with(|| named.to_string());
    }
    std::fs::create_dir_all(&config.agent.work_dir)?;
    let (heard, process_events) = mpsc::unbounded_channel();
    let guests = Guests::new(heard.clone(), config.guard.clone(), tasks.child());
    let processes = match config.keeper {
        Some(hub) => Processes::Kept { hub, events: heard },
        None => Processes::Own(Runner::start(&heard, config.guard)?),
    };
    let (inputs, fed) = mpsc::unbounded_channel();
    let (happens, happened) = mpsc::unbounded_channel();
    let docker = config.agent.docker.clone().unwrap_or_default();
    let site = Site::new(&docker, &config.agent.work_dir);
    let containers = Containers::new(site, happens, tasks.clone());
    let hosts =
        config.hosts.into_iter().chain([config.agent.info.hostname.clone(), address.ip().to_string()]);
    let guard = HostGuard::with_hosts(hosts);
    let agent = Mutex::new(Agent::new(config.agent, clock.now(), config.seed).with_accounts(config.accounts));
    let stopped = CancellationToken::new();
    let handle = AgentHandle(Arc::new(Shared {
        clock,
        endpoint,
        agent,
        log: config.log,
        executors: Executors::default(),
        inputs,
        orders: AtomicU64::default(),
        answers: Mutex::default(),
        switchboards: Mutex::default(),
        stopped,
        verbosity: Verbosity::default(),
    }));
    let mut router = http::router(&handle);
    let mut inbox = None;
    let mut abroad = |leader| {
        let (events, links) = mpsc::unbounded_channel();
        let peer = Peer::start(tasks, address, config.networks.clone(), PeerLimits::default(), events);
        let (way, incoming) = Way::remote(peer, links, leader);
        inbox = Some(incoming);
        way
    };
    let way = match master {
        MasterAt::Here(master) => Way::local(Seat::of(master)),
        MasterAt::Seat(seat) => Way::local(seat),
        MasterAt::Address(address) => abroad(Leader::Fixed(address)),
        MasterAt::Detected(detected) => abroad(Leader::Detected(detected)),
    };
    if let Some(inbox) = inbox {
        router = router.messages(move |message| inbox.incoming(message));
    }
    let events = Events { processes: process_events, containers: happened, fed };
    let runs = (processes, containers, guests);
    let mut run = Run::new(handle.clone(), way, runs, events, tasks.child())?;
    run.memory = config.memory;
    run.recover(config.remembered, config.found);
    tasks.spawn(run.until_stopped());
    let options = Options { guard, networks: config.networks, ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), clock, router, options));
    tracing::info!(%endpoint, "agent started");
    Ok(handle)
}

impl Config {
    /// The address that others know the agent by.
    fn advertised(&self, endpoint: SocketAddr) -> SocketAddr {
        match self.advertise {
            Some(address) if address.port() == 0 => SocketAddr::new(address.ip(), endpoint.port()),
            Some(address) => address,
            None if endpoint.ip().is_unspecified() => SocketAddr::new(self.agent.ip, endpoint.port()),
            None => endpoint,
        }
    }
}

impl AgentHandle {
    /// Where the agent listens.
    pub fn endpoint(&self) -> SocketAddr {
        self.0.endpoint
    }

    /// Looks at the agent; nothing moves meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&Agent) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the agent's resources while it runs.
    pub fn set_resources(&self, total: Vec<Resource>) {
        let _stopped = self.0.inputs.send(Input::Resources(total));
    }

    /// Unregisters, ends all tasks with their grace, and waits for that, but not longer than `patience`; what
    /// still runs then dies with the tasks group. Whether everything had ended in time.
    pub async fn stop(&self, patience: Duration) -> bool {
        let _stopped_already = self.0.inputs.send(Input::Stop);
        tokio::time::timeout(patience, self.stopped()).await.is_ok()
    }

    /// Waits until the agent runs no more, by our wish or the master's.
    pub async fn stopped(&self) {
        self.0.stopped.cancelled().await;
    }

    fn now(&self) -> Time {
        self.0.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, Agent> {
        self.0.agent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an order of a client to the loop, and waits for what becomes of it; the loop learns of a client that leaves.
    async fn order(&self, order: Order) -> Answer {
        let request = self.0.orders.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        locked(&self.0.answers).insert(request, answer);
        let waiting = Waiting { agent: self, request };
        let _stopped = self.0.inputs.send(Input::Order { request, order });
        let answer = tokio::select! {
            answer = answered => answer.ok(),
            () = self.stopped() => None,
        };
        drop(waiting);
        answer.unwrap_or_else(|| Answer::Failed("The agent has stopped".to_owned()))
    }

    fn answer(&self, request: u64, answer: Answer) {
        if let Some(waiting) = locked(&self.0.answers).remove(&request) {
            let _left = waiting.send(answer);
        }
    }

    /// The streams of a container, where there are any to attach to.
    fn switchboard(&self, container_id: &ContainerId) -> Option<Switchboard> {
        locked(&self.0.switchboards).get(container_id).cloned()
    }

    /// The files that clients may see.
    fn files(&self) -> Files {
        let agent = self.lock();
        Files::new(&agent.config.work_dir, agent.id().cloned(), self.0.log.clone())
    }
}

/// A client that waits for what becomes of an order.
struct Waiting<'a> {
    agent: &'a AgentHandle,
    request: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if locked(&self.agent.0.answers).remove(&self.request).is_some() {
            let _stopped = self.agent.0.inputs.send(Input::Abandon { request: self.request });
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
