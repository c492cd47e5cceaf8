//! What waits to be written to a connection. It is bounded: whoever asks and does not read is asked to wait first, and
//! hung up on when events alone grow beyond the bound.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::Notify;

/// From here on nothing more is read from the connection until it has read.
const PATIENCE: usize = 1024 * 1024;

/// From here on the connection is given up.
const LIMIT: usize = 16 * 1024 * 1024;

/// The way out to one connection.
#[derive(Debug, Default)]
pub struct Outlet {
    queue: Mutex<Queue>,
    /// Rung when there is something to write, or nothing more to come.
    filled: Notify,
    /// Rung when something was written.
    drained: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: BytesMut,
    /// Taken, and not written yet.
    writing: usize,
    end: Option<End>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// After what is queued.
    Drained,
    /// At once.
    Dropped,
}

impl Queue {
    fn size(&self) -> usize {
        self.bytes.len() + self.writing
    }
}

impl Outlet {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame, behind what is there.
    pub fn frame(&self, content: &[u8]) {
        self.push(|bytes| {
            bytes.put_u32(u32::try_from(content.len()).unwrap_or(u32::MAX));
            bytes.put_slice(content);
        });
    }

    /// Bytes that are no frame.
    pub fn say(&self, text: &str) {
        self.push(|bytes| bytes.put_slice(text.as_bytes()));
    }

    fn push(&self, put: impl FnOnce(&mut BytesMut)) {
        let mut queue = self.queue();
        if queue.end.is_some() {
            return;
        }
        if queue.size() > LIMIT {
            tracing::warn!(bytes = queue.size(), "hung up on a client that does not read");
            queue.end = Some(End::Dropped);
        } else {
            put(&mut queue.bytes);
        }
        self.filled.notify_one();
    }

    /// Nothing more comes.
    pub fn end(&self, how: End) {
        self.queue().end.get_or_insert(how);
        self.filled.notify_one();
    }

    /// What is to be written next, all at once; none when that was all.
    pub async fn next(&self) -> Result<Bytes, End> {
        loop {
            {
                let mut queue = self.queue();
                queue.writing = 0;
                self.drained.notify_one();
                if queue.end == Some(End::Dropped) {
                    return Err(End::Dropped);
                }
                if !queue.bytes.is_empty() {
                    let bytes = queue.bytes.split().freeze();
                    queue.writing = bytes.len();
                    return Ok(bytes);
                }
                if let Some(end) = queue.end {
                    return Err(end);
                }
            }
            self.filled.notified().await;
        }
    }

    /// Waits until the client has read most of what it was sent.
    pub async fn patience(&self) {
        while self.queue().size() > PATIENCE {
            self.drained.notified().await;
        }
    }
}
