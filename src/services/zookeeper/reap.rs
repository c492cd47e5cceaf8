//! Nodes that go by themselves: containers that have lost their last child, and nodes whose time to live is over.

use super::{
    path,
    prepare::{Ahead, Writer},
    server::{Server, millis},
    txn::owner,
};
use crate::mesos::time::Time;

impl Server {
    /// Looks after all nodes that go by themselves when one of them may; else nothing wakes the server for them.
    pub(super) fn schedule_reaping(&mut self, now: Time) {
        if self.tree.fleeting().any(|path| self.may_go(path)) {
            self.reap_at.get_or_insert(now + self.config.reap_interval);
        }
    }

    /// As [`Server::schedule_reaping`], after a change of this node.
    pub(super) fn schedule_reaping_of(&mut self, now: Time, path: &str) {
        let parent = path::parent(path).unwrap_or_default();
        if self.may_go(path) || self.may_go(parent) {
            self.reap_at.get_or_insert(now + self.config.reap_interval);
        }
    }

    /// Whether time alone can end the node: it has a time to live, or is a container that had children and has none.
    fn may_go(&self, path: &str) -> bool {
        let Some(node) = self.tree.get(path).filter(|node| node.children.is_empty()) else { return false };
        let kept = node.kept();
        owner::ttl(kept.ephemeral_owner).is_some()
            || kept.ephemeral_owner == owner::CONTAINER && kept.cversion > 0
    }

    pub(super) fn reap(&mut self, now: Time) {
        if self.reap_at.is_none_or(|at| at > now) {
            return;
        }
        self.reap_at = None;
        let due: Vec<String> =
            self.tree.fleeting().filter(|path| self.is_over(now, path)).map(str::to_owned).collect();
        for path in due {
            let writer = Writer { session: 0, identities: &[] };
            if let Ok(txn) = Ahead::new(&self.tree, writer).reap(&path) {
                tracing::info!(path = path::canonical(&path), "a node goes by itself");
                self.commit(now, 0, txn);
            }
        }
        self.schedule_reaping(now);
    }

    fn is_over(&self, now: Time, path: &str) -> bool {
        let lived = |mtime| millis(now).saturating_sub(mtime);
        let kept = self.tree.get(path).map(super::tree::Node::kept);
        self.may_go(path)
            && kept.is_some_and(|kept| {
                owner::ttl(kept.ephemeral_owner).is_none_or(|ttl| lived(kept.mtime) > ttl)
            })
    }
}
