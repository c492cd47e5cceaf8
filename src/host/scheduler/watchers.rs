//! Who watches: server-sent events, each with an id, the first a snapshot. A slow watcher is dropped, never waited for.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Core, Shared};
use crate::{
    host::http::{Request, Response, Sink, channel},
    scheduler::api::{Event, State},
};

/// Bytes that may wait for one watcher, besides its snapshot.
const LIMIT: usize = 4 * 1024 * 1024;
/// A state is O(tasks) to make.
const BETWEEN_STATES: Duration = Duration::from_millis(100);
const BETWEEN_SIGNS_OF_LIFE: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
pub struct Watchers {
    sinks: Vec<Sink>,
    /// Of the last event; ids go on across watchers, so that a gap can be seen.
    id: u64,
    /// The state that all of them know.
    state: Option<State>,
}

impl Watchers {
    pub fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    pub fn tell(&mut self, event: &Event) {
        self.id += 1;
        if !self.sinks.is_empty() {
            let record = record(self.id, event);
            self.sinks.retain(|sink| sink.send(record.clone()).is_ok());
        }
    }

    /// Tells the state if that is news.
    fn tell_state(&mut self, state: State) {
        if self.state.as_ref() != Some(&state) {
            self.tell(&Event::State(Box::new(state.clone())));
            self.state = Some(state);
        }
    }

    fn add(&mut self, sink: Sink, snapshot: &Event, state: State) {
        self.state = Some(state);
        if sink.admit(record(self.id, snapshot)).is_ok() {
            self.sinks.push(sink);
        }
    }
}

impl Core {
    fn tell_state(&mut self) {
        if !self.watchers.is_empty() {
            let state = self.scheduler.state();
            self.watchers.tell_state(state);
        }
    }
}

fn record(id: u64, event: &Event) -> Bytes {
    let mut record = format!("id: {id}\nevent: {}\ndata: ", event.name()).into_bytes();
    if let Err(error) = serde_json::to_writer(&mut record, event) {
        tracing::error!(%error, event = event.name(), "an event cannot be written");
    }
    record.extend_from_slice(b"\n\n");
    record.into()
}

/// Answers `GET /v1/events`.
pub fn watch(shared: &Shared, request: &Request) -> Response {
    let (sink, body) = channel(request, LIMIT);
    let mut core = shared.core();
    // Those who watch already are to know the state that the snapshot has.
    core.tell_state();
    let snapshot = Shared::snapshot(&core);
    let state = core.scheduler.state();
    core.watchers.add(sink, &snapshot, state);
    Response::stream("text/event-stream", body).with(http::header::CACHE_CONTROL, "no-store")
}

/// Tells the state some time after it may have changed, while somebody watches.
pub async fn keep_informed(shared: Arc<Shared>) {
    loop {
        shared.touched.notified().await;
        shared.core().tell_state();
        tokio::time::sleep(BETWEEN_STATES).await;
    }
}

/// Sends comments, so that nobody on the way takes a quiet stream for a dead one, and those who left are noticed.
pub async fn keep_alive(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(BETWEEN_SIGNS_OF_LIFE);
    loop {
        interval.tick().await;
        shared.core().watchers.sinks.retain(|sink| sink.send(Bytes::from_static(b":\n\n")).is_ok());
    }
}
