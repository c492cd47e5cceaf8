//! Tasks: rows that keep their place, counters that never need a recount, and the oldest ended ones that go.

use std::{cmp::Reverse, collections::HashSet, sync::Arc};

use crate::{
    cluster::{
        ClusterView, StateCounts,
        history::{Kind, Weight},
        rows::{Key, Rows as _},
        task::{Ours, Task, is_over, word},
    },
    mesos::{
        time::Time,
        v1::{self, TaskState, master::event::TaskUpdated, master::response::GetTasks},
    },
};

/// So many ended tasks are kept.
pub const ENDED: usize = 1000;

impl ClusterView {
    /// All tasks there are.
    pub(super) fn tasks(&mut self, answer: GetTasks) {
        let tasks = newest_ended_then_others(answer);
        let named: HashSet<Key> = match self.tasks.is_empty() {
            true => HashSet::new(),
            false => {
                tasks.iter().filter_map(|task| self.task_key(&task.framework_id, &task.task_id)).collect()
            }
        };
        let gone: Vec<_> = self.tasks.keys().filter(|key| !named.contains(key)).collect();
        gone.into_iter().for_each(|key| self.remove_task(key));
        tasks.into_iter().for_each(|task| self.task_added(task));
    }

    /// A task that may be known: an agent that comes back brings its tasks again.
    pub(super) fn task_added(&mut self, task: v1::Task) {
        let known = self.task_key(&task.framework_id, &task.task_id);
        let mut task = Task::read(task, &mut self.fold.names);
        self.name(&mut task, known);
        match known {
            Some(key) => self.change_task(key, |old| {
                task.order = old.order;
                task.started = old.started.or(task.started);
                task.since = if old.state == task.state { old.since } else { task.since };
                task.ours = old.ours.take();
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
            self.tell_state(&task, None);
        }
        let framework_id = Arc::clone(&task.framework_id);
        let id = self.free_id(&framework_id, &task.id);
        let key = self.tasks.put(&id, task);
        self.count_task(key);
        self.evict();
    }

    pub(super) fn task_updated(&mut self, update: TaskUpdated) {
        let state = update.state();
        let (framework_id, status) = (update.framework_id, update.status);
        let Some(key) = self.task_key(&framework_id, &status.task_id) else { return };
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
        self.uncount_task(key);
        let Some(task) = self.tasks.get_mut(key) else { return };
        let (state, healthy) = (task.state, task.healthy);
        change(task);
        self.count_task(key);
        self.notice(key, state, healthy);
        self.evict();
    }

    fn notice(&mut self, key: Key, state: TaskState, healthy: Option<bool>) {
        let Some(task) = self.tasks.get(key).filter(|_| self.speaks()) else { return };
        if task.state != state {
            let task = task.clone();
            self.tell_state(&task, Some(state));
        } else if task.healthy != healthy
            && let Some(healthy) = task.healthy
        {
            let weight = if healthy { Weight::Good } else { Weight::Warning };
            let text = format!("{}: {}", title(task), if healthy { "healthy" } else { "unhealthy" });
            let id = task.id.clone();
            self.tell(Kind::Task, weight, &id, text);
        }
    }

    fn tell_state(&mut self, task: &Task, before: Option<TaskState>) {
        let why = task.history.last().filter(|last| last.state == task.state).map(|last| last.why());
        let why = why.filter(|why| !why.is_empty()).map(|why| format!(", {why}")).unwrap_or_default();
        if has_failed(task.state) && !before.is_some_and(has_failed) {
            self.rates.failed();
        }
        let text = format!("{}: {}{why}", title(task), word(task.state));
        self.tell(Kind::Task, weight(task.state), &task.id, text);
    }

    fn remove_task(&mut self, key: Key) {
        self.uncount_task(key);
        let Some(task) = self.tasks.get(key) else { return };
        let (framework_id, id) = (Arc::clone(&task.framework_id), task.id.clone());
        if !task.is_over() && self.speaks() {
            let text = format!("{}: the master knows it no more", title(task));
            self.tell(Kind::Task, Weight::Warning, &id, text);
        }
        let row_id = self.row_id(key, &framework_id, &id);
        self.tasks.remove(&row_id);
    }

    /// Ended tasks that are too many go, the one that ended first before the others.
    fn evict(&mut self) {
        while self.fold.ended.len() > ENDED {
            let Some((_, key)) = self.fold.ended.first().copied() else { return };
            self.remove_task(key);
        }
    }

    /// The row of a task; two frameworks may have tasks of one id.
    pub(super) fn task_key(&self, framework: &v1::FrameworkId, id: &v1::TaskId) -> Option<Key> {
        let key = self.tasks.key(id.as_str());
        let of_framework =
            |key: &Key| self.tasks.get(*key).is_some_and(|it| *it.framework_id == *framework.value);
        key.filter(of_framework).or_else(|| self.tasks.key(&qualified(framework.as_str(), id.as_str())))
    }

    fn free_id(&self, framework: &str, id: &str) -> String {
        if self.tasks.key(id).is_some() { qualified(framework, id) } else { id.to_owned() }
    }

    fn row_id(&self, key: Key, framework: &str, id: &str) -> String {
        if self.tasks.key(id) == Some(key) { id.to_owned() } else { qualified(framework, id) }
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

    fn count_task(&mut self, key: Key) {
        let Some(task) = self.tasks.get(key) else { return };
        *self.counts.of(task.state) += 1;
        if task.is_over() {
            self.fold.ended.insert((ended_at(task), key));
        }
        self.tally(&Arc::clone(&task.agent_id), &Arc::clone(&task.framework_id), !task.is_over(), 1);
    }

    fn uncount_task(&mut self, key: Key) {
        let Some(task) = self.tasks.get(key) else { return };
        let count = self.counts.of(task.state);
        *count = count.saturating_sub(1);
        if task.is_over() {
            self.fold.ended.remove(&(ended_at(task), key));
        }
        self.tally(&Arc::clone(&task.agent_id), &Arc::clone(&task.framework_id), !task.is_over(), -1);
    }

    fn tally(&mut self, agent: &Arc<str>, framework: &Arc<str>, is_live: bool, by: isize) {
        let on_agent = self.fold.on_agent.entry(Arc::clone(agent)).or_default();
        on_agent.add(is_live, by);
        let (live, is_empty) = (on_agent.live, on_agent.all == 0);
        if is_empty {
            self.fold.on_agent.remove(agent);
        }
        if is_live && let Some(agent) = self.agents.find_mut(agent) {
            agent.tasks = live;
        }
        let of_framework = self.fold.of_framework.entry(Arc::clone(framework)).or_default();
        of_framework.add(is_live, by);
        let (live, is_empty) = (of_framework.live, of_framework.all == 0);
        if is_empty {
            self.fold.of_framework.remove(framework);
        }
        if is_live && let Some(framework) = self.frameworks.find_mut(framework) {
            framework.tasks = live;
        }
    }
}

impl super::Tally {
    fn add(&mut self, is_live: bool, by: isize) {
        self.all = self.all.saturating_add_signed(by);
        if is_live {
            self.live = self.live.saturating_add_signed(by);
        }
    }
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

/// A task that is there and one that has ended may have the same id: the one that is there comes last, and stays.
#[expect(deprecated, reason = "pending and orphan tasks of older masters are tasks all the same")]
fn newest_ended_then_others(answer: GetTasks) -> Vec<v1::Task> {
    let groups = [
        answer.completed_tasks,
        answer.orphan_tasks,
        answer.pending_tasks,
        answer.unreachable_tasks,
        answer.tasks,
    ];
    let (mut ended, others): (Vec<_>, Vec<_>) =
        groups.into_iter().flatten().partition(|task| is_over(task.state()));
    let at = |task: &v1::Task| task.statuses.last().and_then(|status| status.timestamp);
    let at = |task: &v1::Task| at(task).and_then(Time::from_secs_f64).unwrap_or_default();
    if ended.len() > ENDED {
        ended.sort_by_cached_key(|task| (Reverse(at(task)), task.task_id.value.clone()));
        ended.truncate(ENDED);
    }
    ended.sort_by_key(at);
    ended.extend(others);
    ended
}

fn ended_at(task: &Task) -> Time {
    task.since.unwrap_or_default()
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
