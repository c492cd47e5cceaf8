//! What an agent shows of itself: pure functions of its state and of what was measured of its containers. [`v1`]
//! answers the reading calls of the agent API, [`legacy`] the older endpoints, [`metrics`] and [`flags`] feed both.

pub mod flags;
pub mod legacy;
pub mod metrics;
#[cfg(test)]
mod tests;
mod usage;
pub mod v1;

pub use usage::{Measured, Usage};

use super::{Agent, Executor, ExecutorState, Framework};
use crate::mesos::{resources::Resources, v1::agent_info::capability::Type as Capability};

/// Agents of Mesos 1.11 have these.
pub const CAPABILITIES: [Capability; 8] = [
    Capability::MultiRole,
    Capability::HierarchicalRole,
    Capability::ReservationRefinement,
    Capability::ResourceProvider,
    Capability::ResizeVolume,
    Capability::AgentOperationFeedback,
    Capability::AgentDraining,
    Capability::TaskResourceLimits,
];

fn known_frameworks(agent: &Agent) -> impl Iterator<Item = &Framework> {
    agent.frameworks.values().chain(&agent.completed_frameworks)
}

fn live_executors(agent: &Agent) -> impl Iterator<Item = &Executor> {
    agent.frameworks.values().flat_map(|framework| framework.executors.values())
}

/// Live and completed, of live and completed frameworks.
fn known_executors(agent: &Agent) -> impl Iterator<Item = (&Framework, &Executor)> {
    known_frameworks(agent).flat_map(|framework| {
        let executors = framework.executors.values().chain(&framework.completed_executors);
        executors.map(move |executor| (framework, executor))
    })
}

/// Executors whose process may still run.
fn containers(agent: &Agent) -> impl Iterator<Item = &Executor> {
    live_executors(agent).filter(|executor| executor.state != ExecutorState::Terminated)
}

/// What an executor and its live tasks hold.
fn held(executor: &Executor) -> Resources {
    Resources::from_protos(executor.allocated().cloned())
}

/// What all executors and their tasks hold.
pub fn allocated(agent: &Agent) -> Resources {
    live_executors(agent).map(held).fold(Resources::new(), |mut sum, held| {
        sum += held;
        sum
    })
}
