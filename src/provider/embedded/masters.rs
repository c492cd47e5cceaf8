//! The lab's masters: each on a port of its own, electing their leader in the lab's ZooKeeper.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::TcpListener;

use crate::{
    client::zookeeper::{ErrorCode, ZooKeeper, ZooKeeperError, ZooKeeperUrl},
    engine::master::MasterConfig,
    host::master::{Contest, MasterHandle, Seat, WhenDeposed, start_contending},
    runtime::{Clock, Tasks},
    spec::MasterSpec,
};

/// Where the masters elect their leader, as in Mesos' own documents.
pub const PATH: &str = "/mesos";

/// All masters of one lab, in the order of their names.
pub struct LabMasters {
    tasks: Tasks,
    clock: Clock,
    contest: Contest,
    seat: Seat,
    all: Vec<MasterHandle>,
}

impl LabMasters {
    /// None yet; they elect their leader in the ZooKeeper at `url`.
    pub fn new(tasks: &Tasks, clock: Clock, url: ZooKeeperUrl, session_timeout: Duration) -> Self {
        let seat = Seat::default();
        let contest = Contest {
            url,
            session_timeout,
            when_deposed: WhenDeposed::ContendAnew,
            seat: Some(seat.clone()),
        };
        Self { tasks: tasks.clone(), clock, contest, seat, all: Vec::new() }
    }

    /// Where agents find the leader.
    pub fn seat(&self) -> Seat {
        self.seat.clone()
    }

    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.all.iter().map(MasterHandle::endpoint)
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Starts one more.
    ///
    /// # Errors
    /// When its listener is not usable.
    pub fn add(&mut self, listener: TcpListener, spec: &MasterSpec) -> io::Result<()> {
        let master = self.start(listener, spec)?;
        self.all.push(master);
        Ok(())
    }

    /// Ends the last one. Where it led, another one will.
    pub fn remove_last(&mut self) {
        if let Some(master) = self.all.pop() {
            master.kill();
        }
    }

    /// Goes on with other settings, without a pause.
    pub fn reconfigure(&self, spec: &MasterSpec) {
        for master in &self.all {
            master.reconfigure(
                spec.allocation_interval,
                spec.offer_timeout,
                spec.offer_freed_resources_at_once,
            );
        }
    }

    /// The number of the one that leads.
    pub fn leader(&self) -> Option<usize> {
        let leader = self.seat.leader()?.endpoint();
        self.addresses().position(|address| address == leader)
    }

    /// Ends one as `kill -9` would, and starts it again on its port.
    ///
    /// # Errors
    /// When there is none of this number, or its port is not to be had again.
    pub async fn crash(&mut self, at: usize, spec: &MasterSpec) -> io::Result<()> {
        let master = self.all.get(at).ok_or_else(|| io::Error::other("there is no such master"))?;
        let address = master.endpoint();
        master.kill();
        let listener = super::ports::again(self.clock, address).await?;
        self.all[at] = self.start(listener, spec)?;
        Ok(())
    }

    fn start(&self, listener: TcpListener, spec: &MasterSpec) -> io::Result<MasterHandle> {
        start_contending(&self.tasks, self.clock, listener, master_config(spec), self.contest.clone())
    }
}

fn master_config(spec: &MasterSpec) -> MasterConfig {
    MasterConfig {
        allocation_interval: spec.allocation_interval,
        offer_timeout: spec.offer_timeout,
        offer_freed_resources_at_once: spec.offer_freed_resources_at_once,
        ..MasterConfig::default()
    }
}

/// Removes what the lab before has left, of which nothing lives: its agents from the registry, so that nobody waits for
/// them, and the masters at these addresses from the election, so that nobody takes one for the leader until its session
/// has expired.
///
/// # Errors
/// When ZooKeeper does not do it.
pub async fn forget_the_last(zookeeper: &ZooKeeper, last: &[u16]) -> Result<(), ZooKeeperError> {
    let agents = format!("{PATH}/registry/agents");
    for name in children(zookeeper, &agents).await? {
        zookeeper.delete(&format!("{agents}/{name}"), None).await?;
    }
    for name in children(zookeeper, PATH).await? {
        let path = format!("{PATH}/{name}");
        let (content, _) = zookeeper.get(&path).await?;
        let info: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
        let is_ours = |port: &u16| info["port"] == *port && info["address"]["ip"] == "127.0.0.1";
        if last.iter().any(is_ours) {
            zookeeper.delete(&path, None).await?;
        }
    }
    Ok(())
}

async fn children(zookeeper: &ZooKeeper, path: &str) -> Result<Vec<String>, ZooKeeperError> {
    match zookeeper.children(path).await {
        Err(error) if error.code == ErrorCode::NoNode => Ok(Vec::new()),
        names => names,
    }
}
