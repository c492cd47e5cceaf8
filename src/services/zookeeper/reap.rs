//! Nodes that go by themselves: containers that have lost their last child, and nodes whose time to live is over.

use super::{
    path,
    prepare::{Ahead, Writer},
    server::{Server, millis},
    txn::owner,
};
use crate::mesos::time::Time;

impl Server {
    /// Looks again after the interval when there is something to look after; else nothing wakes the server.
    pub(super) fn schedule_reaping(&mut self, now: Time) {
        if self.reap_at.is_none() && self.tree.fleeting().any(|path| self.may_go(path)) {
            self.reap_at = Some(now + self.config.reap_interval);
        }
    }

    /// Whether time alone can end the node: it has a time to live, or is a container that had children and has none.
    fn may_go(&self, path: &str) -> bool {
        let Some(node) = self.tree.get(path) else { return false };
        let kept = node.kept();
        node.children.is_empty() && (owner::ttl(kept.ephemeral_owner).is_some() || kept.cversion > 0)
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
