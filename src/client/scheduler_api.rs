//! Our scheduler's own API, for the CLI and the TUI.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    client::{
        ClientError, Http,
        blocks::Blocks,
        http::{accepted, base_url, unreachable, whole, within},
    },
    scheduler::api::{ConfigView, Event, Explain, Health, OfferList, SchedulerConfig, State, TaskList},
};

/// Three of the scheduler's signs of life, which come every 15 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// A scheduler of ours.
#[derive(Clone, Debug)]
pub struct SchedulerApi {
    http: Http,
    url: Url,
}

impl SchedulerApi {
    /// # Errors
    /// When `scheduler` is no `http://` address.
    pub fn new(http: Http, scheduler: &str) -> Result<Self, ClientError> {
        Ok(Self { http, url: base_url(scheduler)? })
    }

    pub async fn config(&self) -> Result<ConfigView, ClientError> {
        self.get("/v1/config").await
    }

    /// Replaces the whole configuration.
    ///
    /// # Errors
    /// 422 with the fields that are wrong.
    pub async fn put_config(&self, config: &SchedulerConfig) -> Result<ConfigView, ClientError> {
        self.ask(Method::PUT, "/v1/config", |request| request.json(config)).await
    }

    /// Changes the named fields; `null` resets one.
    ///
    /// # Errors
    /// 422 with the fields that are wrong.
    pub async fn patch_config(&self, patch: &Value) -> Result<ConfigView, ClientError> {
        self.ask(Method::PATCH, "/v1/config", |request| request.json(patch)).await
    }

    /// Sets `num_of_node`.
    ///
    /// # Errors
    /// When the scheduler cannot be reached.
    pub async fn scale(&self, num_of_node: u32) -> Result<ConfigView, ClientError> {
        self.patch_config(&json!({ "num_of_node": num_of_node })).await
    }

    pub async fn state(&self) -> Result<State, ClientError> {
        self.get("/v1/state").await
    }

    pub async fn tasks(&self) -> Result<TaskList, ClientError> {
        self.get("/v1/tasks").await
    }

    pub async fn offers(&self) -> Result<OfferList, ClientError> {
        self.get("/v1/offers").await
    }

    pub async fn explain(&self) -> Result<Explain, ClientError> {
        self.get("/v1/explain").await
    }

    /// Answers also when the scheduler is not subscribed.
    ///
    /// # Errors
    /// When the scheduler cannot be reached.
    pub async fn health(&self) -> Result<Health, ClientError> {
        let url = self.endpoint("/health");
        let request = self.http.0.get(url.clone());
        let response =
            within(&url, async { request.send().await.map_err(|error| unreachable(&url, &error)) }).await?;
        decoded(&url, response).await
    }

    /// Ends a task; another takes its place.
    ///
    /// # Errors
    /// 404 when there is none of this id.
    pub async fn kill(&self, task: &str) -> Result<(), ClientError> {
        let mut url = self.endpoint("/v1/tasks");
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(task).push("kill");
        }
        self.send(Method::POST, &url, |request| request).await.map(drop)
    }

    /// Ends the framework, all its tasks, and the scheduler's work.
    ///
    /// # Errors
    /// When the scheduler cannot be reached.
    pub async fn teardown(&self) -> Result<(), ClientError> {
        self.send(Method::POST, &self.endpoint("/v1/teardown"), |request| request).await.map(drop)
    }

    /// What happens, beginning with everything as it is.
    ///
    /// # Errors
    /// When the scheduler cannot be reached.
    pub async fn events(&self) -> Result<SchedulerEvents, ClientError> {
        let response = self.send(Method::GET, &self.endpoint("/v1/events"), |request| request).await?;
        Ok(SchedulerEvents { response, blocks: Blocks::default(), patience: PATIENCE })
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path, |request| request).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, ClientError> {
        let url = self.endpoint(path);
        let response = self.send(method, &url, fill).await?;
        decoded(&url, response).await
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, ClientError> {
        let request = fill(self.http.0.request(method, url.clone()));
        let answer = async { request.send().await.map_err(|error| unreachable(url, &error)) };
        accepted(within(url, answer).await?).await
    }
}

async fn decoded<T: DeserializeOwned>(url: &Url, response: Response) -> Result<T, ClientError> {
    let body = whole(url, response).await?;
    serde_json::from_slice(&body).map_err(|error| ClientError::Malformed(error.to_string()))
}

/// The server-sent events of a scheduler.
#[derive(Debug)]
pub struct SchedulerEvents {
    response: Response,
    blocks: Blocks,
    pub(super) patience: Duration,
}

impl SchedulerEvents {
    /// The next event. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// When the stream ends, is garbled, or stays silent for three signs of life.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(data) = self.blocks.next()? {
                return serde_json::from_slice(&data)
                    .map_err(|error| ClientError::Malformed(error.to_string()));
            }
            let chunk = tokio::time::timeout(self.patience, self.response.chunk()).await;
            match chunk.map_err(|_| ClientError::Silent(self.patience))? {
                Ok(Some(chunk)) => self.blocks.push(&chunk),
                Ok(None) => return Err(ClientError::Closed("the scheduler ended it".to_owned())),
                Err(error) => return Err(ClientError::Closed(error.to_string())),
            }
        }
    }
}
