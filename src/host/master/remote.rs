//! Agents in other processes: their libprocess messages come through the master's listener, its own go over a link
//! that it holds to each.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;

use super::MasterHandle;
use crate::{
    engine::{
        master::{Input, Master},
        wire::{AgentLink, ToAgent, ToMaster, WireError, to_agent, to_master},
    },
    host::{
        http::{Incoming, Receipt},
        libprocess::{Peer, PeerEvent},
    },
    mesos::upid::Upid,
};

/// The process id of a master.
const MASTER: &str = "master";

/// Which agent in another process is at which link.
#[derive(Debug, Default)]
pub struct Remotes {
    peer: Option<Peer>,
    by_upid: BTreeMap<Upid, AgentLink>,
    by_link: BTreeMap<AgentLink, Upid>,
    by_address: BTreeMap<SocketAddr, BTreeSet<AgentLink>>,
}

impl Remotes {
    pub fn use_peer(&mut self, peer: Peer) {
        self.peer = Some(peer);
    }

    /// Whether a process at this address could ever be answered.
    fn reaches(&self, address: SocketAddr) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.admits(address))
    }

    /// The link of an agent that has been heard before.
    fn known(&self, from: &Upid) -> Option<AgentLink> {
        self.by_upid.get(from).copied()
    }

    fn enter(&mut self, from: Upid, link: AgentLink) {
        self.by_address.entry(from.address).or_default().insert(link);
        self.by_link.insert(link, from.clone());
        self.by_upid.insert(from, link);
    }

    /// Opens the connection by whose end the agent's death will be seen.
    fn hold(&self, link: AgentLink) {
        if let (Some(peer), Some(upid)) = (&self.peer, self.by_link.get(&link)) {
            peer.link(upid.address);
        }
    }

    fn at(&self, address: SocketAddr) -> Vec<AgentLink> {
        self.by_address.get(&address).into_iter().flatten().copied().collect()
    }

    /// Sends to an agent in another process; whether there is one at this link.
    pub fn send(&self, link: AgentLink, message: &ToAgent) -> bool {
        let (Some(peer), Some(upid)) = (&self.peer, self.by_link.get(&link)) else { return false };
        let (name, body) = to_agent::encode(message);
        peer.send(&to_agent::sender(message), upid, &name, Bytes::from(body));
        true
    }

    /// No agent is at any link any more.
    pub fn forget_all(&mut self) {
        let links: Vec<_> = self.by_link.keys().copied().collect();
        links.into_iter().for_each(|link| self.forget(link));
    }

    /// No agent is at this link any more.
    pub fn forget(&mut self, link: AgentLink) {
        let Some(upid) = self.by_link.remove(&link) else { return };
        self.by_upid.remove(&upid);
        if let Some(links) = self.by_address.get_mut(&upid.address) {
            links.remove(&link);
            if links.is_empty() {
                self.by_address.remove(&upid.address);
                self.peer.iter().for_each(|peer| peer.unlink(upid.address));
            }
        }
    }
}

impl MasterHandle {
    /// A libprocess message for a process of this master.
    pub(super) fn incoming(&self, incoming: Incoming) -> Receipt {
        let Incoming { from, to, name, body } = incoming;
        if to != MASTER && !self.with(|master| is_observer(master, &to)) {
            return Receipt::NoSuchProcess;
        }
        match to_master::decode(&from.to_string(), &to, &name, &body) {
            Ok(message) => self.take_message(from, message),
            Err(WireError::Unknown(name)) => tracing::debug!(%from, name, "dropped an unknown message"),
            Err(error) => tracing::debug!(%from, name, %error, "dropped a message"),
        }
        Receipt::Accepted
    }

    fn take_message(&self, from: Upid, message: ToMaster) {
        let introduces = matches!(message, ToMaster::Register(_) | ToMaster::Reregister { .. });
        let link = {
            let mut core = self.lock();
            let link = match core.outlets.remotes.known(&from) {
                Some(link) => link,
                None if introduces && !core.outlets.remotes.reaches(from.address) => {
                    return tracing::debug!(%from, "dropped a registration: the agent could not be reached");
                }
                None if introduces => core.outlets.enter_remote(from),
                None => return tracing::debug!(%from, "dropped a message of an unknown agent"),
            };
            if introduces {
                core.outlets.remotes.hold(link);
            }
            link
        };
        self.from_agent(link, message);
    }

    /// Tells the master of every link that breaks.
    pub(super) async fn watch_links(self, mut events: UnboundedReceiver<PeerEvent>) {
        while let Some(PeerEvent::Exited(address)) = events.recv().await {
            let links = self.lock().outlets.remotes.at(address);
            for link in links {
                tracing::info!(%address, "the connection to an agent has ended");
                self.input(Input::AgentLost(link));
            }
        }
    }
}

/// Whether an agent's observer has this process id.
fn is_observer(master: &Master, process: &str) -> bool {
    to_agent::observer_of(process).is_some_and(|observer| master.has_observer(observer))
}

impl super::outlets::Outlets {
    fn enter_remote(&mut self, from: Upid) -> AgentLink {
        let link = self.new_link();
        self.remotes.enter(from, link);
        link
    }
}
