//! Addresses of libprocess processes: `slave(1)@127.0.0.1:5051`, as they stand in headers and in messages.

use std::{
    fmt,
    net::{AddrParseError, SocketAddr},
    str::FromStr,
};

/// A process: its id within an operating system process, and where that one listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upid {
    /// Empty where nobody is meant: a framework without a v0 scheduler has `@0.0.0.0:0`.
    pub id: String,
    pub address: SocketAddr,
}

impl Upid {
    pub fn new(id: impl Into<String>, address: SocketAddr) -> Self {
        Self { id: id.into(), address }
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.address)
    }
}

/// Why a text is no address of a process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpid {
    #[error("no `@` between id and address")]
    NoAddress,
    #[error("an id of other than visible ASCII characters")]
    InvisibleId,
    #[error("`{address}` is no `ip:port`")]
    Address { address: String, source: AddrParseError },
}

impl FromStr for Upid {
    type Err = InvalidUpid;

    /// Names of hosts are not looked up.
    fn from_str(text: &str) -> Result<Self, InvalidUpid> {
        let (id, address) = text.split_once('@').ok_or(InvalidUpid::NoAddress)?;
        if !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidUpid::InvisibleId);
        }
        let invalid = |source| InvalidUpid::Address { address: address.to_owned(), source };
        Ok(Self::new(id, address.parse().map_err(invalid)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "master@127.0.0.1:5050",
            "slave(1)@10.1.2.3:5051",
            "crammd5-authenticator-session(7)@127.0.0.1:1",
            "@0.0.0.0:0",
            "executor(1)@[::1]:40000",
        ] {
            assert_eq!(text.parse::<Upid>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            "garbage",
            "master",
            "master@",
            "master@127.0.0.1",
            "master@127.0.0.1:",
            "master@127.0.0.1:65536",
            "master@localhost:5050",
            "master@127.0.0.1:5050\r\nHost: x",
            "mas ter@127.0.0.1:5050",
            "mäster@127.0.0.1:5050",
            "a\r\nb@127.0.0.1:5050",
            "a@b@127.0.0.1:5050",
        ] {
            assert!(text.parse::<Upid>().is_err(), "{text}");
        }
    }
}
