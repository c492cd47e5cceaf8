//! A request as a handler sees it: decoded query, headers, and the whole body, or the body while it comes.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::{
    connections::{Connection, Phase},
    memory::Memory,
};

/// One request with its buffered body, which is empty where the handler reads it by itself.
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

/// The body of a request that its handler reads while it comes, however long it is.
///
/// The sender may be silent for as long as a listener's patience allows; the handler takes its time between two pieces,
/// in which no more than the socket's buffers is read ahead.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    connection: Arc<Connection>,
    memory: Memory,
}

/// Why a body is not collected.
#[derive(Debug, thiserror::Error)]
pub enum Uncollected {
    #[error("it does not come as a whole: {0}")]
    Gone(#[from] io::Error),
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    #[error("other requests and answers fill the {0} bytes for them")]
    NoRoom(usize),
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, connection: Arc<Connection>, memory: Memory) -> Self {
        Self { incoming, connection, memory }
    }

    /// The next piece, of a sender who may be silent for ever; none at the end.
    ///
    /// # Errors
    /// As [`RequestBody::next`].
    pub async fn next_of_patient(&mut self) -> io::Result<Option<Bytes>> {
        self.connection.enter(Phase::Streaming);
        let piece = self.piece().await;
        self.connection.enter(Phase::Answering);
        piece
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// When the sender leaves before the end, or what it sends is no body.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.connection.enter(Phase::Body);
        let piece = self.piece().await;
        self.connection.enter(Phase::Answering);
        piece
    }

    async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.incoming.frame().await {
            if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// All of it, which counts as held by the client for as long as it lives.
    ///
    /// # Errors
    /// When there are more than `limit` bytes, no room for them, or the sender leaves before the end.
    pub async fn collect(&mut self, limit: usize) -> Result<Bytes, Uncollected> {
        let mut claim = self.memory.claim();
        let mut collected = Vec::new();
        while let Some(piece) = self.next().await? {
            let size = collected.len() + piece.len();
            if size > limit {
                return Err(Uncollected::TooLarge(limit));
            }
            if !claim.grow_to(size) {
                return Err(Uncollected::NoRoom(self.memory.limit()));
            }
            collected.extend_from_slice(&piece);
        }
        Ok(claim.over(collected.into()))
    }
}
