//! `mesoslab down`: ends a lab, and looks that nothing of it is left.

use std::time::Duration;

use crate::{
    cli,
    commands::{containers, vagrant},
    error::{Code, Context, Failure, Result},
    host::{docker, guard},
    provider::{
        docker::images::Images,
        embedded::control::{self, Order},
        ready::{self, NotReady},
        state::{ContainerRecord, LabRecord, StateDir},
    },
    runtime::Clock,
    settings::{self, Settings},
};

pub async fn run(settings: &Settings, args: &cli::Down, clock: Clock) -> Result<()> {
    if !args.all {
        let name = settings.lab_name()?;
        let state = settings.state()?;
        return one(settings, args, clock, &name, &state).await;
    }
    let labs = StateDir::all().context("list the labs")?;
    if labs.is_empty() {
        settings.printer.say("no lab to stop");
    }
    for (name, state) in labs {
        one(settings, args, clock, &name, &state).await?;
    }
    Ok(())
}

async fn one(
    settings: &Settings,
    args: &cli::Down,
    clock: Clock,
    name: &str,
    state: &StateDir,
) -> Result<()> {
    if !state.exists() {
        return Err(settings::no_lab(name));
    }
    let _change = super::change_lock(settings, state, clock, args.wait).await?;
    let record = state.record_if_sound().context("read the lab's record")?;
    let was_running = state.is_running();
    let of_machines = record.as_ref().filter(|record| vagrant::is_of_machines(record));
    match (of_machines, record.as_ref().and_then(|record| Some((record, record.containers.as_ref()?)))) {
        (Some(record), _) => vagrant::stop(settings, state, record, args.purge, clock).await?,
        (None, Some((record, there))) => {
            remove_containers(settings, args, clock, (record, there), state).await?
        }
        (None, None) if was_running => stop(args.wait, clock, state, record.as_ref()).await?,
        (None, None) => {}
    }
    guard::sweep(&state.agents()).context("kill the lab's last tasks")?;
    if let Err(error) = docker::sweep(&state.agents()).await {
        settings.printer.say(format!("  containers of tasks may be left: {error}"));
    }
    let untold = |record: &LabRecord| !record.stopped && (!was_running || record.containers.is_some());
    if let Some(record) = record.filter(untold) {
        state.write_record(&LabRecord { stopped: true, ..record }).context("write the lab's record")?;
    }
    let words = match (was_running, args.purge) {
        (true, true) => "stopped, its state is removed",
        (true, false) => "stopped; its state is kept (--purge removes it)",
        (false, true) => "was not running; its state is removed",
        (false, false) => "was not running",
    };
    if args.purge {
        state.purge().context(format_args!("remove `{}`", state.path().display()))?;
    }
    settings.printer.say(format!("  {} lab `{name}` {words}", settings.printer.tick()));
    Ok(())
}

/// Of a lab of containers, which has no process of its own.
async fn remove_containers(
    settings: &Settings,
    args: &cli::Down,
    clock: Clock,
    (record, there): (&LabRecord, &ContainerRecord),
    state: &StateDir,
) -> Result<()> {
    let lab = containers::lab(record, there, clock).await.map_err(|mut failure| {
        let forget = format!("if that engine is gone for good: rm -r '{}'", state.path().display());
        failure.seen.push(forget);
        failure
    })?;
    let name = &record.spec.name;
    let removed = lab.down(&record.endpoints, args.purge).await;
    removed.map_err(|error| containers::failure(name, &format!("lab `{name}` could not stop"), &error))?;
    if args.purge {
        let registry = record.endpoints.registry.as_deref().map(|url| url.trim_start_matches("http://"));
        if let Err(error) = Images::of(&record.spec).remove(lab.engine(), registry).await {
            settings.printer.say(format!("  images may be left: {error}"));
        }
    }
    Ok(())
}

/// Asks the lab's process to end, and kills it when it does not.
async fn stop(patience: Duration, clock: Clock, state: &StateDir, record: Option<&LabRecord>) -> Result<()> {
    let socket = state.socket();
    let asked = control::order(&socket, &Order::Down);
    let _ = tokio::time::timeout(patience, asked).await;
    let gone = async || if state.is_running() { Err(NotReady("it still runs".into())) } else { Ok(()) };
    if ready::until(clock, patience, gone).await.is_ok() {
        return Ok(());
    }
    let pid = record.and_then(|record| rustix::process::Pid::from_raw(record.pid as i32));
    if let Some(pid) = pid {
        rustix::process::kill_process(pid, rustix::process::Signal::KILL)
            .map_err(|error| Failure::failed(format!("failed to kill the lab's process: {error}")))?;
    }
    ready::until(clock, patience, gone)
        .await
        .map_err(|_| Failure::new(Code::NotReady, "the lab's process does not end, not even killed"))
}
