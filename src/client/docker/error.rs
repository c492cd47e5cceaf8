//! What an engine's refusals mean, and what helps.

use bollard::errors::Error;

/// Why an engine does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("no Docker Engine answers at {place}: {reason}")]
    Absent { place: String, reason: String },
    #[error("Docker Engine speaks API {api} at most, and 1.41 is needed")]
    TooOld { api: String },
    #[error("{0}")]
    Other(String),
}

impl EngineError {
    pub(super) fn absent(place: &str, error: &Error) -> Self {
        Self::Absent { place: place.to_owned(), reason: error.to_string() }
    }

    /// What the user can do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "start Docker, or mesoslab up --provider embedded",
            Self::TooOld { .. } => "update Docker to 20.10 or newer, or mesoslab up --provider embedded",
            Self::Other(_) => "mesoslab doctor",
        }
    }
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        Self::Other(error.to_string())
    }
}
