//! `mesoslab serve marathon`: a Marathon with flags of its own and of Marathon, until a signal ends it.

use std::{net::SocketAddr, time::Duration};

use tokio::net::TcpListener;

use crate::{
    cli::ServeMarathon,
    client::{masters::Masters, zookeeper::ZooKeeperUrl},
    commands::lab_process,
    error::{Context, Failure, Result},
    host::{
        accounts::own_name,
        http::Guard,
        marathon::{self, Config, Place},
    },
    runtime::{Clock, Signals, Tasks},
    services::marathon::{Options, PortRange, launcher},
    settings::Settings,
};

/// # Errors
/// When the master cannot be found out, it cannot listen, or its state cannot be read.
pub async fn run(settings: &Settings, args: &ServeMarathon, clock: Clock) -> Result<()> {
    let master = match (settings.master_flag(), std::env::var("MARATHON_MASTER")) {
        (None, Ok(master)) => master,
        _ => settings.master()?,
    };
    let place = place(settings, args)?;
    let mut signals = Signals::listen().context("listen for signals")?;
    lab_process::raise_open_files();
    lab_process::log_to(std::io::stderr);
    let address = args.listen.unwrap_or_else(|| SocketAddr::new(args.http_address, args.http_port));
    let listener = TcpListener::bind(address)
        .await
        .context(format_args!("listen on {address}"))
        .map_err(|failure| failure.hint("--http_port=0 takes any free port"))?;
    let masters = Masters::parse(&master).context("find the master")?;
    let config = Config {
        options: options(args, &master, address),
        guard: guard(address, args),
        networks: super::admitted(address.ip(), args.allow_networks.as_deref())?,
        ..Config::new(masters, place)
    };
    let tasks = Tasks::new();
    let handle = marathon::start(&tasks, clock, listener, config).await.context("start Marathon")?;
    let (tick, url) = (settings.printer.tick(), handle.endpoint());
    settings
        .printer
        .say(format!("  {tick} marathon  {url}   for the master {master}; Ctrl-C ends it, tasks go on"));
    signals.next().await;
    tokio::select! {
        () = handle.stop() => {}
        () = signals.next() => {}
    }
    tasks.stop().await;
    Ok(())
}

fn place(settings: &Settings, args: &ServeMarathon) -> Result<Place> {
    if let Some(zk) = &args.zk {
        let url = ZooKeeperUrl::parse_any(zk);
        return url.map(Place::ZooKeeper).map_err(|error| Failure::usage(format!("`--zk`: {error}")));
    }
    if args.in_memory {
        return Ok(Place::Memory);
    }
    if let Some(dir) = &args.state_dir {
        return Ok(Place::Dir(dir.clone()));
    }
    Ok(Place::Dir(settings.state()?.path().join("serve-marathon")))
}

fn options(args: &ServeMarathon, master: &str, address: SocketAddr) -> Options {
    let millis = Duration::from_millis;
    let here = address.ip();
    let hostname = if here.is_unspecified() { "localhost".to_owned() } else { here.to_string() };
    Options {
        framework_name: args.framework_name.clone(),
        user: args.mesos_user.clone().unwrap_or_else(own_name),
        hostname: args.hostname.clone().unwrap_or(hostname),
        webui_url: args.webui_url.clone(),
        failover_timeout: Duration::from_secs(args.failover_timeout),
        checkpoint: !args.disable_checkpoint,
        principal: args.principal.clone(),
        master: master.to_owned(),
        zk: args.zk.clone(),
        ports: PortRange { first: args.local_port_min, last: args.local_port_max },
        max_running_deployments: args.max_running_deployments,
        max_versions: args.zk_max_versions,
        features: args.enable_features.clone(),
        default_network: args.default_network_name.clone(),
        launcher: launcher::api::Options {
            role: args.mesos_role.clone(),
            decline_for: millis(args.decline_offer_duration),
            min_revive_interval: millis(args.min_revive_offers_interval),
            max_instances_per_offer: args.max_instances_per_offer,
            reconcile_interval: millis(args.reconciliation_interval),
            launch_confirm_timeout: millis(args.task_launch_confirm_timeout),
            launch_timeout: millis(args.task_launch_timeout),
            env_prefix: args.env_vars_prefix.clone(),
            ..launcher::api::Options::default()
        },
        ..Options::default()
    }
}

fn guard(address: SocketAddr, args: &ServeMarathon) -> Guard {
    if address.ip().is_loopback() { Guard::with_hosts(args.hostname.clone()) } else { Guard::open() }
}
