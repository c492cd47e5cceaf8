//! How long the slot of a failed task waits: exponentially longer, and from the start again after a healthy run.

use std::time::Duration;

use crate::scheduler::config::BackoffConfig;

/// The failures of one slot in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    pub failures: u32,
}

impl Backoff {
    /// Counts a failure of a task that had run for `ran`; how long to wait before the next one.
    pub fn failed(&mut self, ran: Duration, config: &BackoffConfig) -> Duration {
        if ran >= config.reset_after.duration() {
            self.failures = 0;
        }
        let exponent = i32::try_from(self.failures).unwrap_or(i32::MAX);
        self.failures = self.failures.saturating_add(1);
        let seconds = config.initial.0 * config.factor.powi(exponent).min(1e12);
        let longest = config.max.0.max(config.initial.0);
        Duration::try_from_secs_f64(seconds.min(longest)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;
    use crate::scheduler::config::BackoffConfig;

    #[test]
    fn doubles_to_the_longest_and_starts_again_after_a_healthy_run() {
        let config = BackoffConfig::default();
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.failed(Duration::ZERO, &config).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.failed(Duration::from_secs(10), &config).as_secs(), 1);
        let mut old = Backoff { failures: u32::MAX };
        assert_eq!(old.failed(Duration::ZERO, &config).as_secs(), 60);
    }
}
