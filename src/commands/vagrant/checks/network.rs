//! Whether the machines can have their addresses: nobody else has that network, and VirtualBox allows it.

use std::net::Ipv4Addr;

use super::{Computer, NETWORK, hypervisor::Hypervisor};
use crate::{commands::doctor::Finding, provider::vagrant::plan::Plan};

/// What VirtualBox allows where nobody has said anything else.
const USUAL: &str = "* 192.168.56.0/21";
const ALLOWED: &str = "/etc/vbox/networks.conf";

/// What is to be said of the addresses of these machines.
pub(super) fn of(computer: &Computer, plan: &Plan, taken: Option<Hypervisor>) -> Option<Finding> {
    let (first, last) = (plan.machines.first()?.address, plan.machines.last()?.address);
    let other = "set another first_address in [vagrant] of the lab file";
    let routes = computer.read("/proc/net/route").unwrap_or_default();
    if let Some((address, interface)) = clash(&routes, &[first, last]) {
        let seen = format!("{address} is in the network of {interface}");
        return Some(Finding::bad(NETWORK, seen, other));
    }
    let [a, b, c, _] = first.octets();
    let conf = computer.read(ALLOWED);
    let ranges = conf.as_deref().unwrap_or(USUAL);
    let refused = [first, last].into_iter().find(|address| !allows(ranges, *address));
    match refused.filter(|_| taken != Some(Hypervisor::Libvirt)) {
        Some(address) => {
            let said = if conf.is_some() { ", as /etc/vbox/networks.conf says" } else { "" };
            let within = if conf.is_some() { "what that allows" } else { "192.168.56.0/21" };
            let remedy = format!("a first_address in {within}, or `* {a}.{b}.{c}.0/24` in {ALLOWED}");
            let seen = format!("VirtualBox does not allow {address}{said}");
            let judge = if taken.is_some() { Finding::bad } else { Finding::note };
            Some(judge(NETWORK, seen, remedy))
        }
        None => Some(Finding::good(NETWORK, format!("{a}.{b}.{c}.0/24 is free, or the hypervisor's"))),
    }
}

/// The first of these addresses that is in the network of somebody else, and whose that is.
fn clash<'a>(routes: &'a str, addresses: &[Ipv4Addr]) -> Option<(Ipv4Addr, &'a str)> {
    addresses.iter().find_map(|address| Some((*address, foreign_route(routes, *address)?)))
}

/// The interface, not one of a hypervisor, to which this address is sent: by more than the default route. `routes` is
/// `/proc/net/route`.
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

/// Whether one of the lines `* RANGE...` of VirtualBox' networks.conf has this address.
fn allows(conf: &str, address: Ipv4Addr) -> bool {
    let lines = conf.lines().filter_map(|line| line.trim().strip_prefix('*'));
    lines.flat_map(str::split_whitespace).any(|range| {
        let (network, length) = range.split_once('/').unwrap_or((range, "32"));
        let (Ok(network), Ok(length)) = (network.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
            return false;
        };
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
        u32::from(network) & mask == u32::from(address) & mask
    })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::computer, *};
    use crate::{
        commands::doctor::Verdict,
        spec::{ProviderKind, SpecLayer},
    };

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        vboxnet0\t0038A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        wg0\t4039A8C0\t00000000\t0001\t0\t0\t0\tC0FFFFFF\t0\t0\t0\n";

    fn judged(first: &str, files: &[(&str, &str)], taken: Option<Hypervisor>) -> Finding {
        let flag = SpecLayer { provider: Some(ProviderKind::Vagrant), ..SpecLayer::default() };
        let text = format!("[vagrant]\nfirst_address = {first:?}\n");
        let file = SpecLayer::parse("lab.toml", &text, |_| Vec::new()).expect("valid");
        let built_in = SpecLayer::built_in(|_| Vec::new()).expect("fine");
        let plan = Plan::of(&flag.over(file).over(built_in).resolve()).expect("fits");
        let (_root, computer) = computer(files);
        of(&computer, &plan, taken).expect("there are machines")
    }

    #[test]
    fn a_network_of_somebody_else_is_found() {
        assert_eq!(foreign_route(ROUTES, Ipv4Addr::new(192, 168, 56, 10)), None, "VirtualBox' own");
        assert_eq!(foreign_route(ROUTES, Ipv4Addr::new(192, 168, 1, 10)), Some("eth0"));
        let elsewhere = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(foreign_route(ROUTES, elsewhere), None, "the default route is no network");
        let routes = [("/proc/net/route", ROUTES)];
        let last = judged("192.168.57.62", &routes, Some(Hypervisor::VirtualBox));
        assert_eq!(last.verdict, Verdict::Bad, "the last machine of three");
        assert_eq!(last.seen, "192.168.57.64 is in the network of wg0");
    }

    #[test]
    fn addresses_that_virtualbox_refuses_are_told_before() {
        let taken = Some(Hypervisor::VirtualBox);
        let verdict = |first, files: &[_]| judged(first, files, taken).verdict;
        assert_eq!(verdict("192.168.63.10", &[]), Verdict::Good);
        assert_eq!(verdict("172.20.0.10", &[]), Verdict::Bad);
        assert_eq!(judged("172.20.0.10", &[], Some(Hypervisor::Libvirt)).verdict, Verdict::Good);
        assert_eq!(judged("172.20.0.10", &[], None).verdict, Verdict::Note);
    }

    #[test]
    fn what_networks_conf_says_is_what_virtualbox_allows() {
        let taken = Some(Hypervisor::VirtualBox);
        let conf = [("/etc/vbox/networks.conf", "# ours\n* 10.0.0.0/8 172.16.0.0/12\n* 2001::/64\n")];
        assert_eq!(judged("172.20.0.10", &conf, taken).verdict, Verdict::Good);
        assert_eq!(judged("192.168.56.10", &conf, taken).verdict, Verdict::Bad, "the usual one is not there");
        let all = [("/etc/vbox/networks.conf", "* 0.0.0.0/0 ::/0\n")];
        assert_eq!(judged("192.168.99.10", &all, taken).verdict, Verdict::Good);
    }
}
