//! What a check wants to see: patterns of JSON values and of answers.

use regex::Regex;
use serde_json::Value;

use crate::conformance::{
    check::{Miss, Outcome},
    http::Answer,
};

/// How much of what was seen is told.
const LONGEST: usize = 600;

/// Whether a value is as a pattern says. Of an object, what the pattern names must be there and fit; a list must have as
/// many elements, each fitting; `"~REGEX"` fits a text, `"<any>"` whatever is there, and `"<none>"` what is not.
pub fn fits(pattern: &Value, seen: &Value) -> bool {
    match (pattern, seen) {
        (Value::String(wanted), _) if wanted == "<any>" => !seen.is_null(),
        (Value::String(wanted), _) if wanted == "<none>" => seen.is_null(),
        (Value::String(wanted), Value::String(text)) => match wanted.strip_prefix('~') {
            Some(pattern) => Regex::new(&format!("^(?s:{pattern})$")).is_ok_and(|regex| regex.is_match(text)),
            None => wanted == text,
        },
        (Value::Object(wanted), Value::Object(there)) => {
            wanted.iter().all(|(name, pattern)| fits(pattern, there.get(name).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(there)) => {
            wanted.len() == there.len() && wanted.iter().zip(there).all(|(pattern, seen)| fits(pattern, seen))
        }
        (Value::Number(wanted), Value::Number(there)) => wanted.as_f64() == there.as_f64(),
        _ => pattern == seen,
    }
}

/// Passes when the value fits.
///
/// # Errors
/// With both, when it does not.
pub fn fitting(pattern: &Value, seen: &Value) -> Outcome {
    if fits(pattern, seen) { Ok(()) } else { Err(Miss::fail(pattern.to_string(), short(&seen.to_string()))) }
}

/// A text that may be long, for people.
pub fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// What an answer should be.
#[derive(Clone, Debug)]
pub struct Expect {
    status: u16,
    headers: Vec<(&'static str, Option<&'static str>)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Any,
    Empty,
    Text(String),
    Matching(String),
    Json(Value),
}

/// An answer with this status.
pub fn status(status: u16) -> Expect {
    Expect { status, headers: Vec::new(), body: Body::Any }
}

/// 202, and nothing more.
pub fn accepted() -> Expect {
    status(202).empty()
}

/// 200 with a JSON document that fits.
pub fn json(pattern: Value) -> Expect {
    status(200).header("Content-Type", "application/json").json(pattern)
}

/// A refusal with this text.
pub fn refused(code: u16, text: &str) -> Expect {
    status(code).header("Content-Type", "text/plain; charset=utf-8").text(text)
}

impl Expect {
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, Some(value)));
        self
    }

    #[must_use]
    pub fn no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    #[must_use]
    pub fn empty(mut self) -> Self {
        self.body = Body::Empty;
        self
    }

    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.body = Body::Text(text.to_owned());
        self
    }

    /// A body that matches a regular expression from begin to end.
    #[must_use]
    pub fn matching(mut self, pattern: &str) -> Self {
        self.body = Body::Matching(pattern.to_owned());
        self
    }

    #[must_use]
    pub fn json(mut self, pattern: Value) -> Self {
        self.body = Body::Json(pattern);
        self
    }

    /// Puts a value in place of each `$NAME` of a text or document.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match &mut self.body {
            Body::Text(text) | Body::Matching(text) => *text = text.replace(name, value),
            Body::Json(pattern) => {
                let text = pattern.to_string().replace(name, value);
                *pattern = serde_json::from_str(&text).unwrap_or_default();
            }
            Body::Any | Body::Empty => {}
        }
        self
    }

    /// Passes when the answer is as it should be.
    ///
    /// # Errors
    /// With what was expected and what was seen.
    pub fn hold(&self, answer: &Answer) -> Outcome {
        let fits_headers = self.headers.iter().all(|(name, value)| answer.header(name) == *value);
        if answer.status == self.status && fits_headers && self.fits_body(answer) {
            return Ok(());
        }
        Err(Miss::fail(self.to_string(), self.seen(answer)))
    }

    fn fits_body(&self, answer: &Answer) -> bool {
        match &self.body {
            Body::Any => true,
            Body::Empty => answer.body.is_empty(),
            Body::Text(text) => answer.text() == *text,
            Body::Matching(pattern) => {
                Regex::new(&format!("^(?s:{pattern})$")).is_ok_and(|regex| regex.is_match(&answer.text()))
            }
            Body::Json(pattern) => answer.json().is_some_and(|seen| fits(pattern, &seen)),
        }
    }

    fn seen(&self, answer: &Answer) -> String {
        let mut seen = answer.status.to_string();
        for (name, _) in &self.headers {
            match answer.header(name) {
                Some(value) => seen += &format!(", {name}: {value}"),
                None => seen += &format!(", no {name}"),
            }
        }
        if answer.body.is_empty() { seen + ", no body" } else { seen + ", " + &short(&answer.text()) }
    }
}

impl std::fmt::Display for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            match value {
                Some(value) => write!(f, ", {name}: {value}")?,
                None => write!(f, ", no {name}")?,
            }
        }
        match &self.body {
            Body::Any => Ok(()),
            Body::Empty => write!(f, ", no body"),
            Body::Text(text) => write!(f, ", {text}"),
            Body::Matching(pattern) => write!(f, ", a text that matches {pattern}"),
            Body::Json(pattern) => write!(f, ", {pattern}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_names_what_must_be_there() {
        let seen = json!({"a": 1.0, "b": [{"c": "text"}], "d": null});
        for pattern in [
            json!({}),
            json!({"a": 1}),
            json!({"b": [{}]}),
            json!({"b": [{"c": "~te.t"}], "d": "<none>", "e": "<none>", "a": "<any>"}),
        ] {
            assert!(fits(&pattern, &seen), "{pattern}");
        }
        for pattern in [
            json!({"a": 2}),
            json!({"b": []}),
            json!({"b": [{"c": "~te"}]}),
            json!({"d": "<any>"}),
            json!({"a": "<none>"}),
            json!([]),
        ] {
            assert!(!fits(&pattern, &seen), "{pattern}");
        }
    }

    #[test]
    fn an_answer_is_held_against_all_of_it() {
        let answer = Answer {
            status: 400,
            headers: vec![("Content-Type".into(), "text/plain; charset=utf-8".into())],
            body: "no".into(),
        };
        assert!(refused(400, "no").hold(&answer).is_ok());
        for expect in [refused(400, "yes"), refused(404, "no"), status(400).empty(), json(json!({}))] {
            let missed = expect.hold(&answer);
            assert!(matches!(missed, Err(Miss::Fail { .. })), "{expect}");
        }
        let missed = refused(404, "no").hold(&answer);
        assert_eq!(
            missed,
            Err(Miss::fail(
                "404, Content-Type: text/plain; charset=utf-8, no",
                "400, Content-Type: text/plain; charset=utf-8, no"
            ))
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(short("short"), "short");
        assert!(short(&"ä".repeat(2000)).ends_with("... (4000 bytes)"));
    }
}
