//! Where the effects of a master go: event streams of schedulers and operators, channels and links of agents, the
//! registry, and the log.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use prost::Name;
use tokio::sync::mpsc;

use super::{registry::Registry, remote::Remotes};
use crate::{
    engine::{
        master::{Effect, Reply, StreamId, SubscriberId, view},
        wire::{AgentLink, ToAgent},
    },
    host::http::Sink,
    mesos::{
        json,
        log::RegistryEntry,
        media::MediaType,
        recordio,
        v1::{AgentId, master, scheduler},
    },
};

/// The bytes that may wait for a slow reader of events before it is dropped.
pub const BACKLOG: usize = 16 * 1024 * 1024;

/// One event stream.
#[derive(Debug)]
pub struct Outlet {
    sink: Sink,
    media: MediaType,
    /// Nothing has been written: what comes first is a snapshot, however large.
    fresh: bool,
}

impl Outlet {
    pub fn new(sink: Sink, media: MediaType) -> Self {
        Self { sink, media, fresh: true }
    }

    /// A reader that is gone is reported by its own connection, so a failed send needs no answer here.
    fn write(&mut self, record: Bytes) {
        let first = std::mem::replace(&mut self.fresh, false);
        let sent = if first { self.sink.admit(record) } else { self.sink.send(record) };
        sent.unwrap_or_default();
    }
}

fn record(media: MediaType, event: &impl Name, to_json: impl FnOnce() -> String) -> Bytes {
    let body = match media {
        MediaType::Protobuf => event.encode_to_vec(),
        _ => to_json().into_bytes(),
    };
    recordio::encode(&body)
}

/// The last event for operators on the wire: written once for all its readers, and in memory once.
#[derive(Debug, Default)]
struct Shared(Vec<(MediaType, Arc<master::Event>, Bytes)>);

impl Shared {
    fn record(&mut self, media: MediaType, event: &Arc<master::Event>) -> Bytes {
        self.0.retain(|(_, last, _)| Arc::ptr_eq(last, event));
        if let Some((_, _, record)) = self.0.iter().find(|(form, _, _)| *form == media) {
            return record.clone();
        }
        let record = record(media, event.as_ref(), || view::v1::event_to_json(event));
        self.0.push((media, Arc::clone(event), record.clone()));
        record
    }
}

/// Every open stream and channel.
#[derive(Debug, Default)]
pub struct Outlets {
    schedulers: BTreeMap<StreamId, Outlet>,
    subscribers: BTreeMap<SubscriberId, Outlet>,
    agents: BTreeMap<AgentLink, mpsc::UnboundedSender<ToAgent>>,
    pub remotes: Remotes,
    pub registry: Option<Registry>,
    /// Where the registry is written by somebody else, who tells of it later.
    shared_registry: Option<mpsc::UnboundedSender<RegistryEntry>>,
    /// What has to wait for an entry to be written.
    held: VecDeque<Effect>,
    /// Entries that are written and still at the head of what is held, or before it.
    written: usize,
    last_link: u64,
    shared: Shared,
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
        let link = self.new_link();
        let (sender, receiver) = mpsc::unbounded_channel();
        self.agents.insert(link, sender);
        (link, receiver)
    }

    pub fn new_link(&mut self) -> AgentLink {
        self.last_link += 1;
        AgentLink(self.last_link)
    }

    pub fn disconnect_agent(&mut self, link: AgentLink) {
        self.agents.remove(&link);
    }

    /// Has entries of the registry written by whoever reads them, and holds back what follows them until they are.
    pub fn keep_in(&mut self, registry: mpsc::UnboundedSender<RegistryEntry>) {
        self.shared_registry = Some(registry);
        self.held.clear();
        self.written = 0;
    }

    /// So many more entries are written.
    pub fn written(&mut self, count: usize) {
        self.written += count;
        self.release();
    }

    /// Ends every stream, channel and link, and forgets what is held.
    pub fn cut(&mut self) {
        self.schedulers.clear();
        self.subscribers.clear();
        self.agents.clear();
        self.remotes.forget_all();
        self.shared_registry = None;
        self.held.clear();
        self.written = 0;
    }

    /// Does one effect, now or when all entries before it are written; what has nowhere to go any more is dropped.
    pub fn dispatch(&mut self, effect: Effect) {
        let Some(registry) = &self.shared_registry else { return self.perform(effect) };
        if let Effect::Registry(entry) = &effect {
            // Without a writer the master is about to end.
            let _gone = registry.send(entry.as_ref().clone());
        }
        self.held.push_back(effect);
        self.release();
    }

    fn release(&mut self) {
        while let Some(effect) = self.held.pop_front() {
            if matches!(effect, Effect::Registry(_)) {
                if self.written == 0 {
                    return self.held.push_front(effect);
                }
                self.written -= 1;
            }
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Event { stream, event } => self.scheduler_event(&stream, &event),
            Effect::Close { stream } => drop(self.schedulers.remove(&stream)),
            Effect::OperatorEvent { subscriber, event } => self.operator_event(subscriber, &event),
            Effect::Agent { link, message } => self.agent_message(link, *message),
            Effect::AgentGone { link } => {
                self.disconnect_agent(link);
                self.remotes.forget(link);
            }
            Effect::Registry(entry) => {
                log(&entry);
                self.registry.iter_mut().for_each(|registry| registry.append(&entry));
            }
            Effect::Log(message) => tracing::warn!("{message}"),
        }
    }

    fn agent_message(&self, link: AgentLink, message: ToAgent) {
        match self.agents.get(&link) {
            Some(agent) => agent.send(message).unwrap_or_default(),
            None => drop(self.remotes.send(link, &message)),
        }
    }

    fn scheduler_event(&mut self, stream: &StreamId, event: &scheduler::Event) {
        if let Some(outlet) = self.schedulers.get_mut(stream) {
            outlet.write(record(outlet.media, event, || json::to_json_string(event)));
        }
    }

    fn operator_event(&mut self, subscriber: SubscriberId, event: &Arc<master::Event>) {
        if let Some(outlet) = self.subscribers.get_mut(&subscriber) {
            outlet.write(self.shared.record(outlet.media, event));
        }
    }
}

/// What becomes of agents is what an operator looks for in a log.
fn log(entry: &RegistryEntry) {
    let Some(agent) = &entry.agent else { return };
    let id = agent.id.as_ref().map(AgentId::as_str).unwrap_or_default();
    let state = entry.state().as_str_name().to_lowercase();
    tracing::info!(
        id,
        hostname = agent.hostname,
        port = agent.port(),
        deactivated = entry.deactivated(),
        "agent {state}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_an_entry_waits_until_it_is_written() {
        let mut outlets = Outlets::default();
        let (link, mut agent) = outlets.connect_agent();
        let (write, mut written) = mpsc::unbounded_channel();
        outlets.keep_in(write);
        let ping = || Effect::Agent { link, message: Box::new(ToAgent::Shutdown { message: String::new() }) };
        outlets.dispatch(ping());
        assert!(agent.try_recv().is_ok(), "nothing to wait for");
        for _ in 0..2 {
            outlets.dispatch(Effect::Registry(Box::default()));
            outlets.dispatch(ping());
        }
        assert!(written.try_recv().is_ok() && written.try_recv().is_ok(), "both are on their way");
        assert!(agent.try_recv().is_err());
        outlets.written(1);
        assert!(agent.try_recv().is_ok() && agent.try_recv().is_err(), "one is written");
        outlets.written(1);
        assert!(agent.try_recv().is_ok());
        outlets.cut();
        assert_eq!(agent.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }

    #[test]
    fn readers_of_one_event_share_its_record() {
        let mut shared = Shared::default();
        let event = Arc::new(master::Event::default());
        let first = shared.record(MediaType::Json, &event);
        let form = shared.record(MediaType::Protobuf, &event);
        assert_eq!(shared.record(MediaType::Json, &event).as_ptr(), first.as_ptr());
        assert_ne!(form, first);
        let next = shared.record(MediaType::Json, &Arc::new(master::Event::default()));
        assert_eq!(next, first);
        assert_eq!(shared.0.len(), 1, "only the last event is kept");
    }
}
