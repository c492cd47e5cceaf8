//! The last minutes in numbers, one per second: for sparklines.

use std::collections::VecDeque;

use crate::mesos::time::Time;

/// How many seconds are remembered.
pub const SECONDS: usize = 300;

/// Oldest first; the last is the second that is under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Tasks of the cluster running at the end of the second.
    pub running: VecDeque<u64>,
    /// Tasks of the cluster that appeared.
    pub launches: VecDeque<u64>,
    /// Offers that our scheduler was sent.
    pub offers: VecDeque<u64>,
    /// Tasks that ended without being asked to.
    pub failures: VecDeque<u64>,
    /// The whole second since the epoch that the last numbers are of.
    second: u64,
}

impl Rates {
    /// Goes on to the second of `now`: seconds in which nothing was counted are zero, `running` goes on as it was.
    pub fn advance(&mut self, now: Time) {
        let second = now.as_secs_f64() as u64;
        let steps = if self.running.is_empty() { 1 } else { second.saturating_sub(self.second) };
        self.second = self.second.max(second);
        let running = self.running.back().copied().unwrap_or_default();
        for _ in 0..steps.min(SECONDS as u64) {
            push(&mut self.running, running);
            push(&mut self.launches, 0);
            push(&mut self.offers, 0);
            push(&mut self.failures, 0);
        }
    }
}

impl Rates {
    /// So many run now.
    pub fn running(&mut self, count: usize) {
        if let Some(last) = self.running.back_mut() {
            *last = count as u64;
        }
    }

    pub fn launched(&mut self) {
        add(&mut self.launches, 1);
    }

    pub fn failed(&mut self) {
        add(&mut self.failures, 1);
    }

    pub fn offered(&mut self, count: u64) {
        add(&mut self.offers, count);
    }
}

fn add(numbers: &mut VecDeque<u64>, count: u64) {
    if let Some(last) = numbers.back_mut() {
        *last += count;
    }
}

fn push(numbers: &mut VecDeque<u64>, number: u64) {
    if numbers.len() >= SECONDS {
        numbers.pop_front();
    }
    numbers.push_back(number);
}
