//! What a filter lets through.
//!
//! | typed | means |
//! | --- | --- |
//! | `web` | `web` somewhere in a cell, in any case |
//! | `Web` | exactly that: a capital letter makes the case count |
//! | `web.[0-3]$` | a regular expression, because of its `[`, `]`, `$`; a `.` alone makes none |
//! | `re:a.b`, `/a.b/` | a regular expression, whatever it holds |
//! | `!web` | everything but those |
//!
//! While what is typed is no valid regular expression, the one before goes on holding.

use memchr::memchr2_iter;
use regex::{Regex, RegexBuilder};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    rule: Rule,
    problem: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Rule {
    pattern: Pattern,
    inverse: bool,
}

#[derive(Clone, Debug, Default)]
enum Pattern {
    #[default]
    All,
    /// In lower case, and any case will do.
    Folded(String),
    Exact(String),
    Regex {
        regex: Regex,
        typed: String,
    },
}

impl Filter {
    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why what was typed does not hold.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn set(&mut self, text: &str) {
        self.text = text.to_owned();
        match Rule::parse(text) {
            Ok(rule) => (self.rule, self.problem) = (rule, None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Whether it is shown a row: `visit` hands out the row's texts until one of them is taken.
    pub fn lets_through(&self, visit: impl FnOnce(&mut dyn FnMut(&str) -> bool) -> bool) -> bool {
        match &self.rule.pattern {
            Pattern::All => true,
            pattern => visit(&mut |text| pattern.is_in(text)) != self.rule.inverse,
        }
    }

    /// Whether it lets through the same as `other`.
    pub fn same(&self, other: &Self) -> bool {
        self.rule.inverse == other.rule.inverse
            && match (&self.rule.pattern, &other.rule.pattern) {
                (Pattern::All, Pattern::All) => true,
                (Pattern::Folded(a), Pattern::Folded(b)) | (Pattern::Exact(a), Pattern::Exact(b)) => a == b,
                (Pattern::Regex { typed: a, .. }, Pattern::Regex { typed: b, .. }) => a == b,
                _ => false,
            }
    }

    /// Whether it lets through nothing that `before` did not.
    pub fn narrows(&self, before: &Self) -> bool {
        match (&before.rule.pattern, &self.rule.pattern) {
            (Pattern::All, _) => true,
            _ if self.rule.inverse || before.rule.inverse => false,
            (Pattern::Folded(before), Pattern::Folded(now)) => now.contains(before.as_str()),
            (Pattern::Folded(before), Pattern::Exact(now)) => {
                now.to_ascii_lowercase().contains(before.as_str())
            }
            (Pattern::Exact(before), Pattern::Exact(now)) => now.contains(before.as_str()),
            _ => false,
        }
    }
}

impl Rule {
    fn parse(typed: &str) -> Result<Self, String> {
        let (text, inverse) = match typed.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (typed, false),
        };
        Ok(Self { pattern: Pattern::parse(text)?, inverse })
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(expression) = expression(text) {
            return Self::regex(expression, text);
        }
        if text.is_empty() {
            Ok(Self::All)
        } else if has_capitals(text) {
            Ok(Self::Exact(text.to_owned()))
        } else if text.is_ascii() {
            Ok(Self::Folded(text.to_owned()))
        } else {
            Self::regex(&regex::escape(text), text)
        }
    }

    fn regex(expression: &str, typed: &str) -> Result<Self, String> {
        if expression.is_empty() {
            return Ok(Self::All);
        }
        let regex = RegexBuilder::new(expression)
            .case_insensitive(!has_capitals(typed))
            .size_limit(1 << 20)
            .build()
            .map_err(|error| reason(&error))?;
        Ok(Self::Regex { regex, typed: typed.to_owned() })
    }

    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Folded(part) => contains_folded(text.as_bytes(), part.as_bytes()),
            Self::Exact(part) => text.contains(part.as_str()),
            Self::Regex { regex, .. } => regex.is_match(text),
        }
    }
}

/// The regular expression that `text` stands for, if it does.
fn expression(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("re:") {
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix('/') {
        return Some(rest.strip_suffix('/').unwrap_or(rest));
    }
    text.contains(['\\', '^', '$', '|', '?', '*', '+', '(', ')', '[', ']', '{', '}']).then_some(text)
}

/// Capital letters, but for those that name a class: `\S`.
fn has_capitals(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let counts = c.is_uppercase() && !escaped;
        escaped = c == '\\' && !escaped;
        counts
    })
}

fn contains_folded(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    let Some(last) = text.len().checked_sub(part.len()) else { return false };
    memchr2_iter(*first, first.to_ascii_uppercase(), &text[..=last])
        .any(|at| text[at + 1..at + part.len()].eq_ignore_ascii_case(rest))
}

/// The last line of what `regex` has to say, which says what is wrong.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::Filter;

    fn filter(text: &str) -> Filter {
        let mut filter = Filter::default();
        filter.set(text);
        filter
    }

    fn passes(filter: &Filter, text: &str) -> bool {
        filter.lets_through(|take| take("other") || take(text))
    }

    #[test]
    fn what_is_let_through() {
        let table = [
            ("", "anything", true),
            ("web.1", "My-WEB.12", true),
            ("web.1", "webs1", false),
            ("Web", "web.1", false),
            ("^web.[0-3]$", "web.2", true),
            ("^web.[0-3]$", "web.23", false),
            ("^web$|db", "DB", true),
            (r"\Sb\d", "wEb7", true),
            ("re:a.c", "abc", true),
            ("/a.c/", "ABC", true),
            ("!web", "web.1", false),
            ("!web", "db.1", true),
            ("größe", "GRÖSSE GRÖßE", true),
        ];
        for (typed, text, expected) in table {
            assert_eq!(passes(&filter(typed), text), expected, "{typed} on {text}");
        }
    }

    #[test]
    fn the_last_valid_expression_holds_on() {
        let mut filter = filter("web|db");
        filter.set("web|db(");
        assert_eq!((filter.text(), filter.problem()), ("web|db(", Some("unclosed group")));
        assert!(passes(&filter, "db") && !passes(&filter, "cache"));
        filter.set("cache");
        assert!(filter.problem().is_none() && passes(&filter, "cache"));
    }

    #[test]
    fn only_longer_text_narrows() {
        let narrows = |before, now| filter(now).narrows(&filter(before));
        assert!(narrows("", "web") && narrows("we", "web") && narrows("we", "Swe") && narrows("", "!a"));
        assert!(
            !narrows("web", "we") && !narrows("!w", "!we") && !narrows("w.+", "w.+b") && !narrows("W", "w")
        );
    }
}
