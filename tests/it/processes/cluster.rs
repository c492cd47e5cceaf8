//! A master and its agents, each a process that can be started again where it was.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::Value;

use super::{
    framework::Framework,
    http::{call, json, try_json},
    networks::Networks,
    process::Process,
    site::{Host, Site},
};
use crate::support::eventually;

/// What every agent of these tests has.
pub const RESOURCES: &str = "--resources=cpus:4;mem:4096;disk:1024;ports:[31000-31010]";

/// A master gives an agent up that does not answer for two seconds.
pub const PINGS: [&str; 2] = ["--agent_ping_timeout=1secs", "--max_agent_ping_timeouts=2"];

pub struct Cluster {
    // Processes are dropped before the site, which looks for what they have left.
    pub agents: Vec<Process>,
    pub master: Process,
    pub site: Site,
    /// Of the master, then those of the agents.
    hosts: Vec<Host>,
    ports: Vec<u16>,
    master_flags: Vec<String>,
    agent_flags: Vec<String>,
}

impl Cluster {
    /// On loopback.
    pub fn start(agents: usize, master_flags: &[&str], agent_flags: &[&str]) -> Self {
        let site = Site::new();
        let hosts = vec![site.host(); agents + 1];
        Self::start_on(site, hosts, master_flags, agent_flags)
    }

    /// A master on the first host, and an agent on each of the others.
    pub fn start_on(site: Site, hosts: Vec<Host>, master_flags: &[&str], agent_flags: &[&str]) -> Self {
        let strings = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
        let (master_flags, agent_flags) = (strings(master_flags), strings(agent_flags));
        let master = site.start(&hosts[0], "master", &master_line(&site, &hosts[0], 0, &master_flags));
        let (agents, ports) = (Vec::new(), Vec::new());
        let mut cluster = Self { agents, master, site, hosts, ports, master_flags, agent_flags };
        let count = cluster.hosts.len() - 1;
        (0..count).for_each(|_| cluster.add_agent(0));
        cluster.has_agents(count);
        cluster
    }

    /// Starts one more agent.
    pub fn add_agent(&mut self, port: u16) {
        let at = self.agents.len();
        self.ports.push(port);
        if self.hosts.len() < at + 2 {
            self.hosts.push(self.site.host());
        }
        let agent = self.site.start(&self.hosts[at + 1], &name(at), &self.agent_line(at));
        self.ports[at] = agent.port();
        self.agents.push(agent);
    }

    /// The command line of an agent.
    pub fn agent_line(&self, at: usize) -> Vec<String> {
        let port = self.ports[at];
        let mut line = vec![
            "serve".into(),
            "agent".into(),
            format!("--ip={}", self.hosts[at + 1].ip),
            format!("--port={port}"),
            format!("--master={}", self.master.address()),
            format!("--work_dir={}", self.site.dir(&name(at)).display()),
            "--registration_backoff_factor=10ms".into(),
        ];
        if !self.agent_flags.iter().any(|flag| flag.starts_with("--resources=")) {
            line.push(RESOURCES.into());
        }
        line.extend(self.agent_flags.iter().cloned());
        line
    }

    /// Starts an agent where it was before.
    pub fn restart_agent(&mut self, at: usize) {
        let line = self.agent_line(at);
        self.agents[at] = self.site.start(&self.hosts[at + 1], &name(at), &line);
    }

    /// Starts an agent with other flags from now on, without waiting for anything.
    pub fn spawn_agent_with(&mut self, at: usize, flags: &[&str]) {
        self.agent_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let line = self.agent_line(at);
        self.agents[at] = self.site.spawn(&self.hosts[at + 1], &name(at), &line);
    }

    /// Starts the master where it was before.
    pub fn restart_master(&mut self) {
        let host = &self.hosts[0];
        let line = master_line(&self.site, host, self.master.port(), &self.master_flags);
        self.master = self.site.start(host, "master", &line);
    }

    /// The agents of the master that are active, by id.
    pub fn active(&self) -> BTreeMap<String, Value> {
        let slaves = try_json(self.master.address(), "/slaves").unwrap_or_default();
        let slaves = slaves["slaves"].as_array().cloned().unwrap_or_default();
        let active = slaves.into_iter().filter(|slave| slave["active"] == true);
        active.map(|slave| (slave["id"].as_str().expect("an id").to_owned(), slave)).collect()
    }

    /// Waits until the master has so many active agents.
    pub fn has_agents(&self, count: usize) {
        eventually(&format!("{count} agents are active"), || self.active().len() == count);
    }

    /// The id of an agent, as it says itself.
    pub fn id_of(&self, at: usize) -> String {
        let mut id = String::new();
        eventually(&format!("{} has an id", name(at)), || {
            let state = try_json(self.agents[at].address(), "/state").unwrap_or_default();
            id = state["id"].as_str().unwrap_or_default().to_owned();
            !id.is_empty()
        });
        id
    }

    /// The id of an agent in a network that this host is not in, as the master says.
    pub fn id_at(&self, networks: &Networks, at: usize) -> String {
        let host = networks.hosts()[at + 1].ip.to_string();
        let is_there =
            |slave: &Value| slave["pid"].as_str().is_some_and(|pid| pid.contains(&format!("@{host}:")));
        let found = self.active().into_iter().find(|(_, slave)| is_there(slave));
        found.expect("an agent").0
    }

    /// Waits until an agent has this id and is active at the master.
    pub fn is_active(&self, id: &str) {
        eventually(&format!("{id} is active"), || self.active().contains_key(id));
    }

    /// Waits until an agent is not active at the master.
    pub fn is_away(&self, id: &str) {
        eventually(&format!("{id} is not active"), || !self.active().contains_key(id));
    }

    /// A number of the master's `/metrics/snapshot`.
    pub fn metric(&self, name: &str) -> f64 {
        json(self.master.address(), "/metrics/snapshot")[name].as_f64().expect("a number")
    }

    pub fn framework(&self, name: &str, checkpoint: bool, capabilities: &[&str]) -> Framework {
        Framework::subscribe(self.master.address(), name, checkpoint, capabilities)
    }

    /// Calls the operators' API of the master.
    pub fn operate(&self, body: &Value) {
        let answer = call(self.master.address(), "/api/v1", "", body).expect("an answer");
        assert!(answer.code() < 300, "{}", String::from_utf8_lossy(&answer.body));
    }

    /// The tasks of all frameworks that the master knows as running, by id: the agent.
    pub fn running(&self) -> Vec<(String, String)> {
        let state = json(self.master.address(), "/state");
        let frameworks = state["frameworks"].as_array().expect("frameworks").iter();
        let tasks = frameworks.flat_map(|framework| framework["tasks"].as_array().expect("tasks"));
        let running = tasks.filter(|task| task["state"] == "TASK_RUNNING");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut running: Vec<_> = running.map(|task| (text(&task["id"]), text(&task["slave_id"]))).collect();
        running.sort();
        running
    }

    /// Ends all agents in order, then the master; nothing is left.
    pub fn end(&mut self) {
        for agent in &self.agents {
            agent.signal(Signal::USR1);
        }
        for agent in &mut self.agents {
            assert_eq!(agent.ended(), 0, "{}", agent.said());
        }
        self.master.signal(Signal::TERM);
        assert_eq!(self.master.ended(), 0);
        self.site.is_left();
    }
}

pub fn name(at: usize) -> String {
    format!("agent-{}", at + 1)
}

fn master_line(site: &Site, host: &Host, port: u16, flags: &[String]) -> Vec<String> {
    let mut line = vec![
        "serve".into(),
        "master".into(),
        format!("--ip={}", host.ip),
        format!("--port={port}"),
        format!("--work_dir={}", site.dir("master").display()),
        "--allocation_interval=50ms".into(),
    ];
    line.extend(flags.iter().cloned());
    line
}
