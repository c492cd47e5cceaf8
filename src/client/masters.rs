//! Several masters of which one leads: whom to ask next.

use reqwest::Url;

use crate::client::{ClientError, http::base_url};

/// Addresses of masters, and the one that is believed to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masters {
    known: Vec<Url>,
    at: usize,
    /// Named by a redirect.
    leader: Option<Url>,
}

impl Masters {
    /// # Errors
    /// When there is none, or one is no `http://` address.
    pub fn new<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Result<Self, ClientError> {
        let known: Vec<_> = urls.into_iter().map(|url| base_url(url.as_ref())).collect::<Result<_, _>>()?;
        if known.is_empty() {
            return Err(ClientError::NoLeader("no master is named".to_owned()));
        }
        Ok(Self { known, at: 0, leader: None })
    }

    /// Reads a list with commas: `http://a:5050,http://b:5050`.
    ///
    /// # Errors
    /// As [`Masters::new`].
    pub fn parse(list: &str) -> Result<Self, ClientError> {
        Self::new(list.split(',').map(str::trim).filter(|url| !url.is_empty()))
    }

    pub fn current(&self) -> &Url {
        self.leader.as_ref().unwrap_or(&self.known[self.at])
    }

    /// The current master's URL of `path`, such as `/api/v1`.
    pub fn endpoint(&self, path: &str) -> Url {
        let mut url = self.current().clone();
        url.set_path(path);
        url
    }

    /// The current one does not answer, or does not lead: take the next.
    pub fn failed(&mut self) {
        if self.leader.take().is_none() {
            self.at = (self.at + 1) % self.known.len();
        }
    }

    /// Follows the `Location` of a 307, which may lack the scheme (`//host:port/path`). False when it leads nowhere new.
    pub fn redirected(&mut self, location: &str) -> bool {
        let Ok(mut url) = self.current().join(location) else { return false };
        url.set_path("/");
        url.set_query(None);
        if url.scheme() != "http" || url == *self.current() {
            return false;
        }
        self.leader = Some(url);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Masters;

    #[test]
    fn goes_round_and_follows_the_leader() {
        let mut masters = Masters::parse("a:5050, http://b:5050").unwrap();
        assert_eq!(masters.endpoint("/api/v1").as_str(), "http://a:5050/api/v1");
        masters.failed();
        assert_eq!(masters.current().as_str(), "http://b:5050/");
        assert!(masters.redirected("//c:5050/api/v1/scheduler"));
        assert_eq!(masters.current().as_str(), "http://c:5050/");
        assert!(!masters.redirected("//c:5050/"));
        masters.failed();
        assert_eq!(masters.current().as_str(), "http://b:5050/");
    }

    #[test]
    fn refuses_what_is_no_address() {
        assert!(Masters::parse("").is_err());
        assert!(Masters::parse("zk://a:2181/mesos").is_err());
    }
}
