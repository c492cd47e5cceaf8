//! Time as an argument: the engine never reads a clock, its callers pass `now`.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A moment, as the time since the UNIX epoch, with nanosecond steps. Never runs backwards within one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// From seconds since the epoch; none when that is no time.
    pub fn from_secs_f64(seconds: f64) -> Option<Self> {
        Duration::try_from_secs_f64(seconds).ok().map(Self)
    }

    /// From nanoseconds since the epoch; what lies before it is the epoch.
    pub fn from_nanos(nanoseconds: i64) -> Self {
        Self(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or_default()))
    }

    /// Seconds since the epoch, the form of every timestamp in Mesos' messages.
    pub fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }

    /// Nanoseconds since the epoch, the form of `TimeInfo`.
    pub fn as_nanos(self) -> i64 {
        i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX)
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}
