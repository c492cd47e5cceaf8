//! The hidden commands: the background process of an embedded lab, and the guard over its tasks.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::PathBuf, sync::Mutex};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
};

use crate::{
    cli,
    error::{Context, Result},
    provider::{embedded::process, state::StateDir},
    runtime::{self, Clock},
    settings::Settings,
    spec::SpecLayer,
};

pub fn run(state: PathBuf, clock: Clock) -> Result<()> {
    // Leaves the terminal of `up`: its Ctrl-C and its end are not ours. Fails only where we lead a group already.
    let _ = rustix::process::setsid();
    raise_open_files();
    log_to(std::io::stderr);
    let lab = process::run(StateDir::at(state), clock);
    runtime::block_on_lab(lab).context("start a runtime")?.context("run the lab")
}

/// `up --foreground` talks on the terminal, so its log goes where the background process' log goes.
pub fn log_to_file_of(settings: &Settings, args: &cli::Up) -> Result<()> {
    let spec = settings.spec(SpecLayer { provider: args.provider, ..SpecLayer::default() })?;
    let state = StateDir::of(&spec.name).context("find the state directory")?;
    state.create().context(format_args!("make `{}`", state.path().display()))?;
    let path = state.log();
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .context(format_args!("open `{}`", path.display()))?;
    raise_open_files();
    log_to(Mutex::new(file));
    Ok(())
}

/// Sends the log of this process to `writer`; `MESOSLAB_LOG` (such as `mesoslab=debug`) says how much is logged.
pub fn log_to<W>(writer: W)
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    log_from(LevelFilter::INFO, writer);
}

/// As [`log_to`], with another level where `MESOSLAB_LOG` says nothing.
pub fn log_from<W>(level: LevelFilter, writer: W)
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted = std::env::var("MESOSLAB_LOG").ok().and_then(|words| words.parse().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_target("mesoslab", level));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(layer);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("the log is set up already");
    }
}

/// Every task takes pipes and files for a moment: asks for as many as the system lets us have.
pub fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
