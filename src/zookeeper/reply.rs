//! What stands before each request and each answer.

use super::{ErrorCode, jute::record};

/// Numbers of requests that have a meaning.
pub mod xid {
    /// A [`super::super::WatchedEvent`], which nobody asked for.
    pub const NOTIFICATION: i32 = -1;
    pub const PING: i32 = -2;
    pub const AUTH: i32 = -4;
    pub const SET_WATCHES: i32 = -8;
}

record! {
    /// Before each request.
    #[derive(Copy)]
    RequestHeader {
        /// The client's number of the request; answers bear it, and come in the order of the requests.
        xid: i32,
        /// See [`super::OpCode`].
        op: i32,
    }
}

record! {
    /// Before each answer and each event.
    #[derive(Copy)]
    ReplyHeader {
        xid: i32,
        /// The last transaction that the server had done; -1 before events.
        zxid: i64,
        /// See [`ErrorCode`]; no response follows when it is not 0.
        err: i32,
    }
}

impl ReplyHeader {
    pub fn error(&self) -> Option<ErrorCode> {
        ErrorCode::from_code(self.err)
    }
}
