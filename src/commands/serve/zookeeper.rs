//! `mesoslab serve zookeeper`: a ZooKeeper of its own, until a signal ends it.

use std::io;

use tokio::net::TcpListener;

use crate::{
    cli::ServeZooKeeper,
    commands::lab_process,
    error::{Context, Failure, Result},
    host::zookeeper,
    runtime::{Clock, Signals, Tasks},
    services,
    settings::Settings,
};

/// # Errors
/// When it cannot listen, or read and write its data directory; and when the disk takes no more while it serves.
pub async fn run(settings: &Settings, args: &ServeZooKeeper, clock: Clock) -> Result<()> {
    let mut signals = Signals::listen().context("listen for signals")?;
    lab_process::raise_open_files();
    lab_process::log_to(io::stderr);
    let tasks = Tasks::new();
    let listener = TcpListener::bind(args.listen)
        .await
        .context(format_args!("listen on {}", args.listen))
        .map_err(|failure| failure.hint("--listen 127.0.0.1:0 takes any free port"))?;
    let server = zookeeper::start(&tasks, clock, listener, config(args)?).context("start ZooKeeper")?;
    let (tick, endpoint) = (settings.printer.tick(), server.endpoint());
    settings.printer.say(format!("  {tick} zookeeper  zk://{endpoint}   Ctrl-C stops it"));
    let failed = tokio::select! {
        () = signals.next() => false,
        () = server.failed() => true,
    };
    server.stop().await;
    tasks.stop().await;
    if failed { Err(Failure::failed("the data directory takes no more; see the log above")) } else { Ok(()) }
}

fn config(args: &ServeZooKeeper) -> Result<zookeeper::Config> {
    Ok(zookeeper::Config {
        service: services::zookeeper::Config {
            tick_time: args.tick_time,
            min_session_timeout: args.min_session_timeout,
            max_session_timeout: args.max_session_timeout,
            max_client_cnxns: args.max_client_cnxns,
            ..services::zookeeper::Config::default()
        },
        data_dir: args.data_dir.clone(),
        jute_max_buffer: args.jute_maxbuffer,
        snap_count: args.snap_count,
        networks: super::admitted(args.listen.ip(), args.allow_networks.as_deref())?,
    })
}
