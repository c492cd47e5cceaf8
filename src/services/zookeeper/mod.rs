//! A ZooKeeper server that is alone, compatible with 3.8 on the wire: tree, sessions, watches, ACLs and four-letter words.
//!
//! ```text
//! Input > Server::handle > Effect: Append (log), Send, Say, Close   in this order; what follows an Append
//!                                                                    is done when that entry is on the disk
//! ```

mod access;
mod connection;
mod digest;
mod figures;
pub mod path;
mod prepare;
mod reads;
mod reap;
mod server;
mod sessions;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod tree;
mod txn;
mod watches;
mod words;
mod writes;

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;

pub use figures::Figures;
pub use server::Server;
pub use txn::Entry;
pub use words::Word;

use crate::mesos::time::Time;

/// Names a connection; the host gives numbers that it never gives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// How a server behaves, and what it tells of itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// Session timeouts are between twice and twenty times this, unless the two below say otherwise.
    pub tick_time: Duration,
    pub min_session_timeout: Option<Duration>,
    pub max_session_timeout: Option<Duration>,
    /// Connections from one address; 0 is any number.
    pub max_client_cnxns: usize,
    /// How often containers and nodes with a time to live are looked at.
    pub reap_interval: Duration,
    /// Where it listens, for `conf`.
    pub client_port: u16,
    /// Where its log is, for `conf`; none in memory.
    pub data_dir: Option<String>,
    /// What `envi` tells beside the version: keys and values.
    pub environment: Vec<(String, String)>,
    /// Makes the passwords of sessions; to be drawn anew for each start.
    pub secret: u128,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tick_time: Duration::from_millis(2000),
            min_session_timeout: None,
            max_session_timeout: None,
            max_client_cnxns: 60,
            reap_interval: Duration::from_secs(60),
            client_port: 2181,
            data_dir: None,
            environment: Vec::new(),
            secret: 0,
        }
    }
}

impl Config {
    /// The session timeout that a client gets, in milliseconds.
    pub fn negotiate(&self, wanted: i32) -> i32 {
        let (shortest, longest) = self.session_timeouts();
        wanted.min(longest).max(shortest)
    }

    /// The shortest and the longest session timeout, in milliseconds.
    pub fn session_timeouts(&self) -> (i32, i32) {
        let milliseconds = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        let shortest = self.min_session_timeout.unwrap_or(self.tick_time.saturating_mul(2));
        let longest = self.max_session_timeout.unwrap_or(self.tick_time.saturating_mul(20));
        (milliseconds(shortest), milliseconds(longest))
    }
}

/// What happens to a server.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody connected.
    Opened { connection: ConnectionId, peer: SocketAddr },
    /// A frame came, without its length.
    Frame { connection: ConnectionId, content: Bytes },
    /// Four letters came instead of the first frame's length.
    Word { connection: ConnectionId, word: Word },
    /// The connection broke, or what came was no frame.
    Broken { connection: ConnectionId },
    /// The time of [`Server::deadline`] has come.
    Tick,
}

/// What a server wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this entry to the log; what follows waits until it is there for good.
    Append(Bytes),
    /// A frame's content; when it answers something, since when that waits.
    Send { connection: ConnectionId, content: Bytes, since: Option<Time> },
    /// Bytes that are no frame.
    Say { connection: ConnectionId, text: String },
    /// Hang up after what was sent.
    Close { connection: ConnectionId },
}
