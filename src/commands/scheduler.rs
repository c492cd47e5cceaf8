//! `mesoslab scheduler` and `mesoslab serve scheduler`: our framework's scheduler in the lab, or on its own.

use std::{path::PathBuf, time::Duration};

use tokio::net::TcpListener;

use crate::{
    cli::{SchedulerAction, SchedulerArgs},
    client::{masters::Masters, zookeeper::ZooKeeperUrl},
    commands::{
        containers::{self, Start},
        serve::trusted,
        vagrant,
    },
    error::{Code, Context, Failure, Result},
    host::{self, scheduler::SchedulerHandle},
    provider::{
        self, Endpoints,
        docker::images::Images,
        embedded::control::{self, Answer, Order},
        ready,
        state::{ContainerRecord, LabRecord, StateDir},
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
        SchedulerAction::Stop { teardown } => stop(settings, teardown, clock).await,
        SchedulerAction::Run(args) => serve(settings, &args, clock).await,
    }
}

async fn start(settings: &Settings, clock: Clock) -> Result<()> {
    let (state, record) = settings.running()?;
    if let Some(url) = record.endpoints.scheduler.as_deref()
        && goes_on(url).await
    {
        settings.printer.say(format!("  the scheduler runs already: {url}"));
        return Ok(());
    }
    let url = match &record.containers {
        Some(there) => start_in_container(settings, &state, &record, there, clock).await?,
        None if vagrant::is_of_machines(&record) => {
            vagrant::start_scheduler(settings).await?;
            record.endpoints.scheduler.clone().unwrap_or_default()
        }
        None => order(&state, &Order::SchedulerStart, "start").await?.scheduler.unwrap_or_default(),
    };
    let api = provider::scheduler_api(&url).context("talk to the scheduler")?;
    let summary = ready::scheduler(&api, clock, STARTING).await.map_err(|missing| {
        Failure::new(Code::NotReady, missing.to_string()).hint("mesoslab logs scheduler")
    })?;
    settings.printer.say(format!("  {} scheduler  {url}   {}", settings.printer.tick(), summary.summary));
    Ok(())
}

/// Has the lab's process do something to its scheduler; gives where the lab answers then.
async fn order(state: &StateDir, order: &Order, what: &str) -> Result<Endpoints> {
    match control::order(&state.socket(), order).await.context("reach the lab's process")? {
        Answer::Done { endpoints, .. } => Ok(*endpoints),
        Answer::Failed { message } => {
            Err(Failure::failed(format!("the scheduler could not {what}: {message}")))
        }
    }
}

/// From the image in the lab's registry; gives where it answers.
async fn start_in_container(
    settings: &Settings,
    state: &StateDir,
    record: &LabRecord,
    there: &ContainerRecord,
    clock: Clock,
) -> Result<String> {
    let lab = containers::lab(record, there, clock).await?;
    let spec = &record.spec;
    let failed = |error| containers::failure(&spec.name, "the scheduler could not start", &error);
    let board = settings.printer.board();
    let images = Images::of(spec).ensure(lab.engine(), &|event| board.show(event)).await?;
    let drawn = lab.draw(spec, &images, &there.ports).await.map_err(failed)?;
    let start = Start { settings, lab: &lab, spec, state, clock, wait: STARTING };
    containers::start_scheduler(&start, &drawn, Some(record)).await?;
    let endpoints = drawn.endpoints;
    let url = endpoints.scheduler.clone().unwrap_or_default();
    write_endpoints(state, record, endpoints)?;
    Ok(url)
}

fn write_endpoints(state: &StateDir, record: &LabRecord, endpoints: Endpoints) -> Result<()> {
    state.write_record(&LabRecord { endpoints, ..record.clone() }).context("write the lab's record")
}

/// Whether it has not given up because another took its framework over.
async fn goes_on(url: &str) -> bool {
    let Ok(api) = provider::scheduler_api(url) else { return false };
    api.state().await.is_ok_and(|state| state.phase != Phase::Stopped)
}

async fn stop(settings: &Settings, teardown: bool, clock: Clock) -> Result<()> {
    let (state, record) = settings.running()?;
    if record.endpoints.scheduler.is_none() {
        settings.printer.say("  the scheduler is stopped already");
        return Ok(());
    }
    match &record.containers {
        Some(there) => {
            let lab = containers::lab(&record, there, clock).await?;
            let start =
                Start { settings, lab: &lab, spec: &record.spec, state: &state, clock, wait: STARTING };
            let stopped = start.scheduler(&record.endpoints).stop(teardown).await;
            stopped.map_err(|error| {
                containers::failure(&record.spec.name, "the scheduler could not stop", &error)
            })?;
            write_endpoints(&state, &record, Endpoints { scheduler: None, ..record.endpoints.clone() })?;
        }
        None if vagrant::is_of_machines(&record) => {
            vagrant::stop_scheduler(settings, &record.endpoints, teardown, clock).await?;
        }
        None => drop(order(&state, &Order::SchedulerStop { teardown }, "stop").await?),
    }
    let tasks = if teardown { "its tasks ended with it" } else { "its tasks go on" };
    settings.printer.say(format!("  {} scheduler stopped, {tasks}", settings.printer.tick()));
    Ok(())
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
    let masters = settings.masters()?;
    let keep_in = keep_in(args, &masters, &config.name)?;
    let setup = host::scheduler::Setup::new(config, work_dir, masters);
    let options = match &args.executor_binary {
        Some(path) => setup.options.with_executor_at(path),
        None => setup.options,
    };
    let setup = host::scheduler::Setup { keep_in, networks, options, ..setup };
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
