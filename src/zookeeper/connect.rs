//! The first frame of each side: which session, for how long, and whether it is accepted.

use bytes::{Bytes, BytesMut};

use super::jute::{Jute, JuteError};

/// The client's first frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectRequest {
    pub protocol_version: i32,
    /// A server that has seen less refuses the connection.
    pub last_zxid_seen: i64,
    /// The wanted session timeout, in milliseconds.
    pub timeout: i32,
    /// 0 for a new session.
    pub session_id: i64,
    /// 16 bytes; all zero for a new session.
    pub passwd: Option<Bytes>,
    /// Whether a read-only server will do; clients before 3.4 do not say.
    pub read_only: Option<bool>,
}

impl Jute for ConnectRequest {
    fn write(&self, out: &mut BytesMut) {
        self.protocol_version.write(out);
        self.last_zxid_seen.write(out);
        self.timeout.write(out);
        self.session_id.write(out);
        self.passwd.write(out);
        self.read_only.iter().for_each(|read_only| read_only.write(out));
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(Self {
            protocol_version: Jute::read(input)?,
            last_zxid_seen: Jute::read(input)?,
            timeout: Jute::read(input)?,
            session_id: Jute::read(input)?,
            passwd: Jute::read(input)?,
            read_only: trailing(input)?,
        })
    }
}

/// The server's first frame. An expired or refused session has the id 0 and the timeout 0, and the server hangs up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectResponse {
    pub protocol_version: i32,
    /// The session timeout that holds, in milliseconds.
    pub timeout: i32,
    pub session_id: i64,
    /// What a client needs to come back with its session.
    pub passwd: Option<Bytes>,
    /// Said only to clients that know of it.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// Whether the session of the request lives no more.
    pub fn expired(&self) -> bool {
        self.timeout <= 0
    }
}

impl Jute for ConnectResponse {
    fn write(&self, out: &mut BytesMut) {
        self.protocol_version.write(out);
        self.timeout.write(out);
        self.session_id.write(out);
        self.passwd.write(out);
        self.read_only.iter().for_each(|read_only| read_only.write(out));
    }

    fn read(input: &mut Bytes) -> Result<Self, JuteError> {
        Ok(Self {
            protocol_version: Jute::read(input)?,
            timeout: Jute::read(input)?,
            session_id: Jute::read(input)?,
            passwd: Jute::read(input)?,
            read_only: trailing(input)?,
        })
    }
}

/// A field that older peers leave out at the end.
fn trailing(input: &mut Bytes) -> Result<Option<bool>, JuteError> {
    if input.is_empty() { Ok(None) } else { bool::read(input).map(Some) }
}
