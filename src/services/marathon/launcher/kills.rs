//! Kills that wait for their answer: only so many at a time, and again when no answer comes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::{mesos::time::Time, services::marathon::model::InstanceId};

#[derive(Clone, Debug)]
pub struct Kills {
    at_once: usize,
    retry: Duration,
    /// In the order in which they were added; those that are not in `queued` are done.
    queue: VecDeque<InstanceId>,
    queued: BTreeSet<InstanceId>,
    in_flight: BTreeMap<InstanceId, Time>,
}

impl Kills {
    pub fn new(at_once: usize, retry: Duration) -> Self {
        Self { at_once, retry, queue: VecDeque::new(), queued: BTreeSet::new(), in_flight: BTreeMap::new() }
    }

    /// The instance's task is to be killed.
    pub fn add(&mut self, id: &InstanceId) {
        if !self.in_flight.contains_key(id) && self.queued.insert(id.clone()) {
            self.queue.push_back(id.clone());
        }
    }

    /// The task has ended.
    pub fn done(&mut self, id: &InstanceId) {
        self.in_flight.remove(id);
        self.queued.remove(id);
    }

    pub fn contains(&self, id: &InstanceId) -> bool {
        self.in_flight.contains_key(id) || self.queued.contains(id)
    }

    /// Nobody knows which kills have arrived.
    pub fn doubt(&mut self) {
        let in_flight: Vec<_> = std::mem::take(&mut self.in_flight).into_keys().collect();
        self.queued.extend(in_flight.iter().cloned());
        self.queue = in_flight.into_iter().chain(std::mem::take(&mut self.queue)).collect();
    }

    /// Whom to kill now, for the first time or again.
    pub fn due(&mut self, now: Time) -> Vec<InstanceId> {
        let mut due = Vec::new();
        for (id, issued) in &mut self.in_flight {
            if *issued + self.retry <= now {
                *issued = now;
                due.push(id.clone());
            }
        }
        while self.in_flight.len() < self.at_once {
            let Some(id) = self.queue.pop_front() else { break };
            if !self.queued.remove(&id) {
                continue;
            }
            self.in_flight.insert(id.clone(), now);
            due.push(id);
        }
        due
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.in_flight.values().min().map(|issued| *issued + self.retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::marathon::model::AppId;

    fn id(n: u32) -> InstanceId {
        InstanceId::new(&AppId::new("/a"), n)
    }

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn so_many_at_a_time_and_again_without_an_answer() {
        let mut kills = Kills::new(2, Duration::from_secs(30));
        (0..3).for_each(|n| kills.add(&id(n)));
        kills.add(&id(0));
        assert_eq!(kills.due(at(0)), [id(0), id(1)]);
        assert_eq!(kills.due(at(1)), []);
        kills.done(&id(0));
        assert_eq!(kills.due(at(2)), [id(2)]);
        assert_eq!(kills.next_deadline(), Some(at(30)));
        assert_eq!(kills.due(at(30)), [id(1)]);
        kills.doubt();
        assert_eq!(kills.due(at(31)).len(), 2);
        kills.done(&id(1));
        kills.done(&id(2));
        assert_eq!(kills.next_deadline(), None);
    }
}
