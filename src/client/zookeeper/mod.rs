//! A client of ZooKeeper: one session with one of several servers, held by one task; handles are cheap to clone.
//!
//! ```text
//! handle > order > session > frames > server
//! server > answer, event > session > handle, watch
//! ```
//!
//! - While the connection is gone, orders wait. Reads that were under way are sent again; writes that were under way fail
//!   with `ConnectionLoss`, since nobody knows what has become of them.
//! - Watches are one-shot, and survive the change of the server: what they missed is told then.
//! - A session that is not back within its timeout is held for expired, whatever the servers say later: who holds an
//!   ephemeral node must not believe longer in it than others do. An expired client stays expired; connect a new one.
//! - Every call may be dropped at any time. What it had ordered may be done or not.

mod connection;
mod error;
mod line;
mod ops;
mod orders;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod url;
mod watches;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    error::ZooKeeperError,
    ops::Op,
    url::{Authentication, UrlError, ZooKeeperUrl},
    watches::Watch,
};
use self::{orders::Order, session::Session};
use crate::runtime::Tasks;
pub use crate::zookeeper::{Acl, CreateMode, ErrorCode, EventType, Id, Perms, Stat, WatchedEvent};

/// As long as Mesos' masters and agents want it.
pub const DEFAULT_SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom to connect to, and as who.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port` each; one without a port has 2181.
    pub servers: Vec<String>,
    /// What is asked for; the server decides.
    pub session_timeout: Duration,
    pub authentication: Option<Authentication>,
}

impl Config {
    pub fn new<S: Into<String>>(servers: impl IntoIterator<Item = S>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            session_timeout: DEFAULT_SESSION_TIMEOUT,
            authentication: None,
        }
    }
}

/// The servers and the credentials of the URL; its path is the caller's business.
impl From<&ZooKeeperUrl> for Config {
    fn from(url: &ZooKeeperUrl) -> Self {
        Self { authentication: url.authentication.clone(), ..Self::new(url.servers.clone()) }
    }
}

/// Where a session stands. The last three are final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// There is no session yet.
    #[default]
    Connecting,
    Connected,
    /// The connection is gone; the session may be there still.
    Suspended,
    Expired,
    /// The server does not take the credentials.
    AuthFailed,
    Closed,
}

impl State {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Expired | Self::AuthFailed | Self::Closed)
    }

    /// Why nothing can be done in a final state.
    fn error(self) -> ErrorCode {
        match self {
            Self::AuthFailed => ErrorCode::AuthFailed,
            Self::Connecting | Self::Connected | Self::Suspended | Self::Expired | Self::Closed => {
                ErrorCode::SessionExpired
            }
        }
    }
}

/// What is known of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    /// 0 before the first connection. Ephemeral nodes bear it as their owner.
    pub session_id: i64,
}

/// A session. Its last handle to be dropped closes it, so that its ephemeral nodes go at once; with the group of tasks
/// that it was started in it is left to expire, as when the process dies.
#[derive(Clone, Debug)]
pub struct ZooKeeper {
    orders: mpsc::UnboundedSender<Order>,
    status: watch::Receiver<Status>,
}

impl ZooKeeper {
    /// Begins to connect, and goes on until it is connected or dropped; calls wait for that.
    pub fn connect(tasks: &Tasks, config: Config) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        let (told, status) = watch::channel(Status::default());
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        tasks.spawn(Session::new(config, received, told, seed).run());
        Self { orders, status }
    }

    /// Changes of the session.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    pub fn state(&self) -> State {
        self.status.borrow().state
    }

    pub fn session_id(&self) -> i64 {
        self.status.borrow().session_id
    }

    /// Waits until there is a session, or never will be.
    ///
    /// # Errors
    /// `SessionExpired` and `AuthFailed`.
    pub async fn connected(&self) -> Result<(), ZooKeeperError> {
        let mut status = self.status.clone();
        let is_settled = |status: &Status| status.state == State::Connected || status.state.is_final();
        let state = status.wait_for(is_settled).await.map_or(State::Closed, |status| status.state);
        match state {
            State::Connected => Ok(()),
            other => Err(ZooKeeperError::new(other.error(), "connect", "")),
        }
    }

    /// Waits until the session is over, for whatever reason.
    pub async fn ended(&self) -> State {
        let mut status = self.status.clone();
        status.wait_for(|status| status.state.is_final()).await.map_or(State::Closed, |status| status.state)
    }

    /// Names another identity, which is told to every server from then on.
    ///
    /// # Errors
    /// `AuthFailed`, which ends the session.
    pub async fn authenticate(
        &self,
        scheme: &str,
        credentials: impl Into<Bytes>,
    ) -> Result<(), ZooKeeperError> {
        let (reply, answer) = oneshot::channel();
        let authentication = Authentication { scheme: scheme.to_owned(), credentials: credentials.into() };
        drop(self.orders.send(Order::Authenticate { authentication, reply }));
        let answer = answer.await.unwrap_or_else(|_| Err(self.state().error()));
        answer.map_err(|code| ZooKeeperError::new(code, "auth", scheme))
    }

    /// Ends the session, and with it its ephemeral nodes; waits until the server knows, or cannot be told.
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        if self.orders.send(Order::Close(reply)).is_ok() {
            let _told_or_gone = answer.await;
        }
    }
}
