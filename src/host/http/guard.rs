//! Who may ask: a web page in the user's browser can reach loopback ports, so `Host` and `Origin` are checked.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header};

/// Which names a request may use for this listener. Loopback names and the address it came in on always pass.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    hosts: Vec<String>,
    open: bool,
}

impl Guard {
    /// Loopback names only.
    pub fn loopback() -> Self {
        Self::default()
    }

    /// Loopback names and these.
    pub fn with_hosts(hosts: impl IntoIterator<Item = String>) -> Self {
        Self { hosts: hosts.into_iter().collect(), open: false }
    }

    /// Anybody, as Apache Mesos has it.
    pub fn open() -> Self {
        Self { hosts: Vec::new(), open: true }
    }

    /// The reason for a refusal. A request without `Host` passes: no browser sends one. Nor does one send an empty
    /// `Host`, as libprocess does with every message.
    pub(super) fn refusal(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        local: IpAddr,
        message: bool,
    ) -> Option<String> {
        if self.open {
            return None;
        }
        let texts = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
        let names_us = |host: &str| (message && host.is_empty()) || self.answers_to(host, local);
        if let Some(host) = texts(header::HOST).find(|host| !names_us(host)) {
            return Some(format!("403 Forbidden. Host '{host}' is not a name of this listener."));
        }
        if let Some(host) = uri.authority().filter(|host| !self.answers_to(host.as_str(), local)) {
            return Some(format!("403 Forbidden. Host '{host}' is not a name of this listener."));
        }
        texts(header::ORIGIN)
            .find(|origin| !self.knows_origin(origin, local))
            .map(|origin| format!("403 Forbidden. Origin '{origin}' is foreign."))
    }

    /// A name without a dot is one that only the machine or its network gives, such as that of a container: no page of
    /// somebody else's can be under it. What changes something still needs an `Origin` of ours.
    fn answers_to(&self, host_and_port: &str, local: IpAddr) -> bool {
        self.knows(host_and_port, local) || is_single_label(without_port(host_and_port))
    }

    fn knows_origin(&self, origin: &str, local: IpAddr) -> bool {
        origin.split_once("://").is_some_and(|(_, host)| self.knows(host, local))
    }

    fn knows(&self, host_and_port: &str, local: IpAddr) -> bool {
        let host = without_port(host_and_port);
        is_loopback(host)
            || host.parse::<IpAddr>().is_ok_and(|ip| ip == local)
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// `127.0.0.1:5050` is `127.0.0.1`, `[::1]:5050` is `::1`.
fn without_port(host: &str) -> &str {
    if let Some((inside, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside;
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn is_single_label(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(host: Option<&str>, origin: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            value.map(|value| headers.insert(name, value.parse().unwrap()));
        }
        let guard = Guard::with_hosts(["lab.test".to_owned()]);
        guard.refusal(&Uri::from_static("/state"), &headers, "10.1.2.3".parse().unwrap(), false)
    }

    #[test]
    fn own_names_pass() {
        for host in ["localhost:5050", "127.0.0.1", "127.9.9.9:1", "[::1]:5050", "10.1.2.3:5050", "LAB.test"]
        {
            assert_eq!(refusal(Some(host), None), None, "{host}");
        }
        assert_eq!(refusal(Some("mesos-master:5050"), None), None);
        assert_eq!(refusal(None, None), None);
        assert_eq!(refusal(None, Some("http://localhost:3000")), None);
    }

    #[test]
    fn a_second_host_counts_too() {
        let mut headers = HeaderMap::new();
        for host in ["localhost", "evil.test"] {
            headers.append(header::HOST, host.parse().unwrap());
        }
        let local = "127.0.0.1".parse().unwrap();
        assert!(Guard::loopback().refusal(&Uri::from_static("/state"), &headers, local, true).is_some());
    }

    #[test]
    fn an_empty_host_is_a_message() {
        let mut headers = HeaderMap::new();
        let (uri, local) = (Uri::from_static("/master/x"), "127.0.0.1".parse().unwrap());
        headers.append(header::HOST, "".parse().unwrap());
        assert_eq!(Guard::loopback().refusal(&uri, &headers, local, true), None);
        assert!(Guard::loopback().refusal(&uri, &headers, local, false).is_some());
        headers.append(header::HOST, "evil.test".parse().unwrap());
        assert!(Guard::loopback().refusal(&uri, &headers, local, true).is_some());
    }

    #[test]
    fn foreign_names_do_not() {
        for host in ["evil.test", "10.1.2.4", "localhost.evil.test", "127.0.0.1.evil.test:5050", "", "x."] {
            assert!(refusal(Some(host), None).is_some(), "{host}");
        }
        assert!(refusal(Some("mesos-master"), Some("http://wiki")).is_some());
        for origin in ["http://evil.test", "null", "https://localhost.evil.test"] {
            assert!(refusal(Some("localhost"), Some(origin)).is_some(), "{origin}");
        }
    }
}
