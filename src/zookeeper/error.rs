//! The error codes of ZooKeeper, with the names that its own clients give them.

use std::fmt;

use super::jute::JuteError;

macro_rules! codes {
    ($($variant:ident = $code:literal,)*) => {
        /// What a reply says went wrong; below -100 the fault is the client's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($variant,)*
            /// A number that ZooKeeper 3.8 does not have.
            Other(i32),
        }

        impl ErrorCode {
            /// Every code that has a name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)* Self::Other(code) => code }
            }

            /// `NoNode`, as after `KeeperErrorCode = ` in Java's messages.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* Self::Other(_) => "Unknown error" }
            }

            /// None for 0, which is no error.
            pub fn from_code(code: i32) -> Option<Self> {
                match code { 0 => None, $($code => Some(Self::$variant),)* other => Some(Self::Other(other)) }
            }
        }
    };
}

codes! {
    SystemError = -1,
    RuntimeInconsistency = -2,
    DataInconsistency = -3,
    ConnectionLoss = -4,
    MarshallingError = -5,
    Unimplemented = -6,
    OperationTimeout = -7,
    BadArguments = -8,
    UnknownSession = -12,
    NewConfigNoQuorum = -13,
    ReconfigInProgress = -14,
    APIError = -100,
    NoNode = -101,
    NoAuth = -102,
    BadVersion = -103,
    NoChildrenForEphemerals = -108,
    NodeExists = -110,
    NotEmpty = -111,
    SessionExpired = -112,
    InvalidCallback = -113,
    InvalidACL = -114,
    AuthFailed = -115,
    SessionMoved = -118,
    NotReadOnly = -119,
    EphemeralOnLocalSession = -120,
    NoWatcher = -121,
    RequestTimeout = -122,
    ReconfigDisabled = -123,
    SessionClosedRequireSaslAuth = -124,
    QuotaExceeded = -125,
    ThrottledOp = -127,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(code) => write!(f, "error {code}"),
            known => f.write_str(known.name()),
        }
    }
}

impl std::error::Error for ErrorCode {}

/// What cannot be read gets this answer.
impl From<JuteError> for ErrorCode {
    fn from(_: JuteError) -> Self {
        Self::MarshallingError
    }
}
