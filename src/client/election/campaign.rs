//! A campaign: one session after the other in which the members are watched, and joined when we are a candidate.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{News, members};
use crate::{
    client::{
        retry::Retry,
        zookeeper::{Acl, Config, CreateMode, ErrorCode, Id, Perms, ZooKeeper, ZooKeeperError, ZooKeeperUrl},
    },
    mesos::v1::MasterInfo,
    runtime::Tasks,
};

/// The longest wait before something is tried again that may go well later.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Why a session is of no use any more.
#[derive(Debug)]
enum Ended {
    ZooKeeper(ZooKeeperError),
    /// What is written there cannot be read.
    Unreadable(String),
}

impl From<ZooKeeperError> for Ended {
    fn from(error: ZooKeeperError) -> Self {
        Self::ZooKeeper(error)
    }
}

/// What nodes of masters get: everybody reads them; who writes is told by the credentials, if there are any.
pub fn acl_of(url: &ZooKeeperUrl) -> Vec<Acl> {
    match url.authentication {
        Some(_) => {
            vec![Acl::new(Perms::READ, Id::anyone()), Acl::new(Perms::ALL, Id::new("auth", ""))]
        }
        None => Acl::open(),
    }
}

/// Tells who leads, and contends when there is a candidate, until that fails for good or nobody listens.
pub async fn follow(
    tasks: Tasks,
    url: ZooKeeperUrl,
    session_timeout: Duration,
    candidate: Option<MasterInfo>,
    news: mpsc::UnboundedSender<News>,
) {
    let campaign = Campaign { url, candidate, news };
    let mut retry = Retry::new(uuid::Uuid::new_v4().as_u64_pair().0).at_most(LONGEST_WAIT);
    loop {
        let config = Config { session_timeout, ..Config::from(&campaign.url) };
        let client = ZooKeeper::connect(&tasks, config);
        match campaign.session(&client).await {
            Ended::ZooKeeper(error) if error.is_expiry() => {
                tracing::info!("the ZooKeeper session of the election has expired");
                retry.succeeded();
            }
            Ended::ZooKeeper(error) if error.is_transient() => {
                tracing::warn!(%error, "the election goes on later");
            }
            Ended::ZooKeeper(error) => return campaign.tell(News::Failed(error.to_string())),
            Ended::Unreadable(problem) => return campaign.tell(News::Failed(problem)),
        }
        campaign.tell(News::Leader(None));
        if campaign.news.is_closed() {
            return;
        }
        tokio::time::sleep(retry.wait()).await;
    }
}

struct Campaign {
    url: ZooKeeperUrl,
    candidate: Option<MasterInfo>,
    news: mpsc::UnboundedSender<News>,
}

impl Campaign {
    fn tell(&self, news: News) {
        let _nobody_listens = self.news.send(news);
    }

    async fn session(&self, client: &ZooKeeper) -> Ended {
        match self.watch(client).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn watch(&self, client: &ZooKeeper) -> Result<std::convert::Infallible, Ended> {
        client.ensure_path(&self.url.path, &acl_of(&self.url)).await?;
        let mut own = self.join(client).await?;
        let mut leader = None;
        loop {
            let (names, mut changed) = client.children_watched(&self.url.path).await?;
            if own.as_ref().is_some_and(|own| !names.contains(own)) {
                self.tell(News::LostCandidacy);
                own = self.join(client).await?;
                continue;
            }
            let now = members::leader(&names);
            if leader.as_ref() != Some(&now) {
                let info = match &now {
                    Some(member) => self.read(client, member).await?,
                    None => None,
                };
                self.tell(News::Leader(info.map(Box::new)));
                leader = Some(now);
            }
            changed.changed().await?;
        }
    }

    /// None when the node is gone before it could be read.
    async fn read(&self, client: &ZooKeeper, member: &members::Member) -> Result<Option<MasterInfo>, Ended> {
        match client.get(&self.path_of(&member.name)).await {
            Ok((data, _)) => members::read(member, &data).map(Some).map_err(Ended::Unreadable),
            Err(error) if error.code == ErrorCode::NoNode => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url.path)
    }

    /// The name of our node, if we are a candidate.
    async fn join(&self, client: &ZooKeeper) -> Result<Option<String>, ZooKeeperError> {
        let Some(candidate) = &self.candidate else { return Ok(None) };
        let data = Bytes::from(members::to_json(candidate));
        let path = self.path_of(&format!("{}_", members::JSON_LABEL));
        let acl = acl_of(&self.url);
        let node = loop {
            let mode = CreateMode::EphemeralSequential;
            match client.create(&path, data.clone(), mode, &acl).await {
                Ok(node) => break node,
                Err(error) if error.code == ErrorCode::ConnectionLoss => {
                    if let Some(node) = self.find_own(client).await? {
                        break node;
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let name = node.rsplit('/').next().unwrap_or_default().to_owned();
        tracing::info!(node, "contending for leadership");
        self.tell(News::Joined { client: client.clone(), node });
        Ok(Some(name))
    }

    /// The node that we may have made when the connection broke.
    async fn find_own(&self, client: &ZooKeeper) -> Result<Option<String>, ZooKeeperError> {
        client.sync(&self.url.path).await?;
        for name in client.children(&self.url.path).await? {
            let path = self.path_of(&name);
            let stat = client.exists(&path).await?;
            if stat.is_some_and(|stat| stat.ephemeral_owner == client.session_id()) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}
