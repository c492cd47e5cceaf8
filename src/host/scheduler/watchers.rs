//! Who watches: server-sent events, each with an id, the first a snapshot. A slow watcher is dropped, never waited for.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::Shared;
use crate::{
    host::http::{Request, Response, Sink, channel},
    scheduler::api::Event,
};

/// Bytes that may wait for one watcher.
const LIMIT: usize = 4 * 1024 * 1024;
const BETWEEN_SIGNS_OF_LIFE: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
pub struct Watchers {
    sinks: Vec<Sink>,
    /// Of the last event; ids go on across watchers, so that a gap can be seen.
    id: u64,
}

impl Watchers {
    pub fn tell(&mut self, event: &Event) {
        self.id += 1;
        if !self.sinks.is_empty() {
            let record = record(self.id, event);
            self.sinks.retain(|sink| sink.send(record.clone()).is_ok());
        }
    }

    fn add(&mut self, sink: Sink, snapshot: &Event) {
        if sink.send(record(self.id, snapshot)).is_ok() {
            self.sinks.push(sink);
        }
    }
}

fn record(id: u64, event: &Event) -> Bytes {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {id}\nevent: {}\ndata: {data}\n\n", event.name()).into()
}

/// Answers `GET /v1/events`.
pub fn watch(shared: &Shared, request: &Request) -> Response {
    let (sink, body) = channel(request, LIMIT);
    let mut core = shared.core();
    let snapshot = Shared::snapshot(&core);
    core.watchers.add(sink, &snapshot);
    Response::stream("text/event-stream", body).with(http::header::CACHE_CONTROL, "no-store")
}

/// Sends comments, so that nobody on the way takes a quiet stream for a dead one, and those who left are noticed.
pub async fn keep_alive(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(BETWEEN_SIGNS_OF_LIFE);
    loop {
        interval.tick().await;
        shared.core().watchers.sinks.retain(|sink| sink.send(Bytes::from_static(b":\n\n")).is_ok());
    }
}
