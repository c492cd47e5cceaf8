//! `mesoslab up`: starts the lab, heals it, or brings it to what the lab file says; then waits until it is ready.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use crate::{
    cli,
    client::{Http, services},
    error::{Code, Context, Failure, Result},
    mesos::time::Time,
    provider::{
        self, AgentName, Endpoints,
        embedded::{
            self,
            control::{self, Answer, Order},
            lab::PortInUse,
            process::LabProcess,
        },
        ready::{self, NotReady},
        state::StateDir,
    },
    runtime::{Clock, Signals},
    settings::Settings,
    spec::{LabSpec, ProviderKind, SpecLayer},
};

/// How many lines of the lab's log a failure shows.
const LOG_LINES: usize = 8;

pub async fn run(settings: &Settings, args: &cli::Up, clock: Clock) -> Result<()> {
    let started = clock.now();
    let spec = settings.spec(SpecLayer {
        provider: args.provider,
        agent_count: args.agents.map(|count| count as usize),
        masters: args.masters.map(|count| count as usize),
        marathon: args.no_marathon.then_some(false),
        allocation_interval: args.allocation_interval,
        ..SpecLayer::default()
    })?;
    let state = StateDir::of(&spec.name).context("find the state directory")?;
    state.create().context(format_args!("make `{}`", state.path().display()))?;
    let _change = super::change_lock(settings, &state, clock, args.wait).await?;
    let up = UpRun { settings, args, clock, started, state: &state, spec: &spec };
    if args.foreground { up.foreground().await } else { up.background().await }
}

/// How long the end of a killed process may take.
const DYING: Duration = Duration::from_secs(3);

/// Where the lab answers, what was changed, and which ports were taken.
type Started = (Endpoints, Vec<String>, Vec<PortInUse>);

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
    changes: Vec<String>,
    tasks: Option<Tasks>,
    /// From the start of the command, in milliseconds.
    ready_after_ms: f64,
}

#[derive(Serialize)]
struct Tasks {
    running: u64,
    wanted: u64,
}

impl UpRun<'_> {
    async fn background(&self) -> Result<()> {
        self.head();
        let applied = if self.state.is_running() { self.apply().await? } else { None };
        let (endpoints, changes, in_use) = match applied {
            Some(applied) => applied,
            None => self.spawn().await?,
        };
        self.ready(&endpoints, changes, &in_use).await
    }

    /// The lab in this process, until a signal or `down` ends it.
    async fn foreground(&self) -> Result<()> {
        if self.state.is_running() {
            let hint = format!("mesoslab down{}", Settings::name_suffix(&self.spec.name));
            return Err(
                Failure::failed(format!("lab `{}` runs in the background", self.spec.name)).hint(hint)
            );
        }
        self.head();
        let signals = Signals::listen().context("listen for signals")?;
        let process = LabProcess::start(self.spec.clone(), self.state.clone(), self.clock)
            .await
            .map_err(|error| self.start_failure(&error))?;
        let endpoints = process.lab().endpoints();
        let in_use = process.lab().ports_in_use().to_vec();
        let ready = async {
            match self.ready(&endpoints, Vec::new(), &in_use).await {
                Ok(()) => self.settings.printer.say("Ctrl-C stops the lab"),
                Err(failure) => drop(self.settings.printer.failure(&failure)),
            }
            std::future::pending().await
        };
        tokio::select! {
            ended = process.run(signals) => ended.context("stop the lab"),
            never = ready => never,
        }
    }

    fn head(&self) {
        self.settings.printer.say(format!(
            "mesoslab: lab `{}`, provider {}",
            self.spec.name,
            self.provider_words()
        ));
    }

    fn provider_words(&self) -> &'static str {
        match self.spec.provider {
            ProviderKind::Embedded => "embedded",
            ProviderKind::Docker => "docker",
            ProviderKind::Auto => "embedded (auto: it needs nothing on this machine)",
        }
    }

    /// Whether a process that does not answer ends within moments.
    async fn ended(&self) -> bool {
        let gone = async || if self.state.is_running() { Err(NotReady("it runs".into())) } else { Ok(()) };
        ready::until(self.clock, DYING, gone).await.is_ok()
    }

    async fn spawn(&self) -> Result<Started> {
        if let Ok(Some(record)) = self.state.record()
            && !record.stopped
        {
            self.settings.printer.say(format!("  healing: process {} of this lab had died", record.pid));
        }
        let in_use =
            embedded::spawn(self.state, self.spec).await.map_err(|error| self.start_failure(&error))?;
        let record = self.state.record().context("read the lab's record")?;
        let endpoints = record.map(|record| record.endpoints).unwrap_or_default();
        Ok((endpoints, Vec::new(), in_use))
    }

    /// Changes the lab that runs; `None` when it turns out to be dying.
    async fn apply(&self) -> Result<Option<Started>> {
        let order = Order::Apply(Box::new(self.spec.clone()));
        let answer = match control::order(&self.state.socket(), &order).await {
            Ok(answer) => answer,
            Err(_) if self.ended().await => return Ok(None),
            Err(error) => return Err(error).context("reach the lab's process"),
        };
        match answer {
            Answer::Done { changes, endpoints } => {
                let words: Vec<_> = changes.iter().map(ToString::to_string).collect();
                for change in &words {
                    self.settings
                        .printer
                        .say(format!("  {} {change}", self.settings.printer.paint("33", "~")));
                }
                if words.is_empty() {
                    self.settings.printer.say("  already running, nothing to change");
                }
                Ok(Some((endpoints, words, Vec::new())))
            }
            Answer::Failed { message } => Err(self.failure(format!("the lab could not change: {message}"))),
        }
    }

    /// Waits for each part, says so as it comes, scales, and reports.
    async fn ready(&self, endpoints: &Endpoints, changes: Vec<String>, in_use: &[PortInUse]) -> Result<()> {
        let operator = provider::operator(&endpoints.master_list()).context("talk to the master")?;
        let ports: BTreeMap<_, _> =
            in_use.iter().map(|entry| (entry.component.as_str(), entry.port)).collect();
        let wait = self.args.wait;
        let http = Http::new();
        let (below_mesos, upon_mesos): (Vec<_>, Vec<_>) =
            endpoints.services().partition(|(name, _)| provider::is_below_mesos(name));
        for (name, url) in below_mesos {
            self.service(&http, name, url, &ports).await?;
        }
        ready::master(&operator, self.clock, wait)
            .await
            .map_err(|missing| self.not_ready("master", &missing))?;
        for (name, url) in endpoints.named_masters() {
            let condition = services::master(&http, url).await;
            let state = condition.map_or_else(|error| error.to_string(), |condition| condition.state);
            self.line(&name, url, &state, &ports);
        }
        let seen = |name: &AgentName| self.line(&name.0, &endpoints.agents[name], "registered", &ports);
        ready::agents(&operator, endpoints, self.clock, wait, seen)
            .await
            .map_err(|missing| self.not_ready("agents", &missing))?;
        for (name, url) in upon_mesos {
            self.service(&http, name, url, &ports).await?;
        }
        let tasks = match &endpoints.scheduler {
            Some(url) => Some(self.scheduler(url, &ports).await?),
            None => {
                self.settings.printer.warn("the scheduler is stopped; start it: mesoslab scheduler start");
                None
            }
        };
        self.report(endpoints, changes, tasks)
    }

    async fn service(&self, http: &Http, name: &str, url: &str, ports: &BTreeMap<&str, u16>) -> Result<()> {
        let condition = ready::service(http, name, url, self.clock, self.args.wait)
            .await
            .map_err(|missing| self.not_ready(name, &missing))?;
        self.line(name, url, &condition.state, ports);
        Ok(())
    }

    async fn scheduler(&self, url: &str, ports: &BTreeMap<&str, u16>) -> Result<Tasks> {
        let api = provider::scheduler_api(url).context("talk to the scheduler")?;
        let not_ready = |missing: NotReady| self.not_ready("scheduler", &missing);
        let state = ready::scheduler(&api, self.clock, self.args.wait).await.map_err(not_ready)?;
        if let Some(count) = self.args.tasks {
            api.scale(super::scale::count(count)).await.context("scale")?;
        } else if state.counts.wanted == 0 {
            self.line("scheduler", url, "subscribed, no task wanted", ports);
            return Ok(Tasks { running: state.counts.running, wanted: 0 });
        }
        let (counts, rest) =
            super::scale::watch(self.settings, &api, self.clock, self.args.wait).await.map_err(not_ready)?;
        let (running, wanted) = (counts.running, counts.wanted);
        self.line("scheduler", url, &format!("subscribed, {running}/{wanted} tasks running"), ports);
        super::scale::say_shortage(self.settings, &api, rest).await?;
        Ok(Tasks { running, wanted })
    }

    fn line(&self, component: &str, url: &str, what: &str, ports: &BTreeMap<&str, u16>) {
        let printer = &self.settings.printer;
        let elapsed = printer.paint("2", &format!("{:>5} ms", self.elapsed().as_millis()));
        let port = ports.get(component).map(|port| format!("   (port {port} is in use)")).unwrap_or_default();
        printer.say(format!("  {} {component:<10} {url:<25} {what:<32} {elapsed}{port}", printer.tick()));
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.started)
    }

    fn report(&self, endpoints: &Endpoints, changes: Vec<String>, tasks: Option<Tasks>) -> Result<()> {
        let suffix = Settings::name_suffix(&self.spec.name);
        let next = ["tui", "scale 8", "tasks", "status", "down"]
            .map(|command| format!("mesoslab {command}{suffix}"));
        self.settings.printer.say(format!("next: {}", next.join(" · ")));
        let report = Report {
            name: &self.spec.name,
            provider: ProviderKind::Embedded,
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
