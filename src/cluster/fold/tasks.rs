//! Tasks: rows that keep their place, counters that never need a recount, and the oldest ended ones that go.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    cluster::{
        ClusterView, StateCounts,
        fold::Tally,
        history::{Kind, Weight},
        rows::{Key, Rows as _},
        snapshot::ENDED,
        task::{Ours, Status, Task, word},
    },
    mesos::{
        time::Time,
        v1::{self, TaskState, master::event::TaskUpdated},
    },
};

impl ClusterView {
    /// All tasks there are.
    pub(super) fn tasks(&mut self, tasks: Vec<Task>) {
        let named: HashSet<Key> = match self.tasks.is_empty() {
            true => HashSet::new(),
            false => tasks.iter().filter_map(|task| self.task_key(&task.framework_id, &task.id)).collect(),
        };
        let gone: Vec<_> = self.tasks.keys().filter(|key| !named.contains(key)).collect();
        gone.into_iter().for_each(|key| self.remove_task(key));
        self.tasks.reserve(tasks.len());
        for mut task in tasks {
            task.agent_id = self.fold.names.get(&task.agent_id);
            task.framework_id = self.fold.names.get(&task.framework_id);
            self.put_task(task);
        }
    }

    pub(super) fn task_added(&mut self, task: v1::Task) {
        let task = Task::read(task, &mut self.fold.names);
        self.put_task(task);
    }

    /// A task that may be known: an agent that comes back brings its tasks again.
    fn put_task(&mut self, mut task: Task) {
        let known = self.task_key(&task.framework_id, &task.id);
        self.name(&mut task, known);
        match known {
            Some(key) => self.change_task(key, |old| {
                task.order = old.order;
                task.started = old.started.or(task.started);
                task.since = if old.state == task.state { old.since } else { task.since };
                task.ours = old.ours.take();
                task.alias = old.alias.take();
                *old = task;
            }),
            None => self.new_task(task),
        }
    }

    fn new_task(&mut self, mut task: Task) {
        task.order = self.next_order();
        task.ours = self.claim(&task);
        if self.speaks() {
            task.since = task.since.or(Some(self.fold.now));
            self.rates.launched();
        }
        let standing = Standing::of(&task);
        if self.tasks.key(&task.id).is_some() {
            self.fold.has_twins = true;
            task.alias = Some(qualified(&task.framework_id, &task.id).into());
        }
        let row = task.row().to_owned();
        let key = self.tasks.put(&row, task);
        self.recount(key, None, Some(standing));
        self.tell_state(key, None);
        self.evict();
    }

    pub(super) fn task_updated(&mut self, update: TaskUpdated) {
        let state = update.state();
        let (framework_id, status) = (update.framework_id, update.status);
        let Some(key) = self.task_key(framework_id.as_str(), status.task_id.as_str()) else { return };
        self.change_task(key, |task| {
            let since = task.since;
            let at = status.timestamp.and_then(Time::from_secs_f64);
            task.since = if task.state == state { since } else { at };
            let since = task.since;
            task.take(status);
            task.state = state;
            task.since = since;
        });
    }

    /// The one way to change a task: keeps the counters right and tells what is news.
    pub(super) fn change_task(&mut self, key: Key, change: impl FnOnce(&mut Task)) {
        let Some(task) = self.tasks.get_mut(key) else { return };
        let (before, healthy) = (Standing::of(task), task.healthy);
        change(task);
        let after = Standing::of(task);
        let (was, is) = (before.state, after.state);
        self.recount(key, Some(before), Some(after));
        if was != is {
            self.tell_state(key, Some(was));
        } else {
            self.tell_health(key, healthy);
        }
        self.evict();
    }

    fn tell_health(&mut self, key: Key, before: Option<bool>) {
        let Some(task) = self.tasks.get(key).filter(|task| task.healthy != before && self.speaks()) else {
            return;
        };
        let Some(healthy) = task.healthy else { return };
        let (weight, word) = if healthy { (Weight::Good, "healthy") } else { (Weight::Warning, "unhealthy") };
        let (row, text) = (task.row().to_owned(), format!("{}: {word}", title(task)));
        self.tell(Kind::Task, weight, &row, text);
    }

    fn tell_state(&mut self, key: Key, before: Option<TaskState>) {
        let Some(task) = self.tasks.get(key).filter(|_| self.speaks()) else { return };
        let last = task.history.last().filter(|last| last.state == task.state);
        let why = last.map(Status::why).filter(|why| !why.is_empty());
        let text = match why {
            Some(why) => format!("{}: {}, {why}", title(task), word(task.state)),
            None => format!("{}: {}", title(task), word(task.state)),
        };
        let (row, state) = (task.row().to_owned(), task.state);
        if has_failed(state) && !before.is_some_and(has_failed) {
            self.rates.failed();
        }
        self.tell(Kind::Task, weight(state), &row, text);
    }

    fn remove_task(&mut self, key: Key) {
        let Some(task) = self.tasks.get(key) else { return };
        let standing = Standing::of(task);
        let row = task.row().to_owned();
        if !task.is_over() && self.speaks() {
            let text = format!("{}: the master knows it no more", title(task));
            self.tell(Kind::Task, Weight::Warning, &row, text);
        }
        self.tasks.remove(&row);
        self.recount(key, Some(standing), None);
    }

    /// Ended tasks that are too many go, the one that ended first before the others.
    fn evict(&mut self) {
        while self.fold.ended.len() > ENDED {
            let Some((_, key)) = self.fold.ended.first().copied() else { return };
            self.remove_task(key);
        }
    }

    /// The row of a task; two frameworks may have tasks of one id.
    pub(super) fn task_key(&self, framework: &str, id: &str) -> Option<Key> {
        let of_framework = |key: &Key| self.tasks.get(*key).is_some_and(|it| *it.framework_id == *framework);
        self.tasks.key(id).filter(of_framework).or_else(|| match self.fold.has_twins {
            true => self.tasks.key(&qualified(framework, id)),
            false => None,
        })
    }

    /// Puts in the names of framework and agent, as far as they are known or were.
    fn name(&self, task: &mut Task, known: Option<Key>) {
        let old = known.and_then(|key| self.tasks.get(key));
        if let Some(framework) = self.frameworks.find(&task.framework_id) {
            task.framework = Arc::clone(&framework.name);
        } else if let Some(old) = old {
            task.framework = Arc::clone(&old.framework);
        }
        if let Some(agent) = self.agents.find(&task.agent_id) {
            task.agent = Arc::clone(&agent.name);
        } else if let Some(old) = old.filter(|old| old.agent_id == task.agent_id) {
            task.agent = Arc::clone(&old.agent);
        }
    }

    /// What our scheduler has said of a task before the master did.
    fn claim(&mut self, task: &Task) -> Option<Ours> {
        if !self.is_ours(&task.framework_id) {
            return None;
        }
        let past = self.fold.past.remove(&task.id);
        past.as_ref().or_else(|| self.fold.views.get(&task.id).map(Arc::as_ref)).map(Ours::of)
    }

    /// A task was counted as `before`, and is to be counted as `after`.
    fn recount(&mut self, key: Key, before: Option<Standing>, after: Option<Standing>) {
        if before == after {
            return;
        }
        let same_place = match (&before, &after) {
            (Some(before), Some(after)) => before.place() == after.place(),
            _ => false,
        };
        if let Some(before) = before {
            let count = self.counts.of(before.state);
            *count = count.saturating_sub(1);
            if let Some(at) = before.ended {
                self.fold.ended.remove(&(at, key));
            }
            if !same_place {
                self.tally(&before, -1);
            }
        }
        if let Some(after) = after {
            *self.counts.of(after.state) += 1;
            if let Some(at) = after.ended {
                self.fold.ended.insert((at, key));
            }
            if !same_place {
                self.tally(&after, 1);
            }
        }
    }

    fn tally(&mut self, of: &Standing, by: isize) {
        let is_live = of.ended.is_none();
        let live = tally(&mut self.fold.on_agent, &of.agent, is_live, by);
        if is_live && let Some(agent) = self.agents.find_mut(&of.agent) {
            agent.tasks = live;
        }
        let live = tally(&mut self.fold.of_framework, &of.framework, is_live, by);
        if is_live && let Some(framework) = self.frameworks.find_mut(&of.framework) {
            framework.tasks = live;
        }
    }
}

/// What a task is counted as.
#[derive(Clone, Debug, PartialEq)]
struct Standing {
    state: TaskState,
    /// When it ended, if it has.
    ended: Option<Time>,
    agent: Arc<str>,
    framework: Arc<str>,
}

impl Standing {
    fn of(task: &Task) -> Self {
        Self {
            state: task.state,
            ended: task.is_over().then(|| task.since.unwrap_or_default()),
            agent: Arc::clone(&task.agent_id),
            framework: Arc::clone(&task.framework_id),
        }
    }

    /// Whose counts it is in.
    fn place(&self) -> (bool, &Arc<str>, &Arc<str>) {
        (self.ended.is_some(), &self.agent, &self.framework)
    }
}

/// Counts one more or less; returns how many are not over.
fn tally(tallies: &mut HashMap<Arc<str>, Tally>, id: &Arc<str>, is_live: bool, by: isize) -> usize {
    let tally = tallies.entry(Arc::clone(id)).or_default();
    tally.all = tally.all.saturating_add_signed(by);
    if is_live {
        tally.live = tally.live.saturating_add_signed(by);
    }
    let (live, is_empty) = (tally.live, tally.all == 0);
    if is_empty {
        tallies.remove(id);
    }
    live
}

impl StateCounts {
    /// The count that a task in this state belongs to.
    pub fn of(&mut self, state: TaskState) -> &mut usize {
        match state {
            TaskState::TaskStaging | TaskState::TaskStarting => &mut self.starting,
            TaskState::TaskRunning => &mut self.running,
            TaskState::TaskKilling => &mut self.killing,
            TaskState::TaskUnreachable | TaskState::TaskUnknown => &mut self.unreachable,
            TaskState::TaskFinished | TaskState::TaskKilled => &mut self.ended,
            TaskState::TaskFailed
            | TaskState::TaskError
            | TaskState::TaskLost
            | TaskState::TaskDropped
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator => &mut self.failed,
        }
    }
}

fn qualified(framework: &str, id: &str) -> String {
    format!("{framework}/{id}")
}

fn title(task: &Task) -> String {
    format!("{} on {}", task.id, task.agent)
}

fn has_failed(state: TaskState) -> bool {
    let mut counts = StateCounts::default();
    *counts.of(state) += 1;
    counts.failed > 0
}

fn weight(state: TaskState) -> Weight {
    match state {
        TaskState::TaskRunning | TaskState::TaskFinished => Weight::Good,
        TaskState::TaskUnreachable | TaskState::TaskUnknown => Weight::Warning,
        state if has_failed(state) => Weight::Bad,
        _ => Weight::Info,
    }
}
