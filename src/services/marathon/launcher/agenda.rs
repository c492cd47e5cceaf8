//! What is to be looked at when: one moment for each key.

use std::collections::{BTreeMap, BTreeSet};

use crate::mesos::time::Time;

#[derive(Clone, Debug)]
pub struct Agenda<K> {
    at: BTreeMap<K, Time>,
    due: BTreeSet<(Time, K)>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self { at: BTreeMap::new(), due: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Agenda<K> {
    /// In place of the moment that it had.
    pub fn set(&mut self, key: K, at: Time) {
        if let Some(before) = self.at.insert(key.clone(), at) {
            self.due.remove(&(before, key.clone()));
        }
        self.due.insert((at, key));
    }

    pub fn remove(&mut self, key: &K) {
        if let Some(at) = self.at.remove(key) {
            self.due.remove(&(at, key.clone()));
        }
    }

    pub fn contains(&self, key: &K) -> bool {
        self.at.contains_key(key)
    }

    /// The keys from `first` on, in their order.
    pub fn keys_from(&self, first: K) -> impl Iterator<Item = &K> {
        self.at.range(first..).map(|(key, _)| key)
    }

    /// All whose moment has come, by time; they stay until they are set anew or removed.
    pub fn due(&self, now: Time) -> Vec<K> {
        self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone()).collect()
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_has_one_moment() {
        let at = |second| Time::from_epoch(Duration::from_secs(second));
        let mut agenda = Agenda::default();
        agenda.set("a", at(5));
        agenda.set("b", at(3));
        agenda.set("a", at(1));
        assert_eq!(agenda.next_deadline(), Some(at(1)));
        assert_eq!(agenda.due(at(2)), ["a"]);
        agenda.remove(&"a");
        assert_eq!(agenda.due(at(9)), ["b"]);
        assert_eq!(agenda.keys_from("a").collect::<Vec<_>>(), [&"b"]);
        assert!(!agenda.contains(&"a"));
    }
}
