//! The lab's scheduler: an app of the lab's Marathon, or a part of the lab's process where there is none.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use serde_json::{Map, Value};
use tokio::net::TcpStream;

use super::ports;
use crate::{
    client::{Http, marathon::MarathonApi, masters::Masters, zookeeper::ZooKeeperUrl},
    host::scheduler::{self, SchedulerHandle, Setup},
    provider::{
        self,
        ready::{self, NotReady},
        scheduler_app,
    },
    runtime::{Clock, Tasks},
    scheduler::config::SchedulerConfig,
};

/// Where its state is, in the lab's ZooKeeper.
const NODE: &str = "/mesoslab/schedulers/lab";

/// How long an app may take to end.
const ENDING: Duration = Duration::from_secs(15);

/// Our scheduler in one lab.
pub struct LabScheduler {
    tasks: Tasks,
    clock: Clock,
    setup: Setup,
    at: At,
}

/// Where it runs.
enum At {
    Nowhere,
    Here(SchedulerHandle),
    /// A task that Marathon keeps running, with its API here.
    Marathon(SocketAddr),
}

impl LabScheduler {
    /// It does not run yet. It finds its master in ZooKeeper, and keeps its state there; in `state_dir` it has a lock.
    ///
    /// # Errors
    /// None but for a URL that is none, and where this program cannot be found.
    pub fn new(tasks: &Tasks, clock: Clock, state_dir: PathBuf, masters: &ZooKeeperUrl) -> io::Result<Self> {
        let state = masters.at(NODE.to_owned());
        let masters = Masters::parse(&masters.to_string()).map_err(io::Error::other)?;
        let setup = Setup::new(SchedulerConfig::default(), state_dir, masters);
        // Its agents run on this machine, with this program.
        let options = setup.options.with_executor_at(std::env::current_exe()?);
        let setup = Setup { keep_in: Some(state), options, ..setup };
        Ok(Self { tasks: tasks.clone(), clock, setup, at: At::Nowhere })
    }

    /// Where its API is, unless it is stopped.
    pub fn url(&self) -> Option<String> {
        match &self.at {
            At::Nowhere => None,
            At::Here(scheduler) => Some(scheduler.endpoint()),
            At::Marathon(address) => Some(format!("http://{address}")),
        }
    }

    /// Whether it goes on; not where it has given up because another took its framework over.
    pub fn is_there(&self) -> bool {
        match &self.at {
            At::Nowhere => false,
            At::Here(scheduler) => !scheduler.has_stopped(),
            At::Marathon(_) => true,
        }
    }

    /// Readies what it keeps: `set` holds where it has kept no settings, `changed` on top. `tasks_are_gone` when the lab
    /// begins: its guard has seen to it that none is left of the last one.
    ///
    /// # Errors
    /// When the state cannot be read or written, or a setting is invalid.
    pub async fn prepare(
        &mut self,
        set: &Map<String, Value>,
        changed: &Map<String, Value>,
        tasks_are_gone: bool,
    ) -> io::Result<()> {
        if let At::Here(given_up) = std::mem::replace(&mut self.at, At::Nowhere) {
            given_up.stop(false).await;
        }
        let config =
            SchedulerConfig::default().patched(&Value::Object(set.clone())).map_err(io::Error::other)?;
        let setup = Setup { config, tasks_are_gone, ..self.setup.clone() };
        scheduler::prepare(&self.tasks, &setup, changed).await.map_err(io::Error::other)
    }

    /// Starts it, unless it runs: on the port that is wished for, or the last one, or a free one. Gives the port that was
    /// taken.
    ///
    /// # Errors
    /// When there is no port, its state cannot be read, or Marathon refuses it.
    pub async fn start(
        &mut self,
        marathon: Option<String>,
        (wished, last): (u16, Option<u16>),
    ) -> io::Result<Option<u16>> {
        if !matches!(self.at, At::Nowhere) {
            return Ok(None);
        }
        let Some(marathon) = marathon else {
            let bound = ports::bind(wished, last).await?;
            let setup = self.setup.clone();
            let started = scheduler::start(&self.tasks, self.clock, bound.listener, setup).await;
            self.at = At::Here(started.map_err(io::Error::other)?);
            return Ok(bound.in_use);
        };
        let (address, in_use) = ports::reserve(wished, last).await?;
        let app = scheduler_app::of_process(&std::env::current_exe()?, &self.setup, address);
        let marathon = MarathonApi::new(Http::new(), &marathon).map_err(io::Error::other)?;
        marathon.put_app(scheduler_app::ID, &app).await.map_err(io::Error::other)?;
        self.at = At::Marathon(address);
        Ok(in_use)
    }

    /// Stops it; with `teardown` its framework and tasks end too. Waits until it has ended.
    ///
    /// # Errors
    /// When Marathon does not end it.
    pub async fn stop(&mut self, marathon: Option<String>, teardown: bool) -> io::Result<()> {
        match &self.at {
            At::Nowhere => {}
            At::Here(_) => {
                if let At::Here(scheduler) = std::mem::replace(&mut self.at, At::Nowhere) {
                    scheduler.stop(teardown).await;
                }
            }
            At::Marathon(address) => {
                let address = *address;
                let url = format!("http://{address}");
                let api = provider::scheduler_api(&url).map_err(io::Error::other)?;
                if teardown {
                    // One that is not subscribed cannot tell the master.
                    ready::scheduler(&api, self.clock, ENDING).await.map_err(io::Error::other)?;
                    api.teardown().await.map_err(io::Error::other)?;
                }
                let marathon = marathon.ok_or_else(|| io::Error::other("Marathon is gone"))?;
                let marathon = MarathonApi::new(Http::new(), &marathon).map_err(io::Error::other)?;
                marathon.delete_app(scheduler_app::ID).await.map_err(io::Error::other)?;
                self.until_ended(address).await?;
                self.at = At::Nowhere;
            }
        }
        Ok(())
    }

    async fn until_ended(&self, address: SocketAddr) -> io::Result<()> {
        let gone = async || match TcpStream::connect(address).await {
            Err(_) => Ok(()),
            Ok(_) => Err(NotReady(format!("the scheduler still listens on {address}"))),
        };
        ready::until(self.clock, ENDING, gone).await.map_err(io::Error::other)
    }

    /// For a lab that ends: the app stays with Marathon, for the next one.
    pub async fn end(&mut self) {
        if let At::Here(scheduler) = std::mem::replace(&mut self.at, At::Nowhere) {
            scheduler.stop(false).await;
        }
    }
}
