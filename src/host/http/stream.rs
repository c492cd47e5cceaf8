//! Event streams: a bounded queue between the engine, which never waits, and one client.
//!
//! Each send becomes one HTTP chunk. When the bytes that wait exceed the limit, the reader is too slow: its
//! connection is dropped. What is admitted waits besides that. When the stream ends from the client's side, the body is dropped and says so.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{memory::Memory, request::Request};

/// The stream is gone: the client left, or was dropped for its slowness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is closed")]
pub struct Closed;

/// A record with what it counts for the limit.
#[derive(Debug)]
struct Queued {
    record: Bytes,
    weight: usize,
}

/// The sending end. Dropping it ends the stream properly, with the last chunk.
#[derive(Debug)]
pub struct Sink {
    queue: mpsc::UnboundedSender<Queued>,
    waiting: Arc<AtomicUsize>,
    /// Told whenever the client has taken something, or is gone.
    taken: Arc<Notify>,
    limit: usize,
    connection: CancellationToken,
    /// What readers hold of records of their own.
    memory: Memory,
}

impl Sink {
    /// Queues one record as one chunk. Never waits.
    pub fn send(&self, record: Bytes) -> Result<(), Closed> {
        let before = self.waiting.fetch_add(record.len(), Ordering::Relaxed);
        if before > 0 && before + record.len() > self.limit {
            self.abort();
            return Err(Closed);
        }
        let weight = record.len();
        self.queue.send(Queued { record, weight }).map_err(|_| Closed)
    }

    /// Queues a record that a reader must get whatever its size, and that does not count for the limit: a first
    /// snapshot. It is the reader's own, so there must be room for it in what the listener's clients may hold.
    pub fn admit(&self, record: Bytes) -> Result<(), Closed> {
        let Some(record) = self.memory.hold(record) else {
            self.abort();
            return Err(Closed);
        };
        self.queue.send(Queued { record, weight: 0 }).map_err(|_| Closed)
    }

    /// Waits until half of what may wait is free, so that a sender who waits is not dropped; at once when the client is
    /// gone.
    pub async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            let has_room = self.waiting.load(Ordering::Relaxed) <= self.limit / 2;
            if has_room || self.queue.is_closed() {
                return;
            }
            taken.await;
        }
    }

    /// Drops the connection without a last chunk.
    pub fn abort(&self) {
        self.connection.cancel();
    }
}

/// The receiving end, the body of a response.
pub struct StreamBody {
    queue: mpsc::UnboundedReceiver<Queued>,
    waiting: Arc<AtomicUsize>,
    taken: Arc<Notify>,
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
        let Some(queued) = ready!(Pin::new(&mut self.queue).poll_recv(context)) else {
            return Poll::Ready(None);
        };
        self.waiting.fetch_sub(queued.weight, Ordering::Relaxed);
        self.taken.notify_one();
        Poll::Ready(Some(queued.record))
    }
}

impl std::fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamBody").finish_non_exhaustive()
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.queue.close();
        self.taken.notify_one();
        if let Some(then) = self.on_gone.take() {
            then();
        }
    }
}

/// A stream that answers `request`; `limit` is the number of bytes that may wait for the client.
pub fn channel(request: &Request, limit: usize) -> (Sink, StreamBody) {
    pair(request.connection.clone(), request.memory.clone(), limit)
}

fn pair(connection: CancellationToken, memory: Memory, limit: usize) -> (Sink, StreamBody) {
    let (sender, queue) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let taken = Arc::new(Notify::new());
    let body = StreamBody { queue, waiting: Arc::clone(&waiting), taken: Arc::clone(&taken), on_gone: None };
    (Sink { queue: sender, waiting, taken, limit, connection, memory }, body)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio_util::sync::CancellationToken;

    use super::{Closed, Memory, pair};

    #[tokio::test]
    async fn what_is_admitted_does_not_count_for_the_limit() {
        let connection = CancellationToken::new();
        let (sink, mut body) = pair(connection.clone(), Memory::new(0), 10);
        sink.admit(Bytes::from(vec![0; 100])).unwrap();
        sink.send(Bytes::from_static(b"12345")).unwrap();
        sink.send(Bytes::from_static(b"12345")).unwrap();
        for length in [100, 5] {
            let record = std::future::poll_fn(|context| body.poll_next(context)).await.unwrap();
            assert_eq!(record.len(), length);
        }
        sink.send(Bytes::from_static(b"12345")).unwrap();
        assert_eq!(sink.send(Bytes::from_static(b"1")), Err(Closed), "ten bytes wait");
        assert!(connection.is_cancelled());
    }

    #[tokio::test]
    async fn a_sender_can_wait_for_its_reader() {
        let (sink, mut body) = pair(CancellationToken::new(), Memory::new(0), 10);
        sink.room().await;
        sink.send(Bytes::from_static(b"123456")).unwrap();
        let waits = async { tokio::time::timeout(std::time::Duration::from_millis(20), sink.room()).await };
        assert!(waits.await.is_err(), "more than half waits");
        let reads = std::future::poll_fn(|context| body.poll_next(context));
        let ((), record) = tokio::join!(sink.room(), reads);
        assert_eq!(record.as_deref(), Some(b"123456".as_slice()));
        sink.send(Bytes::from_static(b"123456")).unwrap();
        let leaves = async { drop(body) };
        tokio::join!(sink.room(), leaves);
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_snapshots() {
        let (connection, memory) = (CancellationToken::new(), Memory::new(150_000));
        let snapshot = || Bytes::from(vec![0; 100_000]);
        let (first, mut body) = pair(CancellationToken::new(), memory.clone(), 10);
        first.admit(snapshot()).unwrap();
        let (second, _body) = pair(connection.clone(), memory.clone(), 10);
        assert_eq!(second.admit(snapshot()), Err(Closed));
        assert!(connection.is_cancelled());
        drop(std::future::poll_fn(|context| body.poll_next(context)).await);
        let (third, _body) = pair(CancellationToken::new(), memory, 10);
        third.admit(snapshot()).unwrap();
    }
}
