//! The tasks and the places they fill. Holds the promise that there are never more tasks than `num_of_node`:
//! a place is filled only when it is empty and no task too many is still around.
//!
//! ```text
//! slot: fresh ──occupy──> occupied ──ended by itself──> waiting (backoff) ──> ready ──occupy──> ...
//!                             │ └────killed, lost──────────────────────────────^
//!                             └──unreachable: ready at once, the task is kept without a slot──> adopted or killed
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    mesos::{time::Time, v1::TaskId},
    scheduler::{
        backoff::Backoff,
        config::{BackoffConfig, RestartPolicy},
        task::{Kill, Task},
    },
};

const ENDED: usize = 100;

/// A place that was filled before; places never filled are only counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    pub task: Option<TaskId>,
    /// How many tasks have left it.
    pub restarts: u32,
    pub backoff: Backoff,
    /// While empty: when it may be filled.
    pub ready_at: Time,
    /// A job that has ended and is not started again.
    pub completed: bool,
    pub last_message: Option<String>,
}

/// Why a task left its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// We wanted it to end.
    Wanted,
    /// It ended by itself, with success or not.
    Itself { success: bool },
    /// It was running, and went with its agent.
    Lost,
    /// It never got as far as running.
    NeverRan,
}

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    target: usize,
    slots: BTreeMap<u32, Slot>,
    /// No index below this one is unused.
    lowest: u32,
    /// Empty slots, by when they may be filled.
    empty: BTreeSet<(Time, u32)>,
    tasks: BTreeMap<TaskId, Task>,
    /// Tasks to be killed, by when KILL is sent again.
    kills: BTreeSet<(Time, TaskId)>,
    /// Tasks that are not unreachable.
    present: usize,
    completed: usize,
    ended: VecDeque<Task>,
}

impl Fleet {
    pub fn tasks(&self) -> impl Iterator<Item = &Task> + Clone {
        self.tasks.values()
    }

    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id)
    }

    /// The last tasks that ended, newest first.
    pub fn ended(&self) -> impl Iterator<Item = &Task> {
        self.ended.iter()
    }

    pub fn target(&self) -> usize {
        self.target
    }

    pub fn completed(&self) -> usize {
        self.completed
    }

    pub fn completed_slots(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().filter(|(_, slot)| slot.completed).map(|(index, _)| *index)
    }

    /// Notes that the job of a slot never filled in this life has ended for good.
    pub fn complete(&mut self, index: u32) {
        let slot = Slot { completed: true, ..Slot::default() };
        self.completed += usize::from(self.slots.insert(index, slot).is_none());
    }

    /// Slots that wait after a failure, soonest first.
    pub fn waiting(&self, now: Time) -> impl Iterator<Item = (u32, &Slot)> {
        let later = self.empty.iter().filter(move |(at, _)| *at > now);
        later.filter_map(|(_, index)| Some((*index, self.slots.get(index)?)))
    }

    /// The tasks in places where others have failed before them.
    pub fn troubled(&self) -> impl Iterator<Item = &Task> {
        let slots = self.slots.values().filter(|slot| slot.backoff.failures > 0);
        slots.filter_map(|slot| self.tasks.get(slot.task.as_ref()?))
    }

    fn fresh(&self) -> usize {
        self.target.saturating_sub(self.slots.len())
    }

    /// Places that may be filled now, regardless of tasks that are too many.
    pub fn vacancies(&self, now: Time) -> usize {
        self.fresh() + self.empty.iter().take_while(|(at, _)| *at <= now).count()
    }

    /// How many tasks may be launched now.
    pub fn demand(&self, now: Time) -> usize {
        self.vacancies(now).min(self.room())
    }

    /// How many more tasks may be around, those on their way out included.
    fn room(&self) -> usize {
        self.target.saturating_sub(self.present + self.completed)
    }

    /// When the next slot has waited long enough.
    pub fn next_ready(&self, now: Time) -> Option<Time> {
        self.empty.iter().map(|(at, _)| *at).find(|at| *at > now)
    }

    /// Puts a new task into the first place that may be filled; false when there is none.
    pub fn launch(&mut self, now: Time, task: Task) -> bool {
        if self.room() == 0 || self.free_slot(now).is_none() {
            return false;
        }
        let id = task.id.clone();
        self.insert(task);
        self.occupy(now, &id);
        true
    }

    /// Adds a task without a place.
    pub fn insert(&mut self, task: Task) {
        self.present += usize::from(!task.is_unreachable());
        if let Some(slot) = task.slot {
            let filled = Slot { task: Some(task.id.clone()), restarts: task.restarts, ..Slot::default() };
            self.slots.insert(slot, filled);
        }
        if let Some(old) = self.tasks.insert(task.id.clone(), task) {
            self.present -= usize::from(!old.is_unreachable());
        }
    }

    /// Gives a task without a place the first empty one, if there is one.
    pub fn occupy(&mut self, now: Time, id: &TaskId) -> bool {
        let Some(index) = self.free_slot(now) else { return false };
        let Some(task) = self.tasks.get_mut(id) else { return false };
        task.slot = Some(index);
        if !self.slots.contains_key(&index) {
            self.lowest = index + 1;
        }
        let slot = self.slots.entry(index).or_default();
        self.empty.remove(&(slot.ready_at, index));
        slot.task = Some(id.clone());
        task.restarts = slot.restarts;
        true
    }

    /// The place that is filled next.
    pub fn free_slot(&self, now: Time) -> Option<u32> {
        if let Some((_, index)) = self.empty.first().filter(|(at, _)| *at <= now) {
            return Some(*index);
        }
        if self.fresh() == 0 {
            return None;
        }
        (self.lowest..u32::MAX).find(|index| !self.slots.contains_key(index))
    }

    fn remove_slot(&mut self, index: u32) {
        self.slots.remove(&index);
        self.lowest = self.lowest.min(index);
    }

    /// Changes a task in place.
    pub fn update(&mut self, id: &TaskId, change: impl FnOnce(&mut Task)) -> Option<&Task> {
        let task = self.tasks.get_mut(id)?;
        let before = task.is_unreachable();
        change(task);
        match (before, task.is_unreachable()) {
            (false, true) => self.present -= 1,
            (true, false) => self.present += 1,
            _ => {}
        }
        Some(task)
    }

    /// Takes the place of a task that cannot be reached: another may fill it.
    pub fn give_up_place(&mut self, now: Time, id: &TaskId) {
        if let Some(index) = self.tasks.get_mut(id).and_then(|task| task.slot.take()) {
            self.clear_slot(index, now);
        }
    }

    fn clear_slot(&mut self, index: u32, ready_at: Time) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        slot.task = None;
        slot.restarts = slot.restarts.saturating_add(1);
        slot.ready_at = ready_at;
        self.empty.insert((ready_at, index));
    }

    /// A task has ended: it leaves, and its place waits, stands ready or is done with.
    pub fn remove(
        &mut self,
        now: Time,
        id: &TaskId,
        exit: Exit,
        restart: RestartPolicy,
        backoff: &BackoffConfig,
    ) -> Option<&Task> {
        let task = self.tasks.remove(id)?;
        self.present -= usize::from(!task.is_unreachable());
        if let Some(kill) = &task.kill {
            self.kills.remove(&(kill.next, id.clone()));
        }
        if let Some(index) = task.slot {
            self.vacate(now, index, &task, exit, restart, backoff);
        }
        self.ended.truncate(ENDED - 1);
        self.ended.push_front(task);
        self.ended.front()
    }

    fn vacate(
        &mut self,
        now: Time,
        index: u32,
        task: &Task,
        exit: Exit,
        restart: RestartPolicy,
        backoff: &BackoffConfig,
    ) {
        let Some(slot) = self.slots.get_mut(&index) else { return };
        slot.last_message.clone_from(&task.message);
        match exit {
            Exit::Wanted | Exit::Lost => self.clear_slot(index, now),
            Exit::Itself { success } if is_final(success, restart) => {
                slot.task = None;
                slot.completed = true;
                self.completed += 1;
            }
            Exit::Itself { .. } | Exit::NeverRan => {
                let wait = slot.backoff.failed(task.ran(now), backoff);
                self.clear_slot(index, now + wait);
            }
        }
    }

    /// Forgets the failures: every empty slot may be filled now.
    pub fn forgive(&mut self, now: Time) {
        self.empty.clear();
        for (index, slot) in self.slots.iter_mut().filter(|(_, slot)| !slot.completed) {
            slot.backoff = Backoff::default();
            if slot.task.is_none() {
                slot.ready_at = now;
                self.empty.insert((now, *index));
            }
        }
    }

    /// Sets the number of places. Returns the tasks that lose theirs: those already on their way out, then the newest.
    pub fn resize(&mut self, target: usize) -> Vec<TaskId> {
        self.target = target;
        while self.slots.len() > target {
            let Some((_, index)) = self.empty.pop_last() else { break };
            self.remove_slot(index);
        }
        let surplus = self.slots.len().saturating_sub(target);
        let placed = self.tasks.values().filter(|task| task.slot.is_some());
        let placed = placed.map(|task| (Precedence::of(task), &task.id)).collect();
        let lost: Vec<_> = first_to_leave(placed, surplus).into_iter().cloned().collect();
        for id in &lost {
            if let Some(index) = self.tasks.get_mut(id).and_then(|task| task.slot.take()) {
                self.remove_slot(index);
            }
        }
        self.drop_completed();
        lost
    }

    fn drop_completed(&mut self) {
        let surplus = self.slots.len().saturating_sub(self.target);
        let done: Vec<_> =
            self.slots.iter().filter(|(_, slot)| slot.completed).map(|(index, _)| *index).collect();
        for index in done.into_iter().rev().take(surplus) {
            self.remove_slot(index);
            self.completed -= 1;
        }
    }

    /// Notes that a task is to end, and when KILL is sent (again).
    pub fn set_kill(&mut self, id: &TaskId, kill: Kill) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        if let Some(old) = &task.kill {
            self.kills.remove(&(old.next, id.clone()));
        }
        self.kills.insert((kill.next, id.clone()));
        task.kill = Some(kill);
    }

    /// Tasks whose KILL is due.
    pub fn due_kills(&self, now: Time) -> Vec<TaskId> {
        self.kills.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect()
    }

    pub fn next_kill(&self) -> Option<Time> {
        self.kills.first().map(|(at, _)| *at)
    }

    /// Makes every KILL due: the master may not know of those sent before.
    pub fn kill_again(&mut self, now: Time) {
        self.kills = std::mem::take(&mut self.kills).into_iter().map(|(_, id)| (now, id)).collect();
        for (_, id) in &self.kills {
            if let Some(kill) = self.tasks.get_mut(id).and_then(|task| task.kill.as_mut()) {
                kill.next = now;
            }
        }
    }

    /// The framework was removed, and all its tasks with it.
    pub fn clear(&mut self) {
        let target = self.target;
        let tasks = std::mem::take(&mut self.tasks).into_values();
        let ended = std::mem::take(&mut self.ended);
        *self = Self { target, ended: tasks.chain(ended).take(ENDED).collect(), ..Self::default() };
    }
}

/// The task with the greatest loses its place first: one already on its way out, then the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    pub ending: bool,
    pub launched_at: Time,
    pub slot: Option<u32>,
}

impl Precedence {
    fn of(task: &Task) -> Self {
        Self { ending: task.kill.is_some(), launched_at: task.launched_at, slot: task.slot }
    }
}

/// The `count` that lose their places, in that order.
pub fn first_to_leave<T>(mut placed: Vec<(Precedence, T)>, count: usize) -> Vec<T> {
    let by_precedence = |a: &(Precedence, T), b: &(Precedence, T)| b.0.cmp(&a.0);
    if count == 0 {
        return Vec::new();
    }
    if count < placed.len() {
        placed.select_nth_unstable_by(count - 1, by_precedence);
        placed.truncate(count);
    }
    placed.sort_unstable_by(by_precedence);
    placed.into_iter().map(|(_, task)| task).collect()
}

fn is_final(success: bool, restart: RestartPolicy) -> bool {
    match restart {
        RestartPolicy::Always => false,
        RestartPolicy::OnFailure => success,
        RestartPolicy::Never => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Exit, Fleet};
    use crate::{
        mesos::time::Time,
        scheduler::{
            config::{BackoffConfig, RestartPolicy},
            task::Task,
        },
    };

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    fn fleet(target: usize, running: u64) -> Fleet {
        let mut fleet = Fleet::default();
        fleet.resize(target);
        for n in 0..running {
            assert!(fleet.launch(at(n), Task::found(format!("t{n}").into(), at(n))));
        }
        fleet
    }

    fn end(fleet: &mut Fleet, now: u64, id: &str, exit: Exit, restart: RestartPolicy) {
        fleet.remove(at(now), &id.into(), exit, restart, &BackoffConfig::default()).unwrap();
    }

    #[test]
    fn fills_every_place_once() {
        let mut fleet = fleet(3, 3);
        assert_eq!(fleet.demand(at(9)), 0);
        assert!(!fleet.launch(at(9), Task::found("t9".into(), at(9))));
        assert_eq!(fleet.tasks().filter_map(|t| t.slot).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn scaling_down_takes_the_newest_and_leaves_no_room_until_they_have_ended() {
        let mut fleet = fleet(5, 5);
        assert_eq!(fleet.resize(3), ["t4".into(), "t3".into()]);
        assert!(fleet.resize(5).is_empty());
        assert_eq!((fleet.vacancies(at(9)), fleet.demand(at(9))), (2, 0));
        end(&mut fleet, 9, "t4", Exit::Wanted, RestartPolicy::Always);
        assert_eq!(fleet.demand(at(9)), 1);
    }

    #[test]
    fn a_failed_slot_waits_and_a_lost_one_does_not() {
        let mut fleet = fleet(2, 2);
        end(&mut fleet, 5, "t0", Exit::Itself { success: false }, RestartPolicy::Always);
        assert_eq!((fleet.demand(at(5)), fleet.next_ready(at(5)), fleet.demand(at(6))), (0, Some(at(6)), 1));
        end(&mut fleet, 5, "t1", Exit::Lost, RestartPolicy::Always);
        assert_eq!(fleet.demand(at(5)), 1);
        fleet.forgive(at(5));
        assert_eq!(fleet.demand(at(5)), 2);
    }

    #[test]
    fn jobs_that_are_done_are_not_started_again() {
        let mut fleet = fleet(2, 2);
        end(&mut fleet, 5, "t0", Exit::Itself { success: true }, RestartPolicy::OnFailure);
        end(&mut fleet, 5, "t1", Exit::Itself { success: false }, RestartPolicy::Never);
        assert_eq!((fleet.demand(at(99)), fleet.completed()), (0, 2));
        fleet.resize(3);
        assert_eq!(fleet.demand(at(99)), 1);
        fleet.resize(1);
        assert_eq!((fleet.demand(at(99)), fleet.completed()), (0, 1));
    }
}
