//! What a watch tells: the frames that come without having been asked for.

use bytes::{Bytes, BytesMut};

use super::jute::{Jute, JuteError};

macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($variant,)*
            /// A number that ZooKeeper 3.8 does not have.
            Other(i32),
        }

        impl $name {
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)* Self::Other(code) => code }
            }

            pub fn from_code(code: i32) -> Self {
                match code { $($code => Self::$variant,)* other => Self::Other(other) }
            }
        }

        impl Jute for $name {
            fn write(&self, out: &mut BytesMut) {
                self.code().write(out);
            }

            fn read(input: &mut Bytes) -> Result<Self, JuteError> {
                i32::read(input).map(Self::from_code)
            }
        }
    };
}

numbers! {
    /// What happened to the node.
    EventType {
        None = -1,
        NodeCreated = 1,
        NodeDeleted = 2,
        NodeDataChanged = 3,
        NodeChildrenChanged = 4,
        DataWatchRemoved = 5,
        ChildWatchRemoved = 6,
        PersistentWatchRemoved = 7,
    }
}

numbers! {
    /// What the session is like; servers send `SyncConnected` only.
    KeeperState {
        Disconnected = 0,
        SyncConnected = 3,
        AuthFailed = 4,
        ConnectedReadOnly = 5,
        SaslAuthenticated = 6,
        Closed = 7,
        Expired = -112,
    }
}

/// A frame with [`super::xid::NOTIFICATION`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedEvent {
    pub kind: EventType,
    pub state: KeeperState,
    pub path: String,
}

impl WatchedEvent {
    /// An event of a node, on a connection that is well.
    pub fn of_node(kind: EventType, path: impl Into<String>) -> Self {
        Self { kind, state: KeeperState::SyncConnected, path: path.into() }
    }
}

impl Jute for WatchedEvent {
    fn write(&self, out: &mut BytesMut) {
        self.kind.write(out);
        self.state.write(out);
        self.path.write(out);
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(Self { kind: Jute::read(input)?, state: Jute::read(input)?, path: Jute::read(input)? })
    }
}
