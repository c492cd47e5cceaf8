//! Event streams: a bounded queue between the engine, which never waits, and one client.
//!
//! Each send becomes one HTTP chunk. When the bytes that wait exceed the limit, the reader is too slow: its
//! connection is dropped. When the stream ends from the client's side, the body is dropped and says so.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::request::Request;

/// The stream is gone: the client left, or was dropped for its slowness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is closed")]
pub struct Closed;

/// The sending end. Dropping it ends the stream properly, with the last chunk.
#[derive(Debug)]
pub struct Sink {
    queue: mpsc::UnboundedSender<Bytes>,
    waiting: Arc<AtomicUsize>,
    limit: usize,
    connection: CancellationToken,
}

impl Sink {
    /// Queues one record as one chunk. Never waits.
    pub fn send(&self, record: Bytes) -> Result<(), Closed> {
        let before = self.waiting.fetch_add(record.len(), Ordering::Relaxed);
        if before > 0 && before + record.len() > self.limit {
            self.abort();
            return Err(Closed);
        }
        self.queue.send(record).map_err(|_| Closed)
    }

    /// Drops the connection without a last chunk.
    pub fn abort(&self) {
        self.connection.cancel();
    }
}

/// The receiving end, the body of a response.
pub struct StreamBody {
    queue: mpsc::UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
    on_gone: Option<Box<dyn FnOnce() + Send>>,
}

impl StreamBody {
    /// Calls `then` once the stream has ended, from whichever side.
    #[must_use]
    pub fn on_gone(mut self, then: impl FnOnce() + Send + 'static) -> Self {
        self.on_gone = Some(Box::new(then));
        self
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let record = ready!(Pin::new(&mut self.queue).poll_recv(context));
        if let Some(record) = &record {
            self.waiting.fetch_sub(record.len(), Ordering::Relaxed);
        }
        Poll::Ready(record)
    }
}

impl std::fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamBody").finish_non_exhaustive()
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if let Some(then) = self.on_gone.take() {
            then();
        }
    }
}

/// A stream that answers `request`; `limit` is the number of bytes that may wait for the client.
pub fn channel(request: &Request, limit: usize) -> (Sink, StreamBody) {
    let (sender, queue) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let connection = request.connection.clone();
    let sink = Sink { queue: sender, waiting: Arc::clone(&waiting), limit, connection };
    (sink, StreamBody { queue, waiting, on_gone: None })
}
