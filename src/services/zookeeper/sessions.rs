//! Sessions: who lives until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;

use crate::mesos::time::Time;

use super::ConnectionId;

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// In milliseconds, as negotiated at last.
    pub timeout: i32,
    pub passwd: Bytes,
    /// Where its client is connected now.
    pub connection: Option<ConnectionId>,
    expires: Time,
}

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    all: BTreeMap<i64, Session>,
    by_expiry: BTreeSet<(Time, i64)>,
}

fn span(timeout: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout).unwrap_or_default())
}

impl Sessions {
    pub fn insert(&mut self, now: Time, id: i64, timeout: i32, passwd: Bytes) {
        let expires = now + span(timeout);
        self.remove(id);
        self.all.insert(id, Session { timeout, passwd, connection: None, expires });
        self.by_expiry.insert((expires, id));
    }

    pub fn get(&self, id: i64) -> Option<&Session> {
        self.all.get(&id)
    }

    pub fn get_mut(&mut self, id: i64) -> Option<&mut Session> {
        self.all.get_mut(&id)
    }

    pub fn remove(&mut self, id: i64) -> Option<Session> {
        let session = self.all.remove(&id)?;
        self.by_expiry.remove(&(session.expires, id));
        Some(session)
    }

    /// Its client was heard of.
    pub fn touch(&mut self, now: Time, id: i64) {
        let Some(session) = self.all.get_mut(&id) else { return };
        self.by_expiry.remove(&(session.expires, id));
        session.expires = now + span(session.timeout);
        self.by_expiry.insert((session.expires, id));
    }

    /// All have their whole timeout again: nobody could be heard of before.
    pub fn touch_all(&mut self, now: Time) {
        let ids: Vec<i64> = self.all.keys().copied().collect();
        ids.into_iter().for_each(|id| self.touch(now, id));
    }

    /// When the next one expires.
    pub fn next_expiry(&self) -> Option<Time> {
        self.by_expiry.first().map(|(expires, _)| *expires)
    }

    /// The one that has been silent for too long, the longest so first.
    pub fn expired(&self, now: Time) -> Option<i64> {
        self.by_expiry.first().filter(|(expires, _)| *expires <= now).map(|(_, id)| *id)
    }

    /// By their expiry.
    pub fn expiries(&self) -> impl Iterator<Item = (Time, i64)> {
        self.by_expiry.iter().copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (i64, &Session)> {
        self.all.iter().map(|(id, session)| (*id, session))
    }

    pub fn count(&self) -> usize {
        self.all.len()
    }
}
