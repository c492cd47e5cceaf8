//! How long to wait before launching an app again whose instances end: by version, longer after each failure, forgotten
//! when no instance has ended for as long as the longest wait.

use std::{collections::BTreeMap, time::Duration};

use crate::mesos::time::Time;

/// `backoffSeconds`, `backoffFactor` and `maxLaunchDelaySeconds` of an app.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strategy {
    pub first: Duration,
    pub factor: f64,
    pub longest: Duration,
}

/// One wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    since: Time,
    wait: Duration,
    longest: Duration,
    /// Whether its end has been noticed.
    is_over: bool,
}

/// The waits of all apps; `K` names an app and its version.
#[derive(Clone, Debug)]
pub struct Backoff<K> {
    delays: BTreeMap<K, Delay>,
}

impl Delay {
    /// When the app may be launched again.
    pub fn until(&self) -> Time {
        self.since + self.wait
    }

    fn forgotten_at(&self) -> Time {
        self.since + self.longest
    }
}

impl<K> Default for Backoff<K> {
    fn default() -> Self {
        Self { delays: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Backoff<K> {
    /// An instance has ended.
    pub fn add(&mut self, now: Time, key: K, strategy: &Strategy) {
        let before = self.delays.get(&key).filter(|delay| now <= delay.forgotten_at());
        let wait = match before {
            Some(delay) => scaled(delay.wait, strategy.factor),
            None => strategy.first,
        };
        let delay =
            Delay { since: now, wait: wait.min(strategy.longest), longest: strategy.longest, is_over: false };
        self.delays.insert(key, delay);
    }

    /// An instance came up: the wait, if there is one, begins anew.
    pub fn advance(&mut self, now: Time, key: &K) {
        if let Some(delay) = self.delays.get_mut(key) {
            (delay.since, delay.is_over) = (now, false);
        }
    }

    /// The keys whose waits have ended since we last asked.
    pub fn ended(&mut self, now: Time) -> Vec<K> {
        let over = self.delays.iter_mut().filter(|(_, delay)| !delay.is_over && delay.until() <= now);
        over.map(|(key, delay)| {
            delay.is_over = true;
            key.clone()
        })
        .collect()
    }

    pub fn reset(&mut self, key: &K) {
        self.delays.remove(key);
    }

    /// Forgets all waits of the keys that `which` picks.
    pub fn reset_where(&mut self, which: impl Fn(&K) -> bool) {
        self.delays.retain(|key, _| !which(key));
    }

    /// Forgets what is long past, and has been noticed.
    pub fn tidy(&mut self, now: Time) {
        self.delays.retain(|_, delay| now <= delay.forgotten_at() || !delay.is_over);
    }

    pub fn get(&self, key: &K) -> Option<&Delay> {
        self.delays.get(key)
    }

    pub fn allows(&self, now: Time, key: &K) -> bool {
        self.delays.get(key).is_none_or(|delay| delay.until() <= now)
    }

    /// The next moment after `now` when a wait ends.
    pub fn next_deadline(&self, now: Time) -> Option<Time> {
        self.delays.values().map(Delay::until).filter(|until| *until > now).min()
    }
}

fn scaled(wait: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRATEGY: Strategy =
        Strategy { first: Duration::from_secs(1), factor: 2.0, longest: Duration::from_secs(5) };

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..5 {
            backoff.add(at(100), "app", &STRATEGY);
            waits.push(backoff.get(&"app").unwrap().until().since(at(100)).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        assert!(!backoff.allows(at(104), &"app") && backoff.allows(at(105), &"app"));
        assert!(backoff.allows(at(0), &"other"));
        assert_eq!(backoff.next_deadline(at(100)), Some(at(105)));
        backoff.reset(&"app");
        assert!(backoff.allows(at(100), &"app"));
    }

    #[test]
    fn the_first_wait_is_no_longer_than_the_longest() {
        let mut backoff = Backoff::default();
        backoff.add(at(0), 1, &Strategy { first: Duration::from_secs(60), ..STRATEGY });
        assert_eq!(backoff.get(&1).unwrap().until(), at(5));
    }

    #[test]
    fn an_app_that_keeps_running_is_forgiven() {
        let mut backoff = Backoff::default();
        backoff.add(at(10), 1, &STRATEGY);
        backoff.advance(at(12), &1);
        assert_eq!(backoff.get(&1).unwrap().until(), at(13));
        backoff.tidy(at(17));
        assert!(backoff.get(&1).is_some());
        backoff.tidy(at(18));
        assert!(backoff.get(&1).is_some(), "nobody has noticed its end");
        assert_eq!((backoff.ended(at(18)), backoff.ended(at(18))), (vec![1], vec![]));
        backoff.tidy(at(18));
        assert!(backoff.get(&1).is_none());
        backoff.add(at(20), 1, &STRATEGY);
        backoff.add(at(26), 1, &STRATEGY);
        assert_eq!(backoff.get(&1).unwrap().until(), at(27), "forgiven, though not yet forgotten");
    }
}
