//! Several masters of which one leads: whom to ask next.

use std::{sync::Arc, time::Duration};

use reqwest::Url;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    client::{
        ClientError,
        election::{self, Detection},
        http::base_url,
        published::Published,
        zookeeper::{DEFAULT_SESSION_TIMEOUT, ZooKeeperUrl},
    },
    runtime::Tasks,
};

/// How long somebody waits for a leader to be elected.
const PATIENCE: Duration = Duration::from_secs(20);

/// Addresses of masters, or where they elect their leader, and the one that is believed to lead.
#[derive(Clone, Debug)]
pub struct Masters {
    known: Vec<Url>,
    at: usize,
    /// Named by a redirect, or found in ZooKeeper.
    leader: Option<Url>,
    election: Option<Box<Election>>,
    published: Published,
}

/// Where the leader is looked up. Clones share one session.
#[derive(Clone, Debug)]
struct Election {
    url: ZooKeeperUrl,
    detected: Option<watch::Receiver<Detection>>,
    tasks: Tasks,
    _ends_with_the_last: Arc<DropGuard>,
}

impl Election {
    fn new(url: ZooKeeperUrl) -> Self {
        let tasks = Tasks::new();
        let token: CancellationToken = tasks.token();
        Self { url, detected: None, tasks, _ends_with_the_last: Arc::new(token.drop_guard()) }
    }

    fn detected(&mut self) -> watch::Receiver<Detection> {
        let Self { url, detected, tasks, .. } = self;
        detected.get_or_insert_with(|| election::detect(tasks, url.clone(), DEFAULT_SESSION_TIMEOUT)).clone()
    }
}

impl Masters {
    /// # Errors
    /// When there is none, or one is no `http://` address.
    pub fn new<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Result<Self, ClientError> {
        let known: Vec<_> = urls.into_iter().map(|url| base_url(url.as_ref())).collect::<Result<_, _>>()?;
        if known.is_empty() {
            return Err(ClientError::NoLeader("no master is named".to_owned()));
        }
        Ok(Self::of(known))
    }

    /// Reads `zk://host:port/path`, or a list with commas: `http://a:5050,http://b:5050`.
    ///
    /// # Errors
    /// As [`Masters::new`].
    pub fn parse(list: &str) -> Result<Self, ClientError> {
        if ZooKeeperUrl::is_meant(list) {
            return Self::elected(list);
        }
        Self::new(list.split(',').map(str::trim).filter(|url| !url.is_empty()))
    }

    fn elected(text: &str) -> Result<Self, ClientError> {
        let url: ZooKeeperUrl =
            text.parse().map_err(|error| ClientError::NoLeader(format!("{text}: {error}")))?;
        let first = url.servers.first().map_or("", String::as_str);
        let place = format!("zk://{first}{}", url.path);
        let known = Url::parse(&place).map_err(|_| ClientError::Url(place))?;
        Ok(Self { election: Some(Box::new(Election::new(url))), ..Self::of(vec![known]) })
    }

    fn of(known: Vec<Url>) -> Self {
        Self { known, at: 0, leader: None, election: None, published: Published::default() }
    }

    /// Masters of a lab of containers, which is reached at other addresses than its masters and agents tell.
    #[must_use]
    pub fn published_at(self, published: Published) -> Self {
        Self { published, ..self }
    }

    /// Where the lab's masters and agents answer on this machine, if it is such a lab.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// Where the masters elect their leader, if they were named so.
    pub fn zookeeper(&self) -> Option<&ZooKeeperUrl> {
        self.election.as_ref().map(|election| &election.url)
    }

    /// How many times another master may be tried when one does not answer.
    pub fn others(&self) -> usize {
        if self.known.len() > 1 { self.known.len() } else { 0 }
    }

    /// The one that is believed to lead; before one is found, where it is looked for.
    pub fn current(&self) -> &Url {
        self.leader.as_ref().unwrap_or(&self.known[self.at])
    }

    /// Finds out who leads, where ZooKeeper knows; waits for one to be elected.
    ///
    /// # Errors
    /// When none is for long, or ZooKeeper refuses.
    pub async fn find(&mut self) -> Result<(), ClientError> {
        let Some(election) = &mut self.election else { return Ok(()) };
        let place = election.url.to_string();
        let mut detected = election.detected();
        let is_settled = |it: &Detection| matches!(it, Detection::Leader(_) | Detection::Failed(_));
        let none = |why: &str| ClientError::NoLeader(format!("{place}: {why}"));
        let found = tokio::time::timeout(PATIENCE, detected.wait_for(is_settled)).await;
        let found = found.map_err(|_| none("no master is elected"))?;
        let found = found.map_err(|_| none("the search has ended"))?.clone();
        if let Detection::Failed(problem) = &found {
            return Err(none(problem));
        }
        let address = found.address().ok_or_else(|| none("no master is elected"))?;
        self.leader = Some(base_url(&address.to_string())?);
        Ok(())
    }

    /// Waits until ZooKeeper names another leader than the current one; without it, for ever.
    pub async fn moved(&self) {
        let detected = self.election.as_ref().and_then(|election| election.detected.clone());
        let Some(mut detected) = detected else { return std::future::pending().await };
        let elsewhere = |it: &Detection| {
            let url = it.address().and_then(|address| base_url(&address.to_string()).ok());
            url.is_some_and(|url| url != *self.current())
        };
        if detected.wait_for(elsewhere).await.is_err() {
            std::future::pending().await
        }
    }

    /// The current master's URL of `path`, such as `/api/v1`.
    pub fn endpoint(&self, path: &str) -> Url {
        let mut url = self.current().clone();
        url.set_path(path);
        url
    }

    /// The current one does not answer, or does not lead: take the next.
    pub fn failed(&mut self) {
        // ZooKeeper says when there is another one.
        if self.election.is_some() {
            return;
        }
        if self.leader.take().is_none() {
            self.at = (self.at + 1) % self.known.len();
        }
    }

    /// Follows the `Location` of a 307, which may lack the scheme (`//host:port/path`). False when it leads nowhere new.
    pub fn redirected(&mut self, location: &str) -> bool {
        let Ok(mut url) = self.current().join(location) else { return false };
        url.set_path("/");
        url.set_query(None);
        url = self.published.master(url);
        if url.scheme() != "http" || url == *self.current() {
            return false;
        }
        self.leader = Some(url);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Masters, Published};

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
    fn follows_the_leader_to_where_its_lab_publishes_it() {
        let published =
            Published::new([("master-1", "http://127.0.0.1:5050"), ("master-2", "http://127.0.0.1:5052")]);
        let masters = Masters::parse("127.0.0.1:5050,127.0.0.1:5052").unwrap();
        let mut masters = masters.published_at(published);
        assert!(masters.redirected("//master-2:5052/api/v1"));
        assert_eq!(masters.current().as_str(), "http://127.0.0.1:5052/");
        assert!(!masters.redirected("//master-2:5052/"), "it is asked already");
    }

    #[test]
    fn reads_where_leaders_are_elected() {
        let masters = Masters::parse("zk://user:secret@a,b:2182/mesos").unwrap();
        assert_eq!(masters.zookeeper().unwrap().servers, ["a:2181", "b:2182"]);
        assert!(!masters.current().as_str().contains("secret"));
    }

    #[test]
    fn refuses_what_is_no_address() {
        assert!(Masters::parse("").is_err());
        assert!(Masters::parse("zk://a:2181/").is_err());
    }
}
