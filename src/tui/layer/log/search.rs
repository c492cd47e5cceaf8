//! What is looked for in a log: a regular expression where it is one, else the text itself. Capital letters matter
//! when one is typed.

use std::{collections::VecDeque, ops::Range};

use regex::{Regex, RegexBuilder};

use crate::tui::{
    layer::log::buffer::{Buffer, Number},
    view::text,
};

#[derive(Clone, Debug)]
pub struct Search {
    text: String,
    /// None when it can match nothing: too large.
    regex: Option<Regex>,
    /// The lines that match.
    hits: VecDeque<Number>,
}

impl Search {
    pub fn new(text: &str, buffer: &Buffer) -> Self {
        let mut search = Self { text: text.to_owned(), regex: compile(text), hits: VecDeque::new() };
        search.anew(buffer);
        search
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Looks through all of it.
    pub fn anew(&mut self, buffer: &Buffer) {
        self.hits.clear();
        self.scan(buffer, buffer.first());
    }

    /// Looks through the lines from `changed` on; lines that are not kept any more do not count.
    pub fn appended(&mut self, buffer: &Buffer, changed: Number) {
        while self.hits.back().is_some_and(|hit| *hit >= changed) {
            self.hits.pop_back();
        }
        while self.hits.front().is_some_and(|hit| *hit < buffer.first()) {
            self.hits.pop_front();
        }
        self.scan(buffer, changed.max(buffer.first()));
    }

    fn scan(&mut self, buffer: &Buffer, from: Number) {
        let Some(regex) = &self.regex else { return };
        let matches = |number: &Number| buffer.get(*number).is_some_and(|line| regex.is_match(line));
        self.hits.extend((from..buffer.end()).filter(matches));
    }

    pub fn at_or_after(&self, line: Number) -> Option<Number> {
        let at = self.hits.partition_point(|hit| *hit < line);
        self.hits.get(at).or(self.hits.front()).copied()
    }

    /// From `line` to the next match, or the one before, round and round.
    pub fn step(&self, line: Number, forward: bool) -> Option<Number> {
        let hit = if forward {
            let at = self.hits.partition_point(|hit| *hit <= line);
            self.hits.get(at).or(self.hits.front())
        } else {
            let at = self.hits.partition_point(|hit| *hit < line);
            at.checked_sub(1).and_then(|at| self.hits.get(at)).or(self.hits.back())
        };
        hit.copied()
    }

    /// Which match the line is, and how many there are: `match 3 of 17`.
    pub fn count(&self, line: Option<Number>) -> String {
        let number = line.and_then(|line| self.hits.binary_search(&line).ok()).map_or(0, |at| at + 1);
        match (self.hits.len(), number) {
            (0, _) => "no match".to_owned(),
            (1, 0) => "1 match".to_owned(),
            (count, 0) => format!("{count} matches"),
            (count, number) => format!("match {number} of {count}"),
        }
    }

    /// Where in `line` it is found.
    pub fn ranges(&self, line: &str) -> Vec<Range<usize>> {
        let Some(regex) = &self.regex else { return Vec::new() };
        regex.find_iter(line).filter(|found| !found.is_empty()).map(|found| found.range()).collect()
    }

    /// The columns before the first match in a line.
    pub fn column(&self, buffer: &Buffer, line: Number) -> usize {
        let Some(text) = buffer.get(line) else { return 0 };
        self.ranges(text).first().map_or(0, |range| text::width(&text[..range.start]))
    }
}

fn compile(text: &str) -> Option<Regex> {
    let ignore_case = !text.chars().any(char::is_uppercase);
    let build = |pattern: &str| RegexBuilder::new(pattern).case_insensitive(ignore_case).build().ok();
    build(text).or_else(|| build(&regex::escape(text)))
}
