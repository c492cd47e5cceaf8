//! Groups of a framework that checkpoints, when their agent dies: what the next one of its work directory makes of its log.

use super::*;
use crate::mesos::{log::AgentLogEntry, v1::TaskState};

/// A stage whose agent has run one group of two, with the words of further inputs.
fn group(lines: &[&str]) -> Stage {
    let mut stage = Stage::new();
    stage.agent.config.checkpoints = true;
    let begin = ["0 connect", "0 registered S", "1 group dx new killing checkpoint a b"];
    begin.iter().chain(lines).for_each(|line| drop(stage.play(line)));
    stage
}

const RUNNING: [&str; 6] =
    ["1 ack a", "1 ack b", "1 launched a 100", "1 launched b 101", "1 ack a", "1 ack b"];

fn log(stage: &Stage) -> Vec<AgentLogEntry> {
    let entry = |effect: &Effect| match effect {
        Effect::Remember(memory) => match memory {
            Memory::Entry(entry) => Some((**entry).clone()),
            Memory::Agent(_) => None,
        },
        _ => None,
    };
    compacted(stage.raw.iter().filter_map(entry).collect())
}

/// The next agent, with what is left of the containers; and what it did when it found them.
fn reborn(before: Stage, left: &[(&str, Option<u32>)]) -> (Stage, Vec<String>) {
    let log = log(&before);
    let mut stage = Stage { containers: before.containers, ..Stage::new() };
    stage.agent.config.checkpoints = true;
    let found = left.iter().map(|(task, pid)| {
        (stage.containers[*task].clone(), Container { pid: *pid, ..Container::default() })
    });
    let found = found.collect();
    let effects = stage.agent.recover(at("10"), AgentId::new("S"), log, &found);
    let shown: Vec<String> = effects.iter().map(|effect| stage.show(effect)).collect();
    (stage, shown.into_iter().filter(|line| !line.starts_with("remember")).collect())
}

fn says_killing(entry: &AgentLogEntry) -> bool {
    entry.update.as_ref().is_some_and(|update| update.status.state() == TaskState::TaskKilling)
}

/// Without what is written down.
fn done(stage: &mut Stage, line: &str) -> Vec<String> {
    stage.play(line).into_iter().filter(|line| !line.starts_with("remember")).collect()
}

#[test]
fn goes_on_as_if_nothing_had_happened() {
    let (mut stage, found) = reborn(group(&RUNNING), &[("a", Some(100)), ("b", Some(101))]);
    assert_eq!(found, [""; 0]);
    assert_eq!(
        done(&mut stage, "11 connect"),
        [r#"reregister ["a:TASK_RUNNING", "b:TASK_RUNNING"] frameworks 1 executors 1"#]
    );
    done(&mut stage, "11 registered S");
    assert_eq!(
        done(&mut stage, "12 exit a 4"),
        [
            r#"update a TASK_FAILED SOURCE_EXECUTOR "Command exited with status 4" in dx"#,
            "update b TASK_KILLING SOURCE_EXECUTOR in dx pid=101",
            "Terminate b",
        ]
    );
    done(&mut stage, "12 ack a");
    done(&mut stage, "12 ack b");
    let ended = r#"update b TASK_KILLED SOURCE_EXECUTOR "Command terminated with signal Terminated" in dx"#;
    assert_eq!(done(&mut stage, "12 signal b 15"), [ended, "exited dx 0"]);
    done(&mut stage, "12 ack b");
    assert!(stage.agent.frameworks.is_empty() && stage.agent.containers.is_empty());
}

#[test]
fn says_that_a_group_runs_when_all_of_it_does() {
    let before = group(&["1 ack a", "1 ack b"]);
    let (mut stage, found) = reborn(before, &[("a", Some(100)), ("b", None)]);
    assert_eq!(found, [""; 0]);
    done(&mut stage, "11 connect");
    done(&mut stage, "11 registered S");
    assert_eq!(
        done(&mut stage, "12 launched b 101"),
        [
            "update a TASK_RUNNING SOURCE_EXECUTOR in dx pid=100",
            "update b TASK_RUNNING SOURCE_EXECUTOR in dx pid=101",
        ]
    );
}

#[test]
fn a_task_that_ended_unseen_takes_its_group_along() {
    let (mut stage, found) = reborn(group(&RUNNING), &[("b", Some(101))]);
    assert_eq!(found, ["Terminate b"]);
    done(&mut stage, "11 connect");
    let updates = done(&mut stage, "11 registered S");
    assert_eq!(
        updates,
        [
            r#"update a TASK_FAILED SOURCE_EXECUTOR "Unable to retrieve command's termination information" in dx"#,
            "update b TASK_KILLING SOURCE_EXECUTOR in dx pid=101",
            "total",
        ]
    );
}

#[test]
fn an_executor_of_which_nothing_is_left_has_failed() {
    let (mut stage, found) = reborn(group(&RUNNING), &[]);
    assert_eq!(found, [""; 0]);
    assert_eq!(
        done(&mut stage, "11 connect"),
        [r#"reregister ["a:TASK_FAILED", "b:TASK_FAILED"] frameworks 1 executors 0"#]
    );
    let text =
        r#"SOURCE_AGENT REASON_EXECUTOR_TERMINATED "Abnormal executor termination: unknown container""#;
    let failed = ["a", "b"].map(|task| format!("update {task} TASK_FAILED {text}"));
    assert_eq!(done(&mut stage, "11 registered S")[..2], failed);
    done(&mut stage, "11 ack a");
    done(&mut stage, "11 ack b");
    assert!(stage.agent.frameworks.is_empty() && stage.agent.containers.is_empty());
}

#[test]
fn a_kill_under_way_has_its_whole_grace_again() {
    let (stage, found) =
        reborn(group(&[&RUNNING[..], &["2 kill a"]].concat()), &[("a", Some(100)), ("b", Some(101))]);
    assert_eq!(found, ["Terminate a"]);
    assert_eq!(stage.agent.next_deadline(), Some(at("13")));
}

#[test]
fn what_a_failure_had_not_yet_killed_is_killed() {
    let mut before = group(&[&RUNNING[..], &["2 exit a 1"]].concat());
    let killing = before.raw.iter().position(|effect| match effect {
        Effect::Remember(memory) => matches!(memory, Memory::Entry(entry) if says_killing(entry)),
        _ => false,
    });
    before.raw.truncate(killing.unwrap());
    let (_, found) = reborn(before, &[("b", Some(101))]);
    assert_eq!(found, ["Terminate b"]);
}

#[test]
fn an_executor_that_was_over_waits_for_its_last_acknowledgement_only() {
    let before = group(&[&RUNNING[..], &["2 exit a 0", "2 ack a", "2 exit b 0"]].concat());
    let (mut stage, found) = reborn(before, &[]);
    assert_eq!(found, [""; 0]);
    done(&mut stage, "11 connect");
    let finished = r#"update b TASK_FINISHED SOURCE_EXECUTOR "Command exited with status 0" in dx"#;
    assert_eq!(done(&mut stage, "11 registered S")[0], finished);
    done(&mut stage, "11 ack b");
    assert!(stage.agent.frameworks.is_empty() && stage.agent.containers.is_empty());
    let completed = &stage.agent.completed_frameworks[0].completed_executors[0];
    assert_eq!(completed.completed_tasks.len(), 2);
}

#[test]
fn nothing_is_kept_of_an_executor_that_is_completed() {
    let all = ["2 exit a 0", "2 ack a", "2 exit b 0", "2 ack b"];
    let before = group(&[&["1 run staying checkpoint true"], &RUNNING[..], &all].concat());
    let kept = log(&before);
    assert!(kept.iter().all(|entry| entry.launched_group.is_none()), "{kept:?}");
    assert!(kept.iter().any(|entry| entry.launched.is_some()));
}
