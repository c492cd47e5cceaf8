//! What is due when: heartbeats, pings, offer timeouts, failover timeouts, and the allocator's ticks.
//!
//! A timer is never cancelled: when it fires and what it was set for is no longer so, nothing happens.

use std::{collections::BTreeSet, time::Duration};

use super::{FrameworkState, Master, StreamId, SubscriberId, events};
use crate::mesos::{
    time::Time,
    v1::{AgentId, FrameworkId, OfferId},
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Heartbeat(FrameworkId, StreamId),
    SubscriberHeartbeat(SubscriberId),
    /// Of the agent's observer with this number.
    Ping(AgentId, u64),
    /// Of the agent that was disconnected then.
    AgentReregistration(AgentId, Time),
    /// Agents from before this master's time have had theirs to come back.
    Recovery,
    /// The rate limit lets the next agent become unreachable.
    Turn,
    /// Agents that were lost long ago may be forgotten.
    Prune,
    OfferTimeout(OfferId),
    FailoverTimeout(FrameworkId),
}

/// All timers, soonest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BTreeSet<(Time, Timer)>);

impl Timers {
    pub fn set(&mut self, at: Time, timer: Timer) {
        self.0.insert((at, timer));
    }

    fn first(&self) -> Option<Time> {
        self.0.first().map(|(at, _)| *at)
    }

    fn pop_due(&mut self, now: Time) -> Option<Timer> {
        if self.first()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }
}

impl Master {
    /// Goes on with other settings, as no Mesos can: the lab's `up` applies a changed lab file. Offers that are out keep
    /// the timeout that they were made with.
    pub fn reconfigure(
        &mut self,
        now: Time,
        allocation_interval: Duration,
        offer_timeout: Option<Duration>,
        offer_freed_resources_at_once: bool,
    ) {
        self.config.allocation_interval = allocation_interval;
        self.config.offer_timeout = offer_timeout;
        self.config.offer_freed_resources_at_once = offer_freed_resources_at_once;
        self.allocator.reconfigure(now, allocation_interval, offer_freed_resources_at_once);
    }

    /// When [`super::Input::Tick`] is wanted next; in the past when it is overdue.
    pub fn next_deadline(&self) -> Option<Time> {
        self.timers.first().into_iter().chain(self.allocator.next_deadline()).min()
    }

    pub(super) fn set_timer(&mut self, after: Duration, timer: Timer) {
        self.timers.set(self.now + after, timer);
    }

    pub(super) fn fire_timers(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now) {
            self.fire(timer);
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Heartbeat(framework, stream) => self.heartbeat_due(framework, stream),
            Timer::SubscriberHeartbeat(subscriber) => self.subscriber_heartbeat(subscriber),
            Timer::Ping(agent, observer) => self.ping_due(&agent, observer),
            Timer::AgentReregistration(agent, since) => self.reregistration_due(&agent, since),
            Timer::Recovery => self.recovery_due(),
            Timer::Turn => self.turn_due(),
            Timer::Prune => self.prune_due(),
            Timer::OfferTimeout(offer) => {
                self.rescind_offer(&offer);
                self.rescind_inverse_offer(&offer);
            }
            Timer::FailoverTimeout(framework) => self.failover_due(&framework),
        }
    }

    fn heartbeat_due(&mut self, id: FrameworkId, stream: StreamId) {
        if self.frameworks.get(&id).is_some_and(|framework| framework.stream.as_ref() == Some(&stream)) {
            self.heartbeat(&id);
        }
    }

    /// Sends a heartbeat now, and from now on regularly while the stream lasts.
    pub(super) fn heartbeat(&mut self, id: &FrameworkId) {
        self.send(id, events::heartbeat());
        let stream = self.frameworks.get(id).and_then(|framework| framework.stream.clone());
        if let Some(stream) = stream {
            self.set_timer(self.interval(), Timer::Heartbeat(id.clone(), stream));
        }
    }

    /// Between heartbeats; never zero, so that no timer fires for ever.
    pub(super) fn interval(&self) -> Duration {
        self.config.heartbeat_interval.max(Duration::from_millis(1))
    }

    fn failover_due(&mut self, id: &FrameworkId) {
        let Some(framework) = self.frameworks.get(id) else { return };
        if let FrameworkState::Disconnected { expires: Some(expires), .. } = framework.state
            && expires <= self.now
        {
            self.remove_framework(id);
        }
    }
}
