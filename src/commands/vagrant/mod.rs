//! `mesoslab vagrant`: the lab as virtual machines. Vagrant makes them; here are the checks before, what is shown
//! meanwhile, and the record by which every other command knows the lab.

pub mod checks;
mod run;
mod status;

use crate::{
    cli::{self, VagrantAction},
    error::{Context, Failure, Result},
    provider::{
        Endpoints,
        state::{LabRecord, StateDir},
        vagrant::{
            files,
            plan::{self, Plan},
        },
    },
    runtime::Clock,
    settings::Settings,
    spec::{LabSpec, ProviderKind, SpecLayer},
};

pub use run::Vagrant;

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

/// The lab that the command is about, as it was last applied, else as the lab file has it.
fn lab(settings: &Settings) -> Result<Lab> {
    let state = settings.state()?;
    let last = state.record_if_sound().context("read the lab's record")?;
    match last.filter(|record| record.spec.provider == ProviderKind::Vagrant) {
        Some(record) => Lab::of(settings, state, &record.spec),
        None => Lab::of(settings, state, &spec(settings)?),
    }
}

impl Lab {
    fn of(settings: &Settings, state: StateDir, spec: &LabSpec) -> Result<Self> {
        let plan = plan(spec)?;
        state.create().context(format_args!("make `{}`", state.path().display()))?;
        // Only the lab that has no name is the one of a Vagrant that was started without us.
        let here = std::env::current_dir().ok().filter(|_| !settings.is_named());
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

    fn mark(&self, stopped: bool) -> Result<()> {
        match self.state.record_if_sound().context("read the lab's record")? {
            Some(record) => {
                self.state.write_record(&LabRecord { stopped, ..record }).context("write the lab's record")
            }
            None => Ok(()),
        }
    }
}

/// Makes the machines of `spec`, and keeps them as the lab: where its components answer.
///
/// # Errors
/// A check that fails; what Vagrant says when it fails or is interrupted.
pub async fn start(settings: &Settings, state: &StateDir, spec: &LabSpec, clock: Clock) -> Result<Endpoints> {
    let lab = Lab::of(settings, state.clone(), spec)?;
    checks::before(settings, &lab.plan).await?;
    let kept = state.record_if_sound().context("read the lab's record")?;
    let record = LabRecord {
        spec: spec.clone(),
        endpoints: plan::endpoints(spec),
        pid: 0,
        containers: None,
        started_at: clock.now().as_secs_f64(),
        stopped: true,
    };
    // Whatever comes of it: `down` has to know that there may be machines.
    if kept.is_none() {
        state.write_record(&record).context("write the lab's record")?;
    }
    lab.vagrant.work(settings, &["up", "--provision"], None, clock).await?;
    let record = LabRecord { stopped: false, ..record };
    state.write_record(&record).context("write the lab's record")?;
    Ok(record.endpoints)
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
    lab.vagrant.work(settings, &["halt"], node, clock).await?;
    if node.is_none() {
        lab.mark(true)?;
    }
    Ok(())
}

async fn resume(settings: &Settings, lab: &Lab, node: Option<&str>, clock: Clock) -> Result<()> {
    lab.known(node)?;
    lab.vagrant.work(settings, &["up"], node, clock).await?;
    lab.mark(false)
}

async fn provision(settings: &Settings, lab: &Lab, node: Option<&str>, clock: Clock) -> Result<()> {
    lab.known(node)?;
    lab.vagrant.work(settings, &["provision"], node, clock).await
}

async fn destroy(settings: &Settings, lab: &Lab, clock: Clock) -> Result<()> {
    lab.vagrant.work(settings, &["destroy", "--force"], None, clock).await?;
    lab.mark(true)
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

/// Starts or stops the unit of our scheduler.
///
/// # Errors
/// What does not work on machines; when Vagrant does not start.
pub fn scheduler(settings: &Settings, record: &LabRecord, what: &str) -> Result<()> {
    if !["start", "stop"].contains(&what) {
        let hint = "mesoslab scale 0 ends its tasks, mesoslab scheduler stop the scheduler";
        return Err(refused(record, "a teardown").hint(hint));
    }
    let lab = lab(settings)?;
    Err(lab.vagrant.become_ssh("master", &[format!("sudo systemctl {what} mesoslab-scheduler")]))
}

/// Whether this record is of machines.
pub fn is_of_machines(record: &LabRecord) -> bool {
    record.spec.provider == ProviderKind::Vagrant
}

/// What a command that orders the lab's process says of a lab that has none.
pub fn refused(record: &LabRecord, what: &str) -> Failure {
    let suffix = Settings::name_suffix(&record.spec.name);
    Failure::usage(format!("{what} does not work on a lab of virtual machines"))
        .hint(format!("mesoslab vagrant{suffix} ssh master -- sudo systemctl kill -s KILL mesoslab-master"))
}
