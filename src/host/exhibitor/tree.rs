//! The tree of the ZooKeeper over a session of our own, which is opened when it is first wanted and again after a failure.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    client::zookeeper::{Acl, Config, CreateMode, ErrorCode, Stat, ZooKeeper, ZooKeeperError},
    runtime::Tasks,
    services::exhibitor::{
        analysis::{self, Lock, PathRequest, Usage, UsageRequest, parent},
        explorer,
    },
};

/// For one request; a ZooKeeper that is gone is waited for no longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nodes of a listing.
const LISTED: usize = 100_000;

pub struct Tree {
    tasks: Tasks,
    zookeeper: String,
    session: Mutex<Option<ZooKeeper>>,
}

/// Why nothing can be said of a node, or done with it.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
    #[error("ZooKeeper does not answer")]
    Silent,
    #[error("there are more than {LISTED} nodes")]
    TooMany,
}

impl TreeError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::ZooKeeper(error) if error.code == ErrorCode::NoNode)
    }
}

type Asked<T> = Result<T, TreeError>;

impl Tree {
    pub fn new(tasks: Tasks, zookeeper: String) -> Self {
        Self { tasks, zookeeper, session: Mutex::new(None) }
    }

    /// Does something within one session and some time.
    async fn within<T, F>(&self, work: impl FnOnce(ZooKeeper) -> F) -> Asked<T>
    where
        F: Future<Output = Asked<T>>,
    {
        let session = self.session();
        let done = timeout(PATIENCE, work(session)).await.unwrap_or(Err(TreeError::Silent));
        let is_over = match &done {
            Err(TreeError::Silent) => true,
            Err(TreeError::ZooKeeper(error)) => error.is_transient() || error.is_expiry(),
            Ok(_) | Err(TreeError::TooMany) => false,
        };
        if is_over {
            self.lock().take();
        }
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ZooKeeper>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self) -> ZooKeeper {
        let mut session = self.lock();
        let open = session.take().filter(|session| !session.state().is_final());
        let open =
            open.unwrap_or_else(|| ZooKeeper::connect(&self.tasks, Config::new([self.zookeeper.clone()])));
        session.insert(open).clone()
    }

    /// The names of the children.
    pub async fn children(&self, path: &str) -> Asked<Vec<String>> {
        self.within(async |session| Ok(session.children(path).await?)).await
    }

    /// The data and the figures of a node; none when there is no such node.
    pub async fn read(&self, path: &str) -> Asked<Option<(Bytes, Stat)>> {
        let read = self.within(async |session| Ok(session.get(path).await?)).await;
        match read {
            Err(error) if error.is_missing() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Writes a node; makes it, and what is above it, where it is missing. Says whether it was.
    pub async fn write(&self, path: &str, data: Vec<u8>) -> Asked<bool> {
        self.within(async |session| match session.set(path, data.clone(), None).await {
            Ok(_) => Ok(false),
            Err(error) if error.code == ErrorCode::NoNode => {
                let acl = Acl::open();
                if let Some(above) = parent(path).filter(|above| *above != "/") {
                    session.ensure_path(above, &acl).await?;
                }
                session.create(path, data, CreateMode::Persistent, &acl).await?;
                Ok(true)
            }
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Deletes a node and all below it; gives the paths, in the order in which they went.
    pub async fn delete(&self, path: &str) -> Asked<Vec<String>> {
        self.within(async |session| {
            let mut open = vec![path.to_owned()];
            let mut found = Vec::new();
            while let Some(path) = open.pop() {
                let names = session.children(&path).await?;
                open.extend(names.iter().map(|name| explorer::below(&path, name)));
                found.push(path);
            }
            found.reverse();
            for path in &found {
                session.delete(path, None).await?;
            }
            Ok(found)
        })
        .await
    }

    /// What nodes hold, from a start on.
    pub async fn usage(&self, asked: &UsageRequest) -> Asked<BTreeMap<String, Usage>> {
        self.within(async |session| {
            let mut nodes = BTreeMap::new();
            let mut open = vec![explorer::path_of(&asked.start_path)];
            while let Some(path) = open.pop() {
                let Some(stat) = session.exists(&path).await? else { continue };
                if nodes.len() == LISTED {
                    return Err(TreeError::TooMany);
                }
                let children = usize::try_from(stat.num_children).unwrap_or_default();
                if children <= asked.max_children_for_traversal {
                    let names = session.children(&path).await.or_else(gone)?;
                    open.extend(names.iter().map(|name| explorer::below(&path, name)));
                }
                nodes.insert(path, Usage { created: stat.ctime, children });
            }
            Ok(nodes)
        })
        .await
    }

    /// Who holds and who waits at these paths, in the form of the answer.
    pub async fn analyze(&self, asked: &[PathRequest]) -> Asked<Value> {
        self.within(async |session| {
            let mut locks = Vec::new();
            for PathRequest { path, max } in asked {
                match lock(&session, path, *max).await {
                    Ok(found) => locks.extend(found),
                    Err(error) if error.code == ErrorCode::NoNode => {
                        return Ok(analysis::analysis(Err(format!("Path not found: {path}"))));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(analysis::analysis(Ok(&locks)))
        })
        .await
    }
}

/// A node that went meanwhile has no children.
fn gone(error: ZooKeeperError) -> Result<Vec<String>, ZooKeeperError> {
    if error.code == ErrorCode::NoNode { Ok(Vec::new()) } else { Err(error) }
}

/// A lock by its path or by that of one of its nodes; none at the root.
async fn lock(session: &ZooKeeper, path: &str, max: usize) -> Result<Option<Lock>, ZooKeeperError> {
    let mut path = explorer::path_of(path);
    let mut names = session.children(&path).await?;
    if names.is_empty() {
        let Some(above) = parent(&path).filter(|above| *above != "/") else { return Ok(None) };
        path = above.to_owned();
        names = session.children(&path).await?;
    }
    analysis::sort_waiters(&mut names);
    let mut ids = Vec::new();
    for name in &names {
        let (data, _) = session.get(&explorer::below(&path, name)).await?;
        ids.push(String::from_utf8_lossy(&data).into_owned());
    }
    Ok(Some(Lock { path, max, ids }))
}
