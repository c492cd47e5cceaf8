//! The v1 executor API from the side of an executor, in protobuf.
//!
//! ```text
//! POST /api/v1/executor SUBSCRIBE ──> 200, then records without end: SUBSCRIBED, LAUNCH, ACKNOWLEDGED, KILL, ...
//! POST /api/v1/executor UPDATE, MESSAGE ──> 202
//! ```

use std::time::Duration;

use reqwest::{Url, header};

use crate::{
    client::{
        ClientError, Http,
        http::{accepted, base_url, sent, within},
        records::Records,
    },
    mesos::v1::executor::{Call, Event},
};

const PATH: &str = "/api/v1/executor";

/// An agent's heart beats every 30 minutes here; three that are missed, and it is taken for dead.
const PATIENCE: Duration = Duration::from_secs(3 * 30 * 60);

/// The agent of an executor; clones share connections.
#[derive(Clone, Debug)]
pub struct ExecutorApi {
    http: Http,
    url: Url,
    /// `MESOS_EXECUTOR_AUTHENTICATION_TOKEN`.
    token: Option<String>,
}

impl ExecutorApi {
    /// # Errors
    /// When `agent`, which is `host:port`, is no address.
    pub fn new(http: Http, agent: &str, token: Option<String>) -> Result<Self, ClientError> {
        let mut url = base_url(agent)?;
        url.set_path(PATH);
        Ok(Self { http, url, token })
    }

    /// Subscribes: the answer is a stream of events.
    ///
    /// # Errors
    /// When the agent cannot be reached or refuses.
    pub async fn subscribe(&self, call: &Call) -> Result<Events, ClientError> {
        within(&self.url, self.post(call)).await.map(|response| Events(Records::new(response)))
    }

    /// Makes one call and waits until the agent has taken it.
    ///
    /// # Errors
    /// As [`ExecutorApi::subscribe`].
    pub async fn call(&self, call: &Call) -> Result<(), ClientError> {
        let response = within(&self.url, self.post(call)).await?;
        response.bytes().await.map_err(|error| ClientError::Closed(error.to_string()))?;
        Ok(())
    }

    async fn post(&self, call: &Call) -> Result<reqwest::Response, ClientError> {
        let mut request = self.http.call(&self.url, call);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        accepted(sent(&self.url, request).await?).await
    }
}

/// The events of one subscription.
pub struct Events(Records);

impl Events {
    /// The next event. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// When the stream ends, is garbled, or stays silent for three heartbeats.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        self.0.next(PATIENCE).await
    }
}
