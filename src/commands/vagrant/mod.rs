//! `mesoslab vagrant`: the lab as virtual machines. Vagrant makes them; here are the checks before, what is shown
//! meanwhile, and the record by which every other command knows the lab.

pub mod checks;
mod run;
mod status;

use std::{path::PathBuf, time::Duration};

use crate::{
    cli::{self, VagrantAction},
    error::{Code, Context, Failure, Result},
    provider::{
        self, Endpoints, ready,
        state::{LabRecord, StateDir},
        vagrant::{
            files,
            plan::{self, Plan},
        },
    },
    runtime::Clock,
    settings::Settings,
    spec::{Flavor, LabSpec, Part, ProviderKind, SpecLayer},
};

pub use run::Vagrant;

/// How long a scheduler whose framework is to end may take to be subscribed.
const SUBSCRIBING: Duration = Duration::from_secs(15);

pub async fn run(settings: &Settings, action: VagrantAction, clock: Clock) -> Result<()> {
    match action {
        VagrantAction::Up(args) => up(settings, args, clock).await,
        VagrantAction::Plan(output) => {
            let plan = plan(&spec(settings)?)?;
            settings.printer.show(output.output, &plan, |_| status::planned(&plan))
        }
        VagrantAction::Status(output) => status::run(settings, output.output, &lab(settings)?).await,
        VagrantAction::Halt(node) => halt(settings, &lab(settings)?, node.node.as_deref(), clock).await,
        VagrantAction::Resume(node) => resume(settings, &lab(settings)?, node.node.as_deref(), clock).await,
        VagrantAction::Destroy => destroy(settings, &lab(settings)?, clock).await,
        VagrantAction::Ssh(args) => {
            let lab = lab(settings)?;
            lab.known(Some(&args.node))?;
            Err(lab.vagrant.become_ssh(&args.node, &args.command))
        }
        VagrantAction::Provision(node) => {
            provision(settings, &lab(settings)?, node.node.as_deref(), clock).await
        }
    }
}

/// `mesoslab up` with the provider said.
async fn up(settings: &Settings, args: cli::VagrantUp, clock: Clock) -> Result<()> {
    let args = cli::Up {
        provider: Some(ProviderKind::Vagrant),
        agents: args.agents,
        tasks: args.tasks,
        wait: args.wait,
        output: args.output,
        ..cli::Up::default()
    };
    super::up::run(settings, &args, clock).await
}

fn spec(settings: &Settings) -> Result<LabSpec> {
    settings.spec(SpecLayer { provider: Some(ProviderKind::Vagrant), ..SpecLayer::default() })
}

fn plan(spec: &LabSpec) -> Result<Plan> {
    Plan::of(spec).map_err(|error| Failure::usage(error.to_string()).hint("mesoslab vagrant plan"))
}

/// A lab of machines, as far as this computer knows it.
pub struct Lab {
    state: StateDir,
    plan: Plan,
    vagrant: Vagrant,
}

/// The lab that the command is about, as it was last applied. Where we made none, the machines of a Vagrant that was
/// started without us beside the Vagrantfile in the current directory: nothing is kept of those.
fn lab(settings: &Settings) -> Result<Lab> {
    let state = settings.state()?;
    let last = state.record_if_sound().context("read the lab's record")?;
    if let Some(record) = last.as_ref().filter(|record| is_of_machines(record)) {
        return Lab::of(settings, state, &record.spec);
    }
    if let Some(directory) = beside(settings) {
        let plan = plan(&spec(settings)?)?;
        let vagrant = Vagrant::without_state(directory, &plan)?;
        return Ok(Lab { state, plan, vagrant });
    }
    let name = settings.lab_name()?;
    match last {
        Some(record) => {
            let provider = record.spec.provider.word();
            Err(Failure::failed(format!("lab `{name}` is of provider {provider}: it has no machines"))
                .hint("mesoslab --name OTHER vagrant up"))
        }
        None => {
            let hint = format!("mesoslab vagrant up{}", Settings::name_suffix(&name));
            Err(Failure::new(Code::NoLab, format!("there is no lab `{name}`")).hint(hint))
        }
    }
}

/// The current directory, where it has our Vagrantfile. Only the lab that has no name is the one of a Vagrant that was
/// started without us.
fn beside(settings: &Settings) -> Option<PathBuf> {
    let here = std::env::current_dir().ok().filter(|_| !settings.is_named())?;
    files::is_ours(&here).then_some(here)
}

impl Lab {
    fn of(settings: &Settings, state: StateDir, spec: &LabSpec) -> Result<Self> {
        let plan = plan(spec)?;
        state.create().context(format_args!("make `{}`", state.path().display()))?;
        let here = beside(settings);
        let directory = files::directory(&state, here.as_deref()).context("lay out Vagrant's files")?;
        let vagrant = Vagrant::new(directory, &state, &plan)?;
        Ok(Self { state, plan, vagrant })
    }

    /// That the lab has a machine of this name.
    fn known(&self, node: Option<&str>) -> Result<()> {
        let Some(node) = node else { return Ok(()) };
        if self.plan.machine(node).is_some() {
            return Ok(());
        }
        let names: Vec<_> = self.plan.machines.iter().map(|machine| machine.name.as_str()).collect();
        Err(Failure::usage(format!("this lab has no machine `{node}`"))
            .hint(format!("one of {}", names.join(", "))))
    }

    /// Keeps which machines run, as Vagrant says; the lab is stopped when none does.
    async fn look(&self) -> Result<()> {
        let record = self.state.record_if_sound().context("read the lab's record")?;
        let Some(record) = record.filter(is_of_machines) else { return Ok(()) };
        let seen = self.vagrant.look().await?;
        let runs = |name: &String| {
            seen.machines.get(name).and_then(|machine| machine.state.as_deref()) == Some("running")
        };
        let names = self.plan.machines.iter().map(|machine| machine.name.clone());
        let halted: Vec<_> = names.filter(|name| !runs(name)).collect();
        let stopped = halted.len() == self.plan.machines.len();
        self.state.write_record(&LabRecord { stopped, halted, ..record }).context("write the lab's record")
    }
}

/// Makes the machines of `spec`, and keeps them as the lab: where its components answer.
///
/// # Errors
/// A check that fails; what Vagrant says when it fails or is interrupted.
pub async fn start(settings: &Settings, state: &StateDir, spec: &LabSpec, clock: Clock) -> Result<Endpoints> {
    checks::before(settings, &plan(spec)?).await?;
    let kept = state.record_if_sound().context("read the lab's record")?;
    if let Some(kept) = kept.as_ref().filter(|kept| is_of_machines(kept)) {
        leave_behind(settings, state, kept, spec, clock).await?;
    }
    let lab = Lab::of(settings, state.clone(), spec)?;
    forget_others(settings, &lab, clock).await?;
    let record = LabRecord {
        spec: spec.clone(),
        endpoints: plan::endpoints(spec),
        pid: 0,
        containers: None,
        started_at: clock.now().as_secs_f64(),
        stopped: kept.as_ref().is_none_or(|kept| kept.stopped),
        halted: kept.map(|kept| kept.halted).unwrap_or_default(),
    };
    // Whatever comes of it: `down` has to know that there may be machines.
    state.write_record(&record).context("write the lab's record")?;
    lab.vagrant.work(settings, &["up", "--provision"], None, clock).await?;
    let record = LabRecord { stopped: false, halted: Vec::new(), ..record };
    state.write_record(&record).context("write the lab's record")?;
    Ok(record.endpoints)
}

/// Removes the machines that the lab had and is not to have any more: Vagrant forgets those that its file does not name.
/// What a machine that runs cannot become, it is said of.
async fn leave_behind(
    settings: &Settings,
    state: &StateDir,
    kept: &LabRecord,
    spec: &LabSpec,
    clock: Clock,
) -> Result<()> {
    let wanted = plan(spec)?;
    let before = Lab::of(settings, state.clone(), &kept.spec)?;
    for machine in &before.plan.machines {
        let name = &machine.name;
        match wanted.machine(name) {
            None => before.vagrant.work(settings, &["destroy", "--force"], Some(name), clock).await?,
            Some(now) if !kept.stopped && !now.is_alike(machine) => settings.printer.warn(format!(
                "{name}: new cpus, memory, address and forwarded ports hold from its next start: \
                 mesoslab vagrant halt {name}, then mesoslab vagrant up"
            )),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Removes agents' machines that Vagrant still knows in the lab's directory and that the lab does not have: they were
/// made by a Vagrant that was started without us, or by an `up` that did not come to its end.
async fn forget_others(settings: &Settings, lab: &Lab, clock: Clock) -> Result<()> {
    let mut others = files::agents_made(lab.vagrant.directory());
    others.retain(|name| lab.plan.machine(name).is_none());
    if others.is_empty() {
        return Ok(());
    }
    let with_them = lab.plan.with_more(&others);
    let vagrant = Vagrant::without_state(lab.vagrant.directory().to_owned(), &with_them)?;
    for name in &others {
        settings.printer.say(format!("  {name:<10} the lab file does not want it: it is removed"));
        vagrant.work(settings, &["destroy", "--force"], Some(name), clock).await?;
    }
    Ok(())
}

/// Ends a lab of machines: they are halted, or removed with `purge`.
///
/// # Errors
/// As Vagrant.
pub async fn stop(
    settings: &Settings,
    state: &StateDir,
    record: &LabRecord,
    purge: bool,
    clock: Clock,
) -> Result<()> {
    let lab = Lab::of(settings, state.clone(), &record.spec)?;
    if purge { destroy(settings, &lab, clock).await } else { halt(settings, &lab, None, clock).await }
}

async fn halt(settings: &Settings, lab: &Lab, node: Option<&str>, clock: Clock) -> Result<()> {
    lab.known(node)?;
    let halted = lab.vagrant.work(settings, &["halt"], node, clock).await;
    halted.and(lab.look().await)
}

async fn resume(settings: &Settings, lab: &Lab, node: Option<&str>, clock: Clock) -> Result<()> {
    lab.known(node)?;
    let resumed = lab.vagrant.work(settings, &["up"], node, clock).await;
    resumed.and(lab.look().await)
}

async fn provision(settings: &Settings, lab: &Lab, node: Option<&str>, clock: Clock) -> Result<()> {
    lab.known(node)?;
    lab.vagrant.work(settings, &["provision"], node, clock).await
}

async fn destroy(settings: &Settings, lab: &Lab, clock: Clock) -> Result<()> {
    let destroyed = lab.vagrant.work(settings, &["destroy", "--force"], None, clock).await;
    destroyed.and(lab.look().await)
}

/// The journal of a component, or of all on the master's machine, as `vagrant ssh` brings it here.
///
/// # Errors
/// When there is no such component; when Vagrant does not start.
pub fn journal(settings: &Settings, component: Option<&str>, args: &cli::Logs) -> Result<()> {
    let lab = lab(settings)?;
    let (node, unit) = match component {
        Some(agent) if agent.starts_with("agent-") => (agent, "agent"),
        Some(component) => ("master", component),
        None => ("master", "*"),
    };
    lab.known(Some(node))?;
    let follow = if args.follow { " --follow" } else { "" };
    let lines = args.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let command =
        format!("sudo journalctl --unit='mesoslab-{unit}' --output=cat --no-pager --lines={lines}{follow}");
    Err(lab.vagrant.become_ssh(node, &[command]))
}

/// Starts the unit of our scheduler.
///
/// # Errors
/// When Vagrant or the machine cannot.
pub async fn start_scheduler(settings: &Settings) -> Result<()> {
    lab(settings)?.vagrant.order("master", "sudo systemctl start mesoslab-scheduler").await
}

/// Stops the unit of our scheduler; with `teardown` its framework and tasks end before.
///
/// # Errors
/// When the scheduler cannot be told; when Vagrant or the machine cannot.
pub async fn stop_scheduler(
    settings: &Settings,
    endpoints: &Endpoints,
    teardown: bool,
    clock: Clock,
) -> Result<()> {
    let lab = lab(settings)?;
    let Some(url) = endpoints.scheduler.as_deref().filter(|_| teardown) else {
        return lab.vagrant.order("master", "sudo systemctl stop mesoslab-scheduler").await;
    };
    let api = provider::scheduler_api(url).context("talk to the scheduler")?;
    // One that is not subscribed cannot tell the master.
    let subscribed = ready::scheduler(&api, clock, SUBSCRIBING).await;
    subscribed.map_err(|missing| Failure::new(Code::NotReady, missing.to_string()))?;
    // It ends with its framework; started anew it would make another one before it is told to stop.
    let directory = "/run/systemd/system/mesoslab-scheduler.service.d";
    let once = format!(
        "sudo sh -c 'mkdir -p {directory} && printf \"[Service]\\nRestart=no\\n\" >{directory}/once.conf && systemctl daemon-reload'"
    );
    lab.vagrant.order("master", &once).await?;
    let torn_down = api.teardown().await.context("tear the framework down");
    let stop = if torn_down.is_ok() { "systemctl stop mesoslab-scheduler" } else { "true" };
    let then =
        format!("sudo sh -c '{stop}; code=$?; rm -rf {directory}; systemctl daemon-reload; exit $code'");
    let ended = lab.vagrant.order("master", &then).await;
    torn_down.and(ended)
}

/// Kills a component on the master's machine; its unit starts it again.
///
/// # Errors
/// When Vagrant or the machine cannot.
pub async fn crash(settings: &Settings, part: Part) -> Result<()> {
    let lab = lab(settings)?;
    let unit = match part {
        Part::ZooKeeper => "zookeeper",
        Part::Leader => "master",
        Part::Marathon => "marathon",
        Part::Scheduler => "scheduler",
    };
    let in_container = lab.plan.flavor == Flavor::Apache && part != Part::Scheduler;
    let kill = if in_container { "docker kill" } else { "systemctl kill --signal=KILL" };
    lab.vagrant.order("master", &format!("sudo {kill} mesoslab-{unit}")).await
}

/// Whether this record is of machines.
pub fn is_of_machines(record: &LabRecord) -> bool {
    record.spec.provider == ProviderKind::Vagrant
}
