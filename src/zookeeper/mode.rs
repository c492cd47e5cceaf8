//! How a node is to live, as the flags of a create request say it.

/// The kinds of nodes that can be created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CreateMode {
    #[default]
    Persistent,
    /// Deleted with the session that made it.
    Ephemeral,
    /// The name gets a number of ten digits that grows.
    PersistentSequential,
    EphemeralSequential,
    /// Deleted after its last child.
    Container,
    /// Deleted when it has no children and has not changed for so long.
    PersistentWithTtl,
    PersistentSequentialWithTtl,
}

impl CreateMode {
    pub const ALL: [Self; 7] = [
        Self::Persistent,
        Self::Ephemeral,
        Self::PersistentSequential,
        Self::EphemeralSequential,
        Self::Container,
        Self::PersistentWithTtl,
        Self::PersistentSequentialWithTtl,
    ];

    /// The number on the wire.
    pub fn flag(self) -> i32 {
        match self {
            Self::Persistent => 0,
            Self::Ephemeral => 1,
            Self::PersistentSequential => 2,
            Self::EphemeralSequential => 3,
            Self::Container => 4,
            Self::PersistentWithTtl => 5,
            Self::PersistentSequentialWithTtl => 6,
        }
    }

    pub fn from_flag(flag: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.flag() == flag)
    }

    pub fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }

    pub fn is_sequential(self) -> bool {
        matches!(
            self,
            Self::PersistentSequential | Self::EphemeralSequential | Self::PersistentSequentialWithTtl
        )
    }

    pub fn is_container(self) -> bool {
        self == Self::Container
    }

    pub fn is_ttl(self) -> bool {
        matches!(self, Self::PersistentWithTtl | Self::PersistentSequentialWithTtl)
    }
}
