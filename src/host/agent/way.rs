//! The way from an agent to its master: a channel within this process, or libprocess messages to another one. The master
//! is whoever leads.

use std::{
    future,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};

use crate::{
    client::election::Detection,
    engine::{
        agent::Agent,
        wire::{AgentLink, ToAgent, ToMaster, WireError, to_agent, to_master},
    },
    host::{
        http::{Incoming, Receipt},
        libprocess::{Peer, PeerEvent},
        master::{MasterHandle, Seat},
    },
    mesos::upid::Upid,
};

/// The process id of an agent that is the only one of its address.
const AGENT: &str = "slave(1)";

/// What comes from the direction of the master.
#[derive(Debug)]
pub enum Heard {
    Message(Box<ToAgent>),
    /// The connection has ended.
    Lost,
    /// Another master leads, or none.
    Moved,
}

/// The agent's end of the way.
pub enum Way {
    Local(Local),
    Remote(Remote),
}

/// A master in this process.
pub struct Local {
    changes: watch::Receiver<Option<MasterHandle>>,
    open: Option<(MasterHandle, AgentLink, UnboundedReceiver<ToAgent>)>,
    /// Keeps what `changes` tells alive.
    #[expect(dead_code, reason = "the sender of the changes")]
    seat: Seat,
}

/// Where a master in another process is.
pub enum Leader {
    Fixed(SocketAddr),
    Detected(watch::Receiver<Detection>),
}

impl Leader {
    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Fixed(address) => Some(*address),
            Self::Detected(detected) => detected.borrow().address(),
        }
    }

    /// Waits until it may be elsewhere.
    async fn changed(&mut self) {
        let changed = match self {
            Self::Fixed(_) => future::pending().await,
            Self::Detected(detected) => detected.changed().await,
        };
        if changed.is_err() {
            future::pending::<()>().await;
        }
    }
}

/// A master in another process.
pub struct Remote {
    leader: Leader,
    peer: Peer,
    /// Shared with the inbox.
    master: Arc<Mutex<Option<SocketAddr>>>,
    messages: UnboundedReceiver<ToAgent>,
    links: UnboundedReceiver<PeerEvent>,
    /// We have registered and heard nothing.
    unanswered: bool,
}

/// Where messages of the master's process arrive, to be given to the listener.
#[derive(Clone, Debug)]
pub struct Inbox {
    master: Arc<Mutex<Option<SocketAddr>>>,
    messages: UnboundedSender<ToAgent>,
}

impl Way {
    /// To whoever has the seat.
    pub fn local(seat: Seat) -> Self {
        Self::Local(Local { changes: seat.watch(), open: None, seat })
    }

    /// To the master at an address; `links` tells of the connections of `peer`.
    pub fn remote(peer: Peer, links: UnboundedReceiver<PeerEvent>, leader: Leader) -> (Self, Arc<Inbox>) {
        let (sender, messages) = unbounded_channel();
        let master = Arc::new(Mutex::new(None));
        let inbox = Arc::new(Inbox { master: Arc::clone(&master), messages: sender });
        (Self::Remote(Remote { leader, peer, master, messages, links, unanswered: false }), inbox)
    }

    /// Whether there may be a master to talk to now; connections to another process are opened when there is something
    /// to say.
    pub fn connect(&mut self) -> bool {
        match self {
            Self::Local(local) => local.connect(),
            Self::Remote(remote) => {
                let leader = remote.leader.address();
                *locked(&remote.master) = leader;
                leader.is_some()
            }
        }
    }

    pub fn disconnect(&mut self) {
        match self {
            Self::Local(local) => local.disconnect(),
            Self::Remote(remote) => {
                if let Some(address) = locked(&remote.master).take() {
                    remote.peer.unlink(address);
                }
                remote.unanswered = false;
            }
        }
    }

    pub fn send(&mut self, agent: &Agent, message: ToMaster) {
        match self {
            Self::Local(Local { open, .. }) => {
                if let Some((master, link, _)) = open {
                    master.from_agent(*link, message);
                }
            }
            Self::Remote(remote) => remote.send(agent, &message),
        }
    }

    pub async fn next(&mut self) -> Heard {
        match self {
            Self::Local(local) => local.next().await,
            Self::Remote(remote) => remote.next().await,
        }
    }
}

impl Local {
    fn connect(&mut self) -> bool {
        self.open = self.changes.borrow_and_update().clone().map(|master| {
            let (link, messages) = master.connect_agent();
            (master, link, messages)
        });
        self.open.is_some()
    }

    fn disconnect(&mut self) {
        if let Some((master, link, messages)) = self.open.take() {
            drop(messages);
            master.agent_gone(link);
        }
    }

    async fn next(&mut self) -> Heard {
        let message = async {
            match &mut self.open {
                Some((_, _, messages)) => messages.recv().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            message = message => message.map_or(Heard::Lost, |message| Heard::Message(Box::new(message))),
            Ok(()) = self.changes.changed() => Heard::Moved,
        }
    }
}

fn locked(master: &Mutex<Option<SocketAddr>>) -> std::sync::MutexGuard<'_, Option<SocketAddr>> {
    master.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remote {
    /// Every registration sees to it that there is a link; one after a registration that was not answered does not
    /// trust the link there is.
    fn send(&mut self, agent: &Agent, message: &ToMaster) {
        let Some(master) = *locked(&self.master) else { return };
        if matches!(message, ToMaster::Register(_) | ToMaster::Reregister { .. }) {
            match std::mem::replace(&mut self.unanswered, true) {
                false => self.peer.link(master),
                true => self.peer.relink(master),
            }
        }
        let pid = agent.config.pid();
        let version = agent.resource_version();
        let sender = to_master::Sender { agent_id: agent.id(), pid: &pid, resource_version: Some(version) };
        let (name, body) = to_master::encode(message, &sender);
        let to = Upid::new(to_master::receiver(message), master);
        self.peer.send(AGENT, &to, &name, Bytes::from(body));
    }

    async fn next(&mut self) -> Heard {
        loop {
            tokio::select! {
                Some(message) = self.messages.recv() => {
                    if matches!(message, ToAgent::Registered { .. } | ToAgent::Reregistered { .. }) {
                        self.unanswered = false;
                    }
                    return Heard::Message(Box::new(message));
                }
                Some(PeerEvent::Exited(address)) = self.links.recv() => {
                    if Some(address) == *locked(&self.master) {
                        self.unanswered = false;
                        return Heard::Lost;
                    }
                }
                () = self.leader.changed() => {
                    if self.leader.address() != *locked(&self.master) {
                        return Heard::Moved;
                    }
                }
                else => future::pending().await,
            }
        }
    }
}

impl Inbox {
    /// A libprocess message for this process. What does not come from the very address of the master is dropped, as
    /// in Mesos.
    pub fn incoming(&self, incoming: Incoming) -> Receipt {
        let Incoming { from, to, name, body } = incoming;
        if to != AGENT {
            return Receipt::NoSuchProcess;
        }
        let master = *locked(&self.master);
        if Some(from.address) != master {
            tracing::debug!(%from, ?master, name, "dropped a message: it is not from our master");
            return Receipt::Accepted;
        }
        match to_agent::decode(&from.id, &name, &body) {
            Ok(message) => {
                let _stopped = self.messages.send(message);
            }
            Err(WireError::Unknown(name)) => tracing::debug!(%from, name, "dropped an unknown message"),
            Err(error) => tracing::debug!(%from, name, %error, "dropped a message"),
        }
        Receipt::Accepted
    }
}
