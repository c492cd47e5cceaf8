//! Transactions: what is written to the log before it is answered, and what a tree is made of again after a death.

use bytes::{Bytes, BytesMut};

use crate::zookeeper::{
    Acl,
    jute::{Jute, JuteError},
};

/// The owner of a node, as its stat tells it.
pub mod owner {
    /// Containers bear the lowest number.
    pub const CONTAINER: i64 = i64::MIN;

    /// Nodes with a time to live bear the highest byte, and the time in milliseconds in the lower five.
    const TTL: i64 = 0xff << 56;

    /// The longest time to live, in milliseconds.
    const LONGEST_TTL: i64 = 0xff_ffff_ffff;

    /// None when no node can live so long.
    pub fn with_ttl(ttl: i64) -> Option<i64> {
        (1..=LONGEST_TTL).contains(&ttl).then_some(TTL | ttl)
    }

    /// How long the node lives without a change, in milliseconds.
    pub fn ttl(owner: i64) -> Option<i64> {
        (owner & TTL == TTL).then_some(owner & LONGEST_TTL)
    }

    /// Whether this is a session.
    pub fn is_session(owner: i64) -> bool {
        owner != 0 && owner != CONTAINER && ttl(owner).is_none()
    }
}

/// One change; versions are those after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Txn {
    CreateSession {
        timeout: i32,
        passwd: Bytes,
    },
    CloseSession {
        paths: Vec<String>,
    },
    Create {
        path: String,
        data: Option<Bytes>,
        acl: Vec<Acl>,
        owner: i64,
        parent_cversion: i32,
    },
    Delete {
        path: String,
    },
    SetData {
        path: String,
        data: Option<Bytes>,
        version: i32,
    },
    SetAcl {
        path: String,
        acl: Vec<Acl>,
        version: i32,
    },
    Check {
        path: String,
    },
    /// A write that was refused: it changes nothing and has its number.
    Error(i32),
    Multi(Vec<Txn>),
}

impl Txn {
    /// What is done one after the other.
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Multi(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }
}

/// A change with its number, its time and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub zxid: i64,
    /// Milliseconds since 1970.
    pub time: i64,
    pub session: i64,
    pub txn: Txn,
}

impl Jute for Entry {
    fn write(&self, out: &mut BytesMut) {
        self.zxid.write(out);
        self.time.write(out);
        self.session.write(out);
        self.txn.write(out);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        let (zxid, time) = (Jute::read(input)?, Jute::read(input)?);
        Ok(Self { zxid, time, session: Jute::read(input)?, txn: Jute::read(input)? })
    }
}

impl Jute for Txn {
    fn write(&self, out: &mut BytesMut) {
        match self {
            Self::CreateSession { timeout, passwd } => {
                1.write(out);
                timeout.write(out);
                Some(passwd.clone()).write(out);
            }
            Self::CloseSession { paths } => (2.write(out), paths.write(out)).1,
            Self::Create { path, data, acl, owner, parent_cversion } => {
                3.write(out);
                path.write(out);
                data.write(out);
                acl.write(out);
                owner.write(out);
                parent_cversion.write(out);
            }
            Self::Delete { path } => (4.write(out), path.write(out)).1,
            Self::SetData { path, data, version } => {
                5.write(out);
                path.write(out);
                data.write(out);
                version.write(out);
            }
            Self::SetAcl { path, acl, version } => {
                6.write(out);
                path.write(out);
                acl.write(out);
                version.write(out);
            }
            Self::Check { path } => (7.write(out), path.write(out)).1,
            Self::Error(code) => (8.write(out), code.write(out)).1,
            Self::Multi(parts) => (9.write(out), parts.write(out)).1,
        }
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(match i32::read(input)? {
            1 => {
                let (timeout, passwd) = (Jute::read(input)?, Option::<Bytes>::read(input)?);
                Self::CreateSession { timeout, passwd: passwd.unwrap_or_default() }
            }
            2 => Self::CloseSession { paths: Jute::read(input)? },
            3 => {
                let (path, data, acl) = (Jute::read(input)?, Jute::read(input)?, Jute::read(input)?);
                let (owner, parent_cversion) = (Jute::read(input)?, Jute::read(input)?);
                Self::Create { path, data, acl, owner, parent_cversion }
            }
            4 => Self::Delete { path: Jute::read(input)? },
            5 => Self::SetData {
                path: Jute::read(input)?,
                data: Jute::read(input)?,
                version: Jute::read(input)?,
            },
            6 => Self::SetAcl {
                path: Jute::read(input)?,
                acl: Jute::read(input)?,
                version: Jute::read(input)?,
            },
            7 => Self::Check { path: Jute::read(input)? },
            8 => Self::Error(Jute::read(input)?),
            9 => Self::Multi(Jute::read(input)?),
            unknown => return Err(JuteError::Operation(unknown)),
        })
    }
}
