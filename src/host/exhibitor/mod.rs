//! Exhibitor with its IO: looks at one ZooKeeper by four-letter words, has it started again by whoever runs it, and
//! shows its tree.
//!
//! ```text
//! HTTP, timer, the ZooKeeper's end > lock > Supervisor > effects > words to the ZooKeeper, orders to whoever runs it
//! HTTP of the explorer > Tree > a session with the ZooKeeper
//! ```

pub mod child;
mod http;
#[cfg(test)]
mod tests;
mod tree;
mod words;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
};

use self::tree::Tree;
use super::{
    http::{Guard, Options, serve},
    networks::Networks,
};
use crate::{
    mesos::time::Time,
    runtime::{Clock, Tasks},
    services::exhibitor::{self, Effect, Input, Judgement, LONGEST_BACKOFF, Supervisor, judge},
};

/// From one look at a ZooKeeper to the next, in a lab.
pub const DEFAULT_CHECK: Duration = Duration::from_secs(1);

/// What whoever runs the ZooKeeper is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing is to be done where it runs.
    Start,
    Stop,
    /// Also where it hangs: it is ended by force.
    Restart,
}

/// What an Exhibitor is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port` of the ZooKeeper.
    pub zookeeper: String,
    /// From one look to the next.
    pub check_every: Duration,
    /// The longest pause between two starts of a ZooKeeper that ends again and again.
    pub longest_backoff: Duration,
    /// Whether the explorer may write.
    pub allow_writes: bool,
    /// Who is asked to start and stop the ZooKeeper. It tells of the ZooKeeper's end, and of orders that it cannot follow,
    /// by [`ExhibitorHandle::exited`] and [`ExhibitorHandle::failed`]. Without it, the ZooKeeper is only looked at.
    pub supervised: Option<mpsc::UnboundedSender<Order>>,
    /// Names by which it may be asked, beside loopback names and its address.
    pub hosts: Vec<String>,
    /// Who may connect, beside this machine.
    pub networks: Networks,
}

impl Config {
    /// Looks at the ZooKeeper every [`DEFAULT_CHECK`], and changes nothing.
    pub fn new(zookeeper: impl Into<String>) -> Self {
        Self {
            zookeeper: zookeeper.into(),
            check_every: DEFAULT_CHECK,
            longest_backoff: LONGEST_BACKOFF,
            allow_writes: false,
            supervised: None,
            hosts: Vec::new(),
            networks: Networks::default(),
        }
    }
}

/// A running Exhibitor. Cheap to clone.
#[derive(Clone)]
pub struct ExhibitorHandle(Arc<Shared>);

struct Shared {
    clock: Clock,
    endpoint: SocketAddr,
    zookeeper: String,
    allow_writes: bool,
    core: Mutex<Core>,
    supervised: Option<mpsc::UnboundedSender<Order>>,
    tree: Tree,
    tasks: Tasks,
    judgement: watch::Sender<Judgement>,
    /// Rung when the timer may wait for too late a time.
    wake: Notify,
}

struct Core {
    supervisor: Supervisor,
    config: exhibitor::Config,
    /// Lines of the supervisor's log that our own log has.
    logged: u64,
}

/// Serves an Exhibitor on `listener` until `tasks` is cancelled.
///
/// # Errors
/// When the listener has no address, and when `zookeeper` is not `host:port`.
pub fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    config: Config,
) -> io::Result<ExhibitorHandle> {
    let endpoint = listener.local_addr()?;
    let (host, port) = split(&config.zookeeper)?;
    let supervisor = Supervisor::new(clock.now(), config.check_every, config.supervised.is_some())
        .pausing_at_most(config.longest_backoff);
    let settings = exhibitor::Config::new(host, port, config.check_every);
    let shared = Shared {
        clock,
        endpoint,
        tree: Tree::new(tasks.clone(), config.zookeeper.clone()),
        zookeeper: config.zookeeper,
        allow_writes: config.allow_writes,
        core: Mutex::new(Core { supervisor, config: settings, logged: 0 }),
        supervised: config.supervised,
        tasks: tasks.clone(),
        judgement: watch::Sender::default(),
        wake: Notify::new(),
    };
    let handle = ExhibitorHandle(Arc::new(shared));
    let guard = Guard::with_hosts(config.hosts);
    let options = Options { guard, networks: config.networks, ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), clock, http::router(&handle), options));
    tasks.spawn(handle.clone().keep_time());
    Ok(handle)
}

fn split(zookeeper: &str) -> io::Result<(&str, u16)> {
    let parts = zookeeper.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    parts.filter(|(host, _)| !host.is_empty()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("`{zookeeper}` is no address as HOST:PORT"))
    })
}

impl ExhibitorHandle {
    /// Where it listens.
    pub fn endpoint(&self) -> SocketAddr {
        self.0.endpoint
    }

    /// What the last look at the ZooKeeper gave, and every change of it.
    pub fn judgement(&self) -> watch::Receiver<Judgement> {
        self.0.judgement.subscribe()
    }

    /// How often the ZooKeeper was started again because it did not answer.
    pub fn restarts(&self) -> u64 {
        self.lock().supervisor.restarts()
    }

    /// The ZooKeeper has ended, other than by an order.
    pub fn exited(&self, reason: impl Into<String>) {
        self.input(Input::Exited(reason.into()));
    }

    /// An order could not be followed.
    pub fn failed(&self, reason: impl Into<String>) {
        self.input(Input::Failed(reason.into()));
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one input in; orders leave in the supervisor's order.
    fn input(&self, input: Input) {
        let mut core = self.lock();
        let effects = core.supervisor.handle(self.0.clock.now(), input);
        for effect in effects {
            self.dispatch(effect);
        }
        core.supervisor.log.since(core.logged).for_each(|line| tracing::info!("{line}"));
        core.logged = core.supervisor.log.told();
        let judgement = core.supervisor.judgement();
        self.0.judgement.send_if_modified(|last| std::mem::replace(last, judgement) != judgement);
        self.0.wake.notify_one();
    }

    fn dispatch(&self, effect: Effect) {
        let order = match effect {
            Effect::Check => {
                self.0.tasks.spawn(self.clone().check());
                return;
            }
            Effect::Start => Order::Start,
            Effect::Stop => Order::Stop,
            Effect::Restart => Order::Restart,
        };
        if let Some(supervised) = &self.0.supervised
            && supervised.send(order).is_err()
        {
            tracing::debug!(?order, "nobody is left who follows orders");
        }
    }

    async fn check(self) {
        let ruok = words::ask(&self.0.zookeeper, "ruok").await.ok();
        let srvr = if ruok.is_some() { words::ask(&self.0.zookeeper, "srvr").await.ok() } else { None };
        self.input(Input::Checked(judge(ruok.as_deref(), srvr.as_deref())));
    }

    async fn keep_time(self) {
        loop {
            let deadline: Option<Time> = self.lock().supervisor.next_deadline();
            let due = self.0.clock.reach(deadline);
            tokio::select! {
                () = due => self.input(Input::Tick),
                () = self.0.wake.notified() => {}
            }
        }
    }
}
