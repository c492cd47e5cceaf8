//! The dashboard in a terminal, with a real lab behind it: how soon it is there, how soon it shows what happens, and
//! what it costs when nothing does.

use std::time::Duration;

use super::{
    Figure, millis,
    pty::Pty,
    system::{self, BenchLab},
};
use crate::{
    client::scheduler_api::{SchedulerApi, SchedulerEvents},
    error::{Context, Result},
    mesos::time::Time,
    provider,
    runtime::Clock,
    scheduler::api::Event,
};

/// How long the idle dashboard is watched.
const IDLE: Duration = Duration::from_secs(10);

/// All figures, from a lab of one agent that runs nothing.
pub async fn measure(
    lab: &BenchLab,
    clock: Clock,
    runs: usize,
    step: impl Fn(&'static str),
) -> Result<Vec<Figure>> {
    let api = provider::scheduler_api(&lab.scheduler()?).context("talk to the scheduler")?;
    api.scale(1).await.context("scale")?;
    step("the dashboard's start");
    let (mut first, mut printed) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let start = clock.now();
        let mut dashboard = Pty::start(lab.command(&["tui", "--tab", "tasks"])?, clock)?;
        let shown = dashboard.until("the task", |lines| running(lines) == 1).await?;
        first.push(between(start, shown));
        let start = clock.now();
        lab.run(&["tui", "--print"]).await?;
        printed.push(millis(clock, start));
    }
    step("the dashboard's delay");
    let mut dashboard = Pty::start(lab.command(&["tui", "--tab", "tasks"])?, clock)?;
    dashboard.until("the task", |lines| running(lines) == 1).await?;
    let (mut screen, mut alone, mut delay) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..runs * 2 {
        let (shown, told) = one_more(&api, &mut dashboard, clock, round + 2).await?;
        screen.push(shown);
        alone.push(told);
        delay.push(shown - told);
    }
    step("an idle dashboard");
    api.scale(0).await.context("scale")?;
    dashboard.until("no task", |lines| running(lines) == 0).await?;
    lab.no_task_left(clock).await?;
    let before = system::cpu_time(dashboard.pid())?;
    tokio::time::sleep(IDLE).await;
    let idle = (system::cpu_time(dashboard.pid())? - before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    Ok(vec![
        Figure::of("tui, from its start to the lab's tasks on the screen", "ms", first, None),
        Figure::of("tui --print, with the quarter of a second that it waits for more", "ms", printed, None),
        Figure::of("one more task, PATCH to its row on the screen", "ms", screen, None),
        Figure::of("one more task, PATCH to the scheduler's event", "ms", alone, None),
        Figure::of("from that event to the row on the screen", "ms", delay, None),
        Figure::of("processor use of an idle dashboard", "% of a core", vec![idle], None),
    ])
}

/// Asks for `wanted` tasks, one more than there are: milliseconds until the screen shows it, and until the
/// scheduler's own stream tells it.
async fn one_more(
    api: &SchedulerApi,
    dashboard: &mut Pty,
    clock: Clock,
    wanted: usize,
) -> Result<(f64, f64)> {
    let mut events = api.events().await.context("listen to the scheduler")?;
    let start = clock.now();
    api.scale(u32::try_from(wanted).unwrap_or(u32::MAX)).await.context("scale")?;
    let (shown, told) = tokio::join!(
        dashboard.until("the new task", |lines| running(lines) == wanted),
        started(&mut events, clock)
    );
    Ok((between(start, shown?), between(start, told?)))
}

/// When a task that was not running runs.
async fn started(events: &mut SchedulerEvents, clock: Clock) -> Result<Time> {
    loop {
        if let Event::Task { task, ended: false } = events.next().await.context("listen to the scheduler")?
            && task.state == "TASK_RUNNING"
        {
            return Ok(clock.now());
        }
    }
}

/// How many rows of running tasks there are.
fn running(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.contains("mesoslab.") && line.contains("running")).count()
}

fn between(start: Time, end: Time) -> f64 {
    end.since(start).as_secs_f64() * 1000.0
}
