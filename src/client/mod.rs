//! Talking to any Mesos, and to our scheduler, over their HTTP APIs.
//!
//! - `scheduler`: the v1 scheduler API, a stream of events and the calls that belong to it
//! - `executor`: the v1 executor API of an agent, from the side of an executor
//! - `operator`: the v1 operator API of a master
//! - `agent`: how an agent does, through its v1 API; `agent_files`: sandboxes; `attach`: sessions in containers, and the
//!   streams of what runs
//! - `scheduler_api`: our scheduler's own API
//! - `marathon`: apps of a Marathon
//! - `services`: how ZooKeeper, Exhibitor, Marathon and each of several masters do
//! - `docker`: Docker Engine, or who speaks its API
//! - `election`: which of several masters leads, by ZooKeeper
//! - `zookeeper`: sessions with ZooKeeper
//! - `masters`: which of several masters leads; `published`: where those of a lab of containers answer on this machine
//! - `retry`: how long to wait before the next try

pub mod agent;
pub mod agent_files;
pub mod attach;
mod blocks;
pub mod docker;
pub mod election;
pub mod executor;
mod http;
pub mod marathon;
pub mod masters;
pub mod operator;
pub mod published;
mod records;
pub mod retry;
pub mod scheduler;
pub mod scheduler_api;
pub mod services;
#[cfg(test)]
pub(crate) mod tests;
pub mod zookeeper;

use std::time::Duration;

use crate::scheduler::api::ErrorBody;

pub use http::Http;

/// What can go wrong on the way to an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{0}` is not an http:// address")]
    Url(String),
    #[error("`{0}` wants TLS, which is not spoken here; name an http:// address")]
    Tls(String),
    #[error("reach {url}: {reason}")]
    Unreachable { url: String, reason: String },
    /// The answer of a server that did not do what was asked.
    #[error("{}", refusal(*.status, .body))]
    Refused { status: u16, body: ErrorBody },
    #[error("read the answer: {0}")]
    Malformed(String),
    /// The stream ended, in whichever way.
    #[error("keep the stream: {0}")]
    Closed(String),
    #[error("keep the stream: nothing for {} s, not even a heartbeat", .0.as_secs_f64())]
    Silent(Duration),
    #[error("find the leading master: {0}")]
    NoLeader(String),
}

impl ClientError {
    /// The HTTP status of a server that answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the server answered that this is not to be had from it, now or later: asking again will not help.
    pub fn is_denial(&self) -> bool {
        matches!(self.status(), Some(400..=499 | 501))
    }
}

fn refusal(status: u16, body: &ErrorBody) -> String {
    let mut text = if body.message.is_empty() { format!("status {status}") } else { body.message.clone() };
    for detail in &body.details {
        text.push_str(&format!("; `{}`: {}", detail.field, detail.message));
    }
    text
}

/// An error with its causes: `a: b: c`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
