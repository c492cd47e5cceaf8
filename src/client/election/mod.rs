//! Which of several masters leads, agreed upon in ZooKeeper exactly as Mesos does: each has an ephemeral node with a
//! number of its own, and the lowest number leads.
//!
//! ```text
//! /mesos/json.info_0000000007   {"id":"...","hostname":"...","port":5050,...}   leads
//! /mesos/json.info_0000000009   {...}                                           follows
//! /mesos/registry/...           no number: no master
//! ```

mod campaign;
pub mod members;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, time::Duration};

use tokio::sync::{mpsc, watch};

pub use self::campaign::{acl_of, follow};
use crate::{
    client::zookeeper::{ZooKeeper, ZooKeeperUrl},
    mesos::v1::MasterInfo,
    runtime::Tasks,
};

/// What a campaign tells, in this order: joined, then who leads, and so again after each expiry.
#[derive(Debug)]
pub enum News {
    /// We are one of the members, under this node; what is to be written as the leader is written in this session.
    Joined { client: ZooKeeper, node: String },
    /// Another one leads than before, or none; also when that cannot be known, since our session has expired.
    Leader(Option<Box<MasterInfo>>),
    /// Our node is gone. We contend again.
    LostCandidacy,
    /// It goes no further.
    Failed(String),
}

/// What is known of the leader.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Detection {
    /// Nobody has told yet.
    #[default]
    Unknown,
    Nobody,
    Leader(Box<MasterInfo>),
    /// It cannot be found out.
    Failed(String),
}

impl Detection {
    pub fn leader(&self) -> Option<&MasterInfo> {
        match self {
            Self::Leader(info) => Some(info),
            Self::Unknown | Self::Nobody | Self::Failed(_) => None,
        }
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.leader().map(members::address)
    }
}

/// Finds out who leads, again and again, until `tasks` is cancelled or nobody listens any more.
pub fn detect(tasks: &Tasks, url: ZooKeeperUrl, session_timeout: Duration) -> watch::Receiver<Detection> {
    let (told, detected) = watch::channel(Detection::default());
    let (news, mut heard) = mpsc::unbounded_channel();
    let campaign = tasks.child();
    let group = campaign.clone();
    tasks.spawn(async move {
        group.spawn(follow(group.clone(), url, session_timeout, None, news));
        loop {
            let news = tokio::select! {
                news = heard.recv() => news,
                () = told.closed() => None,
            };
            let Some(news) = news else { break };
            let detection = match news {
                News::Leader(Some(info)) => Detection::Leader(info),
                News::Leader(None) => Detection::Nobody,
                News::Failed(problem) => Detection::Failed(problem),
                News::Joined { .. } | News::LostCandidacy => continue,
            };
            told.send_replace(detection);
        }
        group.cancel();
    });
    detected
}
