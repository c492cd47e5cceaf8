//! The lab's ZooKeeper: started and stopped as Exhibitor wants it, always on the same port, its data in the lab's state.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use super::ports;
use crate::{
    host::{
        exhibitor::{ExhibitorHandle, Order},
        zookeeper::{self, Config, ZooKeeperHandle},
    },
    runtime::{Clock, Tasks},
};

/// Of connections from one address: every component and every client is on this machine.
const ANY_NUMBER: usize = 0;

/// Who wants to be held for dead sooner than real servers allow may: nothing but this machine is between us.
const SHORTEST_SESSION: Duration = Duration::from_millis(100);

/// A ZooKeeper that Exhibitor looks after.
pub struct ZooKeeperUnit {
    endpoint: SocketAddr,
    crash: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

impl ZooKeeperUnit {
    /// Serves it on `listener`; [`Runner::follow`] keeps it running from then on.
    ///
    /// # Errors
    /// When its data cannot be read or written.
    pub fn start(
        tasks: &Tasks,
        clock: Clock,
        listener: TcpListener,
        data_dir: PathBuf,
    ) -> io::Result<(Self, Runner)> {
        let endpoint = listener.local_addr()?;
        let (crash, crashes) = mpsc::unbounded_channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let tasks = tasks.clone();
        let mut runner = Runner { tasks, clock, endpoint, data_dir, running: None, crashes, orders, ordered };
        runner.serve(listener)?;
        Ok((Self { endpoint, crash }, runner))
    }

    pub fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Cuts every connection without a word, as `kill -9` would. Exhibitor finds out, and has it started again.
    pub async fn crash(&self) {
        let (done, dead) = oneshot::channel();
        let _ended_already = self.crash.send(done);
        let _ended_meanwhile = dead.await;
    }
}

/// Who starts it, again and again.
pub struct Runner {
    tasks: Tasks,
    clock: Clock,
    endpoint: SocketAddr,
    data_dir: PathBuf,
    running: Option<ZooKeeperHandle>,
    crashes: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    orders: mpsc::UnboundedSender<Order>,
    ordered: mpsc::UnboundedReceiver<Order>,
}

impl Runner {
    /// For Exhibitor.
    pub fn orders(&self) -> mpsc::UnboundedSender<Order> {
        self.orders.clone()
    }

    /// Does what Exhibitor wants, until the tasks end.
    pub fn follow(mut self, exhibitor: ExhibitorHandle) {
        let tasks = self.tasks.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    Some(order) = self.ordered.recv() => self.obey(order, &exhibitor).await,
                    Some(done) = self.crashes.recv() => {
                        self.stop().await;
                        let _nobody_waits = done.send(());
                    }
                    () = failed(self.running.as_ref()) => {
                        self.stop().await;
                        exhibitor.exited("its log cannot be written");
                    }
                }
            }
        });
    }

    async fn obey(&mut self, order: Order, exhibitor: &ExhibitorHandle) {
        if order != Order::Start {
            self.stop().await;
        }
        if order == Order::Stop || self.running.is_some() {
            return;
        }
        let started = match ports::again(self.clock, self.endpoint).await {
            Ok(listener) => self.serve(listener),
            Err(error) => Err(error),
        };
        if let Err(error) = started {
            exhibitor.failed(error.to_string());
        }
    }

    fn serve(&mut self, listener: TcpListener) -> io::Result<()> {
        let mut config = Config { data_dir: Some(self.data_dir.clone()), ..Config::default() };
        config.service.max_client_cnxns = ANY_NUMBER;
        config.service.min_session_timeout = Some(SHORTEST_SESSION);
        self.running = Some(zookeeper::start(&self.tasks, self.clock, listener, config)?);
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

async fn failed(running: Option<&ZooKeeperHandle>) {
    match running {
        Some(running) => running.failed().await,
        None => std::future::pending().await,
    }
}
