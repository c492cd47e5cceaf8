//! Where probes of a container go: into it, or to its address.

use std::{net::IpAddr, sync::Arc};

use bollard::{exec::StartExecResults, models::ExecConfig};
use futures_util::StreamExt;

use super::{Site, life, reason};
use crate::{
    engine::{
        agent::{Command, plain_variables},
        executor::check::{ProbeOutcome, command_status},
    },
    mesos::v1::CommandInfo,
};

/// A container that is probed.
#[derive(Clone, Debug)]
pub(in crate::host) struct Target {
    site: Arc<Site>,
    name: String,
}

impl Target {
    pub(super) fn new(site: Arc<Site>, name: &str) -> Self {
        Self { site, name: name.to_owned() }
    }

    /// None when the container is in the network that the agent is in, too.
    ///
    /// # Errors
    /// When the engine does not say.
    pub async fn address(&self) -> Result<Option<IpAddr>, String> {
        let engine = self.site.engine().await?;
        let inspected = engine.api().inspect_container(&self.name, None).await;
        let inspected = inspected.map_err(|error| reason(&error))?;
        Ok(life::told(&inspected).addresses.into_iter().next())
    }

    /// Runs a command in the container; what it prints is dropped.
    pub async fn run(&self, info: &CommandInfo) -> ProbeOutcome {
        let cmd = match Command::from_info(info).ok_or("the check has no command")? {
            Command::Shell(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
            // The first argument is the name that the program sees of itself, which the engine cannot be told.
            Command::Exec { path, arguments } => {
                std::iter::once(path).chain(arguments.into_iter().skip(1)).collect()
            }
        };
        let own = info.environment.as_ref().into_iter().flat_map(plain_variables);
        let config = ExecConfig {
            cmd: Some(cmd),
            env: Some(own.map(|(name, value)| format!("{name}={value}")).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let code = self.exec(config).await?;
        Ok(command_status(i32::try_from(code).unwrap_or(-1)))
    }

    async fn exec(&self, config: ExecConfig) -> Result<i64, String> {
        let engine = self.site.engine().await?;
        let made = engine.api().create_exec(&self.name, config).await.map_err(|error| reason(&error))?;
        let started = engine.api().start_exec(&made.id, None).await.map_err(|error| reason(&error))?;
        if let StartExecResults::Attached { mut output, .. } = started {
            while output.next().await.is_some() {}
        }
        let inspected = engine.api().inspect_exec(&made.id).await.map_err(|error| reason(&error))?;
        inspected.exit_code.ok_or_else(|| "the check has not ended".to_owned())
    }
}
