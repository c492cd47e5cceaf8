//! `mesoslab scheduler` and `mesoslab serve scheduler`: our framework's scheduler in the lab, or on its own.

use std::{path::PathBuf, time::Duration};

use tokio::net::TcpListener;

use crate::{
    cli::{SchedulerAction, SchedulerArgs},
    client::{masters::Masters, zookeeper::ZooKeeperUrl},
    commands::serve::trusted,
    error::{Code, Context, Failure, Result},
    host::{self, scheduler::SchedulerHandle},
    provider::{
        self,
        embedded::control::{self, Answer, Order},
        ready,
    },
    runtime::{Clock, Signals, Tasks},
    scheduler::{api::Phase, config::SchedulerConfig},
    settings::Settings,
    spec::SpecLayer,
};

/// How long a scheduler that is started may take to subscribe.
const STARTING: Duration = Duration::from_secs(30);

/// Below it are the states of schedulers whose master is found in ZooKeeper, by the framework's name.
const STATES: &str = "/mesoslab/schedulers";

pub async fn run(settings: &Settings, action: SchedulerAction, clock: Clock) -> Result<()> {
    match action {
        SchedulerAction::Start => start(settings, clock).await,
        SchedulerAction::Stop { teardown } => stop(settings, teardown).await,
        SchedulerAction::Run(args) => serve(settings, &args, clock).await,
    }
}

async fn start(settings: &Settings, clock: Clock) -> Result<()> {
    let (state, record) = settings.running()?;
    if let Some(url) = record.endpoints.scheduler
        && goes_on(&url).await
    {
        settings.printer.say(format!("  the scheduler runs already: {url}"));
        return Ok(());
    }
    match control::order(&state.socket(), &Order::SchedulerStart).await.context("reach the lab's process")? {
        Answer::Done { endpoints, .. } => {
            let url = endpoints.scheduler.unwrap_or_default();
            let api = provider::scheduler_api(&url).context("talk to the scheduler")?;
            let state = ready::scheduler(&api, clock, STARTING).await.map_err(|missing| {
                Failure::new(Code::NotReady, missing.to_string()).hint("mesoslab logs scheduler")
            })?;
            settings.printer.say(format!(
                "  {} scheduler  {url}   {}",
                settings.printer.tick(),
                state.summary
            ));
            Ok(())
        }
        Answer::Failed { message } => {
            Err(Failure::failed(format!("the scheduler could not start: {message}")))
        }
    }
}

/// Whether it has not given up because another took its framework over.
async fn goes_on(url: &str) -> bool {
    let Ok(api) = provider::scheduler_api(url) else { return false };
    api.state().await.is_ok_and(|state| state.phase != Phase::Stopped)
}

async fn stop(settings: &Settings, teardown: bool) -> Result<()> {
    let (state, record) = settings.running()?;
    if record.endpoints.scheduler.is_none() {
        settings.printer.say("  the scheduler is stopped already");
        return Ok(());
    }
    let order = Order::SchedulerStop { teardown };
    match control::order(&state.socket(), &order).await.context("reach the lab's process")? {
        Answer::Done { .. } => {
            let tasks = if teardown { "its tasks ended with it" } else { "its tasks go on" };
            settings.printer.say(format!("  {} scheduler stopped, {tasks}", settings.printer.tick()));
            Ok(())
        }
        Answer::Failed { message } => {
            Err(Failure::failed(format!("the scheduler could not stop: {message}")))
        }
    }
}

/// Runs a scheduler in the foreground until a signal ends it; its tasks go on.
///
/// # Errors
/// When it cannot listen, its kept state cannot be read, no master is known, or its framework was taken over.
pub async fn serve(settings: &Settings, args: &SchedulerArgs, clock: Clock) -> Result<()> {
    let networks = trusted("the scheduler's API", args.listen, args.allow_networks.as_deref())?;
    let master = settings.master()?;
    let mut signals = Signals::listen().context("listen for signals")?;
    let listener = TcpListener::bind(args.listen)
        .await
        .context(format_args!("listen on {}", args.listen))
        .map_err(|failure| failure.hint("--listen 127.0.0.1:0 takes any free port"))?;
    let work_dir = work_dir(settings, args)?;
    let config = first_config(settings, args)?;
    let tasks = Tasks::new();
    super::lab_process::log_to(std::io::stderr);
    let masters = Masters::parse(&master).context("find the master")?;
    let keep_in = keep_in(args, &masters, &config.name)?;
    let setup = host::scheduler::Setup {
        keep_in,
        networks,
        ..host::scheduler::Setup::new(config, work_dir, masters)
    };
    let handle =
        host::scheduler::start(&tasks, clock, listener, setup).await.context("start the scheduler")?;
    let ended = watch(settings, &handle, &master, &mut signals).await;
    tokio::select! {
        () = handle.stop(false) => {}
        () = signals.next() => {}
    }
    tasks.stop().await;
    ended
}

/// Says how it goes until a signal comes.
///
/// # Errors
/// When the scheduler stops by itself.
async fn watch(
    settings: &Settings,
    handle: &SchedulerHandle,
    master: &str,
    signals: &mut Signals,
) -> Result<()> {
    let Settings { printer, .. } = settings;
    printer.say(format!("  connecting to {master}\nCtrl-C stops the scheduler; its tasks go on"));
    let greet = async {
        handle.subscribed().await;
        printer.say(format!(
            "  {} scheduler  {}   for the master {master}",
            printer.tick(),
            handle.endpoint()
        ));
        std::future::pending().await
    };
    tokio::select! {
        () = signals.next() => Ok(()),
        reason = handle.stopped() => Err(Failure::failed(format!("the scheduler has stopped: {reason}"))),
        ended = greet => ended,
    }
}

/// The settings of a scheduler that has kept none: the lab file's, with `--tasks` on top.
fn first_config(settings: &Settings, args: &SchedulerArgs) -> Result<SchedulerConfig> {
    let mut set = settings.spec(SpecLayer::default())?.scheduler;
    if let Some(count) = args.tasks {
        set.insert("num_of_node".into(), count.into());
    }
    SchedulerConfig::default().patched(&set.into()).context("read the scheduler's settings")
}

/// The node of the state; none for the file.
fn keep_in(args: &SchedulerArgs, masters: &Masters, name: &str) -> Result<Option<ZooKeeperUrl>> {
    match args.state.as_deref() {
        Some("file") => Ok(None),
        Some(place) => match place.parse() {
            Ok(node) => Ok(Some(node)),
            Err(error) => Err(Failure::usage(format!("`--state {place}` cannot be read: {error}"))
                .hint("--state zk://127.0.0.1:2181/mesoslab/schedulers/mine, or --state file")),
        },
        None => Ok(masters.zookeeper().map(|url| url.at(format!("{STATES}/{name}")))),
    }
}

fn work_dir(settings: &Settings, args: &SchedulerArgs) -> Result<PathBuf> {
    match &args.work_dir {
        Some(dir) => Ok(dir.clone()),
        None => Ok(settings.state()?.path().join("serve-scheduler")),
    }
}
