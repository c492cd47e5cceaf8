//! The way to the servers: which one is tried next, and the session that is taken up there.

use std::time::Duration;

use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::time::timeout;

use super::{
    Config, State,
    connection::{ConnectError, Connection, Known},
};
use crate::client::retry::Retry;

/// The longest wait between two tries to connect.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// No server gets less time than this to take a connection.
const SHORTEST_TRY: Duration = Duration::from_millis(200);
/// Nor more than this, while there may be others, or the same one again.
const LONGEST_TRY: Duration = Duration::from_secs(2);

pub struct Line {
    servers: Vec<String>,
    /// Index of the server that is tried next.
    next: usize,
    wanted_timeout: Duration,
    retry: Retry,
    pub known: Known,
}

impl Line {
    pub fn new(config: Config, seed: u64) -> Self {
        let mut servers = config.servers;
        servers.shuffle(&mut SmallRng::seed_from_u64(seed));
        Self {
            servers,
            next: 0,
            wanted_timeout: config.session_timeout,
            retry: Retry::new(seed).at_most(LONGEST_WAIT),
            known: Known::default(),
        }
    }

    /// Takes the session up at one server after the other, or gets one; goes on until that succeeds.
    ///
    /// # Errors
    /// [`State::Expired`] when a server says so.
    pub async fn connect(&mut self) -> Result<Connection, State> {
        loop {
            let server = self.servers.get(self.next).cloned().unwrap_or_default();
            self.next = (self.next + 1) % self.servers.len().max(1);
            match self.attempt(&server).await {
                Ok(connection) => {
                    self.retry.succeeded();
                    tracing::debug!(server, session = self.session(), "connected to ZooKeeper");
                    return Ok(connection);
                }
                Err(ConnectError::Expired) => return Err(State::Expired),
                Err(error) => tracing::debug!(server, %error, "not connected to ZooKeeper"),
            }
            tokio::time::sleep(self.retry.wait()).await;
        }
    }

    async fn attempt(&mut self, server: &str) -> Result<Connection, ConnectError> {
        let servers = u32::try_from(self.servers.len()).unwrap_or(u32::MAX).max(1);
        let patience = (self.wanted_timeout / servers).clamp(SHORTEST_TRY, LONGEST_TRY);
        let opened = timeout(patience, Connection::open(server, &mut self.known, self.wanted_timeout)).await;
        opened.unwrap_or_else(|_| Err(ConnectError::Failed("no answer in time".to_owned())))
    }

    /// The id as ZooKeeper's own logs have it.
    pub fn session(&self) -> String {
        format!("{:#x}", self.known.id)
    }
}
