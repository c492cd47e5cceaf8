//! The HTTP that all clients share: kept-alive connections without delay, no redirects followed behind our back.

use std::{error::Error, time::Duration};

use bytes::{Bytes, BytesMut};
use prost::Message;
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};

use crate::{client::ClientError, scheduler::api::ErrorBody};

const CONNECT: Duration = Duration::from_secs(5);
pub(super) const PROTOBUF: &str = "application/x-protobuf";
/// How long an answer that is no stream may take.
pub(super) const ANSWER: Duration = Duration::from_secs(30);

/// The state of a large cluster as one answer.
const LARGEST: usize = 1 << 30;
/// The text of a refusal is a line or two.
const LONGEST_REFUSAL: usize = 64 << 10;

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
        let mut request = self.call(url, message);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sent(url, request).await
    }

    /// A call of the v1 API at `url`.
    pub(super) fn call(&self, url: &Url, message: &impl Message) -> RequestBuilder {
        self.0
            .post(url.clone())
            .header(header::CONTENT_TYPE, PROTOBUF)
            .header(header::ACCEPT, PROTOBUF)
            .body(message.encode_to_vec())
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

pub(super) async fn sent(url: &Url, request: RequestBuilder) -> Result<Response, ClientError> {
    request.send().await.map_err(|error| unreachable(url, &error))
}

/// Reads the rest of an answer.
pub(super) async fn whole(url: &Url, response: Response) -> Result<Bytes, ClientError> {
    within(url, at_most(LARGEST, url, response)).await
}

/// An answer without end is garbage, and ends here.
async fn at_most(limit: usize, url: &Url, mut response: Response) -> Result<Bytes, ClientError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return Err(ClientError::Malformed(format!("an answer of more than {limit} bytes")));
        }
    }
    Ok(body.freeze())
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

/// The response when it is a success, else the refusal with its text. A web page is neither.
pub(super) async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    let header =
        |name| response.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let is_page = header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
    if status.is_success() && !is_page {
        return Ok(response);
    }
    if status.is_success() {
        return Err(ClientError::Malformed("a web page, as no Mesos sends it".to_owned()));
    }
    let location = header(header::LOCATION).map(str::to_owned);
    let message = |message: String| ErrorBody { message, details: Vec::new() };
    let body = match location {
        Some(location) if status == StatusCode::TEMPORARY_REDIRECT => message(location),
        _ if is_page => message(format!("status {} and a web page", status.as_u16())),
        _ => {
            let url = response.url().clone();
            let text = within(&url, at_most(LONGEST_REFUSAL, &url, response)).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            serde_json::from_str(&text).unwrap_or_else(|_| message(text.trim().to_owned()))
        }
    };
    Err(ClientError::Refused { status: status.as_u16(), body })
}

/// With the innermost cause: "Connection refused" rather than "error sending request".
pub(super) fn unreachable(url: &Url, error: &reqwest::Error) -> ClientError {
    let mut cause: &dyn Error = error;
    let mut is_http = true;
    loop {
        is_http &= cause.downcast_ref::<hyper::Error>().is_none_or(|error| !error.is_parse());
        let Some(inner) = cause.source() else { break };
        cause = inner;
    }
    let reason =
        if is_http { cause.to_string() } else { format!("no HTTP ({cause}); TLS is not spoken here") };
    ClientError::Unreachable { url: url.to_string(), reason }
}

/// Reads `http://host:port`, also without the scheme.
pub(super) fn base_url(text: &str) -> Result<Url, ClientError> {
    let bad = || ClientError::Url(text.to_owned());
    let text = text.trim();
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&full).map_err(|_| bad())?;
    match url.scheme() {
        "http" if url.has_host() => Ok(url),
        "https" => Err(ClientError::Tls(text.to_owned())),
        _ => Err(bad()),
    }
}
