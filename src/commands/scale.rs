//! `mesoslab scale`: sets how many tasks run, and waits until they do.

use std::time::Duration;

use crate::{
    cli,
    client::scheduler_api::SchedulerApi,
    error::{Code, Context, Failure, Result},
    provider::ready::{self, NotReady, Rest},
    runtime::Clock,
    scheduler::api,
    settings::Settings,
};

pub async fn run(settings: &Settings, args: &cli::Scale, clock: Clock) -> Result<()> {
    let api = settings.scheduler_api()?;
    let state = api.state().await.context("ask the scheduler")?;
    if state.phase == api::Phase::Stopped {
        let reason = state.problem.unwrap_or_default();
        return Err(
            Failure::failed(format!("the scheduler has given up: {reason}")).hint("mesoslab scheduler start")
        );
    }
    let before = state.counts.wanted;
    api.scale(count(args.count)).await.context("scale")?;
    if args.no_wait {
        settings.printer.say(format!("  {} {before} → {} tasks wanted", settings.printer.tick(), args.count));
        return Ok(());
    }
    let (counts, rest) = watch(settings, &api, clock, args.wait).await.map_err(|missing| {
        Failure::new(
            Code::NotReady,
            format!("not scaled after {}: {missing}", humantime::format_duration(args.wait)),
        )
        .hint("mesoslab explain")
    })?;
    let (running, wanted) = (counts.running, counts.wanted);
    settings
        .printer
        .say(format!("  {} {before} → {wanted}: {running}/{wanted} tasks running", settings.printer.tick()));
    say_shortage(settings, &api, rest).await
}

/// A number of tasks in the scheduler's own width; the command line lets no larger one in.
pub fn count(tasks: u64) -> u32 {
    u32::try_from(tasks).unwrap_or(u32::MAX)
}

/// Waits for the tasks with a spinner that follows them.
///
/// # Errors
/// As [`ready::tasks`].
pub async fn watch(
    settings: &Settings,
    api: &SchedulerApi,
    clock: Clock,
    patience: Duration,
) -> std::result::Result<(api::Counts, Rest), NotReady> {
    let spinner = settings.printer.spinner("tasks");
    let seen = |counts: &api::Counts| {
        spinner.set_message(format!("{}/{} tasks running", counts.running, counts.wanted))
    };
    let rested = ready::tasks(api, clock, patience, seen).await;
    spinner.finish_and_clear();
    rested
}

/// Says what is missing for the tasks that found no place.
///
/// # Errors
/// When the scheduler does not answer.
pub async fn say_shortage(settings: &Settings, api: &SchedulerApi, rest: Rest) -> Result<()> {
    let Rest::Short { unplaced } = rest else { return Ok(()) };
    let explain = api.explain().await.context("ask the scheduler what is missing")?;
    settings.printer.warn(format!("{unplaced} tasks find no place (mesoslab explain says more)"));
    for missing in explain.missing {
        settings.printer.say(format!("    {}", missing.text));
    }
    Ok(())
}
