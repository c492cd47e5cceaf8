//! Who may do what with a node.

use std::{fmt, ops};

use bytes::{Bytes, BytesMut};

use super::jute::{Jute, JuteError, record};

/// A set of permissions, as the bits of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Perms(pub i32);

impl Perms {
    pub const READ: Self = Self(1);
    pub const WRITE: Self = Self(1 << 1);
    pub const CREATE: Self = Self(1 << 2);
    pub const DELETE: Self = Self(1 << 3);
    pub const ADMIN: Self = Self(1 << 4);
    pub const ALL: Self = Self(0x1f);

    /// Whether one of `other` is here.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl ops::BitOr for Perms {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `cdrwa`, in the order of `zkCli.sh`.
impl fmt::Display for Perms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (Self::CREATE, 'c'),
            (Self::DELETE, 'd'),
            (Self::READ, 'r'),
            (Self::WRITE, 'w'),
            (Self::ADMIN, 'a'),
        ];
        all.iter()
            .filter(|(perm, _)| self.intersects(*perm))
            .try_for_each(|(_, letter)| write!(f, "{letter}"))
    }
}

impl Jute for Perms {
    fn write(&self, out: &mut BytesMut) {
        self.0.write(out);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        i32::read(input).map(Self)
    }
}

/// Somebody: `world:anyone`, `digest:user:hash`, `ip:10.0.0.0/8`, `auth:`. A null of the wire is read as an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    pub scheme: String,
    pub id: String,
}

impl Id {
    pub fn new(scheme: impl Into<String>, id: impl Into<String>) -> Self {
        Self { scheme: scheme.into(), id: id.into() }
    }

    pub fn anyone() -> Self {
        Self::new("world", "anyone")
    }
}

impl Jute for Id {
    fn write(&self, out: &mut BytesMut) {
        self.scheme.write(out);
        self.id.write(out);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        let mut text = || Option::<String>::read(input).map(Option::unwrap_or_default);
        Ok(Self { scheme: text()?, id: text()? })
    }
}

record! {
    /// What somebody may do.
    #[derive(Hash)]
    Acl {
        perms: Perms,
        id: Id,
    }
}

impl Acl {
    pub fn new(perms: Perms, id: Id) -> Self {
        Self { perms, id }
    }

    /// Everybody may do everything: `OPEN_ACL_UNSAFE`.
    pub fn open() -> Vec<Self> {
        vec![Self::new(Perms::ALL, Id::anyone())]
    }

    /// Everybody may read: `READ_ACL_UNSAFE`.
    pub fn read_only() -> Vec<Self> {
        vec![Self::new(Perms::READ, Id::anyone())]
    }

    /// Whoever is authenticated as the creator may do everything: `CREATOR_ALL_ACL`.
    pub fn creator() -> Vec<Self> {
        vec![Self::new(Perms::ALL, Id::new("auth", ""))]
    }
}
