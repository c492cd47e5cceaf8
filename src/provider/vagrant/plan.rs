//! Which machines a lab is made of, and what provisioning is told on each. `lab/vagrant/lab.rb` says the same for those
//! who start Vagrant themselves; a test holds the two together.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::Serialize;

use crate::{
    provider::{
        AgentName, Endpoints,
        docker::{images::Images, plan::mesos_duration},
    },
    spec::{AgentSpec, Flavor, LabSpec, MachineSize, PortSpec, SpecLayer},
};

/// Where connections to forwarded ports come from: `VirtualBox`' NAT, and the network in which libvirt manages machines.
const FORWARDED_FROM: [&str; 2] = ["10.0.2.0/24", "192.168.121.0/24"];

/// The machines of one lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub lab: String,
    pub flavor: Flavor,
    #[serde(rename = "box")]
    pub image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub box_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub box_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub box_download_checksum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub box_download_checksum_type: Option<String>,
    /// The master's first.
    pub machines: Vec<Machine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Also its host name: `master`, `agent-1`.
    pub name: String,
    pub address: Ipv4Addr,
    pub cpus: u64,
    /// In megabytes.
    pub memory: u64,
    pub forward: Vec<Forwarded>,
    /// Variables of `lab/vagrant/provision.sh`.
    pub settings: BTreeMap<String, String>,
}

/// A port of a machine that answers on this machine's 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forwarded {
    pub name: String,
    pub port: u16,
}

/// What a lab asks for that machines cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("a lab of virtual machines has one master: leave `masters` at 1")]
    Masters,
}

impl Plan {
    /// The machines of `spec`.
    ///
    /// # Errors
    /// When no machines can be like that.
    pub fn of(spec: &LabSpec) -> Result<Self, PlanError> {
        if spec.masters > 1 {
            return Err(PlanError::Masters);
        }
        let draft = Draft { spec, ports: ports(&spec.ports) };
        let agents = spec.agents.iter().enumerate().map(|(at, agent)| draft.agent(agent, at));
        Ok(Self {
            lab: spec.name.clone(),
            flavor: spec.flavor,
            image: spec.vagrant.image.clone(),
            box_version: spec.vagrant.box_version.clone(),
            box_url: spec.vagrant.box_url.clone(),
            box_download_checksum: spec.vagrant.box_download_checksum.clone(),
            box_download_checksum_type: spec.vagrant.box_download_checksum_type.clone(),
            machines: std::iter::once(draft.master()).chain(agents).collect(),
        })
    }

    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// This plan with agents of these names that it does not have, so that Vagrant knows what is to be removed.
    pub fn with_more(&self, names: &[String]) -> Self {
        let like = self.machines.last().cloned();
        let more = names.iter().filter_map(|name| Some(Machine { name: name.clone(), ..like.clone()? }));
        Self { machines: self.machines.iter().cloned().chain(more).collect(), ..self.clone() }
    }

    /// In megabytes, of all machines.
    pub fn memory(&self) -> u64 {
        self.machines.iter().map(|machine| machine.memory).sum()
    }
}

impl Machine {
    /// Whether what only a start of the machine can change is the same.
    pub fn is_alike(&self, other: &Self) -> bool {
        let fixed = |machine: &Self| (machine.address, machine.cpus, machine.memory, machine.forward.clone());
        fixed(self) == fixed(other)
    }
}

/// Where the components of a lab of machines answer.
pub fn endpoints(spec: &LabSpec) -> Endpoints {
    let draft = Draft { spec, ports: ports(&spec.ports) };
    let (master, ports) = (draft.address(0), &draft.ports);
    let http = |port: u16| format!("http://{master}:{port}");
    let agents = spec.agents.iter().enumerate().map(|(at, agent)| {
        let url = format!("http://{}:{}", draft.address(at + 1), draft.agent_port(at));
        (AgentName(agent.name.clone()), url)
    });
    Endpoints {
        zookeeper: Some(format!("zk://{master}:{}/mesos", ports.zookeeper)),
        exhibitor: Some(http(ports.exhibitor)),
        master: http(ports.master),
        more_masters: Vec::new(),
        agents: agents.collect(),
        marathon: spec.marathon.then(|| http(ports.marathon)),
        registry: Some(http(ports.registry)),
        scheduler: Some(http(ports.scheduler)),
        ..Endpoints::default()
    }
}

/// In a machine every port is free, so that "any" is the usual one.
fn ports(wished: &PortSpec) -> PortSpec {
    let usual = SpecLayer::default().resolve().ports;
    let port = |wished: u16, usual: u16| if wished == 0 { usual } else { wished };
    PortSpec {
        zookeeper: port(wished.zookeeper, usual.zookeeper),
        exhibitor: port(wished.exhibitor, usual.exhibitor),
        master: port(wished.master, usual.master),
        agents: port(wished.agents, usual.agents),
        marathon: port(wished.marathon, usual.marathon),
        registry: port(wished.registry, usual.registry),
        scheduler: port(wished.scheduler, usual.scheduler),
    }
}

/// A plan that is being drawn.
struct Draft<'a> {
    spec: &'a LabSpec,
    ports: PortSpec,
}

impl Draft<'_> {
    fn address(&self, at: usize) -> Ipv4Addr {
        let [a, b, c, first] = self.spec.vagrant.first_address.octets();
        Ipv4Addr::new(a, b, c, first.saturating_add(u8::try_from(at).unwrap_or(u8::MAX)))
    }

    fn agent_port(&self, at: usize) -> u16 {
        self.ports.agents.saturating_add(u16::try_from(at).unwrap_or(u16::MAX))
    }

    fn master(&self) -> Machine {
        let ports = &self.ports;
        let marathon = self.spec.marathon.then_some(("marathon", ports.marathon));
        let before =
            [("zookeeper", ports.zookeeper), ("exhibitor", ports.exhibitor), ("master", ports.master)];
        let after = [("registry", ports.registry), ("scheduler", ports.scheduler)];
        let services = before.into_iter().chain(marathon).chain(after);
        let services = services.map(|(name, port)| (name.to_owned(), port)).collect();
        self.machine("master", 0, self.spec.vagrant.master, services, self.of_master())
    }

    fn agent(&self, agent: &AgentSpec, at: usize) -> Machine {
        let port = self.agent_port(at);
        let services = vec![(agent.name.clone(), port)];
        self.machine(&agent.name, at + 1, self.spec.vagrant.agent, services, self.of_agent(agent, at, port))
    }

    fn machine(
        &self,
        name: &str,
        at: usize,
        size: MachineSize,
        services: Vec<(String, u16)>,
        own: Vec<(String, String)>,
    ) -> Machine {
        let forward = services.into_iter().filter(|_| self.spec.vagrant.forward_ports);
        Machine {
            name: name.to_owned(),
            address: self.address(at),
            cpus: size.cpus,
            memory: size.memory,
            forward: forward.map(|(name, port)| Forwarded { name, port }).collect(),
            settings: self.of_all(name, at).into_iter().chain(own).collect(),
        }
    }

    fn of_all(&self, name: &str, at: usize) -> Vec<(String, String)> {
        let names = std::iter::once("master").chain(self.spec.agents.iter().map(|agent| agent.name.as_str()));
        let hosts = names.enumerate().map(|(number, host)| format!("{} {host}", self.address(number)));
        let [a, b, c, _] = self.spec.vagrant.first_address.octets();
        let own = format!("{a}.{b}.{c}.0/24");
        let zookeeper = format!("zk://{}:{}", self.address(0), self.ports.zookeeper);
        vec![
            variable("NODE", name),
            variable("ADDRESS", self.address(at)),
            variable("FLAVOR", self.spec.flavor.word()),
            variable("HOSTS", hosts.collect::<Vec<_>>().join(",")),
            variable("ALLOW", [own.as_str()].into_iter().chain(FORWARDED_FROM).collect::<Vec<_>>().join(",")),
            variable("ZK", zookeeper),
            variable("REGISTRY", format!("{}:{}", self.address(0), self.ports.registry)),
        ]
    }

    fn of_master(&self) -> Vec<(String, String)> {
        let (ports, master) = (&self.ports, &self.spec.master);
        let mut flags = vec![
            ("PORT", ports.master.to_string()),
            ("CLUSTER", self.spec.name.clone()),
            ("ALLOCATION_INTERVAL", mesos_duration(master.allocation_interval)),
            ("ZK_SESSION_TIMEOUT", mesos_duration(master.zk_session_timeout)),
        ];
        flags.extend(master.offer_timeout.map(|timeout| ("OFFER_TIMEOUT", mesos_duration(timeout))));
        let at_once = master.offer_freed_resources_at_once.to_string();
        flags.extend(self.is_lite().then_some(("OFFER_FREED_RESOURCES_AT_ONCE", at_once)));
        let marathon = self.spec.marathon.then(|| ports.marathon.to_string());
        let mut settings = vec![
            variable("ZOOKEEPER_PORT", ports.zookeeper),
            variable("EXHIBITOR_PORT", ports.exhibitor),
            variable("REGISTRY_PORT", ports.registry),
            variable("SCHEDULER_PORT", ports.scheduler),
            variable("MARATHON_PORT", marathon.unwrap_or_default()),
            variable("FLAGS", lines(&flags)),
            variable("SCHEDULER", self.scheduler()),
        ];
        settings.extend(self.images(&["zookeeper", "master", "marathon", "registry"]));
        settings
    }

    fn of_agent(&self, agent: &AgentSpec, at: usize, port: u16) -> Vec<(String, String)> {
        let own_address = self.address(at + 1).to_string();
        let hostname = if agent.hostname == "localhost" { own_address } else { agent.hostname.clone() };
        let offered = AgentSpec { resources: self.offered(&agent.resources), ..agent.clone() };
        let mut flags =
            vec![("PORT", port.to_string()), ("RESOURCES", offered.all_resources()), ("HOSTNAME", hostname)];
        flags.extend((!agent.attributes.is_empty()).then(|| ("ATTRIBUTES", agent.attributes.clone())));
        let mut settings = vec![variable("FLAGS", lines(&flags))];
        settings.extend(self.images(&["agent"]));
        settings
    }

    /// An agent offers no more than its machine has: Mesos itself leaves a machine 1 GB, or half of what is less than two.
    fn offered(&self, resources: &str) -> String {
        let MachineSize { cpus, memory } = self.spec.vagrant.agent;
        let mem = if memory > 2048 { memory - 1024 } else { memory / 2 };
        let limited = |part: &str| {
            let (name, amount) = part.split_once(':')?;
            let limit = match name.trim() {
                "cpus" => cpus,
                "mem" => mem,
                _ => return None,
            };
            let amount: f64 = amount.trim().parse().ok()?;
            (amount > limit as f64).then(|| format!("{name}:{limit}"))
        };
        let parts = resources.split(';').map(|part| limited(part).unwrap_or_else(|| part.to_owned()));
        parts.collect::<Vec<_>>().join(";")
    }

    fn is_lite(&self) -> bool {
        self.spec.flavor == Flavor::Lite
    }

    fn images(&self, components: &[&str]) -> Vec<(String, String)> {
        if self.is_lite() {
            return Vec::new();
        }
        let all = Images::of(self.spec).references();
        let image = |name: &&str| Some(variable(&format!("IMAGE_{}", name.to_uppercase()), all.get(*name)?));
        components.iter().filter_map(image).collect()
    }

    /// The settings of our framework, a line each, in the order of their names: `cpus=0.1`.
    fn scheduler(&self) -> String {
        let sorted: BTreeMap<_, _> = self.spec.scheduler.iter().collect();
        sorted.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n")
    }
}

fn variable(name: &str, value: impl ToString) -> (String, String) {
    (format!("MESOSLAB_{name}"), value.to_string())
}

fn lines(flags: &[(&str, String)]) -> String {
    flags.iter().map(|(flag, value)| format!("MESOS_{flag}={value}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ProviderKind;

    fn spec(text: &str) -> LabSpec {
        let flag = SpecLayer { provider: Some(ProviderKind::Vagrant), ..SpecLayer::default() };
        let parse = |text| SpecLayer::parse("lab.toml", text, |_| Vec::new()).expect("valid");
        flag.over(parse(text)).over(SpecLayer::built_in(|_| Vec::new()).expect("fine")).resolve()
    }

    #[test]
    fn a_lab_is_three_machines_that_know_each_other() {
        let plan = Plan::of(&spec("")).expect("fits");
        let names: Vec<_> = plan.machines.iter().map(|machine| machine.name.as_str()).collect();
        assert_eq!(names, ["master", "agent-1", "agent-2"]);
        assert_eq!(plan.memory(), 2048 + 2 * 4096);
        let agent = plan.machine("agent-2").expect("there");
        assert_eq!(agent.address.to_string(), "192.168.56.12");
        assert_eq!(agent.forward, [Forwarded { name: "agent-2".to_owned(), port: 5052 }]);
        let hosts = "192.168.56.10 master,192.168.56.11 agent-1,192.168.56.12 agent-2";
        assert_eq!(agent.settings["MESOSLAB_HOSTS"], hosts);
        let flags = &agent.settings["MESOSLAB_FLAGS"];
        assert!(flags.contains("MESOS_RESOURCES=cpus:2;mem:3072;disk:10240;ports:[32000-32999]"), "{flags}");
    }

    #[test]
    fn several_masters_are_refused() {
        assert_eq!(Plan::of(&spec("[lab]\nmasters = 3\n")), Err(PlanError::Masters));
    }

    #[test]
    fn endpoints_are_the_machines() {
        let endpoints = endpoints(&spec("[ports]\nmaster = 0\nscheduler = 9000\n"));
        assert_eq!(endpoints.master, "http://192.168.56.10:5050");
        assert_eq!(endpoints.scheduler.as_deref(), Some("http://192.168.56.10:9000"));
        assert_eq!(endpoints.agents[&AgentName("agent-2".to_owned())], "http://192.168.56.12:5052");
    }
}
