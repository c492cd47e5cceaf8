//! Values of an agent's flags that have a form of their own.

use crate::client::zookeeper::{UrlError, ZooKeeperUrl};

/// Where the master is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterAddress {
    /// At `host:port`; the host may be a name.
    At { host: String, port: u16 },
    /// Where ZooKeeper says.
    Elected(ZooKeeperUrl),
}

impl MasterAddress {
    /// Reads `host:port`, `master@host:port` or `zk://host:port/path`.
    ///
    /// # Errors
    /// For anything else.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if ZooKeeperUrl::is_meant(text) {
            let url = text.parse().map_err(|error: UrlError| format!("cannot be read: {error}"));
            return url.map(Self::Elected);
        }
        let place = text.strip_prefix("master@").unwrap_or(text);
        let parts = place.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if is_host(host) && port != 0 => Ok(Self::At { host: host.to_owned(), port }),
            _ => Err(format!("is written as host:port, such as 127.0.0.1:5050, not `{text}`")),
        }
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
}

/// What becomes of executors that ran before a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recover {
    #[default]
    Reconnect,
    /// End them, and exit.
    Cleanup,
}

impl Recover {
    /// # Errors
    /// For any other word.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "reconnect" => Ok(Self::Reconnect),
            "cleanup" => Ok(Self::Cleanup),
            _ => Err(format!("knows reconnect and cleanup, not `{text}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_is_a_host_and_a_port() {
        for text in ["127.0.0.1:5050", "master@127.0.0.1:5050", " 127.0.0.1:5050\n"] {
            let address = MasterAddress::At { host: "127.0.0.1".into(), port: 5050 };
            assert_eq!(MasterAddress::parse(text), Ok(address), "{text}");
        }
        for text in ["localhost", ":5050", "host:0", "host:70000", "http://host:5050", "a b:1"] {
            assert!(MasterAddress::parse(text).unwrap_err().contains("host:port"), "{text}");
        }
        let elected = MasterAddress::parse("zk://z:2181/mesos").unwrap();
        assert!(matches!(elected, MasterAddress::Elected(url) if url.path == "/mesos"));
        assert!(MasterAddress::parse("zk://z:2181/").unwrap_err().contains("'/' is not supported"));
    }
}
