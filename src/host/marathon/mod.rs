//! The IO around Marathon: a connection to a master, an HTTP listener, probes, events for whoever listens, and the store.
//!
//! ```text
//! framework: SUBSCRIBE stream ─┐                      ┌─> lane: what is to be saved, then calls, answers and events in order
//! api: HTTP requests ──────────┼─> Shared::input ─────┼─> probes
//! timer ───────────────────────┘   (one lock, effects └─> link: drop the subscription
//!                                   leave in order)
//! ```
//!
//! What Marathon forgets when it abdicates or dies it reads again from the store; the listener stays where it is.

mod api;
#[cfg(test)]
mod lab {
    mod tests;
}
mod lane;
mod probe;
mod store;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, oneshot, watch},
};

use crate::{
    client::{Http, masters::Masters},
    host::{
        accounts::own_name,
        framework::{self, Framework, Link},
        http::{self, Guard},
        networks::Networks,
    },
    mesos::v1::scheduler::{Call, Event, event},
    runtime::{Clock, Tasks},
    services::marathon::{
        Effect, Input, Marathon, Options,
        api::{Answer, Request},
        launcher,
        saved::{INSTANCES, Saved},
    },
};
use lane::{Order, Watcher};
use probe::Prober;
use store::Store;

pub use store::{Place, StoreError};

/// Marathon's own 5 s would make apps wait in a lab.
const MIN_REVIVE_INTERVAL: Duration = Duration::from_millis(100);

/// What a Marathon is started with.
#[derive(Clone, Debug)]
pub struct Config {
    pub masters: Masters,
    /// Where its state is kept.
    pub store: Place,
    /// Its port is that of the listener.
    pub options: Options,
    /// Who may use the HTTP API.
    pub guard: Guard,
    pub networks: Networks,
    /// No task that is kept can be alive: the cluster that they ran on is gone. Without it the master is asked about each,
    /// when its agents have had time to come back.
    pub tasks_are_gone: bool,
}

impl Config {
    /// On loopback, with what is kept in `store`.
    pub fn new(masters: Masters, store: Place) -> Self {
        let options = Options {
            user: own_name(),
            master: masters.current().to_string(),
            launcher: launcher::api::Options {
                min_revive_interval: MIN_REVIVE_INTERVAL,
                ..launcher::api::Options::default()
            },
            ..Options::default()
        };
        Self {
            masters,
            store,
            options,
            guard: Guard::loopback(),
            networks: Networks::loopback(),
            tasks_are_gone: false,
        }
    }
}

/// A running Marathon.
#[derive(Debug)]
pub struct MarathonHandle {
    address: SocketAddr,
    tasks: Tasks,
    place: Arc<Seat>,
}

/// Reads what is kept, and starts. It connects to a master in the background.
///
/// # Errors
/// When the store cannot be read, or the listener has no address.
pub async fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    config: Config,
) -> io::Result<MarathonHandle> {
    let address = listener.local_addr()?;
    let tasks = tasks.child();
    let options = Options { http_port: address.port(), ..config.options };
    let mut store = Store::open(&tasks, config.store).await.map_err(io::Error::other)?;
    if config.tasks_are_gone {
        forget_instances(&mut store).await.map_err(io::Error::other)?;
    }
    let seat = Arc::new(Seat {
        clock,
        options,
        masters: config.masters,
        store: tokio::sync::Mutex::new(store),
        present: RwLock::default(),
        subscribed: watch::Sender::new(false),
        abdicated: Notify::new(),
    });
    let reign = seat.begin(&tasks).await.map_err(io::Error::other)?;
    let options =
        http::Options { guard: config.guard, networks: config.networks, ..http::Options::default() };
    tasks.spawn(http::serve(listener, tasks.clone(), clock, api::router(&seat), options));
    tracing::info!(%address, "marathon started");
    tasks.spawn_graceful(succeed(Arc::clone(&seat), tasks.clone(), reign));
    Ok(MarathonHandle { address, tasks, place: seat })
}

async fn forget_instances(store: &mut Store) -> Result<(), StoreError> {
    let kept = store.load().await?.into_iter().map(|(key, _)| key);
    let instances = kept.filter(|key| key.starts_with(INSTANCES)).map(|key| (key, None));
    store.save(instances.collect()).await
}

/// After each abdication, begins anew with what is kept. In the end waits until nothing uses the store any more.
async fn succeed(seat: Arc<Seat>, tasks: Tasks, mut reign: Tasks) {
    let end = tasks.token();
    loop {
        let abdicated = end.run_until_cancelled(seat.abdicated.notified()).await.is_some();
        reign.stop().await;
        if !abdicated {
            return;
        }
        match seat.begin(&tasks).await {
            Ok(next) => reign = next,
            Err(error) => {
                tracing::error!(%error, "Marathon cannot go on");
                return;
            }
        }
    }
}

impl MarathonHandle {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8080`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the first SUBSCRIBED.
    pub async fn subscribed(&self) {
        // The sender lives as long as this handle.
        let _ = self.place.subscribed.subscribe().wait_for(|subscribed| *subscribed).await;
    }

    /// Looks at Marathon; none while one abdicates.
    pub fn with<T>(&self, look: impl FnOnce(&Marathon) -> T) -> Option<T> {
        let shared = self.place.shared()?;
        let core = shared.core();
        Some(look(&core.marathon))
    }

    /// Stops when all that is on its way is done. Its tasks run on, and wait for the next start.
    pub async fn stop(self) {
        if let Some(shared) = self.place.shared() {
            let (done, flushed) = oneshot::channel();
            shared.order(Order::Flush(done));
            let _ = tokio::time::timeout(Duration::from_secs(5), flushed).await;
        }
        self.kill().await;
    }

    /// Stops at once, as if the process had died: what is on its way is lost.
    pub async fn kill(self) {
        self.tasks.stop().await;
        // Whoever still holds a connection keeps the store from the next no longer.
        *self.place.store.lock().await = Store::nowhere();
    }
}

/// What stays when one Marathon follows another.
#[derive(Debug)]
pub(super) struct Seat {
    clock: Clock,
    options: Options,
    masters: Masters,
    store: tokio::sync::Mutex<Store>,
    /// Held by its own tasks: none while nobody reigns.
    present: RwLock<Weak<Shared>>,
    subscribed: watch::Sender<bool>,
    abdicated: Notify,
}

impl Seat {
    fn shared(&self) -> Option<Arc<Shared>> {
        self.present.read().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Begins with what is kept.
    async fn begin(self: &Arc<Self>, tasks: &Tasks) -> Result<Tasks, StoreError> {
        let entries = self.store.lock().await.load().await?;
        let saved = Saved::read(entries).map_err(StoreError::Garbled)?;
        let marathon = Marathon::new(self.clock.now(), self.options.clone(), saved, seed());
        let tasks = tasks.child();
        let (orders, ordered) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            seat: Arc::clone(self),
            core: Mutex::new(Core { marathon, waiting: HashMap::new(), token: 0 }),
            orders,
            link: Link::default(),
            wake: Notify::new(),
            prober: Prober::default(),
            tasks: tasks.clone(),
        });
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&shared);
        tasks.spawn(lane::run(Arc::clone(&shared), ordered));
        tasks.spawn(tick(Arc::clone(&shared)));
        let (http, masters) = (Http::new(), self.masters.clone());
        tasks.spawn(framework::run("Marathon", shared, http, masters, seed()));
        Ok(tasks)
    }
}

/// What the parts of one Marathon share. The core's lock is held while effects are handed on, so that they keep their order.
pub(super) struct Shared {
    seat: Arc<Seat>,
    core: Mutex<Core>,
    orders: mpsc::UnboundedSender<Order>,
    link: Link,
    wake: Notify,
    prober: Prober,
    tasks: Tasks,
}

struct Core {
    marathon: Marathon,
    /// Who waits for an answer.
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    token: u64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: Order) {
        // The lane ends only with the whole of it.
        let _ = self.orders.send(order);
    }

    /// Gives Marathon an input, and hands on what it wants done.
    fn input(self: &Arc<Self>, input: Input) {
        let mut core = self.core();
        self.handle(&mut core, input);
        drop(core);
        self.wake.notify_one();
    }

    fn handle(self: &Arc<Self>, core: &mut Core, input: Input) {
        for effect in core.marathon.handle(self.seat.clock.now(), input) {
            self.dispatch(core, effect);
        }
    }

    /// Makes a request; the answer comes when all that it has changed is saved.
    fn request(self: &Arc<Self>, request: Request) -> oneshot::Receiver<Answer> {
        let (sender, answer) = oneshot::channel();
        let mut core = self.core();
        core.token += 1;
        let token = core.token;
        core.waiting.insert(token, sender);
        self.handle(&mut core, Input::Request { token, request: Box::new(request) });
        drop(core);
        self.wake.notify_one();
        answer
    }

    /// Tells this watcher of all events from now on.
    fn attach(self: &Arc<Self>, watcher: Watcher) {
        let remote = watcher.remote.clone();
        let mut core = self.core();
        self.order(Order::Attach(watcher));
        self.handle(&mut core, Input::Attached { remote });
    }

    fn dispatch(self: &Arc<Self>, core: &mut Core, effect: Effect) {
        match effect {
            Effect::Save { key, value } => self.order(Order::Keep { key, value: Some(value) }),
            Effect::Delete { key } => self.order(Order::Keep { key, value: None }),
            Effect::Call(call) => self.order(Order::Call { epoch: self.link.epoch(), call }),
            Effect::Resubscribe => self.link.give_up(self.link.epoch(), false),
            Effect::Answer { token, answer } => {
                if let Some(sender) = core.waiting.remove(&token) {
                    self.order(Order::Answer { sender, answer });
                }
            }
            Effect::Tell(frame) => self.order(Order::Tell(frame)),
            Effect::Probe(probe) => {
                let shared = Arc::clone(self);
                self.tasks.spawn(async move {
                    let outcome = shared.prober.probe(&probe).await;
                    shared.input(Input::Probed { probe: probe.id, outcome });
                });
            }
            Effect::Abdicate => self.order(Order::Abdicate),
        }
    }
}

impl Framework for Shared {
    fn subscribe(&self) -> Option<Call> {
        Some(self.core().marathon.subscribe())
    }

    fn connecting(self: &Arc<Self>, master: String) {
        self.input(Input::Connecting { master });
    }

    fn event(self: &Arc<Self>, event: Box<Event>) {
        let subscribed = event.r#type() == event::Type::Subscribed;
        self.input(Input::Event(event));
        if subscribed {
            self.seat.subscribed.send_replace(true);
        }
    }

    fn disconnected(self: &Arc<Self>, reason: String) {
        self.input(Input::Disconnected { reason });
    }

    fn connection(&self) -> &Link {
        &self.link
    }
}

/// Gives Marathon its ticks.
async fn tick(shared: Arc<Shared>) {
    loop {
        let deadline = shared.core().marathon.next_deadline();
        let due = shared.seat.clock.reach(deadline);
        tokio::select! {
            () = shared.wake.notified() => {}
            () = due => shared.input(Input::Tick),
        }
    }
}

/// What no other run has.
fn seed() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    high ^ low
}
