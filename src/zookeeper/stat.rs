//! What ZooKeeper tells about a node beside its data.

use super::jute::record;

record! {
    /// The figures of a node.
    #[derive(Copy, Hash)]
    Stat {
        /// The transaction that created it.
        czxid: i64,
        /// The transaction that last changed its data.
        mzxid: i64,
        /// When it was created, in milliseconds since 1970.
        ctime: i64,
        /// When its data last changed.
        mtime: i64,
        /// How often its data changed.
        version: i32,
        /// How often its children changed.
        cversion: i32,
        /// How often its ACL changed.
        aversion: i32,
        /// The session of an ephemeral node; 0 of a persistent one, and marks for containers and nodes with a TTL.
        ephemeral_owner: i64,
        /// How long its data is, in bytes.
        data_length: i32,
        num_children: i32,
        /// The transaction that last created or deleted a child.
        pzxid: i64,
    }
}
