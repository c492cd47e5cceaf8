//! `mesoslab bench`: what this machine's lab does, measured through the binary and the public APIs.

mod dashboard;
mod frames;
mod framework;
mod pty;
mod synthetic;
mod system;
mod wire;

use std::time::Duration;

use serde::Serialize;

use self::{framework::Framework, system::BenchLab};
use crate::{
    cli::{self, BenchPart, Format},
    error::{Context, Failure, Result},
    printer::Rows,
    runtime::Clock,
    settings::Settings,
};

/// How many tasks run at once for the figures of many.
const MANY: usize = 100;

/// How long the idle lab is watched.
const IDLE: Duration = Duration::from_secs(5);

/// One figure over several runs.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    unit: &'static str,
    min: f64,
    median: f64,
    max: f64,
    runs: usize,
    /// What Apache Mesos 1.11.0 needs for it on a machine of two cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    mesos: Option<f64>,
}

impl Figure {
    fn of(name: impl Into<String>, unit: &'static str, mut runs: Vec<f64>, mesos: Option<f64>) -> Self {
        runs.sort_by(f64::total_cmp);
        let at = |index: usize| runs.get(index).copied().unwrap_or_default();
        let (last, middle) = (runs.len().saturating_sub(1), runs.len() / 2);
        let median = if runs.len().is_multiple_of(2) {
            f64::midpoint(at(middle.saturating_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self { name: name.into(), unit, min: at(0), median, max: at(last), runs: runs.len(), mesos }
    }
}

pub async fn run(settings: &Settings, args: &cli::Bench, clock: Clock) -> Result<()> {
    let runs = args.runs as usize;
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let spinner = settings.printer.spinner("start of the binary");
    let mut figures = Vec::new();
    if wanted(BenchPart::Start) {
        figures.push(start_of_the_binary(clock, runs).await?);
        spinner.set_message("up and down");
        figures.push(up(clock, runs).await?);
    }
    if wanted(BenchPart::Lab) {
        spinner.set_message("an idle lab");
        let lab = BenchLab::up(&["--agents", "1"]).await?;
        let measured = in_one_lab(&lab, clock, runs, |step| spinner.set_message(step)).await;
        lab.down().await?;
        figures.extend(measured?);
    }
    if wanted(BenchPart::Wire) {
        figures.extend(wire::measure(clock, runs, |step| spinner.set_message(step)).await?);
    }
    if wanted(BenchPart::Frames) {
        spinner.set_message("the dashboard's frames");
        figures.extend(frames::measure(clock, runs));
    }
    if wanted(BenchPart::Dashboard) {
        let lab = BenchLab::up(&["--agents", "1"]).await?;
        let measured = dashboard::measure(&lab, clock, runs, |step| spinner.set_message(step)).await;
        lab.down().await?;
        figures.extend(measured?);
    }
    spinner.finish_and_clear();
    show(settings, args.output.output, &figures)
}

async fn start_of_the_binary(clock: Clock, runs: usize) -> Result<Figure> {
    let mut times = Vec::new();
    for _ in 0..runs * 4 {
        let start = clock.now();
        system::run(&["--version"]).await?;
        times.push(millis(clock, start));
    }
    Ok(Figure::of("mesoslab --version", "ms", times, None))
}

async fn up(clock: Clock, runs: usize) -> Result<Figure> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = clock.now();
        let lab = BenchLab::up(&[]).await?;
        times.push(millis(clock, start));
        lab.down().await?;
    }
    Ok(Figure::of("up, three agents, to ready", "ms", times, None))
}

async fn in_one_lab(
    lab: &BenchLab,
    clock: Clock,
    runs: usize,
    step: impl Fn(&'static str),
) -> Result<Vec<Figure>> {
    let before = lab.cpu_time()?;
    tokio::time::sleep(IDLE).await;
    let idle = (lab.cpu_time()? - before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    step("one task");
    let mut one = Vec::new();
    for _ in 0..runs * 4 {
        one.push(launch(lab, clock, 1).await?.0);
    }
    step("a hundred tasks");
    let (mut many, mut bare, mut ratio, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let (time, megabytes) = launch(lab, clock, MANY).await?;
        let loop_time = system::bare_loop(clock, MANY)?;
        many.push(time);
        bare.push(loop_time);
        ratio.push(time / loop_time);
        memory.push(megabytes);
    }
    Ok(vec![
        Figure::of("processor use of an idle lab", "% of a core", vec![idle], None),
        Figure::of("one task, ACCEPT to TASK_RUNNING", "ms", one, Some(90.0)),
        Figure::of("100 tasks on one agent, all TASK_RUNNING", "ms", many, Some(6100.0)),
        Figure::of("a bare loop that starts the same processes", "ms", bare, None),
        Figure::of("100 tasks against the bare loop, run by run", "times", ratio, None),
        Figure::of("memory of the lab's processes with 100 tasks", "MB (PSS)", memory, Some(1100.0)),
    ])
}

/// Launches `count` tasks with one ACCEPT: milliseconds until all run, and the lab's memory then in MB.
async fn launch(lab: &BenchLab, clock: Clock, count: usize) -> Result<(f64, f64)> {
    let mut framework = Framework::subscribe(&lab.master()?).await.context("subscribe")?;
    let offer = framework.offer().await.context("wait for an offer")?;
    let start = clock.now();
    framework.launch(offer, count).await.context("launch")?;
    framework.all_running(count).await.context("wait for the tasks")?;
    let time = millis(clock, start);
    let memory = lab.memory()?;
    framework.teardown().await.context("tear down")?;
    lab.no_task_left(clock).await?;
    Ok((time, memory))
}

fn millis(clock: Clock, start: crate::mesos::time::Time) -> f64 {
    clock.now().since(start).as_secs_f64() * 1000.0
}

fn show(settings: &Settings, format: Format, figures: &[Figure]) -> Result<()> {
    settings.printer.show(format, &figures, |_| {
        let mut rows = Rows::new(["figure", "median", "min", "max", "unit", "runs", "Mesos 1.11.0"]);
        for figure in figures {
            let number = |value: f64| format!("{value:.2}");
            rows.push([
                figure.name.clone(),
                number(figure.median),
                number(figure.min),
                number(figure.max),
                figure.unit.to_owned(),
                figure.runs.to_string(),
                figure.mesos.map(number).unwrap_or_default(),
            ]);
        }
        rows
    })
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(format!("failed to measure: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn the_median_is_the_middle() {
        let odd = Figure::of("", "", vec![3.0, 1.0, 2.0], None);
        assert_eq!((odd.min, odd.median, odd.max), (1.0, 2.0, 3.0));
        assert_eq!(Figure::of("", "", vec![4.0, 1.0, 2.0, 3.0], None).median, 2.5);
    }
}
