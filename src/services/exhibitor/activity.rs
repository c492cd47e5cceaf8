//! What Exhibitor has done and seen, line by line, the newest last.

use std::collections::VecDeque;

use crate::mesos::time::Time;

/// Lines that are kept.
const KEPT: usize = 1000;

/// A log of limited length.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    lines: VecDeque<(Time, String)>,
    told: u64,
}

impl Activity {
    pub fn add(&mut self, now: Time, text: impl Into<String>) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back((now, text.into()));
        self.told += 1;
    }

    /// How many lines there have ever been.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// The lines after the first `told`, for whoever logs them too.
    pub fn since(&self, told: u64) -> impl Iterator<Item = &str> {
        let new = usize::try_from(self.told.saturating_sub(told)).unwrap_or(usize::MAX);
        self.lines.iter().skip(self.lines.len().saturating_sub(new)).map(|(_, text)| text.as_str())
    }

    /// Time, tab, text; a line each.
    pub fn text(&self) -> String {
        let line = |(time, text): &(Time, String)| {
            let time = std::time::UNIX_EPOCH + time.since(Time::default());
            format!("{}\t{text}\n", humantime::format_rfc3339_millis(time))
        };
        self.lines.iter().map(line).collect()
    }
}
