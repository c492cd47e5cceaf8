//! Where the effects of a master go: event streams of schedulers and operators, and channels of agents.

use std::collections::BTreeMap;

use prost::Name;
use tokio::sync::mpsc;

use crate::{
    engine::{
        master::{Effect, Reply, StreamId, SubscriberId, view},
        wire::{AgentLink, ToAgent},
    },
    host::http::Sink,
    mesos::{
        json,
        media::MediaType,
        recordio,
        v1::{master, scheduler},
    },
};

/// The bytes that may wait for a slow reader of events before it is dropped.
pub const BACKLOG: usize = 16 * 1024 * 1024;

/// One event stream.
#[derive(Debug)]
pub struct Outlet {
    pub sink: Sink,
    pub media: MediaType,
}

impl Outlet {
    /// A reader that is gone is reported by its own connection, so a failed send needs no answer here.
    fn write(&self, event: &impl Name, to_json: impl FnOnce() -> String) {
        let body = match self.media {
            MediaType::Protobuf => event.encode_to_vec(),
            _ => to_json().into_bytes(),
        };
        self.sink.send(recordio::encode(&body)).unwrap_or_default();
    }
}

/// Every open stream and channel.
#[derive(Debug, Default)]
pub struct Outlets {
    schedulers: BTreeMap<StreamId, Outlet>,
    subscribers: BTreeMap<SubscriberId, Outlet>,
    agents: BTreeMap<AgentLink, mpsc::UnboundedSender<ToAgent>>,
    last_link: u64,
}

impl Outlets {
    /// Serves the stream that `reply` opens with `outlet`; for any other reply the outlet closes.
    pub fn open(&mut self, reply: &Reply, outlet: Outlet) {
        match reply {
            Reply::Stream(id) => drop(self.schedulers.insert(id.clone(), outlet)),
            Reply::Subscriber(id) => drop(self.subscribers.insert(*id, outlet)),
            _ => {}
        }
    }

    /// Whether the stream was still open.
    pub fn close_scheduler(&mut self, id: &StreamId) -> bool {
        self.schedulers.remove(id).is_some()
    }

    /// Whether the stream was still open.
    pub fn close_subscriber(&mut self, id: SubscriberId) -> bool {
        self.subscribers.remove(&id).is_some()
    }

    pub fn connect_agent(&mut self) -> (AgentLink, mpsc::UnboundedReceiver<ToAgent>) {
        self.last_link += 1;
        let link = AgentLink(self.last_link);
        let (sender, receiver) = mpsc::unbounded_channel();
        self.agents.insert(link, sender);
        (link, receiver)
    }

    pub fn disconnect_agent(&mut self, link: AgentLink) {
        self.agents.remove(&link);
    }

    /// Does one effect; what has nowhere to go any more is dropped.
    pub fn dispatch(&mut self, effect: Effect) {
        match effect {
            Effect::Event { stream, event } => self.scheduler_event(&stream, &event),
            Effect::Close { stream } => drop(self.schedulers.remove(&stream)),
            Effect::OperatorEvent { subscriber, event } => self.operator_event(subscriber, &event),
            Effect::Agent { link, message } => {
                let agent = self.agents.get(&link);
                agent.and_then(|agent| agent.send(*message).ok()).unwrap_or_default();
            }
        }
    }

    fn scheduler_event(&self, stream: &StreamId, event: &scheduler::Event) {
        if let Some(outlet) = self.schedulers.get(stream) {
            outlet.write(event, || json::to_json_string(event));
        }
    }

    fn operator_event(&self, subscriber: SubscriberId, event: &master::Event) {
        if let Some(outlet) = self.subscribers.get(&subscriber) {
            outlet.write(event, || view::v1::event_to_json(event));
        }
    }
}
