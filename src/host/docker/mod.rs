//! Runs containers of Docker Engine for an agent: one task of ours for each, from the pull of its image to its removal.
//!
//! ```text
//! launch -> image -> create, start -> Happened::Inspected, Event::Launched
//! signal -> TERM (or what the image wants instead), KILL
//! end    -> the rest of its output -> Event::Exited -> forget -> removed
//! ```
//!
//! * The engine is asked for with the first container, never before. A container of ours carries the agent's work
//!   directory as a label: the next agent of that directory finds it, and takes it over or removes it.
//! * When the agent's process goes in peace, containers go that do not survive it. After its sudden death they wait for
//!   the next agent, or for whoever sweeps.

mod find;
mod image;
mod life;
mod logs;
mod probe;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bollard::errors::Error;
use tokio::sync::{
    OnceCell,
    mpsc::{self, UnboundedSender},
};

pub use self::find::{FoundContainer, find, sweep};
use self::life::{Life, Order};
pub(in crate::host) use self::probe::Target;
use super::process::Event;
use crate::{
    client::docker::{Engine, Place, labels as marks},
    engine::{
        agent::docker::{DockerConfig, DockerRun},
        executor::{Signal, docker::Inspected},
    },
    mesos::v1::ContainerId,
    runtime::Tasks,
};

/// Says in a work directory that containers may have been run for it.
const MARK: &str = "meta/docker";

/// What happens to containers.
#[derive(Debug)]
pub enum Happened {
    /// What the engine says of one that is about to be launched.
    Inspected { container_id: ContainerId, inspected: Inspected },
    /// The same as to a process.
    Event(Event),
}

/// Where an agent runs its containers.
#[derive(Debug)]
pub struct Site {
    socket: Option<String>,
    work_dir: PathBuf,
    own_container: Option<String>,
    remove_delay: Duration,
    kill_orphans: bool,
    engine: OnceCell<Engine>,
    own_labels: OnceCell<Vec<(String, String)>>,
}

impl Site {
    pub fn new(config: &DockerConfig, work_dir: &str) -> Self {
        Self {
            socket: config.socket.clone(),
            work_dir: PathBuf::from(work_dir),
            own_container: config.own_container.clone(),
            remove_delay: config.remove_delay,
            kill_orphans: config.kill_orphans,
            engine: OnceCell::new(),
            own_labels: OnceCell::new(),
        }
    }

    /// The engine; one that does not answer is asked again the next time.
    async fn engine(&self) -> Result<&Engine, String> {
        let connected = self.engine.get_or_try_init(|| async {
            match &self.socket {
                Some(socket) => Engine::at(&Place::read(socket)?).await,
                None => Engine::connect().await,
            }
        });
        connected.await.map_err(|error| error.to_string())
    }

    /// What containers carry because of the one that the agent runs in.
    async fn own_labels(&self, engine: &Engine) -> Result<&[(String, String)], String> {
        let labels = self.own_labels.get_or_try_init(|| async {
            let Some(own) = &self.own_container else { return Ok(Vec::new()) };
            let inspected = engine.api().inspect_container(own, None).await;
            let inspected = inspected.map_err(|error| {
                format!("Failed to find the container '{own}' that the agent runs in: {}", reason(&error))
            })?;
            let labels = inspected.config.and_then(|config| config.labels).unwrap_or_default();
            let kept = labels.get(marks::LAB).map(|lab| (marks::LAB, lab)).into_iter();
            let agent = labels.get(marks::SERVICE).map(|service| (marks::AGENT, service));
            Ok(kept.chain(agent).map(|(name, value)| (name.to_owned(), value.clone())).collect())
        });
        labels.await.map(Vec::as_slice)
    }

    /// Notes that there may be containers of this work directory from now on.
    fn mark(&self) -> io::Result<()> {
        let mark = self.work_dir.join(MARK);
        mark.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(mark, "")
    }
}

fn is_marked(work_dir: &Path) -> bool {
    work_dir.join(MARK).exists()
}

/// There are no containers of the work directory any more.
fn unmark(work_dir: &Path) {
    let _unmarked = fs::remove_file(work_dir.join(MARK));
}

/// What the engine says, without what it is wrapped in.
fn reason(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        error => error.to_string(),
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// The containers of one agent.
#[derive(Debug)]
pub struct Containers {
    site: Arc<Site>,
    live: BTreeMap<ContainerId, UnboundedSender<Order>>,
    events: UnboundedSender<Happened>,
    tasks: Tasks,
}

impl Containers {
    /// What becomes of containers is told through `events`. They go with `tasks`, but for those that survive.
    pub fn new(site: Site, events: UnboundedSender<Happened>, tasks: Tasks) -> Self {
        Self { site: Arc::new(site), live: BTreeMap::new(), events, tasks }
    }

    /// Runs a container; answered with [`Happened::Inspected`] and [`Event::Launched`], or with [`Event::LaunchFailed`].
    pub fn launch(&mut self, run: DockerRun) {
        let life = self.life(run.container_id.clone(), &run.name, &run.directory, run.survives);
        self.tasks.spawn_graceful(life.begin(run));
    }

    /// Goes on with a container of an earlier agent, whose sandbox is `directory`.
    pub fn take_over(&mut self, found: &FoundContainer, directory: &str) {
        let life = self.life(found.container_id.clone(), &found.name, directory, true);
        self.tasks.spawn_graceful(life.resume());
    }

    /// Removes a container of an earlier agent, unless orphans are to be left alone.
    pub fn discard(&self, found: FoundContainer) {
        if self.site.kill_orphans {
            let site = Arc::clone(&self.site);
            let stop = self.tasks.token();
            self.tasks.spawn_graceful(async move {
                if life::connected(&site, &stop).await.is_some() {
                    life::remove(&site, &found.name).await;
                }
            });
        }
    }

    fn life(&mut self, container_id: ContainerId, name: &str, directory: &str, survives: bool) -> Life {
        let (orders, received) = mpsc::unbounded_channel();
        self.live.insert(container_id.clone(), orders);
        Life {
            site: Arc::clone(&self.site),
            container_id,
            name: name.to_owned(),
            directory: directory.to_owned(),
            survives,
            events: self.events.clone(),
            orders: received,
            stop: self.tasks.token(),
        }
    }

    /// Signals a container. False when it is none of ours.
    pub fn signal(&self, container_id: &ContainerId, signal: Signal) -> bool {
        self.order(container_id, Order::Signal(signal))
    }

    /// The end of a container has been noted: it can be removed. False when it is none of ours.
    pub fn forget(&mut self, container_id: &ContainerId) -> bool {
        let known = self.order(container_id, Order::Forget);
        self.live.remove(container_id);
        known
    }

    fn order(&self, container_id: &ContainerId, order: Order) -> bool {
        let live = self.live.get(container_id);
        live.inspect(|orders| drop(orders.send(order))).is_some()
    }

    /// What probes of a container are made on.
    pub(in crate::host) fn target(&self, container_id: &ContainerId, name: &str) -> Option<Target> {
        self.live.contains_key(container_id).then(|| Target::new(Arc::clone(&self.site), name))
    }
}
