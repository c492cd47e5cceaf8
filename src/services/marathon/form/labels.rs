//! Label selectors: `a`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b)`, joined by commas.

use std::collections::BTreeMap;

/// What all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    label: String,
    /// None: any value.
    values: Option<Vec<String>>,
    /// Whether the value has to be one of them, or none.
    among: bool,
}

impl LabelSelector {
    /// # Errors
    /// Where it goes wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text);
        let mut terms = vec![rest.term()?];
        while rest.take(",") {
            terms.push(rest.term()?);
        }
        if rest.is_empty() { Ok(Self(terms)) } else { Err(format!("unexpected `{}`", rest.0)) }
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|term| {
            labels.get(&term.label).is_some_and(|value| {
                term.values.as_ref().is_none_or(|values| values.contains(value) == term.among)
            })
        })
    }
}

struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn is_empty(&mut self) -> bool {
        self.0 = self.0.trim_start();
        self.0.is_empty()
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn word(&mut self) -> Result<String, String> {
        let text = self.0.trim_start();
        let mut word = String::new();
        let mut end = 0;
        let mut chars = text.char_indices();
        while let Some((at, char)) = chars.next() {
            let taken = match char {
                '\\' => chars.next().map(|(_, escaped)| escaped),
                char if char.is_ascii_alphanumeric() || "-_.".contains(char) => Some(char),
                _ => None,
            };
            let Some(taken) = taken else { break };
            word.push(taken);
            end = at + char.len_utf8() + if char == '\\' { taken.len_utf8() } else { 0 };
        }
        self.0 = &text[end..];
        if word.is_empty() { Err(format!("expected a name at `{text}`")) } else { Ok(word) }
    }

    fn term(&mut self) -> Result<Term, String> {
        let label = self.word()?;
        for (operator, among) in [("==", true), ("!=", false)] {
            if self.take(operator) {
                return Ok(Term { label, values: Some(vec![self.word()?]), among });
            }
        }
        for (operator, among) in [("in", true), ("notin", false)] {
            if self.take(operator) {
                return Ok(Term { label, values: Some(self.set()?), among });
            }
        }
        Ok(Term { label, values: None, among: true })
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        if !self.take("(") {
            return Err(format!("expected `(` at `{}`", self.0));
        }
        let mut values = Vec::new();
        while !self.take(")") {
            values.push(self.word()?);
            if !self.take(",") && !self.0.trim_start().starts_with(')') {
                return Err(format!("expected `)` at `{}`", self.0));
            }
        }
        Ok(values)
    }
}
