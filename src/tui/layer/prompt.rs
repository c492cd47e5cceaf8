//! A line that is being typed: a filter, a search, a command with completion and history.

use crate::tui::layer::{
    command::{self, Words},
    line_edit::LineEdit,
};

/// How many commands are remembered.
const REMEMBERED: usize = 100;

#[derive(Clone, Debug)]
pub struct Prompt {
    pub kind: Kind,
    pub line: LineEdit,
    /// What the last word may become.
    pub candidates: Vec<String>,
    /// The candidate that stands in the line.
    pub chosen: Option<usize>,
    /// Which of the history stands in the line, counted from its end.
    past: Option<usize>,
    /// What was typed before the history was looked at.
    typed: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Command,
    /// Of the list that is shown, with the filter as it was.
    Filter {
        before: String,
    },
    /// In the log below, with the search as it was.
    Search {
        before: String,
    },
}

/// What was typed at the command bar, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<String>);

impl History {
    pub fn push(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        self.0.retain(|other| other != line);
        self.0.push(line.to_owned());
        let surplus = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..surplus);
    }

    fn back(&self, steps: usize) -> Option<&str> {
        let at = self.0.len().checked_sub(steps)?;
        self.0.get(at).map(String::as_str)
    }
}

impl Prompt {
    pub fn new(kind: Kind) -> Self {
        let text = match &kind {
            Kind::Command => String::new(),
            Kind::Filter { before } | Kind::Search { before } => before.clone(),
        };
        Self {
            kind,
            line: LineEdit::new(text),
            candidates: Vec::new(),
            chosen: None,
            past: None,
            typed: String::new(),
        }
    }

    /// What stands before the line.
    pub fn sign(&self) -> &'static str {
        match self.kind {
            Kind::Command => ":",
            Kind::Filter { .. } => "filter: ",
            Kind::Search { .. } => "search: ",
        }
    }

    /// After every change of the line by hand.
    pub fn changed(&mut self, words: &Words) {
        self.chosen = None;
        self.past = None;
        self.candidates = match self.kind {
            Kind::Command => command::complete(self.line.before(), words),
            Kind::Filter { .. } | Kind::Search { .. } => Vec::new(),
        };
    }

    /// Puts the next candidate into the line, or the one before it.
    pub fn complete(&mut self, forward: bool) {
        let count = self.candidates.len();
        if count == 0 {
            return;
        }
        let next = match (self.chosen, forward) {
            (None, true) => 0,
            (None, false) => count - 1,
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
        };
        self.choose(next);
    }

    /// Puts a candidate into the line; with a blank behind it when it is the only one.
    pub fn choose(&mut self, at: usize) {
        let Some(word) = self.candidates.get(at) else { return };
        let before = self.line.before();
        let begin = match before.trim_start().find(char::is_whitespace) {
            None => "",
            Some(_) => {
                &before[..before.find(|c: char| !c.is_whitespace()).map_or(0, |start| {
                    start + before[start..].find(char::is_whitespace).map_or(0, |end| end + 1)
                })]
            }
        };
        let blank = if self.candidates.len() == 1 && begin.is_empty() { " " } else { "" };
        let line = format!("{begin}{word}{blank}");
        self.line.set(line);
        self.chosen = Some(at);
    }

    /// Goes `back` in the history, or forward again to what was typed.
    pub fn remember(&mut self, history: &History, back: bool) {
        let past = self.past.unwrap_or_default();
        if past == 0 {
            self.typed = self.line.text().to_owned();
        }
        let steps = if back { past + 1 } else { past.saturating_sub(1) };
        let text = if steps == 0 { Some(self.typed.as_str()) } else { history.back(steps) };
        let Some(text) = text.map(str::to_owned) else { return };
        self.line.set(text);
        self.past = Some(steps);
        self.candidates.clear();
        self.chosen = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{History, Kind, Prompt};
    use crate::tui::layer::{command::Words, line_edit::LineEdit};

    fn typed(line: &str) -> Prompt {
        let mut prompt = Prompt::new(Kind::Command);
        prompt.line = LineEdit::new(line);
        let tasks = ["web.0", "web.1", "db.0"].map(str::to_owned).to_vec();
        prompt.changed(&Words { tasks, ..Words::default() });
        prompt
    }

    #[test]
    fn tab_goes_round_the_candidates() {
        let mut prompt = typed("kill w");
        let mut seen = Vec::new();
        for forward in [true, true, true, false] {
            prompt.complete(forward);
            seen.push(prompt.line.text().to_owned());
        }
        assert_eq!(seen, ["kill web.0", "kill web.1", "kill web.0", "kill web.1"]);
        let mut prompt = typed("ex");
        prompt.complete(true);
        assert_eq!(prompt.line.text(), "explain ");
        let mut prompt = typed("scale 5");
        prompt.complete(true);
        assert_eq!(prompt.line.text(), "scale 5");
    }

    #[test]
    fn history_goes_back_and_forward_to_what_was_typed() {
        let mut history = History::default();
        for line in ["tasks", "scale 3", "", "tasks"] {
            history.push(line);
        }
        let mut prompt = typed("sc");
        let mut seen = Vec::new();
        for back in [true, true, true, false, false, false] {
            prompt.remember(&history, back);
            seen.push(prompt.line.text().to_owned());
        }
        assert_eq!(seen, ["tasks", "scale 3", "scale 3", "tasks", "sc", "sc"]);
    }
}
