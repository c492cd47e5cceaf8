//! What virtual machines need on this computer: Vagrant, a hypervisor, virtualisation, memory, a network of their own.

mod hypervisor;
mod network;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use self::hypervisor::{Hypervisor, Version};
use crate::{
    commands::doctor::{Finding, Verdict},
    error::{Failure, Result},
    provider::{state::StateDir, vagrant::plan::Plan},
    settings::Settings,
};

const PATIENCE: Duration = Duration::from_secs(20);

const VAGRANT: &str = "vagrant";
const HYPERVISOR: &str = "hypervisor";
const VIRTUALISATION: &str = "virtualisation";
const MEMORY: &str = "machines' memory";
const BOX: &str = "box";
const NETWORK: &str = "machines' network";

/// Without these Vagrant cannot even begin; of the others it is the judge.
const FATAL: [&str; 3] = [VAGRANT, HYPERVISOR, MEMORY];

/// The Vagrantfile is written for Ruby 2.7, which Vagrant supports since then.
const OLDEST_VAGRANT: Version = Version([2, 2, 10]);

/// Looks before Vagrant works for minutes.
///
/// # Errors
/// What cannot go well, each with its remedy.
pub async fn before(settings: &Settings, plan: &Plan) -> Result<()> {
    let findings = all(Some(plan)).await;
    let told = |finding: &Finding| {
        finding.verdict == Verdict::Bad || (finding.check == BOX && finding.verdict == Verdict::Note)
    };
    let bad = findings.into_iter().filter(told);
    let (fatal, others): (Vec<_>, Vec<_>) = bad.partition(|finding| FATAL.contains(&finding.check));
    let words = |finding: &Finding| {
        format!("{}: {}; {}", finding.check, finding.seen, finding.remedy.as_deref().unwrap_or_default())
    };
    for finding in &others {
        settings.printer.warn(words(finding));
    }
    if fatal.is_empty() {
        return Ok(());
    }
    let seen = fatal.iter().map(words).collect();
    Err(Failure::failed("virtual machines cannot be made here").seen(seen).hint("mesoslab doctor"))
}

/// Everything, in the order in which it is needed. Where Vagrant is not installed there is nothing more to say.
pub async fn all(plan: Option<&Plan>) -> Vec<Finding> {
    let computer = Computer::this();
    let Some(vagrant) = answer(VAGRANT, &["--version"]).await else {
        let remedy = "for virtual machines: apt install vagrant; the other providers do without";
        return vec![Finding::bad(VAGRANT, "not installed", remedy)];
    };
    let chosen = std::env::var("VAGRANT_DEFAULT_PROVIDER").unwrap_or_default();
    let seen = hypervisor::Seen::of(&computer, &chosen, Version::in_text(&vagrant)).await;
    let (taken, hypervisor) = seen.judge(&chosen);
    let mut findings = vec![of_vagrant(&vagrant), hypervisor];
    if hypervisor::is_ours(&chosen) {
        findings.push(virtualisation(&computer, taken));
    }
    if let Some(plan) = plan {
        findings.push(of_box(plan));
        findings.push(memory_for(&computer.read("/proc/meminfo").unwrap_or_default(), plan.memory()));
        findings.extend(of_other_labs(plan).or_else(|| network::of(&computer, plan, taken)));
    }
    findings
}

/// The files of this computer; in tests, of one that does not exist.
struct Computer {
    root: PathBuf,
}

impl Computer {
    fn this() -> Self {
        Self { root: PathBuf::from("/") }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok()
    }
}

/// What a program says; nothing where it is not there, fails or says nothing for too long.
async fn answer(program: &str, words: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // Not where a Vagrantfile might be that has its own mistakes.
    command.current_dir(Path::new("/")).env("PWD", "/");
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `said` is what `vagrant --version` prints.
fn of_vagrant(said: &str) -> Finding {
    match Version::in_text(said) {
        Some(version) if version < OLDEST_VAGRANT => {
            let remedy = format!(
                "install {OLDEST_VAGRANT} or newer, which the Ruby of the Vagrantfile wants: apt install vagrant, or \
                 https://developer.hashicorp.com/vagrant/install"
            );
            Finding::bad(VAGRANT, said, remedy)
        }
        Some(_) => Finding::good(VAGRANT, said),
        None => {
            Finding::note(VAGRANT, format!("{said:?}"), format!("see that it is {OLDEST_VAGRANT} or newer"))
        }
    }
}

/// Another lab of this user whose machines have an address of these.
fn of_other_labs(plan: &Plan) -> Option<Finding> {
    let others = StateDir::all().ok()?.into_iter().filter(|(name, _)| *name != plan.lab);
    let records = others.filter_map(|(_, state)| state.record().ok().flatten());
    let mut of_machines = records.filter(super::is_of_machines);
    of_machines.find_map(|record| {
        let theirs = Plan::of(&record.spec).ok()?;
        let has = |address| theirs.machines.iter().any(|machine| machine.address == address);
        let address = plan.machines.iter().map(|machine| machine.address).find(|address| has(*address))?;
        let name = &theirs.lab;
        let seen = format!("{address} is also of a machine of lab `{name}`");
        let remedy = format!("another first_address in [vagrant], or: mesoslab down --purge --name {name}");
        let judge = if record.stopped { Finding::note } else { Finding::bad };
        Some(judge(NETWORK, seen, remedy))
    })
}

/// Whether the machines begin with what the lab file means, and nothing else.
fn of_box(plan: &Plan) -> Finding {
    let name = &plan.image;
    match (&plan.box_url, &plan.box_download_checksum, &plan.box_version) {
        (Some(url), Some(checksum), _) => Finding::good(BOX, format!("{name}, {url} as of {:.12}", checksum)),
        (_, _, Some(version)) => Finding::good(BOX, format!("{name} {version}")),
        _ => Finding::note(
            BOX,
            format!("{name}, whichever version is newest when Vagrant adds it"),
            "name its box_version in [vagrant] of the lab file, or a box_url with its box_download_checksum",
        ),
    }
}

/// Whether the processor, and for libvirt the kernel, can run machines as fast as itself.
fn virtualisation(computer: &Computer, taken: Option<Hypervisor>) -> Finding {
    let Some(cpus) = computer.read("/proc/cpuinfo") else {
        return Finding::note(
            VIRTUALISATION,
            "not known on this system",
            "see that it is on in the firmware",
        );
    };
    let flag = |name: &str| {
        cpus.lines().any(|line| line.starts_with("flags") && line.split(' ').any(|flag| flag == name))
    };
    let (word, module) = match (flag("vmx"), flag("svm")) {
        (false, false) => {
            let remedy = "switch VT-x or AMD-V on in the firmware; in a virtual machine: allow nested ones";
            return Finding::bad(VIRTUALISATION, "the processor does not offer vmx or svm", remedy);
        }
        (true, _) => ("vmx", "kvm_intel"),
        _ => ("svm", "kvm_amd"),
    };
    match (taken, computer.has("/dev/kvm")) {
        (Some(Hypervisor::Libvirt), false) => Finding::bad(
            VIRTUALISATION,
            format!("{word}, but no /dev/kvm, without which libvirt starts no machine"),
            format!("sudo modprobe {module}"),
        ),
        (Some(Hypervisor::VirtualBox), _) => Finding::good(VIRTUALISATION, word),
        (_, true) => Finding::good(VIRTUALISATION, format!("{word}, /dev/kvm is there")),
        (None, false) => Finding::good(VIRTUALISATION, format!("{word}; no /dev/kvm, which libvirt wants")),
    }
}

/// `meminfo` is that of Linux; elsewhere nothing is known.
fn memory_for(meminfo: &str, wanted: u64) -> Finding {
    let megabytes = |name: &str| {
        let line = meminfo.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
    };
    let lower = "lower agents, agent_memory or master_memory in [vagrant] of the lab file";
    match (megabytes("MemTotal:"), megabytes("MemAvailable:")) {
        (Some(total), _) if total < wanted => {
            Finding::bad(MEMORY, format!("the machines want {wanted} MB, this computer has {total}"), lower)
        }
        (_, Some(available)) if available < wanted => {
            Finding::note(MEMORY, format!("the machines want {wanted} MB, {available} are free"), lower)
        }
        (_, Some(available)) => {
            Finding::good(MEMORY, format!("{available} MB are free, the machines want {wanted}"))
        }
        _ => Finding::note(MEMORY, "not known on this system", format!("see that {wanted} MB are free")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A computer that has these files.
    pub(super) fn computer(files: &[(&str, &str)]) -> (tempfile::TempDir, Computer) {
        let root = tempfile::tempdir().expect("a directory");
        let computer = Computer { root: root.path().to_owned() };
        for (path, text) in files {
            let path = computer.path(path);
            std::fs::create_dir_all(path.parent().expect("below the root")).expect("a directory");
            std::fs::write(path, text).expect("write");
        }
        (root, computer)
    }

    #[test]
    fn an_old_vagrant_is_told_with_what_it_takes() {
        assert_eq!(of_vagrant("Vagrant 2.3.4").verdict, Verdict::Good);
        assert_eq!(of_vagrant("Vagrant 2.2.10").verdict, Verdict::Good);
        let old = of_vagrant("Vagrant 2.2.9");
        assert_eq!(old.verdict, Verdict::Bad);
        assert!(old.remedy.is_some_and(|remedy| remedy.contains("2.2.10 or newer")));
        assert_eq!(of_vagrant("something else").verdict, Verdict::Note);
    }

    #[test]
    fn memory_is_weighed_against_all_machines() {
        let meminfo = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n";
        assert_eq!(memory_for(meminfo, 4000).verdict, Verdict::Good);
        assert_eq!(memory_for(meminfo, 10_240).verdict, Verdict::Note);
        assert_eq!(memory_for(meminfo, 20_000).verdict, Verdict::Bad);
        assert_eq!(memory_for("", 1).verdict, Verdict::Note);
    }

    #[test]
    fn virtualisation_is_read_from_the_processors_flags_and_the_kernel() {
        const INTEL: (&str, &str) = ("/proc/cpuinfo", "flags\t\t: fpu vmx sse\n");
        let judged = |files: &[(&str, &str)], taken| {
            let (_root, computer) = computer(files);
            virtualisation(&computer, taken)
        };
        assert_eq!(judged(&[INTEL, ("/dev/kvm", "")], Some(Hypervisor::Libvirt)).verdict, Verdict::Good);
        assert_eq!(judged(&[INTEL], Some(Hypervisor::VirtualBox)).verdict, Verdict::Good);
        let without = judged(&[INTEL], Some(Hypervisor::Libvirt));
        assert_eq!(without.verdict, Verdict::Bad);
        assert_eq!(without.remedy.as_deref(), Some("sudo modprobe kvm_intel"));
        let neither = judged(&[("/proc/cpuinfo", "flags\t\t: fpu sse\nbugs: vmx\n")], None);
        assert_eq!(neither.verdict, Verdict::Bad);
        assert_eq!(judged(&[], None).verdict, Verdict::Note);
    }
}
