//! `mesoslab serve registry`: a registry of container images, until a signal ends it.

use std::io;

use tokio::net::TcpListener;

use crate::{
    cli::ServeRegistry,
    commands::lab_process,
    error::{Context, Result},
    host::registry::{self, Config},
    runtime::{Clock, Signals, Tasks},
    settings::Settings,
};

/// # Errors
/// When it cannot listen, or its data directory cannot be used.
pub async fn run(settings: &Settings, args: &ServeRegistry, clock: Clock) -> Result<()> {
    let networks = super::trusted("the registry", args.listen, args.allow_networks.as_deref())?;
    let mut signals = Signals::listen().context("listen for signals")?;
    lab_process::raise_open_files();
    lab_process::log_to(io::stderr);
    let listener = TcpListener::bind(args.listen)
        .await
        .context(format_args!("listen on {}", args.listen))
        .map_err(|failure| failure.hint("--listen 127.0.0.1:0 takes any free port"))?;
    let tasks = Tasks::new();
    let config = Config { data_dir: args.data_dir.clone(), networks };
    let handle = registry::start(&tasks, clock, listener, config).context("start the registry")?;
    let (tick, endpoint) = (settings.printer.tick(), handle.endpoint());
    settings.printer.say(format!("  {tick} registry  http://{endpoint}   Ctrl-C stops it"));
    signals.next().await;
    tasks.stop().await;
    Ok(())
}
