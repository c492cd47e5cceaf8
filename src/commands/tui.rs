//! `mesoslab tui`: finds the cluster and shows the dashboard, or prints one picture of it.

use std::{io::IsTerminal, sync::Arc};

use ratatui::layout::Size;

use crate::{
    cli::{self, Picture},
    cluster::watch::{Addresses, Locate},
    error::{Code, Context, Failure, Result},
    printer,
    provider::state::{LabRecord, StateDir},
    runtime::Clock,
    settings::{self, Settings},
    tui::{
        self,
        model::{Lab, Tab},
        picture,
        still::{Still, Waits, still},
        svg::svg,
        theme::Theme,
    },
};

/// Where there is no terminal.
const SIZE: (u16, u16) = (120, 36);

pub async fn run(settings: &Settings, args: &cli::Tui, clock: Clock) -> Result<()> {
    if args.print.is_none() {
        on_a_terminal()?;
    }
    let theme = theme(args.theme.as_deref())?;
    let (lab, locate) = target(settings)?;
    let title = format!("mesoslab tui: {}", lab.name);
    let options = tui::Options { lab, locate, theme, read_only: args.read_only, tab: tab(args.tab) };
    let Some(format) = args.print else {
        return tui::run(options, clock).await.context("show the dashboard");
    };
    let (columns, rows) = args.size.or_else(|| crossterm::terminal::size().ok()).unwrap_or(SIZE);
    let waits = Waits { patience: args.wait, after: args.after };
    let Still { picture, missing } = still(options, Size::new(columns, rows), waits, clock).await;
    settings.printer.data(match format {
        Picture::Text => picture::text(&picture),
        Picture::Svg => svg(&picture, &title),
    })?;
    match missing {
        None => Ok(()),
        Some(missing) => {
            let message = format!(
                "the picture is not whole after {}: {missing}",
                humantime::format_duration(args.wait)
            );
            Err(Failure::new(Code::NotReady, message).hint("mesoslab tui --print --wait 30s"))
        }
    }
}

fn on_a_terminal() -> Result<()> {
    let problem = if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        "the dashboard needs a terminal"
    } else if !printer::is_smart() {
        "the dashboard needs a terminal that can move its cursor, and TERM=dumb says that this one cannot"
    } else {
        return Ok(());
    };
    Err(Failure::usage(problem).hint("mesoslab tui --print, or mesoslab status --watch"))
}

fn theme(name: Option<&str>) -> Result<Theme> {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Theme::chosen(name, no_color).map_err(|error| Failure::usage(error).hint("mesoslab tui --theme dark"))
}

/// What to show, and how to find it again whenever a connection is made.
fn target(settings: &Settings) -> Result<(Lab, Locate)> {
    let scheduler = settings.scheduler_flag()?;
    if let Some(flag) = settings.master_flag() {
        let addresses = Addresses {
            master: settings.master()?,
            scheduler,
            no_scheduler: "no --scheduler was named".to_owned(),
            ..Addresses::default()
        };
        let lab = Lab { name: flag.to_owned(), provider: "attach".to_owned() };
        return Ok((lab, Arc::new(move || Ok(addresses.clone()))));
    }
    let (state, record) = settings.record()?;
    let lab = Lab { name: record.spec.name, provider: record.spec.provider.word().to_owned() };
    Ok((lab, Arc::new(move || addresses(&state, scheduler.clone()))))
}

/// Where the lab's components are now, or why they are not.
fn addresses(state: &StateDir, scheduler: Option<String>) -> Result<Addresses, String> {
    let record = state.record().map_err(|error| error.to_string())?;
    let record = record.ok_or_else(|| "the lab is gone".to_owned())?;
    if !state.is_running() {
        return Err(down(&record));
    }
    let suffix = Settings::name_suffix(&record.spec.name);
    let endpoints = &record.endpoints;
    let several = !endpoints.more_masters.is_empty();
    let masters = endpoints.named_masters().into_iter().filter(|_| several);
    let services = endpoints.services().map(|(name, url)| (name.to_owned(), url.to_owned()));
    Ok(Addresses {
        master: endpoints.master_list(),
        published: endpoints.published.clone(),
        masters: masters.map(|(name, url)| (name, url.to_owned())).collect(),
        services: services.collect(),
        scheduler: scheduler.or(record.endpoints.scheduler),
        no_scheduler: format!("the scheduler is stopped; mesoslab scheduler start{suffix}"),
        agents: record.endpoints.agents.into_iter().map(|(name, url)| (name.0, url)).collect(),
        engine: record.containers.map(|containers| (containers.engine, record.spec.name)),
    })
}

fn down(record: &LabRecord) -> String {
    let failure = settings::not_running(record);
    let hint = failure.hint.as_deref().and_then(|hint| hint.split("   ").next());
    format!("{}; {}", failure.message, hint.unwrap_or_default())
}

fn tab(tab: cli::Tab) -> Tab {
    match tab {
        cli::Tab::Overview => Tab::Overview,
        cli::Tab::Offers => Tab::Offers,
        cli::Tab::Tasks => Tab::Tasks,
        cli::Tab::Agents => Tab::Agents,
        cli::Tab::Frameworks => Tab::Frameworks,
        cli::Tab::Components => Tab::Components,
        cli::Tab::Events => Tab::Events,
    }
}
