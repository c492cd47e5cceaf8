//! `mesoslab serve exhibitor`: an Exhibitor over any ZooKeeper, which it also runs where it is given a command.

use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    cli::ServeExhibitor,
    commands::lab_process,
    error::{Context, Failure, Result},
    host::exhibitor::{self, Config, child},
    runtime::{Clock, Signals, Tasks},
    settings::Settings,
};

/// # Errors
/// When it cannot listen, or the address of the ZooKeeper is none.
pub async fn run(settings: &Settings, args: &ServeExhibitor, clock: Clock) -> Result<()> {
    let networks = super::trusted("Exhibitor's API", args.listen, args.allow_networks.as_deref())?;
    let mut signals = Signals::listen().context("listen for signals")?;
    let listener = TcpListener::bind(args.listen)
        .await
        .context(format_args!("listen on {}", args.listen))
        .map_err(|failure| failure.hint("--listen 127.0.0.1:0 takes any free port"))?;
    lab_process::log_to(std::io::stderr);
    let tasks = Tasks::new();
    let (orders, ordered) = mpsc::unbounded_channel();
    let config = Config {
        check_every: args.check,
        allow_writes: args.allow_writes,
        networks,
        supervised: args.command.as_ref().map(|_| orders),
        ..Config::new(args.zookeeper.clone())
    };
    let started = exhibitor::start(&tasks, clock, listener, config);
    let handle =
        started.map_err(|error| Failure::usage(error.to_string()).hint("--zookeeper 127.0.0.1:2181"))?;
    if let Some(command) = &args.command {
        child::supervise(&tasks, handle.clone(), command.clone(), ordered);
    }
    settings.printer.say(format!(
        "  {} exhibitor  http://{}   for the ZooKeeper {}; Ctrl-C stops it",
        settings.printer.tick(),
        handle.endpoint(),
        args.zookeeper
    ));
    signals.next().await;
    tasks.stop().await;
    Ok(())
}
