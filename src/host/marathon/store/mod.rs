//! Where Marathon's state is kept: keys with values, changed by batches.

mod dir;
mod zookeeper;

use std::{collections::BTreeMap, io, path::PathBuf};

use bytes::Bytes;

use crate::{
    client::zookeeper::{ZooKeeperError, ZooKeeperUrl},
    runtime::Tasks,
    services::marathon::saved,
};
use dir::Journal;
use zookeeper::Nodes;

/// What is to be kept under a key; none is nothing.
pub(super) type KeyValue = (String, Option<Bytes>);

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: gone with the process.
    Memory,
    /// A file of this directory.
    Dir(PathBuf),
    /// Below `/marathon/state` of this URL's path.
    ZooKeeper(ZooKeeperUrl),
}

/// What goes wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{what} `{}`: {source}", .path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("another Marathon uses `{}`", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
    #[error(transparent)]
    Garbled(saved::Garbled),
}

/// An open store.
#[derive(Debug)]
pub(super) enum Store {
    Memory(BTreeMap<String, Bytes>),
    Dir(Journal),
    ZooKeeper(Nodes),
}

impl Store {
    pub async fn open(tasks: &Tasks, place: Place) -> Result<Self, StoreError> {
        Ok(match place {
            Place::Memory => Self::nowhere(),
            Place::Dir(dir) => Self::Dir(Journal::open(dir)?),
            Place::ZooKeeper(url) => Self::ZooKeeper(Nodes::open(tasks, url).await?),
        })
    }

    /// Empty, and gone with the process.
    pub fn nowhere() -> Self {
        Self::Memory(BTreeMap::new())
    }

    /// All that is kept.
    pub async fn load(&mut self) -> Result<Vec<(String, Bytes)>, StoreError> {
        match self {
            Self::Memory(entries) => {
                Ok(entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Self::Dir(journal) => Ok(journal.load()),
            Self::ZooKeeper(nodes) => nodes.load().await,
        }
    }

    /// Keeps all of it; back only when it is safe.
    pub async fn save(&mut self, changes: Vec<KeyValue>) -> Result<(), StoreError> {
        match self {
            Self::Memory(entries) => {
                apply(entries, changes);
                Ok(())
            }
            Self::Dir(journal) => journal.save(changes),
            Self::ZooKeeper(nodes) => nodes.save(changes).await,
        }
    }
}

fn apply(entries: &mut BTreeMap<String, Bytes>, changes: Vec<KeyValue>) {
    for (key, value) in changes {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(&key),
        };
    }
}
