//! A small cluster around an allocator, for scenarios and histories.

mod filters;
mod history;
mod offers;
mod quota;
mod sharing;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{AgentCapabilities, Allocation, Allocator, AllocatorConfig, Recovery};
use crate::mesos::{
    resources::Resources,
    time::Time,
    v1::{
        AgentId, AgentInfo, FrameworkId, FrameworkInfo, framework_info::Capability,
        framework_info::capability::Type,
    },
};

const START: Duration = Duration::from_secs(1_000_000);

struct Lab {
    allocator: Allocator,
    now: Time,
}

impl Lab {
    fn new() -> Self {
        Self::with(AllocatorConfig::default())
    }

    fn with(config: AllocatorConfig) -> Self {
        let now = Time::from_epoch(START);
        Self { allocator: Allocator::new(config, now), now }
    }

    fn agent(&mut self, id: &str, total: &str) {
        self.agent_with(id, total, &AgentInfo::default(), AgentCapabilities::default());
    }

    fn agent_with(&mut self, id: &str, total: &str, info: &AgentInfo, capabilities: AgentCapabilities) {
        self.allocator.add_agent(&agent(id), info, capabilities, resources(total), &BTreeMap::new());
    }

    fn framework(&mut self, id: &str, roles: &[&str], capabilities: &[Type]) {
        let info = info(roles, capabilities);
        self.allocator.add_framework(&framework(id), &info, BTreeSet::new(), true, &BTreeMap::new());
    }

    fn offers(&mut self) -> Vec<Allocation> {
        self.allocator.allocate(self.now)
    }

    /// Who is offered which agent now.
    fn offered(&mut self) -> Vec<(String, String)> {
        self.offers().into_iter().map(|it| (it.framework_id.value, it.agent_id.value)).collect()
    }

    /// Passes time, and gathers what is offered when, in seconds from now.
    fn offers_within(&mut self, seconds: f64) -> Vec<(f64, Allocation)> {
        let (begin, end) = (self.now, self.now + Duration::from_secs_f64(seconds));
        let mut offers = Vec::new();
        while let Some(deadline) = self.allocator.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = deadline.max(self.now);
            let after = self.now.since(begin).as_secs_f64();
            offers.extend(self.offers().into_iter().map(|offer| (after, offer)));
        }
        self.now = end;
        offers
    }

    fn pass(&mut self, seconds: f64) {
        self.now = self.now + Duration::from_secs_f64(seconds);
    }

    fn recover(&mut self, offer: &Allocation, recovery: Recovery) {
        let Allocation { framework_id, agent_id, resources, .. } = offer;
        self.allocator.recover_resources(self.now, framework_id, agent_id, resources, recovery);
    }

    fn decline(&mut self, offer: &Allocation, seconds: f64) {
        self.recover(offer, Recovery::Unused(Some(Duration::from_secs_f64(seconds))));
    }
}

fn agent(id: &str) -> AgentId {
    AgentId::new(id)
}

fn framework(id: &str) -> FrameworkId {
    FrameworkId::new(id)
}

fn roles(roles: &[&str]) -> BTreeSet<String> {
    roles.iter().map(ToString::to_string).collect()
}

fn resources(text: &str) -> Resources {
    Resources::parse(text, "*").unwrap()
}

fn allocated(text: &str, role: &str) -> Resources {
    let mut resources = resources(text);
    resources.allocate(role);
    resources
}

fn info(roles: &[&str], capabilities: &[Type]) -> FrameworkInfo {
    let types = [Type::MultiRole].iter().chain(capabilities);
    FrameworkInfo {
        roles: roles.iter().map(ToString::to_string).collect(),
        capabilities: types.map(|&it| Capability { r#type: Some(it.into()) }).collect(),
        ..FrameworkInfo::default()
    }
}

fn pair(framework: &str, agent: &str) -> (String, String) {
    (framework.to_owned(), agent.to_owned())
}
