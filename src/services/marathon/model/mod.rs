//! The words that all of Marathon speaks: apps, groups, instances, deployments, in the JSON forms of its API.

mod app;
mod container;
mod deployment;
mod group;
mod health;
mod instance;
mod path;
#[cfg(test)]
mod tests;
mod timestamp;

pub use app::{
    AppDefinition, Artifact, Constraint, KillSelection, Operator, Ports, UnreachableStrategy,
    UpgradeStrategy, VersionInfo,
};
pub use container::{
    Container, Docker, DockerParameter, Engine, Network, NetworkMode, PortDefinition, PortMapping, Volume,
    VolumeMode,
};
pub use deployment::{Action, ActionKind, DeploymentPlan, Step};
pub use group::{Group, RootGroup};
pub use health::{Health, HealthCheck, HealthCommand, HealthProtocol};
pub use instance::{Goal, Instance, InstanceId, InstanceState, TaskFailure};
pub use path::{AppId, SEGMENT_PATTERN};
pub use timestamp::Timestamp;
