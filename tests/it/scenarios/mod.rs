//! Histories of a master as data: `tests/scenarios/master/*.json`. Each step is an input at a time; beside it stands what the
//! master must answer and do, one line an effect. Time runs on by itself: whatever the master does between two steps,
//! because it is due, stands in front of the later step's effects with its time.
//!
//! `MESOSLAB_BLESS=1 cargo test --test it scenarios` writes what the master does into the files, to be read in the diff.

mod say;
mod stage;

use std::{env, fs, path::PathBuf};

use serde_json::{Value, json};

use self::stage::Stage;

fn files() -> Vec<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/master");
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Plays a scenario and returns it with what happened in the place of what was expected.
fn play(scenario: &Value) -> Value {
    let mut stage = Stage::new(scenario);
    let mut played = scenario.clone();
    for step in played["steps"].as_array_mut().unwrap() {
        let (reply, effects) = stage.play(step);
        let step = step.as_object_mut().unwrap();
        step.shift_remove("reply");
        step.shift_remove("effects");
        step.extend(reply.map(|reply| ("reply".to_owned(), json!(reply))));
        if !effects.is_empty() {
            step.insert("effects".into(), json!(effects));
        }
    }
    played
}

#[test]
fn scenarios() {
    let files = files();
    assert!(files.len() >= 15, "only {} scenarios", files.len());
    let mut failures = Vec::new();
    for file in files {
        let expected: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let played = play(&expected);
        if played == expected {
            continue;
        }
        if env::var_os("MESOSLAB_BLESS").is_some() {
            fs::write(&file, format!("{}\n", serde_json::to_string_pretty(&played).unwrap())).unwrap();
        } else {
            failures.push(difference(&file.display().to_string(), &expected, &played));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn difference(file: &str, expected: &Value, played: &Value) -> String {
    let steps = |scenario: &Value| scenario["steps"].as_array().cloned().unwrap_or_default();
    let both = steps(expected).into_iter().zip(steps(played)).enumerate();
    let wrong = both.filter(|(_, (expected, played))| expected != played);
    let text = |(n, (expected, played)): (usize, (Value, Value))| {
        format!("{file}, step {n}:\nexpected {expected:#}\nplayed {played:#}")
    };
    wrong.map(text).collect::<Vec<_>>().join("\n")
}
