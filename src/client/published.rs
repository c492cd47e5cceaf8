//! Where the masters and agents of a lab of containers answer on this machine.
//!
//! What they say of themselves holds in the lab's own network, which not every machine reaches: rootless engines keep
//! theirs in a namespace, Docker Desktop in a virtual machine. The ports are the same on both sides, and published here.
//!
//! ```text
//! Location: //master-2:5052                          ─┐
//! AgentInfo { hostname: "agent-1", port: 5051 }      ─┴─> by host name and port ─> http://127.0.0.1:5051
//! ```

use std::collections::BTreeMap;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::mesos::v1::{AgentInfo, master::response::get_agents};

/// What an agent that names no port has.
const AGENT_PORT: u16 = 5051;

/// URLs on this machine by `HOSTNAME:PORT` of the lab's own network; empty where components are known by addresses that
/// hold for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Published(BTreeMap<String, String>);

impl Published {
    /// Of components by the host name that each is known by, with its URL here.
    pub fn new<'a>(components: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let known = |(hostname, url): (&str, &str)| {
            let port = Url::parse(url).ok()?.port()?;
            Some((key(hostname, port), url.to_owned()))
        };
        Self(components.into_iter().filter_map(known).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where an agent answers that the master knows: here, if that is known, else where it says itself.
    pub fn agent(&self, agent: &get_agents::Agent) -> Option<String> {
        let here = self.agent_here(&agent.agent_info).map(str::to_owned);
        here.or_else(|| {
            agent.pid.as_deref()?.rsplit_once('@').map(|(_, address)| format!("http://{address}"))
        })
    }

    /// As [`Published::agent`], of one that has not come back yet.
    pub fn recovered_agent(&self, info: &AgentInfo) -> String {
        let here = self.agent_here(info).map(str::to_owned);
        here.unwrap_or_else(|| format!("http://{}:{}", info.hostname, port(info)))
    }

    fn agent_here(&self, info: &AgentInfo) -> Option<&str> {
        self.at(&info.hostname, port(info))
    }

    /// Where a master answers that a redirect has named.
    pub(super) fn master(&self, named: Url) -> Url {
        let port = named.port_or_known_default().unwrap_or_default();
        let here = named.host_str().and_then(|host| self.at(host, port));
        here.and_then(|url| Url::parse(url).ok()).unwrap_or(named)
    }

    fn at(&self, hostname: &str, port: u16) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        self.0.get(&key(hostname, port)).map(String::as_str)
    }
}

fn port(info: &AgentInfo) -> u16 {
    info.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(AGENT_PORT)
}

fn key(hostname: &str, port: u16) -> String {
    format!("{}:{port}", hostname.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Published {
        Published::new([
            ("master-2", "http://127.0.0.1:5052"),
            ("agent-1", "http://127.0.0.1:5061"),
            ("Rack.Example", "http://127.0.0.1:5062"),
            ("rack.example", "http://127.0.0.1:5063"),
            ("nowhere", "http://127.0.0.1"),
        ])
    }

    fn agent(hostname: &str, port: Option<i32>, pid: Option<&str>) -> get_agents::Agent {
        let agent_info = AgentInfo { hostname: hostname.to_owned(), port, ..AgentInfo::default() };
        get_agents::Agent { agent_info, pid: pid.map(str::to_owned), ..get_agents::Agent::default() }
    }

    #[test]
    fn agents_answer_where_the_lab_publishes_them() {
        let pid = Some("slave(1)@172.18.0.33:5061");
        let asked = |hostname, port| lab().agent(&agent(hostname, Some(port), pid)).expect("an address");
        assert_eq!(asked("agent-1", 5061), "http://127.0.0.1:5061");
        assert_eq!(asked("rack.example", 5062), "http://127.0.0.1:5062", "one host name, two agents");
        assert_eq!(asked("rack.example", 5063), "http://127.0.0.1:5063");
        assert_eq!(asked("agent-1", 5051), "http://172.18.0.33:5061", "somebody else of that name");
        assert_eq!(asked("guest", 5061), "http://172.18.0.33:5061", "a guest with that port");
        assert_eq!(
            lab().recovered_agent(&agent("agent-1", Some(5061), None).agent_info),
            "http://127.0.0.1:5061"
        );
    }

    #[test]
    fn other_labs_are_asked_where_they_say() {
        let none = Published::default();
        let agent_1 = agent("agent-1", None, Some("slave(1)@10.0.0.7:5051"));
        assert_eq!(none.agent(&agent_1).as_deref(), Some("http://10.0.0.7:5051"));
        assert_eq!(none.agent(&agent("agent-1", None, None)), None, "it has no address yet");
        assert_eq!(none.recovered_agent(&agent_1.agent_info), "http://agent-1:5051");
        let named = Url::parse("http://master-2:5052/").expect("a URL");
        assert_eq!(none.master(named.clone()), named);
    }

    #[test]
    fn redirects_lead_to_masters_of_the_lab() {
        let led = |url: &str| lab().master(Url::parse(url).expect("a URL")).to_string();
        assert_eq!(led("http://master-2:5052/"), "http://127.0.0.1:5052/");
        assert_eq!(led("http://master-2/"), "http://master-2/");
        assert_eq!(led("http://172.18.0.4:5052/"), "http://172.18.0.4:5052/");
    }
}
