//! What is wrong with a command line: every problem with the flag or variable that it is about.

use std::fmt;

use thiserror::Error;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{origin}` {message}")]
pub struct Problem {
    /// The flag or the variable as it was typed, or the flag that is missing.
    pub origin: String,
    /// What is wrong with it; follows its name.
    pub message: String,
}

impl Problem {
    pub fn new(origin: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin: origin.into(), message: message.into() }
    }
}

/// Everything that is wrong with a command line; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join("; "))
    }
}
