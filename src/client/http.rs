//! The HTTP that all clients share: kept-alive connections without delay, no redirects followed behind our back.

use std::{error::Error, time::Duration};

use prost::Message;
use reqwest::{Response, StatusCode, Url, header};

use crate::{client::ClientError, scheduler::api::ErrorBody};

const CONNECT: Duration = Duration::from_secs(5);
pub(super) const PROTOBUF: &str = "application/x-protobuf";
/// How long an answer that is no stream may take.
pub(super) const ANSWER: Duration = Duration::from_secs(30);

/// A pool of connections; clones share it.
#[derive(Clone, Debug)]
pub struct Http(pub(super) reqwest::Client);

impl Default for Http {
    fn default() -> Self {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .no_proxy();
        Self(builder.build().unwrap_or_default())
    }
}

impl Http {
    pub fn new() -> Self {
        Self::default()
    }

    /// Posts one protobuf message to the v1 API at `url`.
    pub(super) async fn post(
        &self,
        url: &Url,
        message: &impl Message,
        headers: &[(&'static str, &str)],
    ) -> Result<Response, ClientError> {
        let mut request = self
            .0
            .post(url.clone())
            .header(header::CONTENT_TYPE, PROTOBUF)
            .header(header::ACCEPT, PROTOBUF)
            .body(message.encode_to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.map_err(|error| unreachable(url, &error))
    }

    /// Posts one message and decodes the answer.
    pub(super) async fn ask<R: Message + Default>(
        &self,
        url: &Url,
        message: &impl Message,
    ) -> Result<R, ClientError> {
        let response = within(url, self.post(url, message, &[])).await?;
        let body = whole(url, accepted(response).await?).await?;
        R::decode(body).map_err(|error| ClientError::Malformed(error.to_string()))
    }
}

/// Reads the rest of an answer.
pub(super) async fn whole(url: &Url, response: Response) -> Result<bytes::Bytes, ClientError> {
    within(url, async { response.bytes().await.map_err(|error| unreachable(url, &error)) }).await
}

pub(super) async fn within<T>(
    url: &Url,
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let late = || ClientError::Unreachable {
        url: url.to_string(),
        reason: format!("no answer within {} s", ANSWER.as_secs()),
    };
    tokio::time::timeout(ANSWER, work).await.unwrap_or_else(|_| Err(late()))
}

/// The response when it is a success, else the refusal with its text.
pub(super) async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let location =
        response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = response.text().await.unwrap_or_default();
    let body = match location {
        Some(location) if status == StatusCode::TEMPORARY_REDIRECT => {
            ErrorBody { message: location, details: Vec::new() }
        }
        _ => serde_json::from_str(&text)
            .unwrap_or_else(|_| ErrorBody { message: text.trim().to_owned(), details: Vec::new() }),
    };
    Err(ClientError::Refused { status: status.as_u16(), body })
}

/// With the innermost cause: "Connection refused" rather than "error sending request".
pub(super) fn unreachable(url: &Url, error: &reqwest::Error) -> ClientError {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    ClientError::Unreachable { url: url.to_string(), reason: cause.to_string() }
}

/// Reads `http://host:port`, also without the scheme.
pub(super) fn base_url(text: &str) -> Result<Url, ClientError> {
    let bad = || ClientError::Url(text.to_owned());
    let text = text.trim();
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&full).map_err(|_| bad())?;
    if url.scheme() == "http" && url.has_host() { Ok(url) } else { Err(bad()) }
}
