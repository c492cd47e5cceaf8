//! `zk://user:password@host1:port1,host2:port2/path`, read as Mesos reads it.

use std::{fmt, str::FromStr};

use bytes::Bytes;

const SCHEME: &str = "zk://";

/// As who a client comes: `digest`, with `user:password`.
#[derive(Clone, PartialEq, Eq)]
pub struct Authentication {
    pub scheme: String,
    pub credentials: Bytes,
}

/// Without the credentials.
impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// Servers, and a path there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperUrl {
    pub authentication: Option<Authentication>,
    /// `host:port` each.
    pub servers: Vec<String>,
    /// Begins with `/`, and does not end with one unless it is all.
    pub path: String,
}

/// In Mesos' words where Mesos has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("Expecting 'zk://' at the beginning of the URL")]
    Scheme,
    #[error("Expecting a (chroot) path for ZooKeeper ('/' is not supported)")]
    Root,
    #[error("Expecting at least one server, host:port, in the URL")]
    NoServer,
    #[error("Expecting a path without empty parts in the URL")]
    Path,
}

impl ZooKeeperUrl {
    /// Whether a text means to be such a URL.
    pub fn is_meant(text: &str) -> bool {
        text.trim().starts_with(SCHEME)
    }

    /// One whose path may be `/`.
    ///
    /// # Errors
    /// When it does not begin with `zk://`, names no server, or its path is none.
    pub fn parse_any(text: &str) -> Result<Self, UrlError> {
        let rest = text.trim().strip_prefix(SCHEME).ok_or(UrlError::Scheme)?;
        let (place, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (credentials, servers) = match place.rsplit_once('@') {
            Some((credentials, servers)) => (Some(credentials), servers),
            None => (None, place),
        };
        let servers: Vec<_> =
            servers.split(',').map(str::trim).filter(|server| !server.is_empty()).map(with_port).collect();
        if servers.is_empty() {
            return Err(UrlError::NoServer);
        }
        let path = if path == "/" { path } else { path.strip_suffix('/').unwrap_or(path) };
        if path.contains("//") {
            return Err(UrlError::Path);
        }
        let authentication = credentials.map(|credentials| Authentication {
            scheme: "digest".to_owned(),
            credentials: Bytes::copy_from_slice(credentials.as_bytes()),
        });
        Ok(Self { authentication, servers, path: path.to_owned() })
    }

    /// The same servers, another path.
    #[must_use]
    pub fn at(&self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }
}

/// One with a path of its own, as masters want it.
impl FromStr for ZooKeeperUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url = Self::parse_any(text)?;
        if url.path == "/" { Err(UrlError::Root) } else { Ok(url) }
    }
}

/// Without the password.
impl fmt::Display for ZooKeeperUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.authentication.is_some() { "***@" } else { "" };
        write!(f, "{SCHEME}{known}{}{}", self.servers.join(","), self.path)
    }
}

fn with_port(server: &str) -> String {
    let has_port = server.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { server.to_owned() } else { format!("{server}:2181") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_mesos_reads() {
        let url: ZooKeeperUrl = " zk://jake:1@b@a:2181,b:2182/path/below/ ".parse().unwrap();
        assert_eq!(url.servers, ["a:2181", "b:2182"]);
        assert_eq!(url.path, "/path/below");
        assert_eq!(url.authentication.as_ref().unwrap().credentials, "jake:1@b");
        assert_eq!(url.to_string(), "zk://***@a:2181,b:2182/path/below");
        assert_eq!("zk://a/m".parse::<ZooKeeperUrl>().unwrap().servers, ["a:2181"]);
        assert_eq!(ZooKeeperUrl::parse_any("zk://a:1").unwrap().path, "/");
    }

    #[test]
    fn refuses_in_the_words_of_mesos() {
        let error = |text: &str| text.parse::<ZooKeeperUrl>().unwrap_err().to_string();
        assert_eq!(error("http://a/m"), "Expecting 'zk://' at the beginning of the URL");
        assert_eq!(error("zk://a:1/"), "Expecting a (chroot) path for ZooKeeper ('/' is not supported)");
        assert_eq!(error("zk:///m"), "Expecting at least one server, host:port, in the URL");
        assert_eq!(error("zk://a:1/m//n"), "Expecting a path without empty parts in the URL");
    }
}
