//! A lab whose parts die again and again, as by `kill -9`: its tasks never notice.

use std::collections::BTreeSet;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::support::Lab;

const PARTS: [&str; 4] = ["leader", "zookeeper", "marathon", "scheduler"];
const TASKS: usize = 20;

/// Masters that are quickly held for dead.
const FILE: &str = "[lab]\nmasters = 3\n[master]\nzk_session_timeout = \"500ms\"\n";

/// A lab of three masters with Marathon and twenty tasks, and what runs there.
struct Story {
    lab: Lab,
    tasks: BTreeSet<String>,
    processes: BTreeSet<u32>,
}

impl Story {
    fn begin() -> Self {
        let lab = Lab::with_file(FILE).with_marathon().up(&["--tasks", "20"]);
        let tasks = ours(&lab);
        assert_eq!(tasks.len(), TASKS);
        let processes = processes(&lab);
        assert_eq!(processes.len(), TASKS, "one process for each task, the shell");
        Self { lab, tasks, processes }
    }

    /// Kills one part, waits until the lab is whole, and looks whether the tasks are the same.
    fn kill(&self, part: &str) {
        let report = self.lab.json(&["chaos", part]);
        assert_eq!(report["tasks_lost"], 0, "{part}: {report}");
        assert_eq!(report["tasks_running"], TASKS, "{part}: {report}");
        assert_eq!(ours(&self.lab), self.tasks, "after the death of {part}");
        assert_eq!(processes(&self.lab), self.processes, "after the death of {part}");
    }
}

/// The tasks of our framework that run.
fn ours(lab: &Lab) -> BTreeSet<String> {
    lab.running().into_iter().filter(|id| id.starts_with("mesoslab.")).collect()
}

/// The shell of each of them.
fn processes(lab: &Lab) -> BTreeSet<u32> {
    lab.task_shells().into_iter().collect()
}

#[test]
fn every_part_dies_once_and_no_task_notices() {
    let story = Story::begin();
    PARTS.into_iter().for_each(|part| story.kill(part));
    assert_eq!(
        story.lab.json(&["tasks", "--all"]).as_array().expect("a list").len(),
        TASKS + 2,
        "and two schedulers"
    );
}

#[test]
fn a_hundred_deaths_in_random_order_lose_no_task() {
    let story = Story::begin();
    let mut rng = StdRng::seed_from_u64(5);
    let mut deaths: Vec<&str> = (0..96).map(|at| PARTS[at % PARTS.len()]).collect();
    deaths.extend((0..4).map(|_| PARTS[rng.random_range(0..PARTS.len())]));
    deaths.shuffle(&mut rng);
    deaths.into_iter().for_each(|part| story.kill(part));
}
