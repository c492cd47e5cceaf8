//! Moments as Marathon writes them, which are the versions of apps too: `2026-11-28T22:05:30.123Z`.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::mesos::time::Time;

/// Whole milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    pub fn time(self) -> Time {
        Time::from_epoch(Duration::from_millis(self.0))
    }

    /// The smallest step later: the version of what changes twice within a millisecond.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// None when it is no such text.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = humantime::parse_rfc3339(text).ok()?;
        let since = moment.duration_since(UNIX_EPOCH).ok()?;
        u64::try_from(since.as_millis()).ok().map(Self)
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        let since = time.since(Time::default());
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(self.0)).fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is no timestamp")))
    }
}
