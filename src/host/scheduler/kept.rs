//! The scheduler's state in a node of ZooKeeper, so that it finds its framework and its tasks again on whichever machine it
//! is started. One scheduler writes a node: another one that does is found out by the node's version.

use std::{
    fmt,
    io::{self, Read, Write},
    time::Duration,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    client::{
        election::acl_of,
        zookeeper::{Config, CreateMode, ErrorCode, ZooKeeper, ZooKeeperError, ZooKeeperUrl},
    },
    runtime::Tasks,
};

/// How long ZooKeeper may be away before a state counts as not saved.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a node holds as it is; a longer state is compressed.
const PLAIN: usize = 256 * 1024;
/// How compressed data begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why a state cannot be read or written there.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
    #[error("no answer of ZooKeeper for {} s", PATIENCE.as_secs())]
    Silent,
    #[error("another scheduler has written there")]
    InUse,
    #[error(transparent)]
    Malformed(#[from] io::Error),
}

/// A node that holds a state.
pub struct Kept {
    /// Its path is the node's.
    url: ZooKeeperUrl,
    tasks: Tasks,
    line: Mutex<Line>,
}

struct Line {
    client: ZooKeeper,
    /// What we have read or written last; none while there is no node.
    version: Option<i32>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.url.to_string()).finish()
    }
}

impl Kept {
    pub fn new(tasks: &Tasks, url: ZooKeeperUrl) -> Self {
        let client = ZooKeeper::connect(tasks, Config::from(&url));
        Self { url, tasks: tasks.clone(), line: Mutex::new(Line { client, version: None }) }
    }

    /// The state, if there is one.
    ///
    /// # Errors
    /// When ZooKeeper does not answer in time, or the node holds something else.
    pub async fn read(&self) -> Result<Option<Vec<u8>>, KeptError> {
        let mut line = self.line.lock().await;
        let read = async {
            loop {
                match line.client.get(&self.url.path).await {
                    Ok((data, stat)) => {
                        line.version = Some(stat.version);
                        return unpacked(&data).map(Some).map_err(KeptError::from);
                    }
                    Err(error) if error.code == ErrorCode::NoNode => return Ok(None),
                    Err(error) => self.go_on_after(&mut line, error)?,
                }
            }
        };
        timeout(PATIENCE, read).await.unwrap_or(Err(KeptError::Silent))
    }

    /// Writes a state in place of the one that was read or written last.
    ///
    /// # Errors
    /// When ZooKeeper does not answer in time, the state is too long, or another scheduler has written there.
    pub async fn write(&self, state: &[u8]) -> Result<(), KeptError> {
        let data = packed(state)?;
        let mut line = self.line.lock().await;
        let write = async {
            loop {
                match self.put(&mut line, &data).await {
                    Err(KeptError::ZooKeeper(error)) => self.go_on_after(&mut line, error)?,
                    done => return done,
                }
            }
        };
        timeout(PATIENCE, write).await.unwrap_or(Err(KeptError::Silent))
    }

    async fn put(&self, line: &mut Line, data: &[u8]) -> Result<(), KeptError> {
        let (path, acl) = (&self.url.path, acl_of(&self.url));
        let written = match line.version {
            Some(version) => {
                line.client.set(path, data.to_vec(), Some(version)).await.map(|stat| stat.version)
            }
            None => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                if !parent.is_empty() {
                    line.client.ensure_path(parent, &acl).await?;
                }
                line.client.create(path, data.to_vec(), CreateMode::Persistent, &acl).await.map(|_| 0)
            }
        };
        match written {
            Ok(version) => {
                line.version = Some(version);
                Ok(())
            }
            // Our own write may have gone well although its answer was lost.
            Err(error) if matches!(error.code, ErrorCode::BadVersion | ErrorCode::NodeExists) => {
                let (there, stat) = line.client.get(path).await?;
                line.version = Some(stat.version);
                if there == data { Ok(()) } else { Err(KeptError::InUse) }
            }
            Err(error) if error.code == ErrorCode::NoNode => {
                line.version = None;
                Err(ZooKeeperError::new(ErrorCode::ConnectionLoss, error.action, path).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it is worth another try, in a new session if the last one is over.
    fn go_on_after(&self, line: &mut Line, error: ZooKeeperError) -> Result<(), KeptError> {
        if error.is_expiry() {
            line.client = ZooKeeper::connect(&self.tasks, Config::from(&self.url));
        } else if !error.is_transient() {
            return Err(error.into());
        }
        Ok(())
    }
}

fn packed(state: &[u8]) -> io::Result<Vec<u8>> {
    if state.len() <= PLAIN {
        return Ok(state.to_vec());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(state)?;
    encoder.finish()
}

fn unpacked(data: &[u8]) -> io::Result<Vec<u8>> {
    if !data.starts_with(&GZIP) {
        return Ok(data.to_vec());
    }
    let mut state = Vec::new();
    GzDecoder::new(data).read_to_end(&mut state)?;
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::zookeeper::tests::java::Java;

    #[test]
    fn a_long_state_is_packed() {
        let long: Vec<u8> = (0..PLAIN + 1).map(|at| b"task"[at % 4]).collect();
        for state in [b"{}".to_vec(), long] {
            let data = packed(&state).unwrap();
            assert!(data.len() <= PLAIN);
            assert_eq!(unpacked(&data).unwrap(), state);
        }
    }

    #[tokio::test]
    async fn a_state_is_of_one_scheduler() {
        let Some(mut server) = Java::start().await else { return };
        let url: ZooKeeperUrl = format!("zk://{}/mesoslab/schedulers/one", server.address).parse().unwrap();
        let tasks = Tasks::new();
        let first = Kept::new(&tasks, url.clone());
        assert!(first.read().await.unwrap().is_none());
        first.write(b"1").await.unwrap();
        server.kill();
        let written = first.write(b"2");
        server.revive().await;
        written.await.unwrap();
        let second = Kept::new(&tasks, url);
        assert_eq!(second.read().await.unwrap().unwrap(), b"2");
        second.write(b"3").await.unwrap();
        assert!(matches!(first.write(b"4").await, Err(KeptError::InUse)));
        tasks.cancel();
    }
}
