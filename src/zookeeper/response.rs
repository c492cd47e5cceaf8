//! What servers answer.

use bytes::{Bytes, BytesMut};

use super::{
    Acl, OpCode, ReplyHeader, Stat, WatchedEvent,
    jute::{Jute, JuteError, record},
    multi::{self, OpResult},
    xid,
};

record! {
    /// One of the identities of a client.
    ClientInfo {
        scheme: String,
        /// A user of `digest`, an address of `ip`.
        user: String,
    }
}

/// An answer without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// Of `delete`, `ping`, `auth`, `setWatches`, `checkWatches`, `removeWatches`, `closeSession`, and of every error.
    Empty,
    /// Of `create` and `sync`.
    Path(String),
    /// Of `create2`, `createContainer` and `createTTL`.
    Created { path: String, stat: Stat },
    /// Of `exists`, `setData`, `setACL` and `check`.
    Stat(Stat),
    /// Of `getData`.
    Data { data: Option<Bytes>, stat: Stat },
    /// Of `getACL`.
    Acl { acl: Vec<Acl>, stat: Stat },
    /// Of `getChildren` and `getEphemerals`.
    Children(Vec<String>),
    /// Of `getChildren2`.
    ChildrenStat { children: Vec<String>, stat: Stat },
    /// Of `getAllChildrenNumber`; and of `addWatch`: 0.
    Number(i32),
    /// Of `whoAmI`.
    Clients(Vec<ClientInfo>),
    /// Of `multi` and `multiRead`.
    Multi(Vec<OpResult>),
}

impl Response {
    /// The content of a frame: header and body.
    pub fn to_frame(&self, header: ReplyHeader) -> Bytes {
        let mut out = BytesMut::new();
        header.write(&mut out);
        self.write_body(&mut out);
        out.freeze()
    }

    /// What follows the header.
    pub fn write_body(&self, out: &mut BytesMut) {
        match self {
            Self::Empty => {}
            Self::Path(path) => path.write(out),
            Self::Created { path, stat } => (path.write(out), stat.write(out)).0,
            Self::Stat(stat) => stat.write(out),
            Self::Data { data, stat } => (data.write(out), stat.write(out)).0,
            Self::Acl { acl, stat } => (acl.write(out), stat.write(out)).0,
            Self::Children(children) => children.write(out),
            Self::ChildrenStat { children, stat } => (children.write(out), stat.write(out)).0,
            Self::Number(number) => number.write(out),
            Self::Clients(clients) => clients.write(out),
            Self::Multi(results) => multi::write_results(results, out),
        }
    }

    /// The answer to a request with `op`, when its header tells of no error.
    ///
    /// # Errors
    /// When the body is no such answer.
    pub fn read_body(op: OpCode, input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(match op {
            OpCode::Create | OpCode::Sync => Self::Path(Jute::read(input)?),
            OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
                Self::Created { path: Jute::read(input)?, stat: Jute::read(input)? }
            }
            OpCode::Exists | OpCode::SetData | OpCode::SetAcl | OpCode::Check => {
                Self::Stat(Jute::read(input)?)
            }
            OpCode::GetData | OpCode::Reconfig => {
                Self::Data { data: Jute::read(input)?, stat: Jute::read(input)? }
            }
            OpCode::GetAcl => Self::Acl { acl: Jute::read(input)?, stat: Jute::read(input)? },
            OpCode::GetChildren | OpCode::GetEphemerals => Self::Children(Jute::read(input)?),
            OpCode::GetChildren2 => {
                Self::ChildrenStat { children: Jute::read(input)?, stat: Jute::read(input)? }
            }
            OpCode::GetAllChildrenNumber | OpCode::AddWatch => Self::Number(Jute::read(input)?),
            OpCode::WhoAmI => Self::Clients(Jute::read(input)?),
            OpCode::Multi | OpCode::MultiRead => Self::Multi(multi::read_results(input)?),
            OpCode::Delete
            | OpCode::DeleteContainer
            | OpCode::Ping
            | OpCode::Auth
            | OpCode::Sasl
            | OpCode::SetWatches
            | OpCode::SetWatches2
            | OpCode::CheckWatches
            | OpCode::RemoveWatches
            | OpCode::CreateSession
            | OpCode::CloseSession
            | OpCode::Error => Self::Empty,
        })
    }
}

/// The content of a frame with an event.
pub fn event_frame(event: &WatchedEvent) -> Bytes {
    let mut out = BytesMut::new();
    ReplyHeader { xid: xid::NOTIFICATION, zxid: -1, err: 0 }.write(&mut out);
    event.write(&mut out);
    out.freeze()
}
