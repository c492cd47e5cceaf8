//! What a lab has beside Mesos: ZooKeeper with Exhibitor, and Marathon.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use tokio::net::TcpListener;

use super::{
    masters::{self, PATH},
    ports,
    zookeeper::ZooKeeperUnit,
};
use crate::{
    client::{
        masters::Masters,
        zookeeper::{self, ZooKeeper, ZooKeeperUrl},
    },
    host::{
        exhibitor::{self, ExhibitorHandle},
        marathon::{self, MarathonHandle, Place},
    },
    runtime::{Clock, Tasks},
};

/// A lab's ZooKeeper is wanted at once, however often it dies.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Instances that one offer may hold: a lab has few agents, and they are large.
const MOST_PER_OFFER: usize = 100;

/// Where Marathon keeps its state, as it does by itself.
const MARATHON_PATH: &str = "/marathon";

/// ZooKeeper, and Exhibitor which keeps it running.
pub struct Coordination {
    zookeeper: ZooKeeperUnit,
    exhibitor: ExhibitorHandle,
}

impl Coordination {
    /// Starts both, and forgets the masters at these ports with their agents: none of them is left.
    ///
    /// # Errors
    /// When the data of ZooKeeper cannot be read or written.
    pub async fn start(
        tasks: &Tasks,
        clock: Clock,
        [zookeeper, exhibitor]: [TcpListener; 2],
        data_dir: PathBuf,
        last_masters: &[u16],
    ) -> io::Result<Self> {
        let (zookeeper, runner) = ZooKeeperUnit::start(tasks, clock, zookeeper, data_dir)?;
        let config = exhibitor::Config {
            allow_writes: true,
            longest_backoff: LONGEST_BACKOFF,
            supervised: Some(runner.orders()),
            ..exhibitor::Config::new(zookeeper.endpoint().to_string())
        };
        let exhibitor = exhibitor::start(tasks, clock, exhibitor, config)?;
        runner.follow(exhibitor.clone());
        let coordination = Self { zookeeper, exhibitor };
        let session = ZooKeeper::connect(tasks, zookeeper::Config::from(&coordination.masters_at()));
        masters::forget_the_last(&session, last_masters).await.map_err(io::Error::other)?;
        session.close().await;
        Ok(coordination)
    }

    /// Where the masters elect their leader.
    pub fn masters_at(&self) -> ZooKeeperUrl {
        self.at(PATH)
    }

    pub fn marathon_at(&self) -> ZooKeeperUrl {
        self.at(MARATHON_PATH)
    }

    fn at(&self, path: &str) -> ZooKeeperUrl {
        ZooKeeperUrl {
            servers: vec![self.zookeeper.endpoint().to_string()],
            authentication: None,
            path: path.to_owned(),
        }
    }

    pub fn exhibitor(&self) -> SocketAddr {
        self.exhibitor.endpoint()
    }

    /// Ends ZooKeeper as `kill -9` would; Exhibitor has it started again.
    pub async fn crash_zookeeper(&self) {
        self.zookeeper.crash().await;
    }
}

/// Marathon, which can be killed and started again.
pub struct MarathonUnit {
    tasks: Tasks,
    clock: Clock,
    address: SocketAddr,
    masters: Masters,
    state: ZooKeeperUrl,
    running: MarathonHandle,
}

impl MarathonUnit {
    /// `tasks_are_gone` when the lab begins: then it starts its apps anew at once.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub async fn start(
        tasks: &Tasks,
        clock: Clock,
        listener: TcpListener,
        masters: Masters,
        state: ZooKeeperUrl,
        tasks_are_gone: bool,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let config = config(&masters, &state, tasks_are_gone);
        let running = marathon::start(tasks, clock, listener, config).await?;
        Ok(Self { tasks: tasks.clone(), clock, address, masters, state, running })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it; its tasks run on.
    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// Ends it as `kill -9` would, and starts it again on its port.
    ///
    /// # Errors
    /// When its port is not to be had again, or its state cannot be read.
    pub async fn crash(self) -> io::Result<Self> {
        self.running.kill().await;
        let listener = ports::again(self.clock, self.address).await?;
        Self::start(&self.tasks, self.clock, listener, self.masters, self.state, false).await
    }
}

fn config(masters: &Masters, state: &ZooKeeperUrl, tasks_are_gone: bool) -> marathon::Config {
    let mut config = marathon::Config::new(masters.clone(), Place::ZooKeeper(state.clone()));
    config.options.launcher.max_instances_per_offer = MOST_PER_OFFER;
    config.tasks_are_gone = tasks_are_gone;
    config
}
