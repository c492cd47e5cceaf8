//! What the rest of us sees: links to open and drop, messages to send, and the news that a link has broken. No call
//! waits for anything, so all may be made under a lock.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{line, message::Message, outbox::Outbox};
use crate::{host::networks::Networks, mesos::upid::Upid, runtime::Tasks};

/// How much is done for those to whom we send.
#[derive(Clone, Copy, Debug)]
pub struct PeerLimits {
    /// Until a connection is there.
    pub connect: Duration,
    /// Until a connection that is no link has taken what waits for it.
    pub write: Duration,
    /// Until a connection that has carried its last message is closed by the other side.
    pub drain: Duration,
    /// Bytes that wait for one destination; beyond it a link breaks, and without a link the message is dropped.
    pub queued: usize,
    /// Temporary connections at once; further destinations wait for their turn.
    pub temporary: usize,
    /// Destinations without a link that have messages; what is for another one is dropped.
    pub unlinked: usize,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(1),
            queued: 64 * 1024 * 1024,
            temporary: 64,
            unlinked: 1024,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// A link to this address has broken, or never came to be. There is none now.
    Exited(SocketAddr),
}

/// The sending side of an operating system process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    tasks: Tasks,
    address: String,
    networks: Networks,
    pub limits: PeerLimits,
    events: mpsc::UnboundedSender<PeerEvent>,
    pub temporary: Semaphore,
    state: Mutex<State>,
}

/// An entry of the map is a destination whose task runs.
#[derive(Debug, Default)]
struct State {
    destinations: HashMap<SocketAddr, Destination>,
    links: u64,
    /// Of whom the log knows already that we do not talk to them.
    refused: BTreeSet<IpAddr>,
}

/// Of so many addresses the log tells that we do not talk to them.
const REFUSED: usize = 1024;

#[derive(Debug)]
struct Destination {
    link: Option<Link>,
    outbox: Outbox,
    /// Something has changed for the task.
    changed: Arc<Notify>,
}

/// One attempt to hold a connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub number: u64,
    /// Cancelling it drops the connection.
    pub cut: CancellationToken,
}

/// What a task has to do next.
pub(super) enum Next {
    Link(Link),
    Temporary(Arc<Notify>),
}

/// What a connection has to do next.
pub(super) enum Take {
    Chunk(Vec<u8>),
    Wait(Arc<Notify>),
    /// It is not wanted any more.
    End,
}

impl Peer {
    /// `address` is what we call ourselves in messages; `events` tells of links that break.
    pub fn start(
        tasks: &Tasks,
        address: SocketAddr,
        networks: Networks,
        limits: PeerLimits,
        events: mpsc::UnboundedSender<PeerEvent>,
    ) -> Self {
        Self(Arc::new(Shared {
            tasks: tasks.clone(),
            address: address.to_string(),
            networks,
            limits,
            events,
            temporary: Semaphore::new(limits.temporary),
            state: Mutex::default(),
        }))
    }

    /// Whether we talk to an address at all; the log tells once of one to which we do not.
    pub fn admits(&self, to: SocketAddr) -> bool {
        self.0.admits(to)
    }

    /// Opens a connection and holds it, unless there is one.
    pub fn link(&self, to: SocketAddr) {
        self.open(to, false);
    }

    /// Drops the connection, if there is one, and opens a new one; nobody is told of the end of the old one.
    /// What it was writing is lost; what waits goes on the new one.
    pub fn relink(&self, to: SocketAddr) {
        self.open(to, true);
    }

    /// Closes the connection as soon as it has carried what waits for it; nobody is told.
    pub fn unlink(&self, to: SocketAddr) {
        let mut state = self.0.state();
        let Some(destination) = state.destinations.get_mut(&to) else { return };
        let Some(link) = destination.link.take() else { return };
        destination.changed.notify_one();
        drop(state);
        let patience = self.0.limits.write;
        self.0.tasks.spawn(async move {
            link.cut.run_until_cancelled(tokio::time::sleep(patience)).await;
            link.cut.cancel();
        });
    }

    /// Sends over the link, or without one on a temporary connection. What cannot be sent is dropped: whoever needs
    /// to know whether it arrives waits for an answer.
    pub fn send(&self, from: &str, to: &Upid, name: &str, body: Bytes) {
        if !self.0.admits(to.address) {
            return;
        }
        let message = Message { from, address: &self.0.address, to: &to.id, name, body: &body };
        let mut state = self.0.state();
        let known = state.destinations.contains_key(&to.address);
        if !known && state.unlinked() >= self.0.limits.unlinked {
            tracing::debug!(%to, name, "dropped a message: too many destinations have no link");
            return;
        }
        self.0.queue(state.destination(to.address, &self.0.limits), to.address, &message);
        drop(state);
        if !known {
            self.serve(to.address);
        }
    }

    fn open(&self, to: SocketAddr, anew: bool) {
        if !self.0.admits(to) {
            self.0.tell(PeerEvent::Exited(to));
            return;
        }
        let mut state = self.0.state();
        let known = state.destinations.contains_key(&to);
        state.links += 1;
        let link = Link { number: state.links, cut: CancellationToken::new() };
        let destination = state.destination(to, &self.0.limits);
        match &destination.link {
            Some(_) if !anew => return,
            Some(old) => old.cut.cancel(),
            None => {}
        }
        destination.link = Some(link);
        destination.changed.notify_one();
        drop(state);
        if !known {
            self.serve(to);
        }
    }

    fn serve(&self, to: SocketAddr) {
        self.0.tasks.spawn(line::serve(Arc::clone(&self.0), to));
    }
}

impl State {
    fn destination(&mut self, to: SocketAddr, limits: &PeerLimits) -> &mut Destination {
        self.destinations.entry(to).or_insert_with(|| Destination {
            link: None,
            outbox: Outbox::new(limits.queued),
            changed: Arc::default(),
        })
    }

    fn unlinked(&self) -> usize {
        self.destinations.values().filter(|destination| destination.link.is_none()).count()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: PeerEvent) {
        let _nobody_listens = self.events.send(event);
    }

    /// As [`Peer::admits`].
    fn admits(&self, to: SocketAddr) -> bool {
        let admitted = self.networks.admits(to.ip());
        if !admitted {
            let mut state = self.state();
            if state.refused.len() < REFUSED && state.refused.insert(to.ip()) {
                let networks = &self.networks;
                tracing::warn!(%to, %networks, "not talked to: in none of the networks of --allow_networks");
            }
        }
        admitted
    }

    fn queue(&self, destination: &mut Destination, to: SocketAddr, message: &Message<'_>) {
        if destination.outbox.push(message).is_ok() {
            destination.changed.notify_one();
        } else if let Some(link) = destination.link.take() {
            tracing::warn!(%to, limit = self.limits.queued, "link broken: too many bytes wait for it");
            destination.outbox.clear();
            link.cut.cancel();
            self.tell(PeerEvent::Exited(to));
        } else {
            tracing::debug!(%to, name = message.name, "dropped a message: too many bytes wait");
        }
    }

    /// What the task of a destination does now. None ends it.
    pub fn next(&self, to: SocketAddr) -> Option<Next> {
        let mut state = self.state();
        let destination = state.destinations.get(&to)?;
        if let Some(link) = &destination.link {
            return Some(Next::Link(link.clone()));
        }
        if !destination.outbox.is_empty() {
            return Some(Next::Temporary(Arc::clone(&destination.changed)));
        }
        state.destinations.remove(&to);
        None
    }

    /// What a connection writes now: that of a link, or a temporary one.
    pub fn take(&self, to: SocketAddr, link: Option<&Link>) -> Take {
        let mut state = self.state();
        let Some(destination) = state.destinations.get_mut(&to) else { return Take::End };
        let wanted = destination.link.as_ref().map(|link| link.number);
        let is_replaced = wanted.is_some() && wanted != link.map(|link| link.number);
        if is_replaced || link.is_some_and(|link| link.cut.is_cancelled()) {
            return Take::End;
        }
        match destination.outbox.take() {
            Some(chunk) => Take::Chunk(chunk),
            None if wanted.is_some() => Take::Wait(Arc::clone(&destination.changed)),
            None => Take::End,
        }
    }

    /// A link has ended by itself; what waits for it is lost with it.
    pub fn broken(&self, to: SocketAddr, number: u64) {
        let mut state = self.state();
        let Some(destination) = state.destinations.get_mut(&to) else { return };
        if destination.link.take_if(|link| link.number == number).is_some() {
            destination.outbox.clear();
            self.tell(PeerEvent::Exited(to));
        }
    }

    /// Messages without a link could not be sent.
    pub fn give_up(&self, to: SocketAddr) {
        let mut state = self.state();
        let destination = state.destinations.get_mut(&to).filter(|destination| destination.link.is_none());
        if let Some(destination) = destination {
            destination.outbox.clear();
        }
    }
}
