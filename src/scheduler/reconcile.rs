//! Asking the master what it knows: about every known task, then about all it has, after each subscription and from
//! time to time; again, with growing patience, about tasks that stayed without an answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::mesos::{time::Time, v1::TaskId};

/// How long a new task may stay silent before we ask.
const SILENCE: Duration = Duration::from_secs(10);
pub const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// What to ask for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// All known tasks by name, then whatever else there is.
    Everything,
    /// These tasks, which have no answer yet.
    Unanswered(Vec<TaskId>),
}

#[derive(Clone, Debug)]
pub struct Reconciler {
    interval: Duration,
    /// When to ask for a task, and how often we did.
    waiting: BTreeMap<TaskId, (Time, u32)>,
    /// The same, by time.
    due: BTreeSet<(Time, TaskId)>,
    everything_at: Time,
}

impl Reconciler {
    pub fn new(interval: Duration) -> Self {
        Self { interval, waiting: BTreeMap::new(), due: BTreeSet::new(), everything_at: Time::default() }
    }

    /// A new subscription, or a question that got lost: ask for everything at `when`.
    pub fn restart(&mut self, when: Time) {
        self.everything_at = when;
    }

    /// Expects to hear of a task soon.
    pub fn watch(&mut self, now: Time, id: TaskId) {
        self.ask(now + SILENCE, id);
    }

    /// Asks for a task at `when`.
    pub fn ask(&mut self, when: Time, id: TaskId) {
        self.answered(&id);
        self.wait(when, id, 0);
    }

    fn wait(&mut self, when: Time, id: TaskId, asked: u32) {
        self.due.insert((when, id.clone()));
        self.waiting.insert(id, (when, asked));
    }

    pub fn answered(&mut self, id: &TaskId) {
        if let Some((when, _)) = self.waiting.remove(id) {
            self.due.remove(&(when, id.clone()));
        }
    }

    /// The question that is due; `known` are the tasks by name.
    pub fn due(&mut self, now: Time, known: impl Iterator<Item = TaskId>) -> Option<Question> {
        if now >= self.everything_at {
            self.everything_at = now + self.interval;
            self.waiting.clear();
            self.due.clear();
            known.for_each(|id| self.wait(now + FIRST_RETRY, id, 1));
            return Some(Question::Everything);
        }
        let ids: Vec<_> =
            self.due.iter().take_while(|(when, _)| *when <= now).map(|(_, id)| id.clone()).collect();
        for id in &ids {
            let asked = self.waiting.get(id).map_or(0, |(_, asked)| *asked);
            self.answered(id);
            let patience = (FIRST_RETRY * 2_u32.saturating_pow(asked.min(10))).min(LONGEST_RETRY);
            self.wait(now + patience, id.clone(), asked + 1);
        }
        (!ids.is_empty()).then_some(Question::Unanswered(ids))
    }

    pub fn next_deadline(&self) -> Time {
        let retry = self.due.first().map_or(self.everything_at, |(when, _)| *when);
        retry.min(self.everything_at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Question, Reconciler};
    use crate::mesos::time::Time;

    #[test]
    fn asks_again_with_growing_patience_until_answered() {
        let start = Time::from_epoch(Duration::from_secs(1000));
        let mut reconciler = Reconciler::new(Duration::from_secs(600));
        reconciler.restart(start);
        assert_eq!(reconciler.due(start, ["a".into(), "b".into()].into_iter()), Some(Question::Everything));
        reconciler.answered(&"a".into());
        let mut asked = Vec::new();
        for second in 1..100 {
            let now = start + Duration::from_secs(second);
            if reconciler.due(now, std::iter::empty()) == Some(Question::Unanswered(vec!["b".into()])) {
                asked.push(second);
            }
        }
        assert_eq!(asked, [1, 3, 7, 15, 31, 61, 91]);
        reconciler.answered(&"b".into());
        assert_eq!(reconciler.next_deadline(), start + Duration::from_secs(600));
    }
}
