//! `[vagrant]`: the virtual machines of a lab. The Vagrantfile reads the same with a parser of its own.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::{
    Flavor, MAX_AGENTS,
    file::{self, Problem},
    reader::{self, Mismatch, Table},
    vagrant_box::{self, BoxFile, BoxLayer},
};

/// The machines, every question answered. How many there are and their flavor stand with the lab itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VagrantSpec {
    /// The name of the box that machines begin with.
    #[serde(rename = "box")]
    pub image: String,
    /// Of the catalogue's box; none is whatever is newest.
    #[serde(default)]
    pub box_version: Option<String>,
    /// Where the box is no catalogue's, with the checksum that it has.
    #[serde(default)]
    pub box_url: Option<String>,
    #[serde(default)]
    pub box_download_checksum: Option<String>,
    #[serde(default)]
    pub box_download_checksum_type: Option<String>,
    /// The master's; the agents follow.
    pub first_address: Ipv4Addr,
    pub master: MachineSize,
    pub agent: MachineSize,
    /// Whether what has a page also answers on this machine's 127.0.0.1.
    pub forward_ports: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSize {
    pub cpus: u64,
    /// In megabytes.
    pub memory: u64,
}

impl Default for VagrantSpec {
    fn default() -> Self {
        VagrantLayer::default().resolve()
    }
}

/// What one layer says of the machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VagrantLayer {
    /// The first so many of the agents.
    pub agents: Option<usize>,
    pub flavor: Option<Flavor>,
    pub image: BoxLayer,
    pub first_address: Option<Ipv4Addr>,
    pub master_cpus: Option<u64>,
    pub master_memory: Option<u64>,
    pub agent_cpus: Option<u64>,
    pub agent_memory: Option<u64>,
    pub forward_ports: Option<bool>,
}

impl VagrantLayer {
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            agents: self.agents.or(below.agents),
            flavor: self.flavor.or(below.flavor),
            image: self.image.over(below.image),
            first_address: self.first_address.or(below.first_address),
            master_cpus: self.master_cpus.or(below.master_cpus),
            master_memory: self.master_memory.or(below.master_memory),
            agent_cpus: self.agent_cpus.or(below.agent_cpus),
            agent_memory: self.agent_memory.or(below.agent_memory),
            forward_ports: self.forward_ports.or(below.forward_ports),
        }
    }

    /// This layer under one that lists agents, or names a flavor: that is meant, not what is said of others here.
    pub(super) fn below(self, agents: bool, flavor: bool) -> Self {
        Self { agents: self.agents.filter(|_| !agents), flavor: self.flavor.filter(|_| !flavor), ..self }
    }

    pub(super) fn resolve(self) -> VagrantSpec {
        let (image, box_version, file) = self.image.resolve();
        let (box_url, box_download_checksum, box_download_checksum_type) = match file {
            Some(BoxFile { url, checksum, checksum_type }) => {
                (Some(url), Some(checksum), Some(checksum_type))
            }
            None => (None, None, None),
        };
        VagrantSpec {
            image,
            box_version,
            box_url,
            box_download_checksum,
            box_download_checksum_type,
            first_address: self.first_address.unwrap_or(Ipv4Addr::new(192, 168, 56, 10)),
            master: MachineSize {
                cpus: self.master_cpus.unwrap_or(2),
                memory: self.master_memory.unwrap_or(2048),
            },
            agent: MachineSize {
                cpus: self.agent_cpus.unwrap_or(2),
                memory: self.agent_memory.unwrap_or(4096),
            },
            forward_ports: self.forward_ports.unwrap_or(true),
        }
    }
}

impl From<VagrantSpec> for VagrantLayer {
    fn from(spec: VagrantSpec) -> Self {
        let file = match (spec.box_url, spec.box_download_checksum, spec.box_download_checksum_type) {
            (Some(url), Some(checksum), Some(checksum_type)) => {
                Some(BoxFile { url, checksum, checksum_type })
            }
            _ => None,
        };
        Self {
            agents: None,
            flavor: None,
            image: BoxLayer { name: Some(spec.image), version: spec.box_version, file },
            first_address: Some(spec.first_address),
            master_cpus: Some(spec.master.cpus),
            master_memory: Some(spec.master.memory),
            agent_cpus: Some(spec.agent.cpus),
            agent_memory: Some(spec.agent.memory),
            forward_ports: Some(spec.forward_ports),
        }
    }
}

pub(super) fn read(table: &mut Table<'_, '_>, problems: &mut Vec<Problem>) -> VagrantLayer {
    let agents = table.take("agents", problems, |value| reader::integer(value, 1, MAX_AGENTS as u64));
    let flavor = table.take("flavor", problems, file::read_flavor);
    let image = vagrant_box::read(table, problems);
    let first_address = table.take("first_address", problems, address);
    let forward_ports = table.take("forward_ports", problems, reader::boolean);
    let mut number = |key, min, max| table.take(key, problems, |value| reader::integer(value, min, max));
    VagrantLayer {
        agents: agents.map(|agents| agents as usize),
        flavor,
        image,
        first_address,
        master_cpus: number("master_cpus", 1, 256),
        master_memory: number("master_memory", 512, 1 << 20),
        agent_cpus: number("agent_cpus", 1, 256),
        agent_memory: number("agent_memory", 512, 1 << 20),
        forward_ports,
    }
}

/// All machines have it in common up to its last byte.
fn address(value: &DeValue<'_>) -> Result<Ipv4Addr, Mismatch> {
    let text = reader::string(value)?;
    let fits = |address: &Ipv4Addr| {
        address.is_private() && (2..=254 - MAX_AGENTS as u8).contains(&address.octets()[3])
    };
    text.parse().ok().filter(fits).ok_or_else(|| {
        let help = "write a private address with room for the agents behind it, such as \"192.168.56.10\"";
        Mismatch::new(format!("is {text:?}"), help)
    })
}
