//! When which agents are looked at: at once for an event, with the next tick otherwise.

use std::{collections::BTreeSet, time::Duration};

use crate::mesos::{time::Time, v1::AgentId};

/// Agents whose resources are to be allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Candidates {
    #[default]
    None,
    Some(BTreeSet<AgentId>),
    All,
}

impl Candidates {
    fn add(&mut self, agents: impl IntoIterator<Item = AgentId>) {
        match self {
            Self::All => {}
            Self::Some(set) => set.extend(agents),
            Self::None => {
                let set: BTreeSet<_> = agents.into_iter().collect();
                if !set.is_empty() {
                    *self = Self::Some(set);
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        match other {
            Self::None => {}
            Self::Some(agents) => self.add(agents),
            Self::All => *self = Self::All,
        }
    }

    fn forget(&mut self, agent: &AgentId) {
        if let Self::Some(set) = self {
            set.remove(agent);
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Schedule {
    start: Time,
    interval: Duration,
    /// To be looked at with the next call.
    requested: Candidates,
    /// To be looked at with the tick at `due`.
    deferred: Candidates,
    due: Option<Time>,
}

impl Schedule {
    pub fn new(start: Time, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self { start, interval, requested: Candidates::None, deferred: Candidates::None, due: None }
    }

    /// Ticks every `interval` from `now` on; what waits for a tick is looked at once more at once.
    pub fn restart(&mut self, now: Time, interval: Duration) {
        let waiting = std::mem::take(&mut self.deferred);
        *self = Self { requested: std::mem::take(&mut self.requested), ..Self::new(now, interval) };
        self.requested.merge(waiting);
    }

    pub fn request(&mut self, agent: &AgentId) {
        self.requested.add([agent.clone()]);
    }

    pub fn request_all(&mut self) {
        self.requested = Candidates::All;
    }

    pub fn is_requested(&self) -> bool {
        self.requested != Candidates::None
    }

    pub fn defer(&mut self, now: Time, agent: &AgentId) {
        self.deferred.add([agent.clone()]);
        self.due.get_or_insert(tick_after(self.start, self.interval, now));
    }

    pub fn defer_all(&mut self, now: Time) {
        self.deferred = Candidates::All;
        self.due.get_or_insert(tick_after(self.start, self.interval, now));
    }

    pub fn forget(&mut self, agent: &AgentId) {
        self.requested.forget(agent);
        self.deferred.forget(agent);
    }

    /// The first tick after `time`: one that falls on `time` itself comes before whatever happens then.
    pub fn tick_after(&self, time: Time) -> Time {
        tick_after(self.start, self.interval, time)
    }

    /// When somebody is to be looked at: long ago when at once.
    pub fn due(&self) -> Option<Time> {
        if self.is_requested() { Some(self.start) } else { self.due }
    }

    /// Whom to look at now, forgetting them.
    pub fn take(&mut self, now: Time) -> Candidates {
        let mut candidates = std::mem::take(&mut self.requested);
        if self.due.is_some_and(|due| due <= now) {
            candidates.merge(std::mem::take(&mut self.deferred));
            self.due = None;
        }
        candidates
    }
}

fn tick_after(start: Time, interval: Duration, time: Time) -> Time {
    let ticks = time.since(start).as_nanos() / interval.as_nanos() + 1;
    let nanos = u64::try_from(ticks * interval.as_nanos()).unwrap_or(u64::MAX);
    start + Duration::from_nanos(nanos)
}
