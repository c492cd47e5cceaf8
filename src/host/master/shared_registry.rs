//! The registry of several masters, in ZooKeeper below the path where they elect their leader: one node for each agent,
//! and one for each thing that operators have settled. The leader alone writes, and only while its own node is there: a
//! leader that was deposed cannot write, whatever it believes.
//!
//! ```text
//! PATH/registry/agents/ID     the last word on an agent, as RegistryEntry
//! PATH/registry/weights, quotas, maintenance
//! ```

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message;
use tokio::sync::mpsc::UnboundedReceiver;

use super::MasterHandle;
use crate::{
    client::zookeeper::{Acl, CreateMode, ErrorCode, Op, ZooKeeper, ZooKeeperError},
    mesos::{
        log::{RegistryEntry, registry_entry::State},
        v1::AgentId,
    },
};

/// So many entries, and so many bytes, are written at once.
const MOST_AT_ONCE: usize = 100;
const LONGEST_AT_ONCE: usize = 512 * 1024;
/// What fits into a node of a ZooKeeper with its default settings.
const LONGEST_ENTRY: usize = 1_000_000;
/// So many nodes are read at once.
const READS_AT_ONCE: usize = 200;

/// The registry as one leader has it.
#[derive(Debug)]
pub struct SharedRegistry {
    client: ZooKeeper,
    /// `PATH/registry`.
    path: String,
    /// The leader's own node.
    node: String,
    acl: Vec<Acl>,
    /// Paths of the nodes that are there.
    known: BTreeSet<String>,
}

impl SharedRegistry {
    /// Reads what masters before this one have written.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub async fn open(
        client: ZooKeeper,
        masters: &str,
        node: String,
        acl: Vec<Acl>,
    ) -> Result<(Self, Vec<RegistryEntry>), ZooKeeperError> {
        let path = format!("{masters}/registry");
        client.ensure_path(&format!("{path}/agents"), &acl).await?;
        client.sync(&path).await?;
        let mut registry = Self { client, path, node, acl, known: BTreeSet::new() };
        registry.look().await?;
        let paths: Vec<String> = registry.known.iter().cloned().collect();
        let mut entries = Vec::new();
        for some in paths.chunks(READS_AT_ONCE) {
            let read = some.iter().map(|path| registry.read(path));
            entries.extend(futures_util::future::try_join_all(read).await?);
        }
        Ok((registry, entries))
    }

    /// Finds out which nodes there are.
    async fn look(&mut self) -> Result<(), ZooKeeperError> {
        let agents = format!("{}/agents", self.path);
        let settled = self.client.children(&self.path).await?;
        let settled =
            settled.iter().filter(|name| *name != "agents").map(|name| format!("{}/{name}", self.path));
        let known = self.client.children(&agents).await?;
        self.known = known.iter().map(|name| format!("{agents}/{name}")).chain(settled).collect();
        Ok(())
    }

    async fn read(&self, path: &str) -> Result<RegistryEntry, ZooKeeperError> {
        let (data, _) = self.client.get(path).await?;
        let unreadable = |_| ZooKeeperError::new(ErrorCode::MarshallingError, "getData", path);
        RegistryEntry::decode(data).map_err(unreadable)
    }

    /// Writes what comes, and tells the master how much is written; returns why it cannot go on.
    pub async fn keep(
        mut self,
        mut entries: UnboundedReceiver<RegistryEntry>,
        master: MasterHandle,
    ) -> String {
        let mut batch = Vec::new();
        while entries.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
            let mut rest = batch.as_slice();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(fitting(rest));
                if let Err(error) = self.write(now).await {
                    return format!("Failed to update the registry: {error}");
                }
                master.registry_written(now.len());
                rest = later;
            }
            batch.clear();
        }
        "The registry is closed".to_owned()
    }

    /// A write whose answer is lost is done again: nobody else writes while our node is there.
    async fn write(&mut self, entries: &[RegistryEntry]) -> Result<(), ZooKeeperError> {
        loop {
            let mut known = self.known.clone();
            let check = Op::Check { path: self.node.clone(), version: None };
            let changes = entries.iter().filter_map(|entry| self.change(entry, &mut known));
            let ops: Vec<Op> = std::iter::once(check).chain(changes).collect();
            match self.client.multi(ops).await {
                Ok(_) => {
                    self.known = known;
                    return Ok(());
                }
                Err(error) if error.is_transient() => self.look().await?,
                Err(error) => return Err(error),
            }
        }
    }

    fn change(&self, entry: &RegistryEntry, known: &mut BTreeSet<String>) -> Option<Op> {
        let path = format!("{}/{}", self.path, name_of(entry)?);
        let is_removal = entry.agent.is_some() && entry.state() == State::Removed;
        if is_removal {
            return known.remove(&path).then_some(Op::Delete { path, version: None });
        }
        let data = Bytes::from(entry.encode_to_vec());
        if data.len() > LONGEST_ENTRY {
            tracing::error!(path, bytes = data.len(), "not written: it is too long for a node");
            return None;
        }
        let mode = CreateMode::Persistent;
        Some(match known.insert(path.clone()) {
            true => Op::Create { path, data, mode, acl: self.acl.clone() },
            false => Op::Set { path, data, version: None },
        })
    }
}

/// How many of these fit into one transaction; at least one.
fn fitting(entries: &[RegistryEntry]) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take_while(|entry| {
        bytes += entry.encoded_len();
        bytes <= LONGEST_AT_ONCE
    });
    fits.count().max(1)
}

/// Where an entry is kept; what it does not say anything about is none of it.
fn name_of(entry: &RegistryEntry) -> Option<String> {
    if let Some(agent) = &entry.agent {
        return agent.id.as_ref().map(|id| format!("agents/{}", AgentId::as_str(id)));
    }
    let settled = [
        (entry.weights.is_some(), "weights"),
        (entry.quotas.is_some(), "quotas"),
        (entry.maintenance.is_some(), "maintenance"),
    ];
    settled.into_iter().find(|(is_some, _)| *is_some).map(|(_, name)| name.to_owned())
}
