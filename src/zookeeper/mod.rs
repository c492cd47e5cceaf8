//! The words of ZooKeeper's wire: frames, the jute form, requests and their answers, error codes, ACLs, stats and
//! events, in both directions. Knows nothing of trees, sessions or sockets; the server and our client share it.
//!
//! ```text
//! client > server:  length | ConnectRequest       then  length | xid, op | request
//! server > client:  length | ConnectResponse      then  length | xid, zxid, error | response or WatcherEvent
//! ```

pub mod acl;
pub mod connect;
pub mod error;
pub mod event;
pub mod frame;
pub mod jute;
pub mod mode;
pub mod multi;
pub mod op;
pub mod reply;
pub mod request;
pub mod response;
pub mod stat;
#[cfg(test)]
mod tests;

pub use acl::{Acl, Id, Perms};
pub use connect::{ConnectRequest, ConnectResponse};
pub use error::ErrorCode;
pub use event::{EventType, KeeperState, WatchedEvent};
pub use frame::FrameCodec;
pub use mode::CreateMode;
pub use op::OpCode;
pub use reply::{ReplyHeader, RequestHeader, xid};
pub use request::Request;
pub use response::Response;
pub use stat::Stat;
