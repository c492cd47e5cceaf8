//! The differences that are known and stay, each with its reason: `tests/golden/libprocess/differences.toml`.

use std::{collections::BTreeSet, fs};

use regex::Regex;
use serde::Deserialize;

use super::recording::golden;

#[derive(Deserialize)]
struct Differences {
    difference: Vec<Difference>,
}

/// `what` is a pattern that the whole line has to match.
#[derive(Deserialize)]
struct Difference {
    scenario: String,
    side: String,
    what: String,
    why: String,
}

/// What is accepted of one side, and what of it was met.
pub struct Verdict {
    accepted: Vec<(Difference, Regex)>,
    met: BTreeSet<usize>,
    problems: Vec<String>,
}

impl Verdict {
    pub fn on(side: &str) -> Self {
        let text = fs::read_to_string(golden("differences.toml")).unwrap();
        let all: Differences = toml::from_str(&text).unwrap();
        let of_side = all.difference.into_iter().filter(|it| it.side == side);
        let accepted = of_side.map(|it| {
            assert!(!it.why.is_empty(), "a difference needs a reason: {}", it.what);
            let pattern = Regex::new(&format!("^(?:{})$", it.what)).unwrap();
            (it, pattern)
        });
        Self { accepted: accepted.collect(), met: BTreeSet::new(), problems: Vec::new() }
    }

    pub fn take(&mut self, scenario: &str, lines: &[String]) {
        for line in lines {
            let covers = |(difference, pattern): &(Difference, Regex)| {
                scenario.starts_with(&difference.scenario) && pattern.is_match(line)
            };
            let met: Vec<usize> = (0..self.accepted.len()).filter(|at| covers(&self.accepted[*at])).collect();
            if met.is_empty() {
                self.problems.push(format!("{scenario}: {line}"));
            }
            self.met.extend(met);
        }
    }

    /// Fails on what is not listed, and on what is listed and no longer differs.
    pub fn pronounce(mut self) {
        for (at, (difference, _)) in self.accepted.iter().enumerate() {
            if !self.met.contains(&at) {
                let Difference { scenario, what, .. } = difference;
                self.problems.push(format!("{scenario}: listed, and no longer different: {what}"));
            }
        }
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
    }
}
