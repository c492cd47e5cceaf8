//! The nodes, and what transactions do to them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    path,
    txn::{Entry, Txn, owner},
};
use crate::zookeeper::{Acl, EventType, Stat};

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub data: Option<Bytes>,
    pub acl: Arc<[Acl]>,
    pub children: BTreeSet<Box<str>>,
    /// Without what follows from data and children.
    stat: Stat,
}

impl Node {
    pub fn new(data: Option<Bytes>, acl: Arc<[Acl]>, stat: Stat) -> Self {
        Self { data: data.as_ref().map(own), acl, children: BTreeSet::new(), stat }
    }

    /// As clients see it.
    pub fn stat(&self) -> Stat {
        let length = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
        // Java counts what creations and deletions are still to come from the creations alone.
        let children = length(self.children.len());
        Stat {
            cversion: self.stat.cversion.wrapping_mul(2).wrapping_sub(children),
            data_length: self.data.as_ref().map_or(0, |data| length(data.len())),
            num_children: children,
            ephemeral_owner: Some(self.stat.ephemeral_owner)
                .filter(|id| owner::is_session(*id))
                .unwrap_or_default(),
            ..self.stat
        }
    }

    /// As it is kept: `cversion` counts the children that were ever created, and the owner marks containers and nodes
    /// with a time to live.
    pub fn kept(&self) -> &Stat {
        &self.stat
    }
}

/// A copy: what comes from a connection is a part of all that was read with it.
fn own(data: &Bytes) -> Bytes {
    Bytes::copy_from_slice(data)
}

/// What a transaction did with a node that somebody may watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: EventType,
    pub path: String,
    /// Who may know of it: those who may read the node.
    pub acl: Arc<[Acl]>,
    /// Who may know that the list of its parent's children changed.
    pub parent_acl: Option<Arc<[Acl]>>,
}

/// All nodes, and those that go by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    nodes: HashMap<String, Node>,
    /// The nodes that go with their sessions.
    ephemerals: BTreeMap<i64, BTreeSet<String>>,
    /// Containers and nodes with a time to live.
    fleeting: BTreeSet<String>,
    /// Bytes of paths and data.
    size: usize,
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Self::empty();
        for special in path::SPECIAL {
            let acl = match special {
                path::CONFIG => Acl::read_only(),
                _ => Acl::open(),
            };
            let stat = Stat { aversion: if special == path::CONFIG { -1 } else { 0 }, ..Stat::default() };
            tree.insert(special.to_owned(), Node::new(Some(Bytes::new()), acl.into(), stat));
        }
        tree
    }
}

impl Tree {
    /// A tree without any node, to be filled from a snapshot.
    pub fn empty() -> Self {
        Self { nodes: HashMap::new(), ephemerals: BTreeMap::new(), fleeting: BTreeSet::new(), size: 0 }
    }

    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path::canonical(path))
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes of paths and data.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many nodes are below `path`.
    pub fn count_below(&self, path: &str) -> usize {
        if path == "/" {
            return self.nodes.len() - 1;
        }
        let below = |other: &&String| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.nodes.keys().filter(below).count()
    }

    /// Every node, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The ephemeral nodes of a session, in order.
    pub fn ephemerals_of(&self, session: i64) -> impl Iterator<Item = &str> {
        self.ephemerals.get(&session).into_iter().flatten().map(String::as_str)
    }

    /// The sessions with ephemeral nodes, and these.
    pub fn ephemerals(&self) -> impl Iterator<Item = (i64, &BTreeSet<String>)> {
        self.ephemerals.iter().map(|(session, paths)| (*session, paths))
    }

    /// Containers and nodes with a time to live.
    pub fn fleeting(&self) -> impl Iterator<Item = &str> {
        self.fleeting.iter().map(String::as_str)
    }

    /// Puts a node where its parent may be or come later.
    pub fn insert(&mut self, path: String, node: Node) {
        if let Ok(parent) = path::parent(&path)
            && path != "/"
            && let Some(parent) = self.nodes.get_mut(path::canonical(parent))
        {
            parent.children.insert(path::name(&path).into());
        }
        let owner = node.stat.ephemeral_owner;
        if owner::is_session(owner) {
            self.ephemerals.entry(owner).or_default().insert(path.clone());
        } else if owner != 0 {
            self.fleeting.insert(path.clone());
        }
        self.size += path.len() + node.data.as_ref().map_or(0, Bytes::len);
        self.nodes.insert(path, node);
    }

    /// Does one part of a transaction, which was found to be possible before; `changed` is told what to tell.
    pub fn apply(&mut self, entry: &Entry, part: &Txn, changed: &mut Vec<Change>) {
        match part {
            Txn::Create { path, data, acl, owner, parent_cversion } => {
                let stat = Stat {
                    czxid: entry.zxid,
                    mzxid: entry.zxid,
                    pzxid: entry.zxid,
                    ctime: entry.time,
                    mtime: entry.time,
                    ephemeral_owner: *owner,
                    ..Stat::default()
                };
                let parent_acl = self.grow(path, *parent_cversion, entry.zxid);
                let acl: Arc<[Acl]> = acl.as_slice().into();
                self.insert(path.clone(), Node::new(data.clone(), acl.clone(), stat));
                changed.push(Change { kind: EventType::NodeCreated, path: path.clone(), acl, parent_acl });
            }
            Txn::Delete { path } => self.delete(path, entry.zxid, changed),
            Txn::SetData { path, data, version } => {
                let Some(node) = self.nodes.get_mut(path::canonical(path)) else { return };
                self.size -= node.data.as_ref().map_or(0, Bytes::len);
                self.size += data.as_ref().map_or(0, Bytes::len);
                node.data = data.as_ref().map(own);
                node.stat = Stat { version: *version, mtime: entry.time, mzxid: entry.zxid, ..node.stat };
                let (kind, acl) = (EventType::NodeDataChanged, node.acl.clone());
                changed.push(Change { kind, path: path.clone(), acl, parent_acl: None });
            }
            Txn::SetAcl { path, acl, version } => {
                let Some(node) = self.nodes.get_mut(path::canonical(path)) else { return };
                node.acl = acl.as_slice().into();
                node.stat.aversion = *version;
            }
            Txn::CloseSession { paths } => {
                paths.iter().for_each(|path| self.delete(path, entry.zxid, changed));
            }
            Txn::Multi(parts) => parts.iter().for_each(|part| self.apply(entry, part, changed)),
            Txn::CreateSession { .. } | Txn::Check { .. } | Txn::Error(_) => {}
        }
    }

    fn parent_of(&mut self, path: &str) -> Option<&mut Node> {
        self.nodes.get_mut(path::canonical(path::parent(path).ok()?))
    }

    fn grow(&mut self, path: &str, cversion: i32, zxid: i64) -> Option<Arc<[Acl]>> {
        let parent = self.parent_of(path)?;
        (parent.stat.cversion, parent.stat.pzxid) = (cversion, zxid);
        Some(parent.acl.clone())
    }

    fn delete(&mut self, path: &str, zxid: i64, changed: &mut Vec<Change>) {
        let Some(node) = self.nodes.remove(path) else { return };
        let parent_acl = self.parent_of(path).map(|parent| {
            parent.children.remove(path::name(path));
            parent.stat.pzxid = zxid;
            parent.acl.clone()
        });
        self.size -= path.len() + node.data.as_ref().map_or(0, Bytes::len);
        let owner = node.stat.ephemeral_owner;
        self.fleeting.remove(path);
        if let Some(paths) = self.ephemerals.get_mut(&owner) {
            paths.remove(path);
            if paths.is_empty() {
                self.ephemerals.remove(&owner);
            }
        }
        let (kind, path) = (EventType::NodeDeleted, path.to_owned());
        changed.push(Change { kind, path, acl: node.acl, parent_acl });
    }
}
