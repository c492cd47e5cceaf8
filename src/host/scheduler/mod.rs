//! The IO around the scheduler core: one connection to a master, calls in their order, a state file, and the HTTP API.
//!
//! ```text
//! link: SUBSCRIBE stream ─┐                      ┌─> lanes: state file, then calls in order; acknowledgements beside
//! api: HTTP requests ─────┼─> Shared::input ─────┼─> watchers: server-sent events
//! timer ──────────────────┘   (one lock, effects └─> link: drop the stream, stop
//!                              leave in order)
//! ```

mod api;
mod kept;
mod lanes;
mod link;
mod store;
#[cfg(test)]
mod tests;
mod watchers;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, oneshot, watch},
};

use crate::{
    client::{Http, masters::Masters, zookeeper::ZooKeeperUrl},
    host::{
        accounts::own_name,
        framework::{self, Link},
        http::{self, Guard},
        networks::Networks,
    },
    runtime::{Clock, Tasks},
    scheduler::{
        Effect, Input, Options, Scheduler,
        api::{Event, Phase, TaskList},
        config::SchedulerConfig,
    },
};
use lanes::Order;
use store::Store;
use watchers::Watchers;

pub use store::{PrepareError, StoreError, prepare};

const DRAIN: Duration = Duration::from_secs(5);

/// What a scheduler is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Holds when there is no state yet; a state file brings its own.
    pub config: SchedulerConfig,
    /// Where the state file lives; made when it is missing.
    pub state_dir: PathBuf,
    pub masters: Masters,
    /// The node where the state is kept in place of the file.
    pub keep_in: Option<ZooKeeperUrl>,
    pub options: Options,
    /// Who may use the HTTP API.
    pub guard: Guard,
    /// Who may connect.
    pub networks: Networks,
    /// No task of the state file can be alive: the cluster that they ran on is gone. Without it they are waited for, as
    /// agents may be on their way back to a new master.
    pub tasks_are_gone: bool,
}

impl Setup {
    /// For a scheduler on loopback, whose tasks run as the user of this process.
    pub fn new(config: SchedulerConfig, state_dir: impl Into<PathBuf>, masters: Masters) -> Self {
        let options = Options { user: own_name(), ..Options::default() };
        Self {
            config,
            state_dir: state_dir.into(),
            masters,
            keep_in: None,
            options,
            guard: Guard::loopback(),
            networks: Networks::loopback(),
            tasks_are_gone: false,
        }
    }
}

/// Why a scheduler does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] crate::scheduler::config::ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("listen: {0}")]
    Listen(std::io::Error),
}

/// A running scheduler.
#[derive(Debug)]
pub struct SchedulerHandle {
    address: SocketAddr,
    tasks: Tasks,
    shared: Arc<Shared>,
}

/// Starts the scheduler. It serves its API and connects to a master in the background.
///
/// # Errors
/// When the configuration is invalid or the state file cannot be read.
pub async fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    setup: Setup,
) -> Result<SchedulerHandle, StartError> {
    setup.config.validate()?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    let store = Store::of(tasks, &setup).await?;
    let mut saved = store.load().await?;
    if saved.is_none() {
        setup.options.check(&setup.config)?;
    }
    if let Some(saved) = saved.as_mut().filter(|_| setup.tasks_are_gone) {
        saved.tasks.clear();
    }
    let options = Options { webui_url: Some(format!("http://{address}")), ..setup.options };
    let scheduler = Scheduler::new(clock.now(), options, setup.config, saved, seed());
    let (orders, ordered) = mpsc::unbounded_channel();
    let (acknowledgements, unordered) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::new(clock, scheduler, store, orders, acknowledgements));

    let tasks = tasks.child();
    let options = http::Options { guard: setup.guard, networks: setup.networks, ..http::Options::default() };
    tasks.spawn(http::serve(listener, tasks.clone(), clock, api::router(&shared), options));
    tasks.spawn(lanes::in_order(Arc::clone(&shared), ordered));
    lanes::beside(&tasks, &shared, unordered);
    tasks.spawn(lanes::save_soon(Arc::clone(&shared)));
    tasks.spawn(watchers::keep_alive(Arc::clone(&shared)));
    tasks.spawn(watchers::keep_informed(Arc::clone(&shared)));
    tasks.spawn(tick(Arc::clone(&shared)));
    tasks.spawn(framework::run("the scheduler", Arc::clone(&shared), Http::new(), setup.masters, seed()));
    Ok(SchedulerHandle { address, tasks, shared })
}

impl SchedulerHandle {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8090`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the scheduler.
    pub fn with<T>(&self, look: impl FnOnce(&Scheduler) -> T) -> T {
        look(&self.shared.core().scheduler)
    }

    /// Waits for the first SUBSCRIBED.
    pub async fn subscribed(&self) {
        // The sender lives as long as this handle.
        let _ = self.shared.subscribed.subscribe().wait_for(|subscribed| *subscribed).await;
    }

    /// Whether it has given up for good; its API still answers.
    pub fn has_stopped(&self) -> bool {
        self.with(|scheduler| scheduler.phase() == Phase::Stopped)
    }

    /// Waits until the scheduler has given up for good, by itself or after a teardown; returns why.
    pub async fn stopped(&self) -> String {
        self.shared.connection.stopped().await;
        self.with(|scheduler| scheduler.state().problem).unwrap_or_default()
    }

    /// Stops. With `teardown`, the framework ends with all its tasks; without, they run on and wait for the next start.
    pub async fn stop(self, teardown: bool) {
        if teardown {
            self.shared.input(Input::Teardown);
        }
        self.shared.drain().await;
        self.tasks.stop().await;
        self.shared.store.close();
    }
}

/// What the parts share. The core's lock is held while effects are handed on, so that they keep their order.
struct Shared {
    clock: Clock,
    core: Mutex<Core>,
    store: Store,
    orders: mpsc::UnboundedSender<Order>,
    acknowledgements: mpsc::UnboundedSender<lanes::Outgoing>,
    /// The subscription that calls belong to.
    connection: Link,
    /// Whether the master has ever said SUBSCRIBED.
    subscribed: watch::Sender<bool>,
    wake_timer: Notify,
    save: Notify,
    /// Something has changed while somebody watches.
    touched: Notify,
}

/// The core with what changes together with it.
struct Core {
    scheduler: Scheduler,
    watchers: Watchers,
    /// Grows with every change that is to be saved.
    generation: u64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// Waits until every call that is on its way has been made, but not for long.
    async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        self.order(Order::Flush(done));
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("calls to the master were still on their way");
        }
    }

    fn new(
        clock: Clock,
        scheduler: Scheduler,
        store: Store,
        orders: mpsc::UnboundedSender<Order>,
        acknowledgements: mpsc::UnboundedSender<lanes::Outgoing>,
    ) -> Self {
        Self {
            clock,
            core: Mutex::new(Core { scheduler, watchers: Watchers::default(), generation: 0 }),
            store,
            orders,
            acknowledgements,
            connection: Link::default(),
            subscribed: watch::Sender::new(false),
            wake_timer: Notify::new(),
            save: Notify::new(),
            touched: Notify::new(),
        }
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: Order) {
        // The lane ends only with the whole scheduler.
        let _ = self.orders.send(order);
    }

    /// Gives the core an input and hands on what it wants done.
    fn input(&self, input: Input) {
        let mut core = self.core();
        for effect in core.scheduler.handle(self.clock.now(), input) {
            self.dispatch(&mut core, effect);
        }
        if !core.watchers.is_empty() {
            self.touched.notify_one();
        }
        drop(core);
        self.wake_timer.notify_one();
    }

    fn dispatch(&self, core: &mut Core, effect: Effect) {
        let epoch = || self.connection.epoch();
        match effect {
            Effect::SaveFirst => {
                core.generation += 1;
                self.order(Order::Save);
            }
            Effect::SaveSoon => {
                core.generation += 1;
                self.save.notify_one();
            }
            Effect::Call(call) => self.order(Order::Call(lanes::Outgoing { epoch: epoch(), call })),
            Effect::Acknowledge(call) => {
                let _ = self.acknowledgements.send(lanes::Outgoing { epoch: epoch(), call });
            }
            Effect::Resubscribe => self.connection.give_up(epoch(), false),
            Effect::Stop => self.order(Order::Stop),
            Effect::News(event) => core.watchers.tell(&event),
        }
    }

    fn snapshot(core: &Core) -> Event {
        let TaskList { tasks, ended } = core.scheduler.tasks();
        Event::Snapshot {
            state: Box::new(core.scheduler.state()),
            tasks,
            config: Box::new(core.scheduler.config_view()),
            ended,
            offers: core.scheduler.offer_list().offers,
        }
    }
}

/// Gives the core its ticks.
async fn tick(shared: Arc<Shared>) {
    loop {
        let deadline = shared.core().scheduler.next_deadline();
        let due = shared.clock.reach(deadline);
        tokio::select! {
            () = shared.wake_timer.notified() => {}
            () = due => shared.input(Input::Tick),
        }
    }
}

/// What no other run has.
fn seed() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    high ^ low
}
