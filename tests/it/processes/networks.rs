//! Hosts with addresses of their own: network namespaces on a bridge, which belongs to the namespace of the master.
//!
//! ```text
//! this host 10.202.N.254 --- 10.202.N.1 bridge 10.201.N.1 --- 10.201.N.11, 10.201.N.12, ...
//!           an outsider                 master                agents
//! ```
//!
//! That needs root and `ip` of iproute2; tests skip with a printed reason where it is not to be had.

use std::{
    net::Ipv4Addr,
    process::{Command, Stdio},
};

use super::site::Host;
use crate::support::skipped;

/// Namespaces of one test; gone when it is dropped.
pub struct Networks {
    number: u8,
    agents: u8,
}

impl Networks {
    pub fn make(agents: u8) -> Option<Self> {
        let networks = Self::claim(agents)?;
        match networks.build() {
            Ok(()) => Some(networks),
            Err(reason) => without(&reason),
        }
    }

    /// A number that no other test has: the namespace of this name is ours.
    fn claim(agents: u8) -> Option<Self> {
        let first = std::process::id();
        let mut reason = String::new();
        for step in 0..250 {
            let number = u8::try_from(first.wrapping_add(step) % 250).expect("a small number");
            match ip(&["netns", "add", &format!("mesoslab{number}-master")]) {
                Ok(()) => return Some(Self { number, agents }),
                Err(error) if error.contains("exists") => reason = error,
                Err(error) => return without(&error),
            }
        }
        without(&reason)
    }

    fn build(&self) -> Result<(), String> {
        let (number, master) = (self.number, self.namespace(None));
        let inside = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            ip(&[&["-n", &master], &words[..]].concat())
        };
        inside("link set lo up")?;
        inside("link add bridge type bridge")?;
        inside(&format!("addr add 10.201.{number}.1/24 dev bridge"))?;
        inside(&format!("addr add 10.202.{number}.1/24 dev bridge"))?;
        inside("link set bridge up")?;
        for at in 0..self.agents {
            self.build_agent(at)?;
        }
        let own = format!("mesoslab{number}");
        let here = |line: &str| ip(&line.split(' ').collect::<Vec<_>>());
        here(&format!("link add {own} type veth peer name host netns {master}"))?;
        here(&format!("addr add 10.202.{number}.254/24 dev {own}"))?;
        here(&format!("link set {own} up"))?;
        inside("link set host master bridge up")?;
        here(&format!("route add 10.201.{number}.0/24 via 10.202.{number}.1"))
    }

    fn build_agent(&self, at: u8) -> Result<(), String> {
        let (number, host, own) = (self.number, 11 + at, self.namespace(Some(at)));
        let (master, port) = (self.namespace(None), port(at));
        ip(&["netns", "add", &own])?;
        ip(&["-n", &master, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &own])?;
        ip(&["-n", &master, "link", "set", &port, "master", "bridge", "up"])?;
        ip(&["-n", &own, "link", "set", "lo", "up"])?;
        ip(&["-n", &own, "addr", "add", &format!("10.201.{number}.{host}/24"), "dev", "eth0"])?;
        ip(&["-n", &own, "link", "set", "eth0", "up"])?;
        ip(&["-n", &own, "route", "add", "default", "via", &format!("10.201.{number}.1")])
    }

    fn namespace(&self, agent: Option<u8>) -> String {
        let number = self.number;
        agent.map_or(format!("mesoslab{number}-master"), |at| format!("mesoslab{number}-agent{at}"))
    }

    /// The host of the master, then those of the agents.
    pub fn hosts(&self) -> Vec<Host> {
        let host = |ip: u8, namespace: String| Host {
            ip: Ipv4Addr::new(10, 201, self.number, ip),
            program: ["ip", "netns", "exec", &namespace].map(str::to_owned).to_vec(),
        };
        let agents = (0..self.agents).map(|at| host(11 + at, self.namespace(Some(at))));
        std::iter::once(host(1, self.namespace(None))).chain(agents).collect()
    }

    /// This host, as the others see it.
    pub fn outsider(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 202, self.number, 254)
    }

    /// From now on no packet comes from this agent or to it.
    pub fn cut(&self, agent: u8) {
        self.set(agent, "down");
    }

    pub fn heal(&self, agent: u8) {
        self.set(agent, "up");
    }

    fn set(&self, agent: u8, state: &str) {
        ip(&["-n", &self.namespace(None), "link", "set", &port(agent), state]).expect("set the link");
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        let agents = (0..self.agents).map(|at| self.namespace(Some(at)));
        for namespace in agents.chain([self.namespace(None)]) {
            let _never_made = ip(&["netns", "del", &namespace]);
        }
        let _gone_with_its_peer = ip(&["link", "del", &format!("mesoslab{}", self.number)]);
    }
}

/// The agent's port of the bridge.
fn port(agent: u8) -> String {
    format!("port{agent}")
}

fn ip(args: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn without<T>(reason: &str) -> Option<T> {
    skipped(&format!("no network namespaces are to be had: {reason}"));
    None
}
