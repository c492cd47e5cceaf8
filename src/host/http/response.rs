//! Responses in Mesos' forms. The order of the headers is theirs too: where `Content-Length` stands depends on
//! whether libprocess or the handler wrote it.

use std::{
    fmt::{self, Display},
    io,
    pin::Pin,
};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{
    encoding::{GZIP_MINIMUM_BODY, accepts_gzip, gzip},
    memory::Memory,
    stream::StreamBody,
};

pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What follows the headers.
pub(super) enum Body {
    Full(Bytes),
    /// Read piece by piece; an error cuts the connection.
    Pieces {
        length: u64,
        pieces: Pieces,
    },
    Stream(StreamBody),
}

/// A status, headers in the order of sending, and a body. `Date` and the framing headers are added on the way out.
pub struct Response {
    pub status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
}

impl Response {
    /// A status and nothing else, such as `202 Accepted` of a call.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Body::Full(Bytes::new()) }
    }

    pub fn ok() -> Self {
        Self::empty(StatusCode::OK)
    }

    pub fn accepted() -> Self {
        Self::empty(StatusCode::ACCEPTED)
    }

    /// `Content-Type`, then `Content-Length`: the form of `/api/v1`.
    pub fn bytes(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = Body::Full(body.into());
        Self { body, ..Self::ok() }.with(header::CONTENT_TYPE, content_type)
    }

    /// `Content-Length`, then `Content-Type`, wrapped in a function call when `jsonp` names one:
    /// the form of the endpoints that people curl.
    pub fn json(json: impl Into<Bytes>, jsonp: Option<&str>) -> Self {
        let (body, content_type) = match (json.into(), jsonp) {
            (json, Some(function)) => {
                ([function.as_bytes(), b"(", &json, b")"].concat().into(), "text/javascript")
            }
            (json, None) => (json, "application/json"),
        };
        Self { body: Body::Full(body), ..Self::ok() }
            .with(header::CONTENT_LENGTH, "")
            .with(header::CONTENT_TYPE, content_type)
    }

    /// A body of `length` bytes that is read while it is sent, such as a file. `Content-Length`, then `Content-Type`.
    pub fn pieces(
        content_type: &str,
        length: u64,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        Self { body: Body::Pieces { length, pieces: Box::pin(pieces) }, ..Self::ok() }
            .with(header::CONTENT_LENGTH, "")
            .with(header::CONTENT_TYPE, content_type)
    }

    /// An error with Mesos' text.
    pub fn text(status: StatusCode, text: impl Into<String>) -> Self {
        let body = Self::bytes("text/plain; charset=utf-8", text.into());
        Self { status, ..body }
    }

    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::text(StatusCode::BAD_REQUEST, text)
    }

    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::text(StatusCode::FORBIDDEN, text)
    }

    /// `404 Not Found.`
    pub fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "404 Not Found.")
    }

    /// Names the methods that `allowed` lists.
    pub fn method_not_allowed(allowed: &[&str], received: &Method) -> Self {
        let expected = allowed.join("', '");
        let text = format!(
            "405 Method Not Allowed. Expecting one of {{ '{expected}' }}, but received '{received}'."
        );
        Self::empty(StatusCode::METHOD_NOT_ALLOWED)
            .with(header::ALLOW, allowed.join(", "))
            .with(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .with_body(text)
    }

    pub fn not_acceptable(text: impl Into<String>) -> Self {
        Self::text(StatusCode::NOT_ACCEPTABLE, text)
    }

    pub fn unsupported_media_type(text: impl Into<String>) -> Self {
        Self::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
    }

    pub fn not_implemented() -> Self {
        Self::text(StatusCode::NOT_IMPLEMENTED, "501 Not Implemented.")
    }

    pub fn internal_error(error: impl Display) -> Self {
        Self::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }

    /// 503: later, perhaps.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::text(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    pub fn redirect(location: impl Into<String>) -> Self {
        Self::empty(StatusCode::TEMPORARY_REDIRECT).with(header::LOCATION, location.into())
    }

    /// `200 OK` that goes on until its [`super::Sink`] is closed or the client leaves.
    pub fn stream(content_type: &'static str, body: StreamBody) -> Self {
        Self { body: Body::Stream(body), ..Self::ok() }.with(header::CONTENT_TYPE, content_type)
    }

    /// Adds a header behind those that are there; what is no header value is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// Puts a header before the others, such as `Mesos-Stream-Id`.
    #[must_use]
    pub fn with_first(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(0, (name, value));
        }
        self
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Full(body.into());
        self
    }

    /// The value of a header that was set here.
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(set, _)| set == name).map(|(_, value)| value)
    }

    /// The body; `None` when it is not in memory.
    pub fn buffered(&self) -> Option<&Bytes> {
        match &self.body {
            Body::Full(body) => Some(body),
            Body::Pieces { .. } | Body::Stream(_) => None,
        }
    }

    /// Counts a body as long as it is on its way; None when there is no room for it.
    pub(super) fn held_by(self, memory: &Memory) -> Option<Self> {
        match self.body {
            Body::Full(body) => memory.hold(body).map(|body| Self { body: Body::Full(body), ..self }),
            Body::Pieces { .. } | Body::Stream(_) => Some(self),
        }
    }

    /// Compresses a large body where the client takes it (`accept` is its `Accept-Encoding`).
    pub(super) fn compressed_for(self, accept: Option<&str>) -> Self {
        let wanted = accept.is_some_and(accepts_gzip) && self.header(&header::CONTENT_ENCODING).is_none();
        let large = self.buffered().filter(|body| wanted && body.len() >= GZIP_MINIMUM_BODY);
        match large.map(|body| gzip(body)) {
            Some(Ok(packed)) => self.with_first(header::CONTENT_ENCODING, "gzip").with_body(packed),
            _ => self,
        }
    }

    /// Status, all headers in the order of the wire, and the body.
    pub(super) fn into_wire(self, date: HeaderValue) -> (StatusCode, HeaderMap, Body) {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        let (before, behind): (Vec<_>, Vec<_>) =
            self.headers.into_iter().partition(|(name, _)| name == header::CONTENT_ENCODING);
        headers.extend(before);
        headers.append(header::DATE, date);
        match &self.body {
            Body::Full(body) => {
                headers.extend(behind);
                headers.insert(header::CONTENT_LENGTH, body.len().into());
            }
            Body::Pieces { length, .. } => {
                headers.extend(behind);
                headers.insert(header::CONTENT_LENGTH, (*length).into());
            }
            Body::Stream(_) => {
                headers.append(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                headers.extend(behind);
            }
        }
        (self.status, headers, self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.buffered().map(|body| String::from_utf8_lossy(body));
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &body)
            .finish()
    }
}
