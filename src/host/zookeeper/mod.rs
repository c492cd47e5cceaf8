//! A ZooKeeper with its IO: one mutex around the pure [`Server`], a listener, a timer that runs only while something can
//! expire, and a log that is on the disk before what it says is answered.
//!
//! ```text
//! frame, timer > lock > Server::handle > effects > outlets          nothing written, nothing waiting
//!                                                > batch > fsync > outlets   one fsync for all that waits
//! ```

mod connection;
mod core;
mod files;
mod listener;
mod log;
mod outlet;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

use self::{core::Core, listener::Door, log::Log};
use super::networks::Networks;
use crate::{
    runtime::{Clock, Tasks},
    services::zookeeper::{self as service, Figures, Input, Server},
    zookeeper::frame::MAX_BUFFER,
};

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Port, data directory, environment and secret are filled in here, whatever it says.
    pub service: service::Config,
    /// Where log and snapshots are; without a place all is gone with the server.
    pub data_dir: Option<PathBuf>,
    /// The longest frame that is taken, in bytes.
    pub jute_max_buffer: usize,
    /// How many transactions the log holds before a snapshot takes their place.
    pub snap_count: u64,
    /// Who may connect, beside this machine.
    pub networks: Networks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: service::Config::default(),
            data_dir: None,
            jute_max_buffer: MAX_BUFFER,
            snap_count: 100_000,
            networks: Networks::loopback(),
        }
    }
}

/// A running server. Cheap to clone.
#[derive(Clone)]
pub struct ZooKeeperHandle {
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    clock: Clock,
    endpoint: SocketAddr,
    jute_max_buffer: usize,
    core: Mutex<Core>,
    /// Rung when there is something to write to the log.
    append: Notify,
    /// Rung when what waited for the log is on its way.
    flushed: Notify,
    /// Rung when a deadline has come before the one that the timer waits for.
    earlier: Notify,
    /// Done when the log cannot be written: nothing could be answered any more.
    failed: CancellationToken,
}

/// Serves a ZooKeeper on `listener` until `tasks` is cancelled or [`ZooKeeperHandle::stop`].
///
/// # Errors
/// When the data directory is another server's, cannot be read or written, or holds what cannot be understood: the error
/// names the file and the place in it.
pub fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    config: Config,
) -> io::Result<ZooKeeperHandle> {
    let endpoint = listener.local_addr()?;
    let service = service::Config {
        client_port: endpoint.port(),
        data_dir: config.data_dir.as_ref().map(|dir| dir.display().to_string()),
        environment: environment(),
        secret: uuid::Uuid::new_v4().as_u128(),
        ..config.service
    };
    let door = Door { most: service.max_client_cnxns, networks: config.networks };
    let (mut server, log) = match &config.data_dir {
        Some(dir) => {
            let (server, log) = Log::open(dir, service, config.snap_count)?;
            (server, Some(log))
        }
        None => (Server::new(service), None),
    };
    server.start(clock.now());
    server.set_disk(log.as_ref().map_or(0, Log::bytes));
    let shared = Arc::new(Shared {
        clock,
        endpoint,
        jute_max_buffer: config.jute_max_buffer,
        core: Mutex::new(Core::new(server, log.is_some())),
        append: Notify::new(),
        flushed: Notify::new(),
        earlier: Notify::new(),
        failed: CancellationToken::new(),
    });
    tracing::info!(%endpoint, "zookeeper started");
    let tasks = tasks.child();
    if let Some(log) = log {
        tasks.spawn_graceful(core::write_log(shared.clone(), log, tasks.token()));
    }
    tasks.spawn(core::run_timer(shared.clone()));
    tasks.spawn(listener::accept(shared.clone(), tasks.clone(), listener, door));
    Ok(ZooKeeperHandle { shared, tasks })
}

impl ZooKeeperHandle {
    /// Where it listens.
    pub fn endpoint(&self) -> SocketAddr {
        self.shared.endpoint
    }

    /// What it has and has done.
    pub fn figures(&self) -> Figures {
        self.shared.core().server.figures()
    }

    /// Ends every connection and leaves the data directory; sessions live on in the log.
    pub async fn stop(&self) {
        self.tasks.stop().await;
    }

    /// Waits until the server has ended by itself, because its log cannot be written.
    pub async fn failed(&self) {
        self.shared.failed.cancelled().await;
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an input to the server, and its effects on.
    fn input(&self, input: Input) {
        let mut core = self.core();
        let now = self.clock.now();
        let effects = core.server.handle(now, input);
        core.take(now, effects);
        let due = core.server.deadline();
        let earlier = due.is_some_and(|due| core.armed.is_none_or(|armed| due < armed));
        if core.has_to_append() {
            self.append.notify_one();
        }
        drop(core);
        if earlier {
            self.earlier.notify_one();
        }
    }
}

/// What `envi` tells of this machine, under the names that Java has for it.
fn environment() -> Vec<(String, String)> {
    let of = |name: &str| std::env::var(name).unwrap_or_else(|_| "<NA>".to_owned());
    let kernel = |name: &str| {
        let told = std::fs::read_to_string(format!("/proc/sys/kernel/{name}"));
        told.map_or_else(|_| "<NA>".to_owned(), |told| told.trim().to_owned())
    };
    let dir = std::env::current_dir().map_or_else(|_| "<NA>".to_owned(), |dir| dir.display().to_string());
    [
        ("host.name", kernel("hostname")),
        ("java.version", "<NA>".to_owned()),
        ("java.vendor", "<NA>".to_owned()),
        ("os.name", kernel("ostype")),
        ("os.arch", std::env::consts::ARCH.to_owned()),
        ("os.version", kernel("osrelease")),
        ("user.name", of("USER")),
        ("user.home", of("HOME")),
        ("user.dir", dir),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
