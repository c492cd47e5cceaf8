//! How a stream does.

use std::time::Duration;

use crate::mesos::time::Time;

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Link {
    /// The first try is under way.
    #[default]
    Connecting,
    /// Changes come as they happen.
    Live { since: Time },
    /// The stream was refused (`why`); all is read again at this pace.
    Polling { since: Time, every: Duration, why: String },
    /// What is shown is as old as `since`; the next try is at `retry_at`.
    Lost { since: Time, problem: String, retry_at: Time },
    /// There is none, and why: `the scheduler is stopped`.
    Absent { why: String },
}

impl Link {
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Live { .. } | Self::Polling { .. })
    }
}
