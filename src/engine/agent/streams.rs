//! Status updates on their way to the framework: one at a time per task, repeated until acknowledged.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::frameworks::is_terminal;
use crate::{
    engine::wire::StatusUpdate,
    mesos::{
        time::Time,
        v1::{FrameworkId, TaskId},
    },
};

/// The first repetition; each next one takes twice as long.
const RETRY_INTERVAL_MIN: Duration = Duration::from_secs(10);
const RETRY_INTERVAL_MAX: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Stream {
    /// Never empty; the first one is with the framework.
    pending: VecDeque<StatusUpdate>,
    interval: Duration,
    /// None while there is no master.
    retry_at: Option<Time>,
}

impl Stream {
    fn send(&mut self, now: Time, interval: Duration) -> Option<StatusUpdate> {
        self.interval = interval.min(RETRY_INTERVAL_MAX);
        self.retry_at = Some(now + self.interval);
        self.pending.front().cloned()
    }
}

/// The updates of all tasks that wait for an acknowledgement.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: BTreeMap<(FrameworkId, TaskId), Stream>,
    running: bool,
}

/// What an acknowledgement has changed.
#[derive(Debug, PartialEq)]
pub(super) enum Acknowledged {
    /// Not the update that waits: a repetition, or never sent.
    Unknown,
    Next(Option<Box<StatusUpdate>>),
    /// The terminal one: the task is complete.
    Terminal,
}

impl Streams {
    /// Takes an update; gives it back when it is to be sent now.
    pub fn push(&mut self, now: Time, update: StatusUpdate) -> Option<StatusUpdate> {
        let key = (update.framework_id.clone(), update.status.task_id.clone());
        let stream = self.streams.entry(key).or_insert_with(|| Stream {
            pending: VecDeque::new(),
            interval: RETRY_INTERVAL_MIN,
            retry_at: None,
        });
        stream.pending.push_back(update);
        let first = stream.pending.len() == 1;
        if first && self.running { stream.send(now, RETRY_INTERVAL_MIN) } else { None }
    }

    pub fn acknowledge(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        task_id: &TaskId,
        uuid: &[u8],
    ) -> Acknowledged {
        let key = (framework_id.clone(), task_id.clone());
        let Some(stream) = self.streams.get_mut(&key) else { return Acknowledged::Unknown };
        let waiting = stream.pending.front().filter(|update| update.status.uuid() == uuid);
        let Some(state) = waiting.map(|update| update.status.state()) else { return Acknowledged::Unknown };
        stream.pending.pop_front();
        if is_terminal(state) {
            self.streams.remove(&key);
            return Acknowledged::Terminal;
        }
        if stream.pending.is_empty() {
            self.streams.remove(&key);
            return Acknowledged::Next(None);
        }
        Acknowledged::Next(stream.send(now, RETRY_INTERVAL_MIN).map(Box::new))
    }

    /// Whether this update is among those that wait.
    pub fn waits(&self, framework_id: &FrameworkId, task_id: &TaskId, uuid: &[u8]) -> bool {
        let stream = self.streams.get(&(framework_id.clone(), task_id.clone()));
        stream.is_some_and(|stream| stream.pending.iter().any(|update| update.status.uuid() == uuid))
    }

    /// The updates whose time to be repeated has come.
    pub fn due(&mut self, now: Time) -> Vec<StatusUpdate> {
        self.streams
            .values_mut()
            .filter(|stream| stream.retry_at.is_some_and(|at| at <= now))
            .filter_map(|stream| stream.send(now, stream.interval * 2))
            .collect()
    }

    /// There is a master: everything that waits is sent again.
    pub fn resume(&mut self, now: Time) -> Vec<StatusUpdate> {
        self.running = true;
        self.streams.values_mut().filter_map(|stream| stream.send(now, RETRY_INTERVAL_MIN)).collect()
    }

    /// There is no master.
    pub fn pause(&mut self) {
        self.running = false;
        for stream in self.streams.values_mut() {
            stream.retry_at = None;
        }
    }

    pub fn remove_framework(&mut self, framework_id: &FrameworkId) {
        self.streams.retain(|(id, _), _| id != framework_id);
    }

    pub fn next_deadline(&self) -> Option<Time> {
        self.streams.values().filter_map(|stream| stream.retry_at).min()
    }
}
