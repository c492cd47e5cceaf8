//! Why a request is refused, in Marathon's texts and with its status codes.

use serde_json::{Value, json};

use super::model::{AppId, Timestamp};

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The body is no JSON at all; in the words of the reader.
    NoJson(String),
    /// The body is JSON of another form than is wanted.
    WrongForm(Vec<Detail>),
    /// The form is right and the meaning is not.
    NotValid(Vec<Detail>),
    /// 422 with a sentence only.
    Unprocessable(String),
    BadRequest(String),
    UnknownApp(AppId),
    UnknownAppVersion(AppId, Timestamp),
    UnknownGroup(AppId),
    NotFound(String),
    Conflict(String),
    /// These deployments change the same apps.
    Locked(Vec<String>),
    TooManyDeployments(usize),
    MethodNotAllowed,
}

/// What is wrong at one place of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// `/container/docker/image`, `/constraints(0)`; `/` is the whole.
    pub path: String,
    pub errors: Vec<String>,
}

impl Detail {
    pub fn new(path: impl Into<String>, error: impl Into<String>) -> Self {
        Self { path: path.into(), errors: vec![error.into()] }
    }
}

impl Problem {
    /// One violation of the rules.
    pub fn invalid(path: &str, error: impl Into<String>) -> Self {
        Self::NotValid(vec![Detail::new(path, error)])
    }

    pub fn status(&self) -> u16 {
        match self {
            Self::NoJson(_) | Self::BadRequest(_) => 400,
            Self::WrongForm(_) | Self::NotValid(_) | Self::Unprocessable(_) => 422,
            Self::UnknownApp(_) | Self::UnknownAppVersion(..) | Self::UnknownGroup(_) | Self::NotFound(_) => {
                404
            }
            Self::Conflict(_) | Self::Locked(_) => 409,
            Self::TooManyDeployments(_) => 403,
            Self::MethodNotAllowed => 405,
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        match self {
            Self::NoJson(words) => json!({"message": "Invalid JSON", "details": words}),
            Self::WrongForm(details) => details_of("Invalid JSON", details),
            Self::NotValid(details) => details_of("Object is not valid", details),
            Self::Locked(ids) => {
                let ids: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
                json!({"message": self.message(), "deployments": ids})
            }
            _ => json!({"message": self.message()}),
        }
    }

    /// The sentence of it.
    pub fn message(&self) -> String {
        match self {
            Self::NoJson(_) | Self::WrongForm(_) => "Invalid JSON".to_owned(),
            Self::NotValid(_) => "Object is not valid".to_owned(),
            Self::Unprocessable(text)
            | Self::BadRequest(text)
            | Self::NotFound(text)
            | Self::Conflict(text) => text.clone(),
            Self::UnknownApp(id) => format!("App '{id}' does not exist"),
            Self::UnknownAppVersion(id, version) => format!("App '{id}' does not exist in version {version}"),
            Self::UnknownGroup(id) => format!("Group '{id}' does not exist"),
            Self::Locked(_) => {
                "App is locked by one or more deployments. Override with the option '?force=true'. \
                                View details at '/v2/deployments/<DEPLOYMENT_ID>'."
                    .to_owned()
            }
            Self::TooManyDeployments(most) => format!(
                "Max number ({most}) of running deployments is achieved. Wait for existing deployments to complete or \
                 cancel one using force=true parameter. You can increase max deployment number by using \
                 --max_running_deployments parameter but be advised that this can have negative effects on the \
                 performance."
            ),
            Self::MethodNotAllowed => "Method Not Allowed".to_owned(),
        }
    }
}

/// Errors at the same place stand together.
fn details_of(message: &str, details: &[Detail]) -> Value {
    let mut merged: Vec<Detail> = Vec::new();
    for detail in details {
        match merged.iter_mut().find(|other| other.path == detail.path) {
            Some(other) => other.errors.extend(detail.errors.iter().cloned()),
            None => merged.push(detail.clone()),
        }
    }
    let details: Vec<Value> =
        merged.iter().map(|detail| json!({"path": detail.path, "errors": detail.errors})).collect();
    json!({"message": message, "details": details})
}
