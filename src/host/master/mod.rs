//! A master with its IO: one mutex around the pure [`Master`], one HTTP listener, one timer, channels to the agents of
//! this process, and links to those of others.
//!
//! ```text
//! HTTP call, agent message, timer > lock > Master::handle > effects > streams, channels, links > unlock > answer
//! ```
//!
//! Effects are dispatched while the lock is held, so that every stream sees them in the engine's order; no
//! dispatch waits for anybody. Where the registry is in ZooKeeper, effects wait in their order for what is to be
//! written before them.

mod changes;
mod contest;
mod files;
mod led;
mod legacy;
mod operator;
mod outlets;
mod registry;
mod remote;
mod scheduler;
mod shared_registry;
pub mod system;

use std::{
    net::{SocketAddr, SocketAddrV4},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
};
use tokio_util::sync::CancellationToken;

pub use self::contest::{Contest, Seat, WhenDeposed, start_contending};
use self::outlets::{Outlet, Outlets};
use super::{
    http::{Guard, Options, Router, serve},
    libprocess::{Peer, PeerLimits},
    networks::Networks,
    pages,
    verbosity::{self, Verbosity},
};
use crate::{
    engine::{
        master::{Input, Master, MasterConfig, Output, Reply},
        wire::{AgentLink, ToAgent, ToMaster},
    },
    mesos::time::Time,
    runtime::{Clock, Tasks},
};

/// The shortest pause between two ticks.
const TICK: Duration = Duration::from_millis(1);

/// A running master. Cheap to clone.
#[derive(Clone)]
pub struct MasterHandle(Arc<Shared>);

impl std::fmt::Debug for MasterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MasterHandle").field(&self.0.endpoint).finish()
    }
}

struct Shared {
    clock: Clock,
    endpoint: SocketAddr,
    core: Mutex<Core>,
    /// Once it stops, a stream that ends is no disconnected client.
    stopping: CancellationToken,
    /// All that this master runs.
    own: Tasks,
    /// Why it leads no longer, if it ever did.
    deposed: watch::Sender<Option<String>>,
    /// Rung when a deadline has come before the one that the timer waits for.
    earlier: Notify,
    verbosity: Verbosity,
}

struct Core {
    master: Master,
    outlets: Outlets,
    /// What the timer waits for.
    armed: Option<Time>,
}

/// What a master is started with.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Port and address are those of the listener, whatever it says here.
    pub master: MasterConfig,
    /// What agents and frameworks are told to connect to, where that is not the listener's address.
    pub advertise: Option<SocketAddrV4>,
    /// Who may connect, beside this machine.
    pub networks: Networks,
    /// Names by which it may be asked, beside loopback names and its address.
    pub hosts: Vec<String>,
    /// Where the registry is kept; without a place it is as old as the master.
    pub registry: Option<PathBuf>,
}

impl From<MasterConfig> for Config {
    fn from(master: MasterConfig) -> Self {
        Self { master, ..Self::default() }
    }
}

/// Serves a master on `listener` until `tasks` is cancelled; its port (and its address, when it is a definite one)
/// become the master's.
///
/// # Errors
/// When the registry cannot be read or written.
pub fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    config: impl Into<Config>,
) -> std::io::Result<MasterHandle> {
    let config: Config = config.into();
    let seed = uuid::Uuid::new_v4().as_u64_pair().0;
    let place = config.registry.clone();
    let opened = place.map(|work_dir| registry::Registry::open(&work_dir)).transpose()?;
    let handle =
        assemble(&tasks.child(), clock, listener, config, |config, now| Master::new(config, now, seed))?;
    if let Some((registry, entries)) = opened {
        tracing::info!(entries = entries.len(), "read the registry");
        let mut core = handle.lock();
        core.master.recover(entries);
        core.outlets.registry = Some(registry);
    }
    handle.0.earlier.notify_one();
    tracing::info!(endpoint = %handle.endpoint(), "master elected");
    Ok(handle)
}

/// Serves the master that `make` makes.
fn assemble(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    mut config: Config,
    make: impl FnOnce(MasterConfig, Time) -> Master,
) -> std::io::Result<MasterHandle> {
    let endpoint = listener.local_addr()?;
    let advertised = advertised(endpoint, &config);
    config.master.port = advertised.port();
    config.master.ip = *advertised.ip();
    let hosts = config.hosts.into_iter().chain([config.master.hostname.clone(), advertised.ip().to_string()]);
    let guard = Guard::with_hosts(hosts);
    let master = make(config.master, clock.now());
    let (events, links) = mpsc::unbounded_channel();
    let mut outlets = Outlets::default();
    let peer = Peer::start(tasks, advertised.into(), config.networks.clone(), PeerLimits::default(), events);
    outlets.remotes.use_peer(peer);
    let core = Mutex::new(Core { master, outlets, armed: None });
    let shared = Shared {
        clock,
        endpoint,
        core,
        stopping: tasks.token(),
        own: tasks.clone(),
        deposed: watch::Sender::new(None),
        earlier: Notify::new(),
        verbosity: Verbosity::default(),
    };
    let handle = MasterHandle(Arc::new(shared));
    let options = Options { guard, networks: config.networks, ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), clock, router(&handle), options));
    tasks.spawn(handle.clone().keep_time());
    tasks.spawn(handle.clone().watch_links(links));
    Ok(handle)
}

/// The address that others know the master by; that of loopback where nothing definite is known.
fn advertised(endpoint: SocketAddr, config: &Config) -> SocketAddrV4 {
    match (config.advertise, endpoint) {
        (Some(advertised), _) => {
            let port = if advertised.port() == 0 { endpoint.port() } else { advertised.port() };
            SocketAddrV4::new(*advertised.ip(), port)
        }
        (None, SocketAddr::V4(address)) if !address.ip().is_unspecified() => address,
        (None, _) => SocketAddrV4::new(config.master.ip, endpoint.port()),
    }
}

fn router(master: &MasterHandle) -> Router {
    let inbox = master.clone();
    let router = Router::new("master").messages(move |message| inbox.incoming(message));
    let router = master.route(router, "/master/api/v1/scheduler", scheduler::answer);
    let router = master.route(router, "/master/api/v1", operator::answer);
    let clock = master.clone();
    let router = verbosity::routes(router, master.0.verbosity.clone(), move || clock.now());
    let router = pages::parts(router, pages::MASTER);
    let router = master.route(router, "/", |_, request| pages::answer(pages::MASTER, request));
    legacy::ENDPOINTS.iter().fold(router, |router, (path, answer)| master.route(router, path, *answer))
}

impl MasterHandle {
    /// Where the master listens.
    pub fn endpoint(&self) -> SocketAddr {
        self.0.endpoint
    }

    /// Whether both are the same master.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Opens the channel of an agent in this process.
    pub fn connect_agent(&self) -> (AgentLink, mpsc::UnboundedReceiver<ToAgent>) {
        self.lock().outlets.connect_agent()
    }

    /// A message of an agent.
    pub fn from_agent(&self, link: AgentLink, message: ToMaster) {
        self.input(Input::Agent { link, message: Box::new(message) });
    }

    /// The agent at the other end of a link is gone.
    pub fn agent_gone(&self, link: AgentLink) {
        self.lock().outlets.disconnect_agent(link);
        self.input(Input::AgentLost(link));
    }

    /// Looks at the master; nothing moves meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&Master) -> T) -> T {
        look(&self.lock().master)
    }

    fn route(
        &self,
        router: Router,
        path: &str,
        answer: fn(&Self, &super::http::Request) -> super::http::Response,
    ) -> Router {
        let master = self.clone();
        if !led::is_of_the_leader(path) {
            return router.route(path, move |request| answer(&master, request));
        }
        let named = path.to_owned();
        router.route(path, move |request| {
            led::elsewhere(&master, &named, request).unwrap_or_else(|| answer(&master, request))
        })
    }

    fn now(&self) -> Time {
        self.0.clock.now()
    }

    /// Goes on with other settings, see [`Master::reconfigure`].
    pub fn reconfigure(
        &self,
        allocation_interval: Duration,
        offer_timeout: Option<Duration>,
        offer_freed_resources_at_once: bool,
    ) {
        let now = self.0.clock.now();
        let master = &mut self.lock().master;
        master.reconfigure(now, allocation_interval, offer_timeout, offer_freed_resources_at_once);
        self.0.earlier.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn input(&self, input: Input) -> Option<Reply> {
        self.step(input, None)
    }

    /// Reports a stream that ended from the client's side; `was_open` tells it from one that the master closed.
    fn reader_gone(&self, input: Input, was_open: impl FnOnce(&mut Outlets) -> bool) {
        if !self.0.stopping.is_cancelled() && was_open(&mut self.lock().outlets) {
            tracing::info!(?input, "reader gone");
            self.input(input);
        }
    }

    /// Takes one input in and does what follows from it; `outlet` serves the stream that a reply opens.
    fn step(&self, input: Input, outlet: Option<Outlet>) -> Option<Reply> {
        let mut core = self.lock();
        let Output { reply, effects } = core.master.handle(self.now(), input);
        if let (Some(reply), Some(outlet)) = (&reply, outlet) {
            core.outlets.open(reply, outlet);
        }
        for effect in effects {
            core.outlets.dispatch(effect);
        }
        if is_earlier(core.master.next_deadline(), core.armed) {
            self.0.earlier.notify_one();
        }
        reply
    }

    /// Ticks whenever the master wants it.
    async fn keep_time(self) {
        let mut last = Time::default();
        loop {
            let Some(deadline) = self.arm() else {
                self.0.earlier.notified().await;
                continue;
            };
            let wake = self.0.clock.instant(deadline.max(last + TICK));
            tokio::select! {
                () = tokio::time::sleep_until(wake) => {
                    last = self.now();
                    self.input(Input::Tick);
                }
                () = self.0.earlier.notified() => {}
            }
        }
    }

    fn arm(&self) -> Option<Time> {
        let mut core = self.lock();
        core.armed = core.master.next_deadline();
        core.armed
    }
}

fn is_earlier(deadline: Option<Time>, armed: Option<Time>) -> bool {
    match (deadline, armed) {
        (Some(deadline), Some(armed)) => deadline < armed,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests;
