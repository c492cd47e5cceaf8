//! Why tasks are not running, as our scheduler says it; asked again and again while it is looked at.

use std::time::Duration;

use crate::{
    mesos::time::Time,
    scheduler::api::{Counts, Explain, Phase},
    tui::view::text,
};

/// How old an explanation may grow.
const PACE: Duration = Duration::from_secs(2);
/// An answer that has not come by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(35);

#[derive(Debug)]
pub struct Explanation {
    /// The last that came; kept when a later question failed.
    pub explain: Option<Box<Explain>>,
    /// When it came.
    pub at: Option<Time>,
    /// Why the last question was not answered.
    pub problem: Option<String>,
    pub top: usize,
    asked: Time,
    waiting: bool,
    seen: Option<(Counts, Phase)>,
}

impl Explanation {
    /// The question is asked by whoever opens it.
    pub fn open(now: Time, state: Option<(Counts, Phase)>) -> Self {
        Self { explain: None, at: None, problem: None, top: 0, asked: now, waiting: true, seen: state }
    }

    /// Whether it is to be asked again now: it has grown old, or the scheduler's state is another.
    pub fn asks(&mut self, now: Time, state: Option<(Counts, Phase)>) -> bool {
        let changed = self.seen != state;
        let due = now.since(self.asked) >= if self.waiting { PATIENCE } else { PACE };
        let asks = due || (changed && !self.waiting);
        if asks {
            (self.asked, self.waiting, self.seen) = (now, true, state);
        }
        asks
    }

    /// When it wants to be asked about [`Explanation::asks`].
    pub fn due(&self) -> Time {
        self.asked + if self.waiting { PATIENCE } else { PACE }
    }

    /// What is shown, for `width` columns; heads are told apart.
    pub fn rows(&self, width: u16) -> Vec<(bool, String)> {
        let room = usize::from(width).max(1);
        let Some(explain) = &self.explain else { return Vec::new() };
        let lines = |text: &str, indent: usize| {
            let rows = text::wrap(&text::clean(text), room.saturating_sub(indent).max(1));
            rows.into_iter().map(move |row| (false, format!("{:indent$}{row}", ""))).collect::<Vec<_>>()
        };
        let mut rows = lines(&explain.summary, 0);
        for (title, told) in explain.sections() {
            rows.push((false, String::new()));
            rows.push((true, title.to_owned()));
            rows.extend(told.iter().flat_map(|line| lines(line, 2)));
        }
        rows
    }

    pub fn answer(&mut self, now: Time, answer: Result<Box<Explain>, String>) {
        self.waiting = false;
        match answer {
            Ok(explain) => (self.explain, self.at, self.problem) = (Some(explain), Some(now), None),
            Err(problem) => self.problem = Some(problem),
        }
    }
}
