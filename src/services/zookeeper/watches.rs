//! Who is told what: the watches of all connections, and which of them a change sets off.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    ConnectionId, path,
    tree::{Change, Tree},
};
use crate::zookeeper::{Acl, EventType, WatchedEvent, request::SetWatches};

/// How long a watch lasts and how far it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until it is set off.
    Once,
    Persistent,
    /// Also of all nodes below; it is told nothing of lists of children.
    Recursive,
}

/// Which watches are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Children,
    Data,
    Any,
}

impl Kind {
    pub fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(Self::Children),
            2 => Some(Self::Data),
            3 => Some(Self::Any),
            _ => None,
        }
    }
}

/// An event and whom it is for.
pub type Told = (ConnectionId, WatchedEvent);

/// Watches of one kind.
#[derive(Debug, Default)]
struct Table {
    by_path: HashMap<String, BTreeMap<ConnectionId, Mode>>,
    by_connection: BTreeMap<ConnectionId, BTreeSet<String>>,
    /// How many are recursive: without any, nobody looks above a path.
    recursive: usize,
}

impl Table {
    fn add(&mut self, path: &str, connection: ConnectionId, mode: Mode) {
        let before = self.by_path.entry(path.to_owned()).or_default().insert(connection, mode);
        self.recursive += usize::from(mode == Mode::Recursive);
        self.recursive -= usize::from(before == Some(Mode::Recursive));
        self.by_connection.entry(connection).or_default().insert(path.to_owned());
    }

    fn remove(&mut self, path: &str, connection: ConnectionId) -> bool {
        let Some(watchers) = self.by_path.get_mut(path) else { return false };
        let Some(mode) = watchers.remove(&connection) else { return false };
        self.recursive -= usize::from(mode == Mode::Recursive);
        if watchers.is_empty() {
            self.by_path.remove(path);
        }
        if let Some(paths) = self.by_connection.get_mut(&connection) {
            paths.remove(path);
            if paths.is_empty() {
                self.by_connection.remove(&connection);
            }
        }
        true
    }

    fn forget(&mut self, connection: ConnectionId) {
        for path in self.by_connection.get(&connection).cloned().unwrap_or_default() {
            self.remove(&path, connection);
        }
    }

    /// Whom an event reaches; watches that were for once are gone then.
    fn trigger(&mut self, path: &str, kind: EventType) -> BTreeSet<ConnectionId> {
        let mut reached = BTreeSet::new();
        let own: Vec<_> =
            self.by_path.get(path).into_iter().flatten().map(|(id, mode)| (*id, *mode)).collect();
        for (connection, mode) in own {
            if mode != Mode::Recursive || kind != EventType::NodeChildrenChanged {
                reached.insert(connection);
            }
            if mode == Mode::Once {
                self.remove(path, connection);
            }
        }
        if self.recursive > 0 && kind != EventType::NodeChildrenChanged {
            let above = path::ancestors(path).filter_map(|above| self.by_path.get(above)).flatten();
            reached.extend(above.filter(|(_, mode)| **mode == Mode::Recursive).map(|(id, _)| *id));
        }
        reached
    }

    fn watches(&self) -> usize {
        self.by_connection.values().map(BTreeSet::len).sum()
    }
}

/// All watches.
#[derive(Debug, Default)]
pub struct Watches {
    data: Table,
    children: Table,
}

impl Watches {
    /// Of `getData` and `exists`.
    pub fn watch_data(&mut self, path: &str, connection: ConnectionId) {
        self.data.add(path, connection, Mode::Once);
    }

    /// Of `getChildren`.
    pub fn watch_children(&mut self, path: &str, connection: ConnectionId) {
        self.children.add(path, connection, Mode::Once);
    }

    /// Of `addWatch`: 0 is persistent, 1 recursive too. False when there is no such mode.
    pub fn watch_always(&mut self, path: &str, connection: ConnectionId, mode: i32) -> bool {
        let mode = match mode {
            0 => Mode::Persistent,
            1 => Mode::Recursive,
            _ => return false,
        };
        self.data.add(path, connection, mode);
        self.children.add(path, connection, mode);
        true
    }

    /// Whether there is one that was removed.
    pub fn remove(&mut self, path: &str, kind: Kind, connection: ConnectionId) -> bool {
        let children = kind != Kind::Data && self.children.remove(path, connection);
        let data = kind != Kind::Children && self.data.remove(path, connection);
        children || data
    }

    /// Whether somebody watches the path; as in ZooKeeper 3.8 it need not be the one who asks.
    pub fn contains(&self, path: &str, kind: Kind) -> bool {
        kind != Kind::Data && self.children.by_path.contains_key(path)
            || kind != Kind::Children && self.data.by_path.contains_key(path)
    }

    /// The connection is gone.
    pub fn forget(&mut self, connection: ConnectionId) {
        self.data.forget(connection);
        self.children.forget(connection);
    }

    /// Who is told of a change, in order, with the ACL that decides whether they may be told.
    pub fn tell<'a>(&mut self, change: &'a Change) -> Vec<(Told, &'a [Acl])> {
        let mut told = Vec::new();
        let mut tell = |reached: BTreeSet<ConnectionId>, kind, path: &str, acl: &'a [Acl]| {
            told.extend(reached.into_iter().map(|id| ((id, WatchedEvent::of_node(kind, path)), acl)));
        };
        let (kind, path) = (change.kind, &change.path);
        let mut reached = self.data.trigger(path, kind);
        if kind == EventType::NodeDeleted {
            reached.append(&mut self.children.trigger(path, kind));
        }
        tell(reached, kind, path, &change.acl);
        if let Some(acl) = &change.parent_acl {
            let parent = path::canonical(path::parent(path).unwrap_or_default());
            let kind = EventType::NodeChildrenChanged;
            tell(self.children.trigger(parent, kind), kind, parent, acl);
        }
        told
    }

    /// The watches of a client that comes back, and what it has missed.
    pub fn set(&mut self, watches: &SetWatches, connection: ConnectionId, tree: &Tree) -> Vec<Told> {
        let mut told = Vec::new();
        let mut tell = |kind, path: &str| told.push((connection, WatchedEvent::of_node(kind, path)));
        let since = watches.relative_zxid;
        for path in &watches.data {
            match tree.get(path) {
                None => tell(EventType::NodeDeleted, path),
                Some(node) if node.kept().mzxid > since => tell(EventType::NodeDataChanged, path),
                Some(_) => self.watch_data(path, connection),
            }
        }
        for path in &watches.exist {
            match tree.get(path) {
                None => self.watch_data(path, connection),
                Some(_) => tell(EventType::NodeCreated, path),
            }
        }
        for path in &watches.child {
            match tree.get(path) {
                None => tell(EventType::NodeDeleted, path),
                Some(node) if node.kept().pzxid > since => tell(EventType::NodeChildrenChanged, path),
                Some(_) => self.watch_children(path, connection),
            }
        }
        watches.persistent.iter().for_each(|path| _ = self.watch_always(path, connection, 0));
        watches.persistent_recursive.iter().for_each(|path| _ = self.watch_always(path, connection, 1));
        told
    }

    /// Of data: how many connections watch, how many paths, and how many watches that makes.
    pub fn summary(&self) -> (usize, usize, usize) {
        (self.data.by_connection.len(), self.data.by_path.len(), self.data.watches())
    }

    /// All watches, of data and of children.
    pub fn count(&self) -> usize {
        self.data.watches() + self.children.watches()
    }

    /// The paths whose data each connection watches.
    pub fn by_connection(&self) -> &BTreeMap<ConnectionId, BTreeSet<String>> {
        &self.data.by_connection
    }

    /// The connections that watch the data of each path, in order.
    pub fn by_path(&self) -> BTreeMap<&str, impl Iterator<Item = ConnectionId>> {
        let ids = |watchers: &BTreeMap<ConnectionId, Mode>| watchers.keys().copied().collect::<Vec<_>>();
        self.data.by_path.iter().map(|(path, watchers)| (path.as_str(), ids(watchers).into_iter())).collect()
    }
}
