//! What goes wrong, by ZooKeeper's own names.

use crate::zookeeper::ErrorCode;

/// A call that failed; `ConnectionLoss` and `SessionExpired` are told by the client itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action} `{path}` in ZooKeeper: {code}")]
pub struct ZooKeeperError {
    pub code: ErrorCode,
    /// `create`, as ZooKeeper names its operations.
    pub action: &'static str,
    pub path: String,
}

impl ZooKeeperError {
    pub fn new(code: ErrorCode, action: &'static str, path: impl Into<String>) -> Self {
        Self { code, action, path: path.into() }
    }

    /// Whether the same call may go well a little later, in the same session.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code,
            ErrorCode::ConnectionLoss
                | ErrorCode::OperationTimeout
                | ErrorCode::RequestTimeout
                | ErrorCode::SessionMoved
                | ErrorCode::ThrottledOp
        )
    }

    /// Whether the session is over.
    pub fn is_expiry(&self) -> bool {
        self.code == ErrorCode::SessionExpired
    }
}
