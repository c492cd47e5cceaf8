//! How much a server has done, and how long it took.

use std::time::Duration;

/// Least, mean and greatest time between a request and its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    count: u64,
    sum: Duration,
    least: Duration,
    greatest: Duration,
}

impl Latencies {
    pub fn add(&mut self, latency: Duration) {
        self.least = if self.count == 0 { latency } else { self.least.min(latency) };
        self.greatest = self.greatest.max(latency);
        self.sum += latency;
        self.count += 1;
    }

    /// In whole milliseconds.
    pub fn min(&self) -> u128 {
        self.least.as_millis()
    }

    /// In whole milliseconds.
    pub fn max(&self) -> u128 {
        self.greatest.as_millis()
    }

    /// In milliseconds, with a fraction.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum.as_secs_f64() * 1000.0 / self.count as f64 }
    }
}

/// The figures of a server at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub connections: usize,
    pub sessions: usize,
    pub nodes: usize,
    pub ephemerals: usize,
    pub watches: usize,
    /// Bytes of paths and data.
    pub size: usize,
    /// The last transaction.
    pub zxid: i64,
    pub received: u64,
    pub sent: u64,
    pub outstanding: u64,
    /// Milliseconds between a request and its answer, in the mean.
    pub mean_latency: f64,
}
