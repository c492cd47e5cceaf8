//! `mesoslab serve executor`: our custom executor, which an agent starts and tells everything in its environment.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    client::{Http, executor::ExecutorApi},
    commands::lab_process,
    engine::own_executor::Terms,
    error::{Context, Failure, Result},
    host::executor::{self, Config, Recovery},
    mesos::duration,
    runtime::{Clock, Signals, Tasks},
    settings::Settings,
};

const DEFAULT_SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_secs(5);
const DEFAULT_RECOVERY_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const DEFAULT_BACKOFF: Duration = Duration::from_secs(2);

/// Variables that are the executor's own business, not that of its tasks.
const OWN: [&str; 3] =
    ["MESOS_EXECUTOR_AUTHENTICATION_TOKEN", "MESOS_RECOVERY_TIMEOUT", "MESOS_SUBSCRIPTION_BACKOFF_MAX"];

/// # Errors
/// When no agent has started us, the agent refuses us, or says that something went wrong.
pub async fn run(settings: &Settings, clock: Clock) -> Result<()> {
    let variables: BTreeMap<String, String> = super::variables().into_iter().collect();
    let given = Given(&variables);
    let (agent, config) = (given.agent()?, given.config()?);
    let token = variables.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN").cloned();
    let api = ExecutorApi::new(Http::new(), agent, token)
        .map_err(|error| Failure::usage(format!("MESOS_AGENT_ENDPOINT: {error}")))?;
    let mut signals = Signals::listen().context("listen for signals")?;
    lab_process::log_to(std::io::stderr);
    let tasks = Tasks::new();
    let ended = executor::run(&tasks, clock, api, config, &mut signals).await;
    tasks.stop().await;
    settings.printer.detail("the executor has ended");
    ended.map_err(|error| Failure::failed(error.to_string()))
}

/// What the agent has given us.
struct Given<'a>(&'a BTreeMap<String, String>);

impl<'a> Given<'a> {
    fn needed(&self, name: &str) -> Result<&'a str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
            Failure::usage(format!("{name} is not set: an executor is started by an agent, which sets it"))
                .hint("mesoslab config set executor=custom has it run the lab's tasks")
        })
    }

    fn duration(&self, name: &str, default: Duration) -> Result<Duration> {
        let Some(text) = self.0.get(name) else { return Ok(default) };
        duration::parse(text).map_err(|error| Failure::usage(format!("{name}: {error}")))
    }

    fn agent(&self) -> Result<&'a str> {
        self.needed("MESOS_AGENT_ENDPOINT")
    }

    fn config(&self) -> Result<Config> {
        let mut environment = self.0.clone();
        OWN.iter().for_each(|name| {
            environment.remove(*name);
        });
        let terms = Terms {
            framework_id: self.needed("MESOS_FRAMEWORK_ID")?.into(),
            executor_id: self.needed("MESOS_EXECUTOR_ID")?.into(),
            sandbox: self.0.get("MESOS_SANDBOX").map_or_else(working_directory, |given| Ok(given.clone()))?,
            environment,
            shutdown_grace_period: self
                .duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", DEFAULT_SHUTDOWN_GRACE_PERIOD)?,
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
        };
        let recovery = Recovery {
            timeout: self.duration("MESOS_RECOVERY_TIMEOUT", DEFAULT_RECOVERY_TIMEOUT)?,
            backoff: self.duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", DEFAULT_BACKOFF)?,
        };
        let checkpoints = self.0.get("MESOS_CHECKPOINT").is_some_and(|value| value == "1");
        Ok(Config { terms, recovery: checkpoints.then_some(recovery) })
    }
}

fn working_directory() -> Result<String> {
    let directory = std::env::current_dir().context("find the working directory")?;
    Ok(directory.display().to_string())
}
