//! The keeper as agents see it: one handle for all agents of a process, which may be cloned to each.

use std::{io, sync::Arc};

use tokio::sync::{
    mpsc::{self, UnboundedSender},
    oneshot,
};

use super::{
    KeeperConfig, KeptContainer,
    link::{Link, Order},
    peer::Peer,
    place::Place,
};
use crate::{
    engine::{agent::Launch, executor::Signal},
    host::process::Event,
    mesos::v1::ContainerId,
    runtime::{self, Tasks},
};

/// Starts and signals containers through a keeper. Containers are known by their ids, whichever agent they belong to.
#[derive(Clone, Debug)]
pub struct KeeperHub {
    orders: UnboundedSender<Order>,
}

impl KeeperHub {
    /// Takes over what runs below the work directory, or kills what a dead keeper has left there.
    ///
    /// The hub is the work directory's one agent process until `tasks` is cancelled or [`KeeperHub::goodbye`]; what
    /// happens to the containers that it gives is kept for [`KeeperHub::claim`].
    ///
    /// # Errors
    /// When another agent process is there, the keeper does not answer or is of another version, or the work
    /// directory cannot be written to.
    pub async fn attach(config: KeeperConfig, tasks: &Tasks) -> io::Result<(Self, Vec<KeptContainer>)> {
        let work_dir = config.work_dir.clone();
        let (place, lock) = blocking(move || {
            let place = Place::of(&work_dir)?;
            let lock = place.lock_for_agent()?;
            Ok((place, lock))
        })
        .await?;
        let found = Peer::find(&place, config.recovery_timeout).await?;
        if found.is_none() {
            let place = place.clone();
            blocking(move || place.sweep()).await?;
        }
        let (peer, kept) = found.map_or((None, Vec::new()), |(peer, kept)| (Some(peer), kept));
        let (orders, received) = mpsc::unbounded_channel();
        let link = Link::new(place, lock, config, peer, &kept, received);
        tasks.spawn(link.run());
        Ok((Self { orders }, kept))
    }

    /// Starts a container; answered with [`Event::Launched`] or [`Event::LaunchFailed`].
    pub fn launch(&self, launch: Arc<Launch>, events: UnboundedSender<Event>) {
        let container_id = launch.container_id.clone();
        if self.orders.send(Order::Launch { launch, events: events.clone() }).is_err() {
            let message = "the agent is going".to_owned();
            let _going = events.send(Event::LaunchFailed { container_id, message });
        }
    }

    /// Takes over a container: from now on its events go here, and first those that nobody has heard. The end of
    /// one that has ended before comes as an event too.
    pub fn claim(&self, container_id: &ContainerId, events: UnboundedSender<Event>) {
        self.order(Order::Claim { container_id: container_id.clone(), events });
    }

    /// Kills every container that nobody has claimed.
    pub fn discard_unclaimed(&self) {
        self.order(Order::DiscardUnclaimed);
    }

    /// Kills a container, and lets nobody know.
    pub fn discard(&self, container_id: &ContainerId) {
        self.order(Order::Discard { container_id: container_id.clone() });
    }

    /// Signals the process tree of a container that runs.
    pub fn signal(&self, container_id: &ContainerId, signal: Signal) {
        self.order(Order::Signal { container_id: container_id.clone(), signal });
    }

    /// The end of a container has been noted, where it will not be lost: the keeper drops it too.
    pub fn forget(&self, container_id: &ContainerId) {
        self.order(Order::Forget { container_id: container_id.clone() });
    }

    /// Kills whatever is left, and returns when the keeper is gone. Without it, those that survive run on.
    pub async fn goodbye(&self) {
        let (done, gone) = oneshot::channel();
        self.order(Order::Goodbye(done));
        let _gone = gone.await;
    }

    fn order(&self, order: Order) {
        let _going = self.orders.send(order);
    }
}

/// Runs what waits for locks and looks at all processes.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = runtime::compute(work).await;
    done.unwrap_or_else(|| Err(io::Error::other("it has panicked")))
}
