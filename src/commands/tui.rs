//! `mesoslab tui`: finds the cluster and shows the dashboard.

use std::{io::IsTerminal, sync::Arc};

use crate::{
    cli,
    cluster::watch::{Addresses, Locate},
    error::{Context, Failure, Result},
    runtime::Clock,
    settings::{self, Settings},
    tui::{self, model::Lab, theme::Theme},
};

pub async fn run(settings: &Settings, args: &cli::Tui, clock: Clock) -> Result<()> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage("the dashboard needs a terminal").hint("mesoslab status --watch"));
    }
    let (lab, locate) = target(settings)?;
    let options = tui::Options { lab, locate, theme: Theme::dark(), read_only: args.read_only };
    tui::run(options, clock).await.context("use the terminal")
}

/// What to show, and how to find it again whenever a connection is made.
fn target(settings: &Settings) -> Result<(Lab, Locate)> {
    if let Some(flag) = settings.master_flag() {
        let addresses = Addresses {
            master: settings.master()?,
            scheduler: settings.scheduler().ok(),
            no_scheduler: "name our scheduler with --scheduler http://127.0.0.1:8090".to_owned(),
            ..Addresses::default()
        };
        let lab = Lab { name: flag.to_owned(), provider: "attach".to_owned() };
        return Ok((lab, Arc::new(move || Ok(addresses.clone()))));
    }
    let (state, record) = settings.record()?;
    let name = record.spec.name.clone();
    let lab = Lab { name, provider: "embedded".to_owned() };
    let locate = move || match state.record() {
        Ok(Some(record)) if state.is_running() => Ok(Addresses {
            master: record.endpoints.master.clone(),
            scheduler: record.endpoints.scheduler.clone(),
            no_scheduler: "the scheduler is stopped; mesoslab scheduler start".to_owned(),
            agents: record.endpoints.agents.into_iter().map(|(name, url)| (name.0, url)).collect(),
        }),
        Ok(Some(record)) => Err(settings::not_running(&record).message),
        Ok(None) => Err("the lab is gone".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    Ok((lab, Arc::new(locate)))
}
