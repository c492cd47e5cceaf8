//! What the allocator knows of a framework: its roles, what it can take, and whether it wants offers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::allocator::{constraints::Constraints, quantities::Quantities},
    mesos::v1::{FrameworkInfo, framework_info::capability},
};

/// The capabilities of a framework that decide what it may be offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameworkCapabilities {
    pub multi_role: bool,
    pub gpu_resources: bool,
    pub revocable_resources: bool,
    pub shared_resources: bool,
    pub reservation_refinement: bool,
    pub region_aware: bool,
}

impl From<&FrameworkInfo> for FrameworkCapabilities {
    fn from(info: &FrameworkInfo) -> Self {
        let mut capabilities = Self::default();
        for capability in &info.capabilities {
            match capability.r#type() {
                capability::Type::MultiRole => capabilities.multi_role = true,
                capability::Type::GpuResources => capabilities.gpu_resources = true,
                capability::Type::RevocableResources => capabilities.revocable_resources = true,
                capability::Type::SharedResources => capabilities.shared_resources = true,
                capability::Type::ReservationRefinement => capabilities.reservation_refinement = true,
                capability::Type::RegionAware => capabilities.region_aware = true,
                capability::Type::Unknown
                | capability::Type::TaskKillingState
                | capability::Type::PartitionAware => {}
            }
        }
        capabilities
    }
}

/// The roles a framework subscribes to: `roles` when it is MULTI_ROLE, else the one `role` (default `*`).
pub fn roles_of(info: &FrameworkInfo) -> BTreeSet<String> {
    if FrameworkCapabilities::from(info).multi_role {
        info.roles.iter().cloned().collect()
    } else {
        BTreeSet::from([info.role().to_owned()])
    }
}

#[derive(Clone, Debug)]
pub(super) struct Framework {
    pub roles: BTreeSet<String>,
    pub suppressed: BTreeSet<String>,
    pub capabilities: FrameworkCapabilities,
    /// `FrameworkInfo.offer_filters`: by role, in place of the allocator's own minimums.
    pub min_allocatable: BTreeMap<String, Vec<Quantities>>,
    pub constraints: Constraints,
    pub active: bool,
}

impl Framework {
    pub fn new(info: &FrameworkInfo, suppressed: BTreeSet<String>, active: bool) -> Self {
        Self {
            roles: roles_of(info),
            suppressed,
            capabilities: info.into(),
            min_allocatable: min_allocatable(info),
            constraints: Constraints::default(),
            active,
        }
    }

    pub fn update(&mut self, info: &FrameworkInfo) {
        self.roles = roles_of(info);
        self.capabilities = info.into();
        self.min_allocatable = min_allocatable(info);
    }

    pub fn wants(&self, role: &str) -> bool {
        self.active && self.roles.contains(role) && !self.suppressed.contains(role)
    }
}

fn min_allocatable(info: &FrameworkInfo) -> BTreeMap<String, Vec<Quantities>> {
    let with_minimum = |(role, filters): (&String, &crate::mesos::v1::OfferFilters)| {
        let minimum = filters.min_allocatable_resources.as_ref()?;
        Some((role.clone(), minimum.quantities.iter().map(Quantities::from).collect()))
    };
    info.offer_filters.iter().filter_map(with_minimum).collect()
}
