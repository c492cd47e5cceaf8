//! `mesoslab chaos`: kills a part of the lab, and tells when the lab is whole again and what that has cost.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    cli,
    client::{Http, scheduler_api::SchedulerApi},
    commands::{containers, vagrant},
    error::{Code, Context, Failure, Result},
    provider::{
        self, Endpoints,
        docker::Crash,
        embedded::control::{self, Answer, Order},
        ready::{self, NotReady},
        scheduler_app::TASK_PREFIX,
        state::{ContainerRecord, LabRecord, StateDir},
    },
    runtime::Clock,
    settings::Settings,
    spec::Part,
};

/// What `-o json` prints.
#[derive(Serialize)]
struct Report {
    part: Part,
    /// From the death to the moment when every part answered and as many tasks ran as before, in milliseconds.
    whole_after_ms: f64,
    tasks_running: usize,
    /// Tasks that ran before and do not run any more.
    tasks_lost: usize,
}

pub async fn run(settings: &Settings, args: &cli::Chaos, clock: Clock) -> Result<()> {
    let (state, record) = settings.running()?;
    let endpoints = &record.endpoints;
    let before = running(endpoints).await.context("ask the scheduler for its tasks")?;
    let killed = clock.now();
    match &record.containers {
        Some(there) => crash_container(&record, there, args.part, clock).await?,
        None if vagrant::is_of_machines(&record) => vagrant::crash(settings, args.part).await?,
        None => crash_part(&state, args.part).await?,
    }
    let whole = whole(endpoints, clock, args, before.len()).await;
    let after = whole.map_err(|missing| {
        let wait = humantime::format_duration(args.wait);
        Failure::new(Code::NotReady, format!("the lab is not whole {wait} later: {missing}"))
            .hint(format!("mesoslab status{}", Settings::name_suffix(&record.spec.name)))
    })?;
    let report = Report {
        part: args.part,
        whole_after_ms: clock.now().since(killed).as_secs_f64() * 1000.0,
        tasks_running: after.len(),
        tasks_lost: before.difference(&after).count(),
    };
    say(settings, &report);
    super::show_unless_table(settings, args.output.output, &report)
}

/// In the lab's one process.
async fn crash_part(state: &StateDir, part: Part) -> Result<()> {
    match control::order(&state.socket(), &Order::Crash(part)).await.context("reach the lab's process")? {
        Answer::Done { .. } => Ok(()),
        Answer::Failed { message } => Err(Failure::failed(format!("nothing was killed: {message}"))),
    }
}

/// In its container.
async fn crash_container(
    record: &LabRecord,
    there: &ContainerRecord,
    part: Part,
    clock: Clock,
) -> Result<()> {
    let lab = containers::lab(record, there, clock).await?;
    let endpoints = &record.endpoints;
    let crashed = match part {
        Part::ZooKeeper => lab.crash(Crash::Service("zookeeper")).await,
        Part::Marathon => lab.crash(Crash::Service("marathon")).await,
        Part::Leader => lab.crash(Crash::Service(&leader(endpoints).await?)).await,
        Part::Scheduler if endpoints.marathon.is_some() => lab.crash(Crash::Task(TASK_PREFIX)).await,
        Part::Scheduler => lab.crash(Crash::Service("scheduler")).await,
    };
    crashed.map_err(|error| containers::failure(&record.spec.name, "nothing was killed", &error))
}

/// The service whose master leads: its hostname is its name.
async fn leader(endpoints: &Endpoints) -> Result<String> {
    let operator = endpoints.operator().context("talk to the master")?;
    let master = operator.get_master().await.context("ask who leads")?;
    Ok(master.master_info.and_then(|info| info.hostname).unwrap_or_default())
}

fn say(settings: &Settings, report: &Report) {
    let printer = &settings.printer;
    let what = match report.part {
        Part::ZooKeeper => "zookeeper",
        Part::Leader => "the leading master",
        Part::Marathon => "marathon",
        Part::Scheduler => "the scheduler",
    };
    let lost = match report.tasks_lost {
        0 => "none was lost".to_owned(),
        lost => format!("{lost} of those before run no more"),
    };
    printer.say(format!(
        "  {} {what} died; the lab was whole again after {:.0} ms: {} tasks running, {lost}",
        printer.tick(),
        report.whole_after_ms,
        report.tasks_running,
    ));
}

/// Waits until every part does what it is there for and so many tasks run; gives these.
async fn whole(
    endpoints: &Endpoints,
    clock: Clock,
    args: &cli::Chaos,
    tasks: usize,
) -> Result<BTreeSet<String>, NotReady> {
    let http = Http::new();
    let failed = |error: crate::client::ClientError| NotReady(error.to_string());
    for (name, url) in endpoints.services() {
        ready::service(&http, name, url, clock, args.wait).await?;
    }
    let operator = endpoints.operator().map_err(failed)?;
    ready::master(&operator, clock, args.wait).await?;
    ready::agents(&operator, endpoints, clock, args.wait, |_| ()).await?;
    if let Some(url) = &endpoints.scheduler {
        let api = provider::scheduler_api(url).map_err(failed)?;
        ready::scheduler(&api, clock, args.wait).await?;
    }
    ready::until(clock, args.wait, async || {
        let running = running(endpoints).await.map_err(failed)?;
        match running.len() {
            count if count >= tasks => Ok(running),
            count => Err(NotReady(format!("{count} of {tasks} tasks run"))),
        }
    })
    .await
}

/// The tasks of our scheduler that run, by id.
async fn running(endpoints: &Endpoints) -> Result<BTreeSet<String>, crate::client::ClientError> {
    let Some(url) = &endpoints.scheduler else { return Ok(BTreeSet::new()) };
    let api: SchedulerApi = provider::scheduler_api(url)?;
    let tasks = api.tasks().await?.tasks;
    let running = tasks.into_iter().filter(|task| task.state == "TASK_RUNNING");
    Ok(running.map(|task| task.id).collect())
}
