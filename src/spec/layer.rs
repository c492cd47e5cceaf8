//! One layer of settings (a file, the environment, flags) and how layers become a [`LabSpec`].

use std::time::Duration;

use super::{
    AgentSpec, DEFAULT_FILE, Flavor, ImageSpec, LabFileError, LabSpec, MAX_AGENTS, MAX_MASTERS, MasterSpec,
    PortSpec, ProviderKind, SchedulerCheck, VagrantLayer, file, ports_of_agent,
};

/// What one layer says; `None` leaves the question to the layer below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpecLayer {
    pub name: Option<String>,
    pub provider: Option<ProviderKind>,
    pub flavor: Option<Flavor>,
    pub images: ImageSpec,
    pub masters: Option<usize>,
    pub marathon: Option<bool>,
    pub allocation_interval: Option<Duration>,
    pub offer_timeout: Option<Duration>,
    pub offer_freed_resources_at_once: Option<bool>,
    pub zk_session_timeout: Option<Duration>,
    pub agents: Option<Vec<AgentGroup>>,
    /// How many agents in all, whatever the groups say (`--agents`).
    pub agent_count: Option<usize>,
    pub scheduler: serde_json::Map<String, serde_json::Value>,
    pub ports: PortLayer,
    pub vagrant: VagrantLayer,
}

/// What one layer says of the ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortLayer {
    pub zookeeper: Option<u16>,
    pub exhibitor: Option<u16>,
    pub master: Option<u16>,
    pub agents: Option<u16>,
    pub marathon: Option<u16>,
    pub registry: Option<u16>,
    pub scheduler: Option<u16>,
}

impl PortLayer {
    fn over(self, below: Self) -> Self {
        Self {
            zookeeper: self.zookeeper.or(below.zookeeper),
            exhibitor: self.exhibitor.or(below.exhibitor),
            master: self.master.or(below.master),
            agents: self.agents.or(below.agents),
            marathon: self.marathon.or(below.marathon),
            registry: self.registry.or(below.registry),
            scheduler: self.scheduler.or(below.scheduler),
        }
    }

    fn resolve(self) -> PortSpec {
        PortSpec {
            zookeeper: self.zookeeper.unwrap_or(2181),
            exhibitor: self.exhibitor.unwrap_or(8181),
            master: self.master.unwrap_or(5050),
            agents: self.agents.unwrap_or(5051),
            marathon: self.marathon.unwrap_or(8080),
            registry: self.registry.unwrap_or(5000),
            scheduler: self.scheduler.unwrap_or(8090),
        }
    }
}

impl From<PortSpec> for PortLayer {
    fn from(ports: PortSpec) -> Self {
        Self {
            zookeeper: Some(ports.zookeeper),
            exhibitor: Some(ports.exhibitor),
            master: Some(ports.master),
            agents: Some(ports.agents),
            marathon: Some(ports.marathon),
            registry: Some(ports.registry),
            scheduler: Some(ports.scheduler),
        }
    }
}

/// One `[[agents]]` table: `count` agents alike.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentGroup {
    pub count: usize,
    pub resources: String,
    pub attributes: String,
    pub hostname: String,
}

impl Default for AgentGroup {
    fn default() -> Self {
        Self {
            count: 1,
            resources: "cpus:4;mem:4096;disk:10240".into(),
            attributes: String::new(),
            hostname: "localhost".into(),
        }
    }
}

impl SpecLayer {
    /// Reads a lab file.
    ///
    /// # Errors
    /// All problems of the file at once, each with its place and what to write instead.
    pub fn parse(path: &str, text: &str, complain: SchedulerCheck) -> Result<Self, Box<LabFileError>> {
        file::parse(path, text, complain)
    }

    /// The layer below all others: the built-in lab file.
    ///
    /// # Errors
    /// None in a build whose tests pass.
    pub fn built_in(complain: SchedulerCheck) -> Result<Self, Box<LabFileError>> {
        Self::parse("the built-in lab file", DEFAULT_FILE, complain)
    }

    /// This layer over `below`: what it leaves open is taken from there.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let mut scheduler = below.scheduler;
        scheduler.extend(self.scheduler);
        let mut images = below.images;
        images.0.extend(self.images.0);
        let vagrant = self.vagrant.over(below.vagrant.below(self.agents.is_some(), self.flavor.is_some()));
        Self {
            name: self.name.or(below.name),
            provider: self.provider.or(below.provider),
            flavor: self.flavor.or(below.flavor),
            images,
            masters: self.masters.or(below.masters),
            marathon: self.marathon.or(below.marathon),
            allocation_interval: self.allocation_interval.or(below.allocation_interval),
            offer_timeout: self.offer_timeout.or(below.offer_timeout),
            offer_freed_resources_at_once: self
                .offer_freed_resources_at_once
                .or(below.offer_freed_resources_at_once),
            zk_session_timeout: self.zk_session_timeout.or(below.zk_session_timeout),
            agents: self.agents.or(below.agents),
            agent_count: self.agent_count.or(below.agent_count),
            scheduler,
            ports: self.ports.over(below.ports),
            vagrant,
        }
    }

    /// Answers what is still open and names the agents.
    pub fn resolve(self) -> LabSpec {
        let groups = self.agents.unwrap_or_default();
        // In virtual machines a lab is smaller, and ours, unless it is said otherwise.
        let machines = (self.provider == Some(ProviderKind::Vagrant)).then_some(&self.vagrant);
        let count = self.agent_count.or_else(|| machines?.agents);
        let flavor = machines.and_then(|vagrant| vagrant.flavor).or(self.flavor);
        LabSpec {
            name: self.name.unwrap_or_else(|| "default".into()),
            provider: self.provider.unwrap_or_default(),
            flavor: flavor.unwrap_or_default(),
            images: self.images,
            masters: self.masters.unwrap_or(1).clamp(1, MAX_MASTERS),
            marathon: self.marathon.unwrap_or(true),
            master: MasterSpec {
                allocation_interval: self.allocation_interval.unwrap_or(Duration::from_secs(1)),
                offer_timeout: self.offer_timeout,
                offer_freed_resources_at_once: self.offer_freed_resources_at_once.unwrap_or(true),
                zk_session_timeout: self.zk_session_timeout.unwrap_or_else(super::zk_session_timeout),
            },
            agents: expand(&groups, count),
            scheduler: self.scheduler,
            ports: self.ports.resolve(),
            vagrant: self.vagrant.resolve(),
        }
    }
}

/// The agents of all groups in order; `count` cuts the list, or lengthens it with more of the last kind.
fn expand(groups: &[AgentGroup], count: Option<usize>) -> Vec<AgentSpec> {
    let listed = groups.iter().flat_map(|group| std::iter::repeat_n(group, group.count));
    let fallback = AgentGroup::default();
    let last = groups.last().unwrap_or(&fallback);
    let wanted = count.unwrap_or_else(|| groups.iter().map(|group| group.count).sum()).min(MAX_AGENTS);
    listed
        .chain(std::iter::repeat(last))
        .take(wanted)
        .zip(0_u64..)
        .map(|(group, index)| agent(group, index))
        .collect()
}

fn agent(group: &AgentGroup, index: u64) -> AgentSpec {
    let has_ports = group.resources.contains("ports");
    AgentSpec {
        name: format!("agent-{}", index + 1),
        resources: group.resources.clone(),
        ports: (!has_ports).then(|| ports_of_agent(index)),
        attributes: group.attributes.clone(),
        hostname: group.hostname.clone(),
    }
}

impl From<LabSpec> for SpecLayer {
    /// A lab as it was last applied, to build upon.
    fn from(spec: LabSpec) -> Self {
        let group = |agent: AgentSpec| AgentGroup {
            count: 1,
            resources: agent.resources,
            attributes: agent.attributes,
            hostname: agent.hostname,
        };
        Self {
            name: Some(spec.name),
            provider: Some(spec.provider),
            flavor: Some(spec.flavor),
            images: spec.images,
            masters: Some(spec.masters),
            marathon: Some(spec.marathon),
            allocation_interval: Some(spec.master.allocation_interval),
            offer_timeout: spec.master.offer_timeout,
            offer_freed_resources_at_once: Some(spec.master.offer_freed_resources_at_once),
            zk_session_timeout: Some(spec.master.zk_session_timeout),
            agents: Some(spec.agents.into_iter().map(group).collect()),
            agent_count: None,
            scheduler: spec.scheduler,
            ports: spec.ports.into(),
            vagrant: spec.vagrant.into(),
        }
    }
}
