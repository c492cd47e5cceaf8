//! The messages that wait for one destination: whole ones in a few large chunks, so that many go out in one write, and
//! so many bytes at most, counting what is being written.

use std::{collections::VecDeque, fmt};

use super::message::Message;

/// A chunk begins with the message that does not fit into this any more.
const CHUNK: usize = 256 * 1024;

pub struct Outbox {
    chunks: VecDeque<Vec<u8>>,
    /// Of all chunks, and of the one that was taken last.
    bytes: usize,
    taken: usize,
    limit: usize,
}

/// A message is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many bytes wait for the destination")]
pub struct Full;

impl Outbox {
    pub fn new(limit: usize) -> Self {
        Self { chunks: VecDeque::new(), bytes: 0, taken: 0, limit }
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn push(&mut self, message: &Message<'_>) -> Result<(), Full> {
        let size = message.size();
        if self.bytes.saturating_add(size) > self.limit {
            return Err(Full);
        }
        if self.chunks.back().is_none_or(|chunk| chunk.len() + size > CHUNK) {
            self.chunks.push_back(Vec::with_capacity(size));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            let before = chunk.len();
            message.write_to(chunk);
            self.bytes += chunk.len() - before;
        }
        Ok(())
    }

    /// The next chunk to write; the one before is done with.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.bytes -= std::mem::take(&mut self.taken);
        let chunk = self.chunks.pop_front()?;
        self.taken = chunk.len();
        Some(chunk)
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.limit);
    }
}

/// Not what is in the messages.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("bytes", &self.bytes)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &[u8]) -> Message<'_> {
        Message { from: "a", address: "127.0.0.1:1", to: "b", name: "c", body }
    }

    fn size(body: &[u8]) -> usize {
        let mut bytes = Vec::new();
        message(body).write_to(&mut bytes);
        bytes.len()
    }

    #[test]
    fn small_messages_share_a_chunk_and_keep_their_order() {
        let mut outbox = Outbox::new(usize::MAX);
        let bodies: Vec<_> = (0..10_000_u32).map(u32::to_be_bytes).collect();
        for body in &bodies {
            outbox.push(&message(body)).unwrap();
        }
        let mut expected = Vec::new();
        bodies.iter().for_each(|body| message(body).write_to(&mut expected));
        let mut chunks = Vec::new();
        while let Some(chunk) = outbox.take() {
            assert!(chunk.len() <= CHUNK && (chunk.len() > CHUNK / 2 || outbox.is_empty()));
            chunks.extend(chunk);
        }
        assert_eq!(chunks, expected);
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn what_is_being_written_counts() {
        let body = [0; 10_000];
        let mut outbox = Outbox::new(3 * 10_500);
        for _ in 0..3 {
            outbox.push(&message(&body)).unwrap();
        }
        assert_eq!(outbox.push(&message(&body)), Err(Full));
        assert_eq!(outbox.take().unwrap().len(), 3 * size(&body));
        assert_eq!(outbox.push(&message(&body)), Err(Full), "it is not yet written");
        assert_eq!(outbox.take(), None);
        outbox.push(&message(&body)).unwrap();
        outbox.clear();
        assert!(outbox.is_empty() && outbox.bytes == 0);
        assert_eq!(outbox.push(&message(&[0; 40_000])), Err(Full));
    }
}
