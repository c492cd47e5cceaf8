//! What lab is wanted: the lab file with its layers, defaults and checks. Knows nothing of what runs.

mod check;
mod file;
mod layer;
mod reader;
mod vagrant;
mod vagrant_box;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use file::{LabFileError, Problem};
pub use layer::{AgentGroup, PortLayer, SpecLayer};
pub use vagrant::{MachineSize, VagrantLayer, VagrantSpec};
pub use vagrant_box::{BoxFile, BoxLayer};

/// The annotated default lab file, compiled in.
pub const DEFAULT_FILE: &str = include_str!("../../lab/mesoslab.toml");

/// How many agents one lab may have; the embedded provider gives each a listener and a port range of its own.
pub const MAX_AGENTS: usize = 30;

/// How many masters one lab may have.
pub const MAX_MASTERS: usize = 5;

/// The most tasks that can be asked for.
pub const MAX_TASKS: u64 = u32::MAX as u64;

/// How many ports an agent offers when its `resources` name none.
const PORTS_PER_AGENT: u64 = 1000;

/// The first and the last port that the agent of this index offers when its `resources` name none.
pub fn ports_of_agent(index: u64) -> (u64, u64) {
    let first = 31_000 + index * PORTS_PER_AGENT;
    (first, first + PORTS_PER_AGENT - 1)
}

/// A whole lab, every question answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabSpec {
    pub name: String,
    pub provider: ProviderKind,
    /// Whose images the containers are made of.
    #[serde(default)]
    pub flavor: Flavor,
    /// Images that take the place of the usual ones.
    #[serde(default)]
    pub images: ImageSpec,
    /// How many masters stand for election, from 1 to [`MAX_MASTERS`].
    #[serde(default = "one")]
    pub masters: usize,
    /// Whether there is a Marathon, which then runs our scheduler.
    #[serde(default)]
    pub marathon: bool,
    pub master: MasterSpec,
    pub agents: Vec<AgentSpec>,
    /// The settings of our framework that the lab file sets: the body of a `PATCH /v1/config`.
    pub scheduler: serde_json::Map<String, serde_json::Value>,
    pub ports: PortSpec,
    /// What the machines of a Vagrant lab are.
    #[serde(default)]
    pub vagrant: VagrantSpec,
}

/// Shorter than Mesos' ten seconds: nothing but this machine is between the parts of a lab.
pub(crate) fn zk_session_timeout() -> Duration {
    Duration::from_secs(4)
}

fn one() -> usize {
    1
}

/// Where the lab lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// The best provider that works on this machine.
    #[default]
    Auto,
    /// One background process; tasks are real child processes.
    Embedded,
    /// Containers on this machine.
    Docker,
    /// Virtual machines: one for the master, one for each agent.
    Vagrant,
}

impl ProviderKind {
    /// As it is written in a lab file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Embedded => "embedded",
            Self::Docker => "docker",
            Self::Vagrant => "vagrant",
        }
    }
}

/// What the containers of a lab are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// The published images of Mesos, Marathon, ZooKeeper and the registry.
    #[default]
    Apache,
    /// Our own images, made here in a second; nothing is pulled.
    Lite,
}

impl Flavor {
    /// As it is written in a lab file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Apache => "apache",
            Self::Lite => "lite",
        }
    }
}

/// `[images]`: references such as `mesosphere/mesos-master:1.7.1` or `zookeeper@sha256:...`, by component; `base` is
/// what our own images with a shell begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageSpec(pub std::collections::BTreeMap<String, String>);

impl ImageSpec {
    /// What `[images]` may name.
    pub const NAMES: [&str; 9] =
        ["zookeeper", "exhibitor", "master", "agent", "marathon", "registry", "framework", "task", "base"];

    pub fn of(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// A part of a lab that can be made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Exhibitor has it started again
    #[value(name = "zookeeper")]
    ZooKeeper,
    /// The master that leads; the others elect another one
    Leader,
    /// It reads its apps again, and finds their tasks running
    Marathon,
    /// Marathon starts it again, and it takes its tasks over
    Scheduler,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MasterSpec {
    /// Mesos' `--allocation_interval`.
    pub allocation_interval: Duration,
    /// Mesos' `--offer_timeout`; `None` leaves offers out for ever.
    pub offer_timeout: Option<Duration>,
    /// Whether resources of a finished task are offered before the next allocation interval.
    pub offer_freed_resources_at_once: bool,
    /// Mesos' `--zk_session_timeout`: so long a master that has died still counts as the leader.
    #[serde(default = "zk_session_timeout")]
    pub zk_session_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// `agent-1`, `agent-2`, ...: its place in the lab, not its Mesos id.
    pub name: String,
    /// Mesos' `--resources`, as the lab file has it.
    pub resources: String,
    /// First and last of the ports that the agent gets where its resources name none.
    pub ports: Option<(u64, u64)>,
    /// Mesos' `--attributes`.
    pub attributes: String,
    pub hostname: String,
}

impl AgentSpec {
    /// Mesos' `--resources`, with the ports.
    pub fn all_resources(&self) -> String {
        match self.ports {
            Some((first, last)) => format!("{};ports:[{first}-{last}]", self.resources),
            None => self.resources.clone(),
        }
    }
}

/// The ports that are tried first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    #[serde(default)]
    pub zookeeper: u16,
    #[serde(default)]
    pub exhibitor: u16,
    /// The first master's; the others stand below.
    pub master: u16,
    /// The first agent's; the others follow.
    pub agents: u16,
    #[serde(default)]
    pub marathon: u16,
    #[serde(default)]
    pub registry: u16,
    pub scheduler: u16,
}

impl PortSpec {
    /// The port that the master at this place tries first; 0 is any.
    pub fn of_master(&self, at: usize) -> u16 {
        match self.master {
            0 => 0,
            first => first.saturating_sub(u16::try_from(at).unwrap_or_default()),
        }
    }
}

/// Says what the scheduler does not accept of `[scheduler]`, as pairs of field and message. It is passed in because
/// only the scheduler knows its settings.
pub type SchedulerCheck = fn(&serde_json::Map<String, serde_json::Value>) -> Vec<(String, String)>;

/// Whether `name` can be a lab's name.
///
/// # Errors
/// The rule for names.
pub fn check_lab_name(name: &str) -> Result<(), String> {
    check::lab_name(name).map(drop).map_err(|mismatch| mismatch.help)
}

#[cfg(test)]
mod tests;
