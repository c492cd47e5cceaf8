//! One layer of settings (a file, the environment, flags) and how layers become a [`LabSpec`].

use std::time::Duration;

use super::{
    AgentSpec, DEFAULT_FILE, LabFileError, LabSpec, MAX_AGENTS, MasterSpec, PortSpec, ProviderKind,
    SchedulerCheck, file, ports_of_agent,
};

/// What one layer says; `None` leaves the question to the layer below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpecLayer {
    pub name: Option<String>,
    pub provider: Option<ProviderKind>,
    pub allocation_interval: Option<Duration>,
    pub offer_timeout: Option<Duration>,
    pub offer_freed_resources_at_once: Option<bool>,
    pub agents: Option<Vec<AgentGroup>>,
    /// How many agents in all, whatever the groups say (`--agents`).
    pub agent_count: Option<usize>,
    pub scheduler: serde_json::Map<String, serde_json::Value>,
    pub master_port: Option<u16>,
    pub agents_port: Option<u16>,
    pub scheduler_port: Option<u16>,
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
        Self {
            name: self.name.or(below.name),
            provider: self.provider.or(below.provider),
            allocation_interval: self.allocation_interval.or(below.allocation_interval),
            offer_timeout: self.offer_timeout.or(below.offer_timeout),
            offer_freed_resources_at_once: self
                .offer_freed_resources_at_once
                .or(below.offer_freed_resources_at_once),
            agents: self.agents.or(below.agents),
            agent_count: self.agent_count.or(below.agent_count),
            scheduler,
            master_port: self.master_port.or(below.master_port),
            agents_port: self.agents_port.or(below.agents_port),
            scheduler_port: self.scheduler_port.or(below.scheduler_port),
        }
    }

    /// Answers what is still open and names the agents.
    pub fn resolve(self) -> LabSpec {
        let groups = self.agents.unwrap_or_default();
        LabSpec {
            name: self.name.unwrap_or_else(|| "default".into()),
            provider: self.provider.unwrap_or_default(),
            master: MasterSpec {
                allocation_interval: self.allocation_interval.unwrap_or(Duration::from_secs(1)),
                offer_timeout: self.offer_timeout,
                offer_freed_resources_at_once: self.offer_freed_resources_at_once.unwrap_or(true),
            },
            agents: expand(&groups, self.agent_count),
            scheduler: self.scheduler,
            ports: PortSpec {
                master: self.master_port.unwrap_or(5050),
                agents: self.agents_port.unwrap_or(5051),
                scheduler: self.scheduler_port.unwrap_or(8090),
            },
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
            allocation_interval: Some(spec.master.allocation_interval),
            offer_timeout: spec.master.offer_timeout,
            offer_freed_resources_at_once: Some(spec.master.offer_freed_resources_at_once),
            agents: Some(spec.agents.into_iter().map(group).collect()),
            agent_count: None,
            scheduler: spec.scheduler,
            master_port: Some(spec.ports.master),
            agents_port: Some(spec.ports.agents),
            scheduler_port: Some(spec.ports.scheduler),
        }
    }
}
