//! How much a listener keeps in memory for its clients: bodies that are being read, and answers that nobody reads.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;

/// What is smaller is not counted: the number of connections bounds it.
const SMALL: usize = 64 * 1024;

/// The bytes that clients of one listener may hold together.
#[derive(Clone, Debug)]
pub struct Memory {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// A part of the memory, given back when it is dropped.
#[derive(Debug)]
pub struct Claim {
    memory: Memory,
    size: usize,
}

impl Memory {
    pub fn new(limit: usize) -> Self {
        Self { used: Arc::default(), limit }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn claim(&self) -> Claim {
        Claim { memory: self.clone(), size: 0 }
    }

    /// Counts `bytes` until their last clone is gone; None when there is no room.
    pub fn hold(&self, bytes: Bytes) -> Option<Bytes> {
        let mut claim = self.claim();
        claim.grow_to(bytes.len()).then(|| claim.over(bytes))
    }
}

impl Claim {
    /// Whether there is room for `size` bytes in all.
    pub fn grow_to(&mut self, size: usize) -> bool {
        if size <= SMALL || size <= self.size {
            return true;
        }
        let more = size - self.size;
        let used = self.memory.used.fetch_add(more, Ordering::Relaxed);
        self.size = size;
        used.saturating_add(more) <= self.memory.limit
    }

    /// Counts as long as the bytes live.
    pub fn over(self, bytes: Bytes) -> Bytes {
        if self.size == 0 {
            return bytes;
        }
        Bytes::from_owner(Held { bytes, _claim: self })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

struct Held {
    bytes: Bytes,
    _claim: Claim,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_counts_until_it_is_gone() {
        let memory = Memory::new(3 * SMALL);
        let bytes = |size| Bytes::from(vec![0; size]);
        let large = memory.hold(bytes(2 * SMALL)).unwrap();
        assert!(memory.hold(bytes(2 * SMALL)).is_none());
        let part = large.slice(..1);
        drop(large);
        assert!(memory.hold(bytes(2 * SMALL)).is_none());
        assert!(memory.hold(bytes(SMALL)).is_some());
        drop(part);
        assert!(memory.hold(bytes(3 * SMALL)).is_some());
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_claim_grows() {
        let memory = Memory::new(3 * SMALL);
        let mut claim = memory.claim();
        assert!(claim.grow_to(SMALL) && claim.grow_to(3 * SMALL));
        assert!(memory.hold(Bytes::from(vec![0; SMALL + 1])).is_none());
        assert!(!claim.grow_to(3 * SMALL + 1));
        drop(claim);
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }
}
