//! libprocess messages among the requests of a listener: what is one, from whom, and for which process.
//!
//! ```text
//! POST /slave(1)/mesos.internal.PingSlaveMessage HTTP/1.1      to and name
//! Libprocess-From: slave-observer(1)@127.0.0.1:5050            from; or User-Agent: libprocess/...
//! ```
//!
//! The answer says only whether there is such a process. A message that nobody understands is accepted and dropped.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header};

use super::{percent, request::Request, response::Response};
use crate::mesos::upid::Upid;

/// A message as the process gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Where answers go: what the sender says, which need not be where the connection comes from.
    pub from: Upid,
    /// The id of a process of ours, decoded.
    pub to: String,
    /// Such as `mesos.internal.PongSlaveMessage`.
    pub name: String,
    pub body: Bytes,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    Accepted,
    NoSuchProcess,
}

/// Who takes messages.
#[derive(Clone)]
pub(super) struct Inbox {
    pub handler: Arc<dyn Fn(Incoming) -> Receipt + Send + Sync>,
    /// Whether a sender's address must be the one that its connection comes from.
    pub matches_addresses: bool,
}

const FROM: HeaderName = HeaderName::from_static("libprocess-from");
const AGENT: &str = "libprocess/";

pub(super) fn is_message(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::POST && (headers.contains_key(FROM) || from_agent(headers).is_some())
}

/// Hands the message over. A sender that is no address of a process is nobody to answer: its message is dropped.
pub(super) fn deliver(inbox: &Inbox, request: Request) -> Response {
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    let (to, name) = path.split_once('/').unwrap_or((path, ""));
    let Ok(to) = percent::decode(to) else { return Response::not_found() };
    let Some(from) = sender(&request.headers) else { return Response::accepted() };
    if inbox.matches_addresses && from.address.ip() != request.peer.ip().to_canonical() {
        let peer = request.peer;
        return Response::bad_request(format!(
            "UPID IP address validation failed: Message from {from} was sent from IP {peer}"
        ));
    }
    let message = Incoming { from, to, name: name.to_owned(), body: request.body };
    match (inbox.handler)(message) {
        Receipt::Accepted => Response::accepted(),
        Receipt::NoSuchProcess => Response::not_found(),
    }
}

fn sender(headers: &HeaderMap) -> Option<Upid> {
    let sender = match headers.get(FROM) {
        Some(from) => from.to_str().ok()?,
        None => from_agent(headers)?,
    };
    sender.trim().parse().ok()
}

fn from_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()?.strip_prefix(AGENT)
}
