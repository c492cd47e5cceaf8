//! What virtual machines need on this computer: Vagrant, a hypervisor, virtualisation, memory, a network of their own.

use std::{net::Ipv4Addr, path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::{
    commands::doctor::{Finding, Verdict},
    error::{Failure, Result},
    provider::vagrant::plan::Plan,
    settings::Settings,
};

const PATIENCE: Duration = Duration::from_secs(10);

const VAGRANT: &str = "vagrant";
const HYPERVISOR: &str = "hypervisor";
const VIRTUALISATION: &str = "virtualisation";
const MEMORY: &str = "machines' memory";
const NETWORK: &str = "machines' network";

/// Without these Vagrant cannot even begin; of the others it is the judge.
const FATAL: [&str; 3] = [VAGRANT, HYPERVISOR, MEMORY];

/// Looks before Vagrant works for minutes.
///
/// # Errors
/// What cannot go well, each with its remedy.
pub async fn before(settings: &Settings, plan: &Plan) -> Result<()> {
    let findings = all(Some(plan)).await;
    let bad = findings.into_iter().filter(|finding| finding.verdict == Verdict::Bad);
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
    let (vagrant, virtualbox) = tokio::join!(version("vagrant"), version("VBoxManage"));
    let Some(vagrant) = vagrant else {
        let remedy = "for virtual machines: apt install vagrant; the other providers do without";
        return vec![Finding::bad(VAGRANT, "not installed", remedy)];
    };
    let chosen = std::env::var("VAGRANT_DEFAULT_PROVIDER").unwrap_or_default();
    let mut findings = vec![Finding::good(VAGRANT, vagrant)];
    let libvirt = Path::new("/var/run/libvirt/libvirt-sock").exists();
    findings.push(hypervisor(&chosen, virtualbox.as_deref(), libvirt));
    let cpus = std::fs::read_to_string("/proc/cpuinfo").ok();
    findings.extend(ours(&chosen).then(|| virtualisation(cpus.as_deref(), Path::new("/dev/kvm").exists())));
    if let Some(plan) = plan {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        findings.push(memory_for(&memory, plan.memory()));
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        let allowed = virtualbox.is_none() || Path::new("/etc/vbox/networks.conf").exists();
        findings.extend(plan.machines.first().map(|master| network(&routes, master.address, allowed)));
    }
    findings
}

/// Whether this is a provider that the Vagrantfile knows.
fn ours(provider: &str) -> bool {
    ["", "virtualbox", "libvirt"].contains(&provider)
}

async fn version(program: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn hypervisor(chosen: &str, virtualbox: Option<&str>, libvirt: bool) -> Finding {
    match (chosen, virtualbox, libvirt) {
        (other, ..) if !ours(other) => {
            let remedy = "none: the Vagrantfile is made for virtualbox and libvirt";
            Finding::note(HYPERVISOR, format!("VAGRANT_DEFAULT_PROVIDER is {other}"), remedy)
        }
        ("" | "virtualbox", Some(version), _) => Finding::good(HYPERVISOR, format!("VirtualBox {version}")),
        ("" | "libvirt", _, true) => {
            Finding::good(HYPERVISOR, "libvirt (Vagrant wants the plugin vagrant-libvirt for it)")
        }
        _ => {
            let remedy = "install VirtualBox, or: apt install libvirt-daemon-system vagrant-libvirt";
            Finding::bad(HYPERVISOR, "neither VirtualBox nor a libvirt that runs", remedy)
        }
    }
}

fn virtualisation(cpus: Option<&str>, kvm: bool) -> Finding {
    let Some(cpus) = cpus else {
        return Finding::note(
            VIRTUALISATION,
            "not known on this system",
            "see that it is on in the firmware",
        );
    };
    let flag = |name: &str| {
        cpus.lines().any(|line| line.starts_with("flags") && line.split(' ').any(|flag| flag == name))
    };
    match (flag("vmx"), flag("svm")) {
        (false, false) => {
            let remedy = "switch VT-x or AMD-V on in the firmware; in a virtual machine: allow nested ones";
            Finding::bad(VIRTUALISATION, "the processor does not offer vmx or svm", remedy)
        }
        (intel, _) => {
            let kvm = if kvm { ", /dev/kvm is there" } else { ", no /dev/kvm: libvirt would be slow" };
            Finding::good(VIRTUALISATION, format!("{}{kvm}", if intel { "vmx" } else { "svm" }))
        }
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

/// Whether the network of the machines is theirs alone; `routes` is `/proc/net/route`.
fn network(routes: &str, first: Ipv4Addr, allowed_by_virtualbox: bool) -> Finding {
    let other = "set another first_address in [vagrant] of the lab file";
    if let Some(interface) = foreign_route(routes, first) {
        return Finding::bad(NETWORK, format!("{first} is in the network of {interface}"), other);
    }
    let [a, b, c, _] = first.octets();
    let usual = (a, b) == (192, 168) && (56..64).contains(&c);
    if usual || allowed_by_virtualbox {
        return Finding::good(NETWORK, format!("{a}.{b}.{c}.0/24 is free, or the hypervisor's"));
    }
    let remedy =
        format!("a first_address in 192.168.56.0/21, or `* {a}.{b}.{c}.0/24` in /etc/vbox/networks.conf");
    Finding::bad(NETWORK, format!("VirtualBox does not allow {first}"), remedy)
}

/// The interface, not one of a hypervisor, to which this address is sent: by more than the default route.
fn foreign_route(routes: &str, address: Ipv4Addr) -> Option<&str> {
    let number = |text: &str| u32::from_str_radix(text, 16).map(u32::swap_bytes).ok();
    routes.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [interface, to, _, _, _, _, _, mask, ..] = fields[..] else { return None };
        let (to, mask) = (number(to)?, number(mask)?);
        let hits = mask != 0 && u32::from(address) & mask == to;
        (hits && !interface.starts_with("vboxnet") && !interface.starts_with("virbr")).then_some(interface)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        vboxnet0\t0038A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn a_network_of_somebody_else_is_found() {
        assert_eq!(foreign_route(ROUTES, Ipv4Addr::new(192, 168, 56, 10)), None, "VirtualBox' own");
        assert_eq!(foreign_route(ROUTES, Ipv4Addr::new(192, 168, 1, 10)), Some("eth0"));
        assert_eq!(
            foreign_route(ROUTES, Ipv4Addr::new(10, 0, 0, 1)),
            None,
            "the default route is no network"
        );
    }

    #[test]
    fn addresses_that_virtualbox_refuses_are_told_before() {
        let verdict = |address, allowed| network(ROUTES, address, allowed).verdict;
        assert_eq!(verdict(Ipv4Addr::new(192, 168, 63, 10), false), Verdict::Good);
        assert_eq!(verdict(Ipv4Addr::new(172, 20, 0, 10), false), Verdict::Bad);
        assert_eq!(verdict(Ipv4Addr::new(172, 20, 0, 10), true), Verdict::Good);
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
    fn hypervisors_are_taken_as_they_are_asked_for() {
        assert_eq!(hypervisor("", Some("7.0"), false).verdict, Verdict::Good);
        assert_eq!(hypervisor("libvirt", Some("7.0"), false).verdict, Verdict::Bad);
        assert_eq!(hypervisor("", None, true).verdict, Verdict::Good);
        assert_eq!(hypervisor("parallels", None, false).verdict, Verdict::Note);
        assert_eq!(hypervisor("", None, false).verdict, Verdict::Bad);
    }

    #[test]
    fn virtualisation_is_read_from_the_processors_flags() {
        assert_eq!(virtualisation(Some("flags\t\t: fpu vmx sse\n"), true).verdict, Verdict::Good);
        assert_eq!(virtualisation(Some("flags\t\t: fpu sse\nbugs: vmx\n"), true).verdict, Verdict::Bad);
        assert_eq!(virtualisation(None, false).verdict, Verdict::Note);
    }
}
