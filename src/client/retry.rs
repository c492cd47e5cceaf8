//! How long to wait before the next try: twice as long each time, with jitter, so that many clients do not come at once.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::SmallRng};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Retry {
    tries: u32,
    longest: Duration,
    rng: SmallRng,
}

impl Retry {
    pub fn new(seed: u64) -> Self {
        Self { tries: 0, longest: LONGEST, rng: SmallRng::seed_from_u64(seed) }
    }

    /// Waits no longer than this.
    pub fn at_most(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// It worked: the next failure counts as the first.
    pub fn succeeded(&mut self) {
        self.tries = 0;
    }

    /// Between half and the whole of the time that doubles with every call, up to the longest, 10 s.
    pub fn wait(&mut self) -> Duration {
        let longest = (FIRST * 2_u32.saturating_pow(self.tries.min(12))).min(self.longest);
        self.tries = self.tries.saturating_add(1);
        longest.mul_f64(self.rng.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LONGEST, Retry};

    #[test]
    fn grows_to_the_longest_and_starts_again() {
        let mut retry = Retry::new(1);
        let waits: Vec<_> = (0..20).map(|_| retry.wait()).collect();
        assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2);
        assert!(waits[15..].iter().all(|wait| *wait <= LONGEST && *wait >= LONGEST / 2));
        retry.succeeded();
        assert!(retry.wait() <= FIRST);
    }
}
