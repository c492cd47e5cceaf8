//! `mesoslab doctor`: what a lab needs on this machine, with a remedy for each finding.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use serde::Serialize;
use tokio::net::TcpListener;

use crate::{
    cli::{self, Format},
    client::docker::Engine,
    error::{Failure, Result},
    printer::Rows,
    provider::{
        docker::images::{Images, Source},
        state::{self, StateDir},
        vagrant::plan::Plan,
    },
    settings::{self, Settings},
    spec::{LabSpec, ProviderKind, SpecLayer},
};

/// A lab with its hundred tasks stays far below this, in megabytes; the tasks themselves come on top.
const MEMORY_MB: u64 = 256;

/// Each task takes a few file descriptors of the lab's process for a moment.
const OPEN_FILES: u64 = 1024;

const PATIENCE: Duration = Duration::from_secs(3);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub check: &'static str,
    pub verdict: Verdict,
    pub seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Good,
    /// The lab works, something does not.
    Note,
    /// The lab does not work.
    Bad,
}

impl Finding {
    pub(super) fn good(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, seen: seen.into(), remedy: None }
    }

    pub(super) fn note(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Note, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn bad(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Bad, seen: seen.into(), remedy: Some(remedy.into()) }
    }
}

pub async fn run(settings: &Settings, output: &cli::Output) -> Result<()> {
    let spec = settings.spec(SpecLayer::default());
    let mut findings = vec![lab_file(spec.as_ref()), state_directory()];
    if let Ok(spec) = &spec {
        findings.push(ports(spec).await);
    }
    findings.extend([memory(), open_files(), shell(), processes()]);
    let (docker, machines) = tokio::join!(docker(spec.as_ref().ok()), machines(settings, spec.as_ref().ok()));
    findings.push(docker);
    findings.extend(machines);
    show(settings, output.output, &findings)?;
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    match bad {
        0 => Ok(()),
        _ => Err(Failure::failed(format!(
            "{bad} of {} checks failed; the remedies stand beside them",
            findings.len()
        ))),
    }
}

fn show(settings: &Settings, format: Format, findings: &[Finding]) -> Result<()> {
    let printer = &settings.printer;
    settings.printer.show(format, &findings, |_| {
        let mut rows = Rows::new(["", "check", "seen", "remedy"]);
        for finding in findings {
            let mark = match finding.verdict {
                Verdict::Good => printer.tick(),
                Verdict::Note => printer.paint("33", "!"),
                Verdict::Bad => printer.cross(),
            };
            rows.push([
                mark,
                finding.check.into(),
                finding.seen.clone(),
                finding.remedy.clone().unwrap_or_default(),
            ]);
        }
        rows
    })
}

fn lab_file(spec: std::result::Result<&LabSpec, &Failure>) -> Finding {
    let user_file = settings::user_file_path().map(|path| path.display().to_string()).unwrap_or_default();
    match spec {
        Ok(spec) => Finding::good(
            "lab file",
            format!("lab `{}` with {} agents (user file: {user_file})", spec.name, spec.agents.len()),
        ),
        Err(failure) => {
            Finding::bad("lab file", failure.message.clone(), "mesoslab up   (shows every mistake)")
        }
    }
}

fn state_directory() -> Finding {
    const CHECK: &str = "state directory";
    let remedy = "set XDG_STATE_HOME to a directory of yours that can be written";
    let Ok(labs) = state::labs_dir() else { return Finding::bad(CHECK, "no home directory", remedy) };
    let probe = StateDir::at(labs.join(format!(".doctor-{}", std::process::id())));
    let made = probe.create().and_then(|()| probe.lock().map(drop));
    let removed = probe.purge();
    match made.and(removed) {
        Ok(()) => Finding::good(CHECK, labs.display().to_string()),
        Err(error) => Finding::bad(CHECK, format!("{}: {error}", labs.display()), remedy),
    }
}

async fn ports(spec: &LabSpec) -> Finding {
    const CHECK: &str = "ports";
    let ports = &spec.ports;
    let agents = (0..spec.agents.len() as u16).map(|index| ports.agents.saturating_add(index));
    let masters = (0..spec.masters).map(|at| ports.of_master(at));
    let marathon = spec.marathon.then_some(ports.marathon);
    let services =
        [ports.zookeeper, ports.exhibitor, ports.registry, ports.scheduler].into_iter().chain(marathon);
    let wished: Vec<u16> = masters.chain(agents).chain(services).collect();
    let running = StateDir::of(&spec.name).is_ok_and(|state| state.is_running());
    if running {
        return Finding::good(CHECK, format!("in use by lab `{}`, which runs", spec.name));
    }
    let mut taken = Vec::new();
    for port in &wished {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await.is_err() {
            taken.push(port.to_string());
        }
    }
    if taken.is_empty() {
        return Finding::good(CHECK, format!("{} and {} others are free", ports.master, wished.len() - 1));
    }
    let remedy = "nothing to do: free ones are taken instead; or change [ports] in the lab file";
    Finding::note(CHECK, format!("in use by others: {}", taken.join(", ")), remedy)
}

fn memory() -> Finding {
    const CHECK: &str = "memory";
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
    });
    match available {
        None => Finding::note(CHECK, "not known on this system", format!("see that {MEMORY_MB} MB are free")),
        Some(mb) if mb < MEMORY_MB => Finding::bad(
            CHECK,
            format!("{mb} MB available"),
            format!("end something: a lab wants {MEMORY_MB} MB"),
        ),
        Some(mb) => Finding::good(CHECK, format!("{mb} MB available")),
    }
}

fn open_files() -> Finding {
    const CHECK: &str = "open files";
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    match limit.maximum {
        Some(maximum) if maximum < OPEN_FILES => {
            Finding::bad(CHECK, format!("at most {maximum}"), format!("ulimit -Hn {OPEN_FILES}"))
        }
        Some(maximum) => Finding::good(CHECK, format!("up to {maximum}")),
        None => Finding::good(CHECK, "no limit"),
    }
}

fn shell() -> Finding {
    if Path::new("/bin/sh").exists() {
        Finding::good("shell", "/bin/sh")
    } else {
        Finding::bad("shell", "no /bin/sh", "install a shell: command tasks run in `sh -c`")
    }
}

fn processes() -> Finding {
    if Path::new("/proc/self/environ").exists() {
        Finding::good("processes", "/proc is there: no task outlives its lab")
    } else {
        let remedy = "none: a task that leaves its process group may outlive a killed lab";
        Finding::note("processes", "no /proc on this system", remedy)
    }
}

/// The engine, and whether it has what the lab's flavor is made of.
async fn docker(spec: Option<&LabSpec>) -> Finding {
    const CHECK: &str = "docker";
    let needs_it = spec.is_some_and(|spec| spec.provider == ProviderKind::Docker);
    let engine = match Engine::connect().await {
        Ok(engine) => engine,
        Err(error) if needs_it => return Finding::bad(CHECK, error.to_string(), error.remedy()),
        Err(error) => {
            let remedy = "none needed: the embedded provider works without";
            return Finding::note(CHECK, error.to_string(), remedy);
        }
    };
    let version = tokio::time::timeout(PATIENCE, engine.api().version()).await;
    let version = version.ok().and_then(Result::ok).unwrap_or_default();
    let (number, api) = (version.version.unwrap_or_default(), version.api_version.unwrap_or_default());
    let seen = format!("Engine {number}, API {api}, at {}", engine.place());
    let Some(spec) = spec else { return Finding::good(CHECK, seen) };
    let missing = missing_images(&engine, spec).await;
    if missing.is_empty() {
        return Finding::good(
            CHECK,
            format!("{seen}; the images of flavor {} are there", spec.flavor.word()),
        );
    }
    let remedy = "mesoslab up --provider docker pulls them; --flavor lite needs none";
    Finding::note(CHECK, format!("{seen}; it lacks {}", missing.join(", ")), remedy)
}

/// Those that are not made here.
async fn missing_images(engine: &Engine, spec: &LabSpec) -> Vec<String> {
    let images = Images::of(spec);
    let mut missing = Vec::new();
    for (_, image) in images.iter().filter(|(_, image)| image.source == Source::Pulled) {
        if !matches!(engine.image(&image.reference).await, Ok(Some(_))) {
            missing.push(image.reference.clone());
        }
    }
    missing
}

/// What virtual machines need; of no lab but one of machines is it wrong when that is missing.
async fn machines(settings: &Settings, spec: Option<&LabSpec>) -> Vec<Finding> {
    let as_machines =
        settings.spec(SpecLayer { provider: Some(ProviderKind::Vagrant), ..SpecLayer::default() }).ok();
    let plan = as_machines.and_then(|spec| Plan::of(&spec).ok());
    let findings = super::vagrant::checks::all(plan.as_ref()).await;
    if spec.is_some_and(|spec| spec.provider == ProviderKind::Vagrant) {
        return findings;
    }
    let mild = |finding: Finding| match finding.verdict {
        Verdict::Bad => Finding { verdict: Verdict::Note, ..finding },
        _ => finding,
    };
    findings.into_iter().map(mild).collect()
}
