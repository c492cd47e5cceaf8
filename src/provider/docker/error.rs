//! Why a lab of containers does not come about.

use crate::client::docker::EngineError;

/// What went wrong, in words that end a sentence.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("failed to {doing}: {error}")]
    Engine { doing: String, error: EngineError },
    /// A component's process has ended, and shall not.
    #[error("{service} has ended with exit code {code}")]
    Exited { service: String, code: i64, lines: Vec<String> },
    #[error("{0}")]
    Other(String),
    /// Something of the lab's name is not the lab's.
    #[error("{what} belongs to {owner}")]
    Foreign { what: String, owner: String },
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    /// For `map_err`: what was being done when the engine refused.
    pub fn when<E: Into<EngineError>>(doing: impl Into<String>) -> impl FnOnce(E) -> Self {
        let doing = doing.into();
        move |error| Self::Engine { doing, error: error.into() }
    }

    /// What the user can do; `suffix` names the lab where it is not the default one.
    pub fn remedy(&self, suffix: &str) -> String {
        match self {
            Self::Engine { error, .. } => error.remedy(),
            Self::Exited { .. } => {
                format!("mesoslab up -v{suffix}, or mesoslab up --provider embedded{suffix}")
            }
            Self::Other(_) => "mesoslab doctor".to_owned(),
            Self::Foreign { what, .. } => {
                format!("another name: mesoslab up --name other; or remove the {what} if nobody needs it")
            }
            Self::Interrupted => format!("mesoslab up{suffix}"),
        }
    }

    /// The last lines of what failed.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Exited { lines, .. } => lines.clone(),
            Self::Engine { error, .. } => error.seen(),
            _ => Vec::new(),
        }
    }
}
