//! A master with its IO: one mutex around the pure [`Master`], one HTTP listener, one timer, and channels to the
//! agents of this process.
//!
//! ```text
//! HTTP call, agent message, timer > lock > Master::handle > effects > streams and channels > unlock > answer
//! ```
//!
//! Effects are dispatched while the lock is held, so that every stream sees them in the engine's order; no
//! dispatch waits for anybody.

mod changes;
mod files;
mod legacy;
mod operator;
mod outlets;
mod scheduler;
pub mod system;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
};
use tokio_util::sync::CancellationToken;

use self::outlets::{Outlet, Outlets};
use super::http::{Guard, Options, Router, serve};
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

struct Shared {
    clock: Clock,
    endpoint: SocketAddr,
    core: Mutex<Core>,
    /// Once it stops, a stream that ends is no disconnected client.
    stopping: CancellationToken,
    /// Rung when a deadline has come before the one that the timer waits for.
    earlier: Notify,
}

struct Core {
    master: Master,
    outlets: Outlets,
    /// What the timer waits for.
    armed: Option<Time>,
}

/// Serves a master on `listener` until `tasks` is cancelled; its port (and its address, when it is a definite one)
/// become the master's.
pub fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    mut config: MasterConfig,
) -> std::io::Result<MasterHandle> {
    let endpoint = listener.local_addr()?;
    config.port = endpoint.port();
    if let SocketAddr::V4(address) = endpoint
        && !address.ip().is_unspecified()
    {
        config.ip = *address.ip();
    }
    let guard = Guard::with_hosts([config.hostname.clone()]);
    let master = Master::new(config, clock.now(), uuid::Uuid::new_v4().as_u64_pair().0);
    let core = Mutex::new(Core { master, outlets: Outlets::default(), armed: None });
    let shared = Shared { clock, endpoint, core, stopping: tasks.token(), earlier: Notify::new() };
    let handle = MasterHandle(Arc::new(shared));
    tracing::info!(%endpoint, "master elected");
    let options = Options { guard, ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), clock, router(&handle), options));
    tasks.spawn(handle.clone().keep_time());
    Ok(handle)
}

fn router(master: &MasterHandle) -> Router {
    let router = Router::new("master");
    let router = master.route(router, "/master/api/v1/scheduler", scheduler::answer);
    let router = master.route(router, "/master/api/v1", operator::answer);
    legacy::ENDPOINTS.iter().fold(router, |router, (path, answer)| master.route(router, path, *answer))
}

impl MasterHandle {
    /// Where the master listens.
    pub fn endpoint(&self) -> SocketAddr {
        self.0.endpoint
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
        router.route(path, move |request| answer(&master, request))
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
