//! `up` with the lab in one process: in this one, or in one in the background that is told what to become.

use std::time::Duration;

use super::{Started, UpRun};
use crate::{
    error::{Context, Failure, Result},
    provider::{
        embedded::{
            self,
            control::{self, Answer, Order},
            process::LabProcess,
        },
        ready::{self, NotReady},
    },
    runtime::Signals,
    settings::Settings,
};

/// How long the end of a killed process may take.
const DYING: Duration = Duration::from_secs(3);

impl UpRun<'_> {
    pub(super) async fn background(&self) -> Result<()> {
        let applied = if self.state.is_running() { self.apply().await? } else { None };
        let started = match applied {
            Some(applied) => applied,
            None => self.spawn().await?,
        };
        self.ready(&started).await
    }

    /// The lab in this process, until a signal or `down` ends it.
    pub(super) async fn foreground(&self) -> Result<()> {
        if self.state.is_running() {
            let hint = format!("mesoslab down{}", Settings::name_suffix(&self.spec.name));
            return Err(
                Failure::failed(format!("lab `{}` runs in the background", self.spec.name)).hint(hint)
            );
        }
        let signals = Signals::listen().context("listen for signals")?;
        let process = LabProcess::start(self.spec.clone(), self.state.clone(), self.clock)
            .await
            .map_err(|error| self.start_failure(&error))?;
        let started = Started {
            endpoints: process.lab().endpoints(),
            changes: Vec::new(),
            in_use: process.lab().ports_in_use().to_vec(),
        };
        let ready = async {
            match self.ready(&started).await {
                Ok(()) => self.settings.printer.say("Ctrl-C stops the lab"),
                Err(failure) => drop(self.settings.printer.failure(&failure)),
            }
            std::future::pending().await
        };
        tokio::select! {
            ended = process.run(signals) => ended.context("stop the lab"),
            never = ready => never,
        }
    }

    /// Whether a process that does not answer ends within moments.
    async fn ended(&self) -> bool {
        let gone = async || if self.state.is_running() { Err(NotReady("it runs".into())) } else { Ok(()) };
        ready::until(self.clock, DYING, gone).await.is_ok()
    }

    async fn spawn(&self) -> Result<Started> {
        if let Ok(Some(record)) = self.state.record()
            && !record.stopped
        {
            self.settings.printer.say(format!("  healing: process {} of this lab had died", record.pid));
        }
        let in_use =
            embedded::spawn(self.state, self.spec).await.map_err(|error| self.start_failure(&error))?;
        let record = self.state.record().context("read the lab's record")?;
        let endpoints = record.map(|record| record.endpoints).unwrap_or_default();
        Ok(Started { endpoints, changes: Vec::new(), in_use })
    }

    /// Changes the lab that runs; `None` when it turns out to be dying.
    async fn apply(&self) -> Result<Option<Started>> {
        let order = Order::Apply(Box::new(self.spec.clone()));
        let answer = match control::order(&self.state.socket(), &order).await {
            Ok(answer) => answer,
            Err(_) if self.ended().await => return Ok(None),
            Err(error) => return Err(error).context("reach the lab's process"),
        };
        match answer {
            Answer::Done { changes, endpoints } => {
                let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
                self.say_changes(&changes);
                Ok(Some(Started { endpoints: *endpoints, changes, in_use: Vec::new() }))
            }
            Answer::Failed { message } => Err(self.failure(format!("the lab could not change: {message}"))),
        }
    }
}
