//! The way from an agent to its master: a channel within this process, or libprocess messages to another one.

use std::{future, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    engine::{
        agent::Agent,
        wire::{AgentLink, ToAgent, ToMaster, WireError, to_agent, to_master},
    },
    host::{
        http::{Incoming, Receipt},
        libprocess::{Peer, PeerEvent},
        master::MasterHandle,
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
}

/// The agent's end of the way.
pub enum Way {
    Local { master: MasterHandle, open: Option<(AgentLink, UnboundedReceiver<ToAgent>)> },
    Remote(Remote),
}

/// A master in another process.
pub struct Remote {
    peer: Peer,
    master: Upid,
    messages: UnboundedReceiver<ToAgent>,
    links: UnboundedReceiver<PeerEvent>,
    /// We have registered and heard nothing.
    unanswered: bool,
}

/// Where messages of the master's process arrive, to be given to the listener.
#[derive(Clone, Debug)]
pub struct Inbox {
    master: SocketAddr,
    messages: UnboundedSender<ToAgent>,
}

impl Way {
    pub fn local(master: MasterHandle) -> Self {
        Self::Local { master, open: None }
    }

    /// To the master at an address; `links` tells of the connections of `peer`.
    pub fn remote(peer: Peer, links: UnboundedReceiver<PeerEvent>, master: SocketAddr) -> (Self, Arc<Inbox>) {
        let (sender, messages) = unbounded_channel();
        let inbox = Arc::new(Inbox { master, messages: sender });
        let master = Upid::new("master", master);
        (Self::Remote(Remote { peer, master, messages, links, unanswered: false }), inbox)
    }

    /// There may be a master to talk to now; connections to another process are opened when there is something to say.
    pub fn connect(&mut self) {
        if let Self::Local { master, open } = self {
            *open = Some(master.connect_agent());
        }
    }

    pub fn disconnect(&mut self) {
        match self {
            Self::Local { master, open } => {
                if let Some((link, messages)) = open.take() {
                    drop(messages);
                    master.agent_gone(link);
                }
            }
            Self::Remote(remote) => remote.peer.unlink(remote.master.address),
        }
    }

    pub fn send(&mut self, agent: &Agent, message: ToMaster) {
        match self {
            Self::Local { master, open } => {
                if let Some((link, _)) = open {
                    master.from_agent(*link, message);
                }
            }
            Self::Remote(remote) => remote.send(agent, &message),
        }
    }

    pub async fn next(&mut self) -> Heard {
        match self {
            Self::Local { open: Some((_, messages)), .. } => {
                messages.recv().await.map_or(Heard::Lost, |message| Heard::Message(Box::new(message)))
            }
            Self::Local { open: None, .. } => future::pending().await,
            Self::Remote(remote) => remote.next().await,
        }
    }
}

impl Remote {
    /// Every registration sees to it that there is a link; one after a registration that was not answered does not
    /// trust the link there is.
    fn send(&mut self, agent: &Agent, message: &ToMaster) {
        if matches!(message, ToMaster::Register(_) | ToMaster::Reregister { .. }) {
            match std::mem::replace(&mut self.unanswered, true) {
                false => self.peer.link(self.master.address),
                true => self.peer.relink(self.master.address),
            }
        }
        let pid = agent.config.pid();
        let version = agent.resource_version();
        let sender = to_master::Sender { agent_id: agent.id(), pid: &pid, resource_version: Some(version) };
        let (name, body) = to_master::encode(message, &sender);
        let to = Upid::new(to_master::receiver(message), self.master.address);
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
                    if address == self.master.address {
                        self.unanswered = false;
                        return Heard::Lost;
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
        if from.address != self.master {
            tracing::debug!(%from, master = %self.master, name, "dropped a message: it is not from our master");
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
