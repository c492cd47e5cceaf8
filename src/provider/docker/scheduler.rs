//! Our scheduler in a lab of containers: its settings are put into ZooKeeper, and Marathon is given the app.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bollard::query_parameters::StopContainerOptionsBuilder;
use serde_json::{Map, Value};

use super::{
    DockerLab, LabError,
    plan::{self, SCHEDULER_PORT},
};
use crate::{
    client::{Http, marathon::MarathonApi, masters::Masters, zookeeper::ZooKeeperUrl},
    host::scheduler::{self, Setup},
    provider::{
        self, Endpoints,
        ready::{self, NotReady},
        scheduler_app,
    },
    runtime::{Clock, Tasks},
    scheduler::config::SchedulerConfig,
    spec::LabSpec,
};

/// Where its state is, in the lab's ZooKeeper.
const NODE: &str = "/mesoslab/schedulers/lab";

/// How long Marathon may take to hear that the lab ends.
const FORGETTING: Duration = Duration::from_secs(3);

/// How long it may take to end.
const ENDING: Duration = Duration::from_secs(15);

/// The scheduler of one lab, as this machine reaches it.
pub struct DockerScheduler<'a> {
    pub lab: &'a DockerLab,
    pub spec: &'a LabSpec,
    pub endpoints: &'a Endpoints,
    pub clock: Clock,
    /// For the lock that keeps two of us from readying it at once.
    pub state_dir: PathBuf,
}

impl DockerScheduler<'_> {
    /// Readies what it keeps while it does not run: the lab file's settings where it has kept none, `changed` on top.
    /// `tasks_are_gone` where the lab begins.
    ///
    /// # Errors
    /// When ZooKeeper cannot be reached, or a setting is invalid.
    pub async fn prepare(&self, changed: &Map<String, Value>, tasks_are_gone: bool) -> Result<(), LabError> {
        let failed = |error: String| LabError::Other(format!("failed to ready the scheduler: {error}"));
        let url = self.endpoints.zookeeper.as_deref().unwrap_or_default();
        let zookeeper: ZooKeeperUrl = url.parse().map_err(|error| failed(format!("{url}: {error}")))?;
        let masters = Masters::parse(url).map_err(|error| failed(error.to_string()))?;
        let wanted = Value::Object(self.spec.scheduler.clone());
        let config =
            SchedulerConfig::default().patched(&wanted).map_err(|error| failed(error.to_string()))?;
        let setup = Setup::new(config, self.state_dir.clone(), masters);
        let setup = Setup {
            keep_in: Some(zookeeper.at(NODE.to_owned())),
            tasks_are_gone,
            options: plan::scheduler_options(self.spec.flavor, setup.options),
            ..setup
        };
        let tasks = Tasks::new();
        let prepared = scheduler::prepare(&tasks, &setup, changed).await;
        tasks.stop().await;
        prepared.map_err(|error| failed(error.to_string()))
    }

    /// Gives Marathon the app that runs `image`, as the engine pulls it from the lab's registry.
    ///
    /// # Errors
    /// When Marathon refuses it.
    pub async fn put(&self, marathon: &str, image: &str, port: u16) -> Result<(), LabError> {
        let network = format!("{}_default", plan::project(&self.spec.name));
        let publish = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let arguments = plan::scheduler_arguments(self.spec.flavor);
        let app = scheduler_app::of_container(image, &network, &arguments, publish, SCHEDULER_PORT);
        let put = marathon_at(marathon)?.put_app(scheduler_app::ID, &app).await;
        put.map_err(|error| LabError::Other(format!("failed to give Marathon the scheduler: {error}")))
    }

    /// Stops it; with `teardown` its framework and tasks end too. Waits until it has ended.
    ///
    /// # Errors
    /// When it cannot be told, or does not end.
    pub async fn stop(&self, teardown: bool) -> Result<(), LabError> {
        let Some(url) = &self.endpoints.scheduler else { return Ok(()) };
        if teardown {
            let failed =
                |error: String| LabError::Other(format!("failed to tear the framework down: {error}"));
            let api = provider::scheduler_api(url).map_err(|error| failed(error.to_string()))?;
            // One that is not subscribed cannot tell the master.
            ready::scheduler(&api, self.clock, ENDING)
                .await
                .map_err(|missing| failed(missing.to_string()))?;
            api.teardown().await.map_err(|error| failed(error.to_string()))?;
        }
        match &self.endpoints.marathon {
            Some(marathon) => {
                let deleted = marathon_at(marathon)?.delete_app(scheduler_app::ID).await;
                deleted.map_err(|error| LabError::Other(format!("failed to end the scheduler: {error}")))?;
            }
            None => self.stop_container().await?,
        }
        self.until_ended(url).await
    }

    async fn stop_container(&self) -> Result<(), LabError> {
        let name = plan::container_name(&plan::project(&self.spec.name), plan::SCHEDULER);
        let options = StopContainerOptionsBuilder::new().t(5).build();
        let stopped = self.lab.engine().api().stop_container(&name, Some(options)).await;
        stopped.map_err(LabError::when("stop the scheduler"))
    }

    /// Whether nobody answers there; a port that is published takes connections before anybody listens behind it.
    async fn until_ended(&self, url: &str) -> Result<(), LabError> {
        let api = provider::scheduler_api(url).map_err(|error| LabError::Other(error.to_string()))?;
        let gone = async || match api.state().await {
            Err(_) => Ok(()),
            Ok(_) => Err(NotReady(format!("the scheduler still answers at {url}"))),
        };
        ready::until(self.clock, ENDING, gone).await.map_err(|missing| LabError::Other(missing.to_string()))
    }
}

/// Takes the app from Marathon where it can: the next lab puts it there again when its settings are ready.
pub(super) async fn forget(endpoints: &Endpoints) {
    let marathon = endpoints.marathon.as_deref().and_then(|url| marathon_at(url).ok());
    if let Some(marathon) = marathon {
        let _not_to_be_reached =
            tokio::time::timeout(FORGETTING, marathon.delete_app(scheduler_app::ID)).await;
    }
}

fn marathon_at(url: &str) -> Result<MarathonApi, LabError> {
    MarathonApi::new(Http::new(), url).map_err(|error| LabError::Other(error.to_string()))
}
