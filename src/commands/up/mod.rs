//! `mesoslab up`: starts the lab, heals it, or brings it to what the lab file says; then waits until it is ready.

mod docker;
mod embedded;
mod place;
mod ready;

use std::time::Duration;

use serde::Serialize;

use crate::{
    cli,
    error::{Code, Context, Failure, Result},
    mesos::time::Time,
    provider::{Endpoints, embedded::PortInUse, ready::NotReady, state::StateDir},
    runtime::Clock,
    settings::Settings,
    spec::{LabSpec, ProviderKind, SpecLayer},
};
use place::Place;

/// How many lines of the lab's log a failure shows.
const LOG_LINES: usize = 8;

pub async fn run(settings: &Settings, args: &cli::Up, clock: Clock) -> Result<()> {
    let started = clock.now();
    let wanted = |provider| SpecLayer {
        provider,
        flavor: args.flavor,
        agent_count: args.agents.map(|count| count as usize),
        masters: args.masters.map(|count| count as usize),
        marathon: args.no_marathon.then_some(false),
        allocation_interval: args.allocation_interval,
        ..SpecLayer::default()
    };
    let spec = settings.spec(wanted(args.provider))?;
    let state = StateDir::of(&spec.name).context("find the state directory")?;
    let was_there = state.exists();
    let kept = state.record_if_sound().context("read the lab's record")?;
    // Machines are fewer and smaller than what the same lab file means elsewhere.
    let machines_are_there = kept.as_ref().is_some_and(super::vagrant::is_of_machines);
    let spec = match spec.provider {
        ProviderKind::Auto if machines_are_there => settings.spec(wanted(Some(ProviderKind::Vagrant)))?,
        _ => spec,
    };
    let Place { provider, flavor, words, engine } =
        place::choose(settings, &spec, &state, kept.as_ref()).await?;
    let spec = LabSpec { provider, flavor, ..spec };
    state.create().context(format_args!("make `{}`", state.path().display()))?;
    let _change = super::change_lock(settings, &state, clock, args.wait).await?;
    settings.printer.say(format!("mesoslab: lab `{}`, provider {words}", spec.name));
    let up = UpRun { settings, args, clock, started, state: &state, spec: &spec };
    match engine {
        None if provider == ProviderKind::Vagrant => up.machines().await,
        Some(engine) => up.docker(engine, was_there, kept.as_ref()).await,
        None if args.foreground => up.foreground().await,
        None => up.background().await,
    }
}

/// Where the lab answers, what was changed, and which ports were taken.
struct Started {
    endpoints: Endpoints,
    changes: Vec<String>,
    in_use: Vec<PortInUse>,
}

/// One run of `up`.
struct UpRun<'a> {
    settings: &'a Settings,
    args: &'a cli::Up,
    clock: Clock,
    started: Time,
    state: &'a StateDir,
    spec: &'a LabSpec,
}

/// What `up -o json` prints.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    provider: ProviderKind,
    endpoints: &'a Endpoints,
    /// What `up` did to a lab that was running.
    changes: &'a [String],
    tasks: Option<Tasks>,
    /// From the start of the command, in milliseconds.
    ready_after_ms: f64,
}

/// How many tasks there are of how many.
#[derive(Serialize)]
struct Tasks {
    running: u64,
    wanted: u64,
}

impl UpRun<'_> {
    /// What was done to a lab that was there.
    fn say_changes(&self, changes: &[String]) {
        let printer = &self.settings.printer;
        for change in changes {
            printer.say(format!("  {} {change}", printer.paint("33", "~")));
        }
        if changes.is_empty() {
            printer.say("  already running, nothing to change");
        }
    }

    /// The lab as virtual machines.
    async fn machines(&self) -> Result<()> {
        let endpoints = super::vagrant::start(self.settings, self.state, self.spec, self.clock).await?;
        self.ready(&Started { endpoints, changes: Vec::new(), in_use: Vec::new() }).await
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.started)
    }

    fn report(&self, endpoints: &Endpoints, changes: &[String], tasks: Option<Tasks>) -> Result<()> {
        let suffix = Settings::name_suffix(&self.spec.name);
        let next = ["tui", "scale 8", "tasks", "status", "down"]
            .map(|command| format!("mesoslab {command}{suffix}"));
        self.settings.printer.say(format!("next: {}", next.join(" · ")));
        let report = Report {
            name: &self.spec.name,
            provider: self.spec.provider,
            endpoints,
            changes,
            tasks,
            ready_after_ms: self.elapsed().as_secs_f64() * 1000.0,
        };
        super::show_unless_table(self.settings, self.args.output.output, &report)
    }

    fn start_failure(&self, error: &std::io::Error) -> Failure {
        self.failure(format!("lab `{}` could not start: {error}", self.spec.name))
    }

    fn not_ready(&self, component: &str, missing: &NotReady) -> Failure {
        let wait = humantime::format_duration(self.args.wait);
        Failure {
            code: Code::NotReady,
            ..self.failure(format!("{component} not ready after {wait}: {missing}"))
        }
        .hint(format!(
            "mesoslab status{0}, mesoslab explain{0}, mesoslab logs{0}",
            Settings::name_suffix(&self.spec.name)
        ))
    }

    fn failure(&self, message: String) -> Failure {
        Failure::failed(message).seen(self.state.last_log_lines(LOG_LINES)).hint("mesoslab doctor")
    }
}
