//! What holds over every history: one update at a time, nothing after the end, and in the end nothing is left.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::engine::agent::frameworks::is_terminal;

const TASKS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Run(usize),
    Launched(usize),
    LaunchFailed(usize),
    Exit(usize),
    Kill(usize),
    Acknowledge(usize),
    Reconnect,
    Lost,
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let task = 0..TASKS.len();
    prop_oneof![
        3 => task.clone().prop_map(Step::Run),
        4 => task.clone().prop_map(Step::Launched),
        1 => task.clone().prop_map(Step::LaunchFailed),
        2 => task.clone().prop_map(Step::Exit),
        2 => task.clone().prop_map(Step::Kill),
        6 => task.prop_map(Step::Acknowledge),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Lost),
        2 => Just(Step::Tick),
    ]
}

/// The world around one agent: what it has been told and what it has asked for.
#[derive(Default)]
struct World {
    time: u64,
    connected: bool,
    starting: BTreeSet<&'static str>,
    running: BTreeSet<&'static str>,
    unacknowledged: BTreeMap<String, bytes::Bytes>,
    ended: BTreeSet<bytes::Bytes>,
}

struct History {
    stage: Stage,
    world: World,
}

impl History {
    fn new() -> Self {
        let mut history = Self { stage: Stage::new(), world: World::default() };
        history.play("connect");
        history.play("registered S");
        history.world.connected = true;
        history
    }

    fn step(&mut self, step: Step) {
        self.world.time += 1;
        match step {
            Step::Run(task) if self.world.connected => {
                self.play(&format!("run {} killing true", TASKS[task]))
            }
            Step::Launched(task) if self.world.starting.remove(TASKS[task]) => {
                self.world.running.insert(TASKS[task]);
                self.play(&format!("launched {} 100", TASKS[task]));
            }
            Step::LaunchFailed(task) if self.world.starting.remove(TASKS[task]) => {
                self.play(&format!("failed {} somehow", TASKS[task]));
            }
            Step::Exit(task) if self.world.running.remove(TASKS[task]) => {
                self.play(&format!("exit {} 0", TASKS[task]));
            }
            Step::Kill(task) if self.world.connected => self.play(&format!("kill {}", TASKS[task])),
            Step::Acknowledge(task) if self.world.connected => self.acknowledge(TASKS[task]),
            Step::Reconnect => {
                self.play("connect");
                self.play("registered S");
                self.world.connected = true;
            }
            Step::Lost => {
                self.play("lost");
                self.world.connected = false;
            }
            Step::Tick => {
                self.world.time += 30;
                self.play("tick");
            }
            _ => {}
        }
    }

    fn acknowledge(&mut self, task: &str) {
        if self.world.unacknowledged.remove(task).is_some() {
            self.play(&format!("ack {task}"));
        }
    }

    fn play(&mut self, words: &str) {
        let line = format!("{} {words}", self.world.time);
        let before = self.stage.raw.len();
        self.stage.play(&line);
        for effect in self.stage.raw.split_off(before) {
            self.check(&effect);
        }
    }

    fn check(&mut self, effect: &Effect) {
        match effect {
            Effect::Launch(launch) => {
                let task = TASKS.iter().find(|task| launch.environment["MESOS_TASK_ID"] == **task);
                assert!(self.world.starting.insert(task.unwrap()), "one process per task");
            }
            Effect::Master(message) => {
                if let ToMaster::StatusUpdate(update) = message.as_ref() {
                    self.check_update(&update.status);
                }
            }
            _ => {}
        }
    }

    fn check_update(&mut self, status: &TaskStatus) {
        let uuid = status.uuid.clone().unwrap();
        let task = status.task_id.to_string();
        let waiting = self.world.unacknowledged.insert(task, uuid.clone());
        assert!(waiting.is_none_or(|waiting| waiting == uuid), "the next update waits for the last");
        if is_terminal(status.state()) {
            self.world.ended.insert(uuid);
        }
    }

    /// Lets everything end and acknowledges it all.
    fn finish(&mut self) {
        self.step(Step::Reconnect);
        for task in 0..TASKS.len() {
            self.step(Step::Launched(task));
            self.step(Step::Exit(task));
        }
        while !self.world.unacknowledged.is_empty() {
            (0..TASKS.len()).for_each(|task| self.step(Step::Acknowledge(task)));
        }
        self.world.time += 1;
        self.play("tick");
    }
}

proptest! {
    #[test]
    fn every_history_ends_with_nothing_left(steps in prop::collection::vec(step(), 0..80)) {
        let mut history = History::new();
        for step in steps {
            history.step(step);
        }
        history.finish();
        let agent = &history.stage.agent;
        prop_assert!(agent.frameworks.is_empty(), "{:?}", agent.frameworks);
        prop_assert!(agent.containers.is_empty());
        prop_assert_eq!(agent.next_deadline(), None);
        let counters = agent.counters;
        let counted = counters.tasks_finished + counters.tasks_failed + counters.tasks_killed;
        let lost = history.world.ended.len() as u64 - counted;
        prop_assert!(lost == 0 || agent.counters.tasks_lost == 0, "only kills of unknown tasks are not counted");
    }
}
