//! The whole state of a server as bytes: what the log need not hold any more.
//!
//! ```text
//! zxid | vector of (session, timeout, passwd) | vector of (path, data, acl, stat)
//! ```

use bytes::{Bytes, BytesMut};

use super::{
    Config,
    server::Server,
    tree::{Node, Tree},
};
use crate::{
    mesos::time::Time,
    zookeeper::{
        Acl, Stat,
        jute::{Jute, JuteError, record},
    },
};

record! {
    /// A session that lives.
    SessionRecord {
        id: i64,
        timeout: i32,
        passwd: Option<Bytes>,
    }
}

record! {
    /// A node with its stat as it is kept.
    NodeRecord {
        path: String,
        data: Option<Bytes>,
        acl: Vec<Acl>,
        stat: Stat,
    }
}

impl Server {
    /// Everything that outlives the server; paths are in order, so that equal states have equal snapshots.
    pub fn snapshot(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.zxid.write(&mut out);
        let sessions = self.sessions.iter().map(|(id, session)| SessionRecord {
            id,
            timeout: session.timeout,
            passwd: Some(session.passwd.clone()),
        });
        sessions.collect::<Vec<_>>().write(&mut out);
        let mut nodes: Vec<(&str, &Node)> = self.tree.nodes().collect();
        nodes.sort_unstable_by_key(|(path, _)| *path);
        i32::try_from(nodes.len()).unwrap_or(i32::MAX).write(&mut out);
        for (path, node) in nodes {
            let (data, acl) = (node.data.clone(), node.acl.to_vec());
            NodeRecord { path: path.to_owned(), data, acl, stat: *node.kept() }.write(&mut out);
        }
        out.freeze()
    }

    /// A server as it was when `snapshot` was taken.
    ///
    /// # Errors
    /// When the bytes are no snapshot.
    pub fn restore(config: Config, mut snapshot: Bytes) -> Result<Self, JuteError> {
        let mut server = Self::new(config);
        server.zxid = Jute::read(&mut snapshot)?;
        for session in Vec::<SessionRecord>::read(&mut snapshot)? {
            let passwd = session.passwd.unwrap_or_default();
            server.sessions.insert(Time::default(), session.id, session.timeout, passwd);
        }
        server.tree = Tree::empty();
        for _ in 0..i32::read(&mut snapshot)? {
            let node = NodeRecord::read(&mut snapshot)?;
            server.tree.insert(node.path, Node::new(node.data, node.acl.into(), node.stat));
        }
        Ok(server)
    }
}
