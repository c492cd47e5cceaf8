//! What a master shows of itself: pure functions of its state. [`v1`] answers the reading calls of the operator API,
//! [`legacy`] the older endpoints, [`metrics`] and [`flags`] feed both.

pub mod flags;
pub mod legacy;
mod maintenance;
pub mod metrics;
mod quota;
pub(super) mod roles;
#[cfg(test)]
mod tests;
pub mod v1;

use super::{Agent, Framework, Master};
use crate::mesos::{resources::Resources, v1::Resource};

/// What the tasks and executors of a framework hold on all agents.
fn framework_used(framework: &Framework) -> Resources {
    sum(framework.used.values().flat_map(|held| held.iter()))
}

/// What a framework has been offered and has not answered yet.
fn framework_offered(master: &Master, framework: &Framework) -> Resources {
    let offers = framework.offers.iter().filter_map(|id| master.offers.get(id));
    sum(offers.flat_map(|offer| &offer.resources))
}

/// What the tasks and executors of all frameworks hold on an agent.
fn agent_used(agent: &Agent) -> Resources {
    sum(agent.used.values().flat_map(|held| held.iter()))
}

fn sum<'a>(resources: impl Iterator<Item = &'a Resource>) -> Resources {
    Resources::from_protos(resources.cloned())
}
