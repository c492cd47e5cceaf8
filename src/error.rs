//! What a command says when it fails: one message, what was seen, the next command to type, and an exit code.

use std::{fmt, process::ExitCode};

use crate::client;

/// Exit codes, the same for every command.
///
/// | code | meaning |
/// | --- | --- |
/// | 0 | done |
/// | 1 | failed |
/// | 2 | wrong usage: flags, lab file |
/// | 3 | not ready in time |
/// | 4 | no such lab, or it does not run |
///
/// `mesoslab exec` and `mesoslab run` give the code of what they ran, as a shell does: 128 and the number of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    Failed = 1,
    Usage = 2,
    NotReady = 3,
    NoLab = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A failed command, ready to be shown.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    /// What failed, in one sentence without a full stop.
    pub message: String,
    /// The last lines of a log, or other things seen, one per line.
    pub seen: Vec<String>,
    /// What to do, usually a command to type.
    pub hint: Option<String>,
    /// A lab file's mistakes, shown in their place.
    pub lab_file: Option<Box<crate::spec::LabFileError>>,
    /// The exit code of a program that was run for the user, who has seen what it said: ours too, and nothing is shown.
    pub of_program: Option<u8>,
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), seen: Vec::new(), hint: None, lab_file: None, of_program: None }
    }

    /// The end of a program that was run for the user and did not give 0.
    pub fn of_program(code: u8) -> Self {
        Self { of_program: Some(code), ..Self::failed(format!("the program ended with {code}")) }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn seen(mut self, lines: Vec<String>) -> Self {
        self.seen = lines;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Box<crate::spec::LabFileError>> for Failure {
    fn from(error: Box<crate::spec::LabFileError>) -> Self {
        let mut failure = Self::usage(error.to_string());
        failure.lab_file = Some(error);
        failure
    }
}

impl From<crate::client::docker::EngineError> for Failure {
    fn from(error: crate::client::docker::EngineError) -> Self {
        Self::failed(error.to_string()).seen(error.seen()).hint(error.remedy())
    }
}

/// Puts "failed to ..." before an error, in the manner of `anyhow::Context`.
pub trait Context<T> {
    /// # Errors
    /// The same error, as a [`Failure`] that says what failed.
    fn context(self, action: impl fmt::Display) -> Result<T>;
}

impl<T, E: std::error::Error> Context<T> for std::result::Result<T, E> {
    fn context(self, action: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::failed(format!("failed to {action}: {}", client::chain(&error))))
    }
}
