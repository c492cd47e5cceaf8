//! Holds what our cluster answered against the recordings and the list of accepted differences.

use std::{cell::Cell, fs};

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{
    diff,
    exchange::{Exchange, golden, golden_dir, names},
    normal::Place,
    session::Done,
};

/// An accepted difference; `exchange` and `line` are patterns.
#[derive(Deserialize)]
struct Difference {
    scenario: String,
    exchange: String,
    line: String,
    reason: String,
}

#[derive(Deserialize)]
struct Differences {
    #[serde(default)]
    difference: Vec<Difference>,
}

struct Accepted {
    exchange: Regex,
    line: Regex,
    text: String,
    met: Cell<bool>,
}

impl Accepted {
    fn load(scenario: &str) -> Vec<Self> {
        let text = fs::read_to_string(golden_dir().join("differences.toml")).unwrap();
        let all: Differences = toml::from_str(&text).unwrap();
        all.difference.into_iter().filter(|d| d.scenario == scenario).map(Self::from).collect()
    }

    fn covers(&self, exchange: &str, line: &str) -> bool {
        let covers = self.exchange.is_match(exchange) && self.line.is_match(line);
        if covers {
            self.met.set(true);
        }
        covers
    }
}

impl From<Difference> for Accepted {
    fn from(d: Difference) -> Self {
        assert!(!d.reason.is_empty(), "{}: a difference needs a reason", d.exchange);
        Self {
            exchange: Regex::new(&d.exchange).unwrap(),
            line: Regex::new(&d.line).unwrap(),
            text: format!("exchange = '{}', line = '{}'", d.exchange, d.line),
            met: Cell::new(false),
        }
    }
}

/// Fails on a difference that is not listed, on a listed one that no longer is there, and on an exchange left out.
pub fn judge(scenario: &str, groups: &[&str], place: &Place, done: &Done) {
    let accepted = Accepted::load(scenario);
    let mut problems = Vec::new();
    let (mut equal, mut total) = (0, 0);
    for name in groups.iter().flat_map(|g| names(g)) {
        let lines = match done.get(&name) {
            Some(ours) => differences(&name, ours, place),
            None => vec!["not performed".to_owned()],
        };
        total += 1;
        equal += usize::from(lines.is_empty());
        let unlisted: Vec<&String> = lines.iter().filter(|l| !covered(&accepted, &name, l)).collect();
        problems.extend(unlisted.iter().map(|l| format!("{name}\n    {l}")));
    }
    let gone = accepted.iter().filter(|a| !a.met.get());
    problems.extend(gone.map(|a| format!("differences.toml lists what no longer differs: {}", a.text)));
    let shown = problems.join("\n");
    assert!(
        problems.is_empty(),
        "{equal} of {total} exchanges are equal\n{shown}\n{} problems",
        problems.len()
    );
}

fn differences(name: &str, ours: &Exchange, place: &Place) -> Vec<String> {
    let should = golden(name).normal(name, &Place::golden());
    let mut is = ours.normal(name, place);
    if name.starts_with("03-") {
        forget_later_updates(&should.form, &mut is.form);
    }
    diff::compare(&should, &is)
}

/// The recorder left some updates of group 03 without acknowledgement, so that later ones never came; ours come.
fn forget_later_updates(should: &Value, is: &mut Value) {
    let lists = is.get_mut("events").and_then(Value::as_object_mut).into_iter().flatten();
    for (key, list) in lists.filter(|(key, _)| key.starts_with("UPDATE ")) {
        let recorded = should["events"][key.as_str()].as_array().map_or(0, Vec::len);
        list.as_array_mut().into_iter().for_each(|l| l.truncate(recorded.max(1)));
    }
}

/// Every entry that covers the line counts as met.
fn covered(accepted: &[Accepted], exchange: &str, line: &str) -> bool {
    accepted.iter().filter(|a| a.covers(exchange, line)).count() > 0
}
