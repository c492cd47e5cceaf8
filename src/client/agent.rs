//! How an agent does, through its v1 API.

use std::time::Duration;

use reqwest::Url;

use crate::{
    client::{ClientError, Http, http::base_url},
    mesos::v1::agent::{Call, Response, call},
};

pub(super) const PATH: &str = "/api/v1";
const UPTIME: &str = "slave/uptime_secs";

#[derive(Clone, Debug)]
pub struct AgentApi {
    http: Http,
    url: Url,
}

impl AgentApi {
    /// # Errors
    /// When `agent` is no `http://` address.
    pub fn new(http: Http, agent: &str) -> Result<Self, ClientError> {
        let mut url = base_url(agent)?;
        url.set_path(PATH);
        Ok(Self { http, url })
    }

    /// # Errors
    /// When the agent cannot be reached or refuses.
    pub async fn version(&self) -> Result<String, ClientError> {
        let answer = self.ask(&of(call::Type::GetVersion)).await?;
        Ok(answer.get_version.map(|version| version.version_info.version).unwrap_or_default())
    }

    /// For how long its process has been running; none when it does not say so.
    ///
    /// # Errors
    /// As [`AgentApi::version`].
    pub async fn uptime(&self) -> Result<Option<Duration>, ClientError> {
        let call = Call { get_metrics: Some(call::GetMetrics::default()), ..of(call::Type::GetMetrics) };
        let metrics = self.ask(&call).await?.get_metrics.map(|answer| answer.metrics).unwrap_or_default();
        let uptime = metrics.into_iter().find(|metric| metric.name == UPTIME).and_then(|metric| metric.value);
        Ok(uptime.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }

    async fn ask(&self, call: &Call) -> Result<Response, ClientError> {
        self.http.ask(&self.url, call).await
    }
}

pub(super) fn of(kind: call::Type) -> Call {
    Call { r#type: Some(kind.into()), ..Call::default() }
}
