//! The loop behind the hub: orders go to the keeper, events to the agents; a keeper that dies is mourned and replaced.

use std::{io, sync::Arc};

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender},
    oneshot,
};

use super::{
    KeeperConfig, KeptContainer,
    hub::blocking,
    message::{FromKeeper, ToKeeper},
    peer::Peer,
    place::Place,
    routes::Routes,
};
use crate::{
    engine::{agent::Launch, executor::Signal},
    host::{lock::Lock, process::Event},
    mesos::v1::ContainerId,
};

/// What agents want.
#[derive(Debug)]
pub(super) enum Order {
    Launch { launch: Arc<Launch>, events: UnboundedSender<Event> },
    Claim { container_id: ContainerId, events: UnboundedSender<Event> },
    Signal { container_id: ContainerId, signal: Signal },
    Forget { container_id: ContainerId },
    Discard { container_id: ContainerId },
    DiscardUnclaimed,
    Goodbye(oneshot::Sender<()>),
}

pub(super) struct Link {
    place: Place,
    _lock: Lock,
    config: KeeperConfig,
    /// Once something was launched.
    keeper: Option<Peer>,
    routes: Routes,
    orders: UnboundedReceiver<Order>,
}

impl Link {
    pub fn new(
        place: Place,
        lock: Lock,
        config: KeeperConfig,
        keeper: Option<Peer>,
        kept: &[KeptContainer],
        orders: UnboundedReceiver<Order>,
    ) -> Self {
        Self { place, _lock: lock, config, keeper, routes: Routes::of(kept), orders }
    }

    /// Until goodbye, or until the last hub is gone, which the keeper takes for our death.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Goodbye(done)) => {
                        self.goodbye().await;
                        drop(self);
                        let _left = done.send(());
                        return;
                    }
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                message = next(self.keeper.as_mut()) => match message {
                    Some(message) => self.hear(message),
                    None => self.keeper_gone().await,
                },
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Launch { launch, events } => self.launch(launch, events).await,
            Order::Claim { container_id, events } => self.routes.claim(&container_id, events),
            Order::Signal { container_id, signal } => self.tell(&ToKeeper::Signal { container_id, signal }),
            Order::Forget { container_id } => {
                self.routes.forget(&container_id);
                self.tell(&ToKeeper::Forget { container_id });
            }
            Order::Discard { container_id } => self.discard(container_id),
            Order::DiscardUnclaimed => {
                for container_id in self.routes.unclaimed() {
                    self.discard(container_id);
                }
            }
            Order::Goodbye(_) => {}
        }
    }

    async fn launch(&mut self, launch: Arc<Launch>, events: UnboundedSender<Event>) {
        let container_id = launch.container_id.clone();
        if !self.routes.enter(&launch, events.clone()) {
            let message = format!("the container `{container_id}` exists already");
            let _going = events.send(Event::LaunchFailed { container_id, message });
            return;
        }
        let message = ToKeeper::Launch(Box::new(Arc::unwrap_or_clone(launch)));
        let sent = match self.keeper().await {
            Ok(keeper) => keeper.send(&message).map_err(|error| error.to_string()),
            Err(error) => Err(format!("failed to start the keeper of task processes: {error}")),
        };
        if let Err(message) = sent {
            self.routes.hear(Event::LaunchFailed { container_id, message });
        }
    }

    async fn keeper(&mut self) -> io::Result<&mut Peer> {
        let keeper = match self.keeper.take() {
            Some(keeper) => keeper,
            None => Peer::start(&self.place, &self.config).await?,
        };
        Ok(self.keeper.insert(keeper))
    }

    fn discard(&mut self, container_id: ContainerId) {
        self.routes.discard(&container_id);
        self.tell(&ToKeeper::Discard { container_id });
    }

    /// Without a keeper nothing runs of which it would have to know.
    fn tell(&mut self, message: &ToKeeper) {
        if let Some(keeper) = &mut self.keeper {
            let _too_long = keeper.send(message);
        }
    }

    fn hear(&mut self, message: FromKeeper) {
        match message {
            FromKeeper::Event(event) => self.routes.hear(event),
            FromKeeper::Welcome { .. } | FromKeeper::Refused { .. } | FromKeeper::Kept(_) => {}
        }
    }

    /// Makes sure of the end of the keeper and of all that ran, and only then tells of it.
    async fn keeper_gone(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        keeper.kill().await;
        let (sessions, sandboxes) = self.routes.alive();
        tracing::warn!(containers = sandboxes.len(), "the keeper of task processes has died");
        let place = self.place.clone();
        let swept = blocking(move || place.kill_strays_of_dead_keeper(&sessions, &sandboxes)).await;
        if let Err(error) = swept {
            tracing::error!(%error, "failed to kill what a dead keeper has left");
        }
        self.routes.all_killed();
    }

    async fn goodbye(&mut self) {
        self.tell(&ToKeeper::Goodbye);
        while let Some(message) = next_of_last(self.keeper.as_mut()).await {
            self.hear(message);
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.kill().await;
        }
    }
}

async fn next(keeper: Option<&mut Peer>) -> Option<FromKeeper> {
    match keeper {
        Some(keeper) => keeper.next().await,
        None => std::future::pending().await,
    }
}

async fn next_of_last(keeper: Option<&mut Peer>) -> Option<FromKeeper> {
    keeper?.next().await
}
