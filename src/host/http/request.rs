//! A request as a handler sees it: decoded query, headers, and the whole body.

use std::{collections::BTreeMap, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use tokio_util::sync::CancellationToken;

use super::memory::Memory;

/// One request with its buffered body.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// As sent, without query and fragment.
    pub path: String,
    /// Decoded; of equal keys the last wins.
    pub query: BTreeMap<String, String>,
    /// All of the query, decoded, in its order.
    pub pairs: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub peer: SocketAddr,
    /// The address of ours that the client reached.
    pub local: SocketAddr,
    /// Cancelling it ends the connection at once.
    pub(super) connection: CancellationToken,
    /// What the clients of the listener hold.
    pub(super) memory: Memory,
}

impl Request {
    /// The first value of a header, when it is text.
    pub fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.headers.get(name.into())?.to_str().ok()
    }

    /// A value of the query.
    pub fn query(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    /// The name of the function to wrap JSON in, `?jsonp=name`.
    pub fn jsonp(&self) -> Option<&str> {
        self.query("jsonp")
    }
}
