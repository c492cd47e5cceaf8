//! Nodes of ZooKeeper: `<path>/state/<key>`, with the slashes of a key as `|`. A value that one node cannot hold stands in
//! several: `<key>#1`, `<key>#2`, ...
//!
//! A connection that is gone is waited for, and a session that has expired is followed by another: whatever was asked is
//! done, or nothing that depends on it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::{Bytes, BytesMut};

use super::{KeyValue, StoreError};
use crate::{
    client::zookeeper::{Acl, Config, CreateMode, ErrorCode, Op, ZooKeeper, ZooKeeperError, ZooKeeperUrl},
    runtime::Tasks,
};

/// A node must stay below ZooKeeper's `jute.maxbuffer` of 1 MB.
const LARGEST: usize = 900_000;
/// And so must a transaction.
const LARGEST_TRANSACTION: usize = 900_000;
const MOST_OPERATIONS: usize = 100;
const PATIENCE: Duration = Duration::from_millis(100);

/// The nodes of one Marathon.
#[derive(Debug)]
pub(in crate::host::marathon) struct Nodes {
    tasks: Tasks,
    url: ZooKeeperUrl,
    root: String,
    client: ZooKeeper,
    acl: Vec<Acl>,
    /// The nodes that are there.
    known: BTreeSet<String>,
}

impl Nodes {
    pub async fn open(tasks: &Tasks, url: ZooKeeperUrl) -> Result<Self, StoreError> {
        let root = format!("{}/state", url.path.trim_end_matches('/'));
        let client = ZooKeeper::connect(tasks, Config::from(&url));
        let acl = Acl::open();
        let mut nodes = Self { tasks: tasks.clone(), url, root, client, acl, known: BTreeSet::new() };
        while let Err(error) = nodes.client.ensure_path(&nodes.root, &nodes.acl).await {
            nodes.recover(error).await?;
        }
        Ok(nodes)
    }

    /// Waits, with a new session where the old one is over.
    async fn recover(&mut self, error: ZooKeeperError) -> Result<(), StoreError> {
        if error.is_expiry() {
            self.client = ZooKeeper::connect(&self.tasks, Config::from(&self.url));
        } else if !error.is_transient() {
            return Err(error.into());
        }
        tokio::time::sleep(PATIENCE).await;
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }

    pub async fn load(&mut self) -> Result<Vec<(String, Bytes)>, StoreError> {
        loop {
            match self.try_load().await {
                Ok(entries) => return Ok(entries),
                Err(error) => self.recover(error).await?,
            }
        }
    }

    async fn try_load(&mut self) -> Result<Vec<(String, Bytes)>, ZooKeeperError> {
        let names = self.client.children(&self.root).await?;
        let mut parts: BTreeMap<String, BTreeMap<usize, Bytes>> = BTreeMap::new();
        for name in &names {
            let (data, _) = self.client.get(&self.path(name)).await?;
            let (key, part) = name.split_once('#').unwrap_or((name, "0"));
            let part = part.parse().unwrap_or_default();
            parts.entry(key.replace('|', "/")).or_default().insert(part, data);
        }
        self.known = names.into_iter().collect();
        Ok(parts.into_iter().map(|(key, parts)| (key, joined(parts.into_values()))).collect())
    }

    pub async fn save(&mut self, changes: Vec<KeyValue>) -> Result<(), StoreError> {
        // The last change of a key is the one that counts.
        let changes: BTreeMap<String, Option<Bytes>> = changes.into_iter().collect();
        let mut wanted: Vec<(String, Option<Bytes>)> = Vec::new();
        for (key, value) in changes {
            wanted.extend(self.nodes_of(&key.replace('/', "|"), value));
        }
        for batch in batches(wanted) {
            while let Err(error) = self.try_save(&batch).await {
                self.recover(error).await?;
            }
        }
        Ok(())
    }

    /// What becomes of the nodes of a key.
    fn nodes_of(&self, key: &str, value: Option<Bytes>) -> Vec<(String, Option<Bytes>)> {
        let parts: Vec<Bytes> = match &value {
            Some(value) if value.len() > LARGEST => {
                value.chunks(LARGEST).map(Bytes::copy_from_slice).collect()
            }
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let name = |index: usize| if index == 0 { key.to_owned() } else { format!("{key}#{index}") };
        let mut nodes: Vec<(String, Option<Bytes>)> =
            parts.into_iter().enumerate().map(|(index, part)| (name(index), Some(part))).collect();
        let gone = (nodes.len()..).map(name).take_while(|name| self.known.contains(name));
        nodes.extend(gone.map(|name| (name, None)).collect::<Vec<_>>());
        nodes
    }

    /// Does all of it or nothing. What an answer that got lost has done shows in the next try.
    async fn try_save(&mut self, batch: &[KeyValue]) -> Result<(), ZooKeeperError> {
        let ops: Vec<Op> =
            batch.iter().filter_map(|(name, value)| self.operation(name, value.as_ref())).collect();
        if ops.is_empty() {
            return Ok(());
        }
        match self.client.multi(ops).await {
            Ok(_) => {
                for (name, value) in batch {
                    if value.is_some() {
                        self.known.insert(name.clone());
                    } else {
                        self.known.remove(name);
                    }
                }
                Ok(())
            }
            Err(error) if matches!(error.code, ErrorCode::NodeExists | ErrorCode::NoNode) => {
                self.known = self.client.children(&self.root).await?.into_iter().collect();
                let again = ErrorCode::ConnectionLoss;
                Err(ZooKeeperError::new(again, error.action, error.path))
            }
            Err(error) => Err(error),
        }
    }

    fn operation(&self, name: &str, value: Option<&Bytes>) -> Option<Op> {
        let (path, known) = (self.path(name), self.known.contains(name));
        match (value, known) {
            (Some(data), true) => Some(Op::Set { path, data: data.clone(), version: None }),
            (Some(data), false) => {
                let (data, mode) = (data.clone(), CreateMode::Persistent);
                Some(Op::Create { path, data, mode, acl: self.acl.clone() })
            }
            (None, true) => Some(Op::Delete { path, version: None }),
            (None, false) => None,
        }
    }
}

fn joined(parts: impl Iterator<Item = Bytes>) -> Bytes {
    let mut whole = BytesMut::new();
    parts.for_each(|part| whole.extend_from_slice(&part));
    whole.freeze()
}

/// As large as a transaction may be.
fn batches(changes: Vec<KeyValue>) -> Vec<Vec<KeyValue>> {
    let mut batches: Vec<Vec<KeyValue>> = vec![Vec::new()];
    let mut size = 0;
    for change in changes {
        let weight = change.0.len() + change.1.as_ref().map_or(0, Bytes::len) + 200;
        let full = batches.last().is_some_and(|batch| batch.len() >= MOST_OPERATIONS);
        if full || size + weight > LARGEST_TRANSACTION && size > 0 {
            batches.push(Vec::new());
            size = 0;
        }
        size += weight;
        if let Some(batch) = batches.last_mut() {
            batch.push(change);
        }
    }
    batches
}
