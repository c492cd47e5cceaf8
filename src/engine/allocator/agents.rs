//! What the allocator knows of an agent: its total, who holds what of it, and what is left.

use std::collections::BTreeMap;

use crate::{
    engine::allocator::{constraints::Facts, maintenance::Maintenance, quantities::Quantities},
    mesos::{
        resources::Resources,
        v1::{
            AgentInfo, Attribute, FrameworkId, agent_info::Capability, agent_info::capability,
            domain_info::fault_domain,
        },
    },
};

/// The capabilities of an agent that decide whom it may be offered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentCapabilities {
    pub multi_role: bool,
    pub hierarchical_role: bool,
}

impl Default for AgentCapabilities {
    /// Those of an agent of Mesos 1.11.
    fn default() -> Self {
        Self { multi_role: true, hierarchical_role: true }
    }
}

impl FromIterator<Capability> for AgentCapabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(messages: I) -> Self {
        let mut capabilities = Self { multi_role: false, hierarchical_role: false };
        for message in messages {
            capabilities.multi_role |= message.r#type() == capability::Type::MultiRole;
            capabilities.hierarchical_role |= message.r#type() == capability::Type::HierarchicalRole;
        }
        capabilities
    }
}

/// One agent's account: `available` is `total` without what is held.
#[derive(Clone, Debug)]
pub struct Agent {
    total: Resources,
    held: BTreeMap<FrameworkId, Resources>,
    held_total: Resources,
    available: Resources,
    has_gpus: bool,
    pub(super) attributes: Vec<Attribute>,
    pub(super) facts: Facts,
    pub(super) capabilities: AgentCapabilities,
    region: Option<fault_domain::RegionInfo>,
    pub(super) active: bool,
    pub(super) maintenance: Option<Maintenance>,
}

impl Agent {
    pub(super) fn new(info: &AgentInfo, capabilities: AgentCapabilities, total: Resources) -> Self {
        let mut agent = Self {
            total: Resources::default(),
            held: BTreeMap::new(),
            held_total: Resources::default(),
            available: Resources::default(),
            has_gpus: false,
            attributes: info.attributes.clone(),
            facts: info.into(),
            capabilities,
            region: region_of(info),
            active: true,
            maintenance: None,
        };
        agent.set_total(total);
        agent
    }

    /// Without `allocation_info`.
    pub fn total(&self) -> &Resources {
        &self.total
    }

    /// Neither offered nor allocated; without `allocation_info`.
    pub fn available(&self) -> &Resources {
        &self.available
    }

    /// Offered and allocated together, by framework; with `allocation_info`.
    pub fn held(&self) -> &BTreeMap<FrameworkId, Resources> {
        &self.held
    }

    pub(super) fn set_total(&mut self, total: Resources) {
        self.has_gpus = Quantities::of(&total).get("gpus") > 0.0;
        self.total = total;
        self.settle();
    }

    pub(super) fn set_info(&mut self, info: &AgentInfo) {
        self.attributes.clone_from(&info.attributes);
        self.facts = info.into();
        self.region = region_of(info);
    }

    pub(super) fn has_something_to_give(&self) -> bool {
        self.active && !self.available.is_empty()
    }

    pub(super) fn has_gpus(&self) -> bool {
        self.has_gpus
    }

    /// Whether the agent is in another region than `home`, the master's. An agent without a domain is at home.
    pub(super) fn is_remote(&self, home: Option<&str>) -> bool {
        self.region.as_ref().is_some_and(|region| home.is_some_and(|home| region.name != home))
    }

    pub(super) fn hold(&mut self, framework: &FrameworkId, resources: &Resources) {
        *self.held.entry(framework.clone()).or_default() += resources;
        self.held_total += resources.unallocated();
        self.settle();
    }

    /// Gives back what `framework` held; false, and nothing done, when it did not hold that much.
    pub(super) fn release(&mut self, framework: &FrameworkId, resources: &Resources) -> bool {
        let Some(held) = self.held.get_mut(framework).filter(|held| held.contains(resources)) else {
            return false;
        };
        *held -= resources;
        if held.is_empty() {
            self.held.remove(framework);
        }
        self.held_total -= resources.unallocated();
        self.settle();
        true
    }

    fn settle(&mut self) {
        self.available = self.total.clone();
        self.available -= &self.held_total;
    }
}

fn region_of(info: &AgentInfo) -> Option<fault_domain::RegionInfo> {
    Some(info.domain.as_ref()?.fault_domain.as_ref()?.region.clone())
}
