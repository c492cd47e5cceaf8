//! What master and agent say to each other: Mesos' internal messages of the same names, as types.
//!
//! In one process they travel through a channel as they are; between processes they become libprocess messages, which
//! [`to_master`] and [`to_agent`] write and read.

mod parts;
#[cfg(test)]
mod tests;
pub mod to_agent;
pub mod to_master;

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::legacy::VERSION;
use crate::mesos::{
    protobuf,
    v1::{
        AgentId, AgentInfo, DrainConfig, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy,
        OperationStatus, Resource, Task, TaskGroupInfo, TaskId, TaskInfo, TaskState, TaskStatus,
        agent_info::{Capability, capability::Type},
        offer::Operation,
    },
};

/// One connection between a master and an agent, named by whoever runs the IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentLink(pub u64);

/// Messages to the master.
#[derive(Clone, Debug, PartialEq)]
pub enum ToMaster {
    /// `RegisterSlaveMessage`: a new agent; answered with [`ToAgent::Registered`].
    Register(AgentRegistration),
    /// `ReregisterSlaveMessage`: an agent that has an id, with what runs on it.
    Reregister { registration: AgentRegistration, running: Running },
    /// `UnregisterSlaveMessage`: the agent goes for good.
    Unregister,
    /// `StatusUpdateMessage`: one task has changed.
    StatusUpdate(StatusUpdate),
    /// `UpdateSlaveMessage`. Only within one process can it tell another total: Mesos' message has no field for one.
    Update { total: Option<Vec<Resource>> },
    /// `ExitedExecutorMessage`; `status` is the wait status of `waitpid(2)`.
    ExitedExecutor { framework_id: FrameworkId, executor_id: ExecutorId, status: i32 },
    /// `ExecutorToFrameworkMessage`.
    ExecutorMessage { framework_id: FrameworkId, executor_id: ExecutorId, data: Bytes },
    /// `PongSlaveMessage`, to the observer that has pinged.
    Pong { observer: u64 },
    /// `UpdateOperationStatusMessage`.
    OperationUpdate(OperationUpdate),
}

/// Who registers: `info` carries the id when the agent has one.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRegistration {
    pub info: AgentInfo,
    /// The libprocess address, `slave(1)@127.0.0.1:5051`.
    pub pid: String,
    pub version: String,
    pub capabilities: Vec<Capability>,
    /// What `resource_version_uuid` holds: the version of the agent's resources, 16 bytes.
    pub resource_version: Option<Bytes>,
}

impl AgentRegistration {
    /// An agent of Mesos 1.11.0.
    pub fn new(info: AgentInfo, pid: impl Into<String>) -> Self {
        let pid = pid.into();
        Self { info, pid, version: VERSION.to_owned(), capabilities: capabilities(), resource_version: None }
    }
}

/// Those of an agent of Mesos 1.11.
fn capabilities() -> Vec<Capability> {
    let all = [
        Type::MultiRole,
        Type::HierarchicalRole,
        Type::ReservationRefinement,
        Type::ResourceProvider,
        Type::ResizeVolume,
        Type::AgentOperationFeedback,
        Type::AgentDraining,
        Type::TaskResourceLimits,
    ];
    all.into_iter().map(|kind| Capability { r#type: Some(kind.into()) }).collect()
}

/// What runs on an agent that registers again, and what did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    pub tasks: Vec<Task>,
    /// Without those that the agent has made up for command tasks.
    pub executors: Vec<(FrameworkId, ExecutorInfo)>,
    pub frameworks: Vec<FrameworkInfo>,
    /// Frameworks of which nothing runs any more, with the tasks that they had here.
    pub completed: Vec<(FrameworkInfo, Vec<Task>)>,
}

/// `UpdateOperationStatusMessage`: what became of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationUpdate {
    pub framework_id: Option<FrameworkId>,
    pub status: OperationStatus,
    /// `operation_uuid`, 16 bytes.
    pub uuid: Bytes,
}

/// `StatusUpdate` of `messages.proto`.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    pub framework_id: FrameworkId,
    pub executor_id: Option<ExecutorId>,
    /// Carries `uuid`, `timestamp` and `agent_id`.
    pub status: TaskStatus,
    /// The newest state the agent knows; differs from `status.state` while older updates wait for their acknowledgement.
    pub latest_state: Option<TaskState>,
}

/// Messages to an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum ToAgent {
    /// `SlaveRegisteredMessage`; a silence of `ping_timeout`, if any, means that the master is gone.
    Registered { agent_id: AgentId, ping_timeout: Option<Duration> },
    /// `SlaveReregisteredMessage`, with what the master believes to be there and the agent did not name.
    Reregistered { agent_id: AgentId, ping_timeout: Option<Duration>, missing: Vec<Reconciliation> },
    /// `RunTaskMessage`; `framework` has its id.
    RunTask { framework: Box<FrameworkInfo>, task: Box<TaskInfo>, launch: LaunchTerms },
    /// `RunTaskGroupMessage`.
    RunTaskGroup {
        framework: Box<FrameworkInfo>,
        executor: Box<ExecutorInfo>,
        group: Box<TaskGroupInfo>,
        launch: LaunchTerms,
    },
    /// `KillTaskMessage`.
    KillTask { framework_id: FrameworkId, task_id: TaskId, kill_policy: Option<KillPolicy> },
    /// `StatusUpdateAcknowledgementMessage`.
    Acknowledge { agent_id: AgentId, framework_id: FrameworkId, task_id: TaskId, uuid: Bytes },
    /// `FrameworkToExecutorMessage`.
    FrameworkMessage { agent_id: AgentId, framework_id: FrameworkId, executor_id: ExecutorId, data: Bytes },
    /// `ShutdownExecutorMessage`.
    ShutdownExecutor { framework_id: FrameworkId, executor_id: ExecutorId },
    /// `ShutdownFrameworkMessage`: kill everything of this framework.
    ShutdownFramework { framework_id: FrameworkId },
    /// `UpdateFrameworkMessage`.
    UpdateFramework { framework: Box<FrameworkInfo> },
    /// `ShutdownMessage`: kill everything and go; the reason.
    Shutdown { message: String },
    /// `PingSlaveMessage` of the process `slave-observer(N)`, which waits for the answer.
    Ping { observer: u64, connected: bool },
    /// `DrainSlaveMessage`: kill every task, with this grace period at most.
    Drain(DrainConfig),
    /// `ApplyOperationMessage`.
    ApplyOperation(Box<OperationRequest>),
    /// `AcknowledgeOperationStatusMessage`, 16 bytes each.
    AcknowledgeOperation { status_uuid: Bytes, operation_uuid: Bytes },
}

/// `ApplyOperationMessage`: change the agent's resources.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationRequest {
    pub framework_id: Option<FrameworkId>,
    pub operation: Operation,
    /// `operation_uuid`, 16 bytes.
    pub uuid: Bytes,
    /// The version of the agent's resources that the operation was decided on.
    pub resource_version: Bytes,
}

/// `ReconcileTasksMessage` (master to agent): tasks of a framework that the master believes to be on the agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconciliation {
    pub framework_id: FrameworkId,
    /// What the master knows of the framework, if it does.
    pub framework: Option<Box<FrameworkInfo>>,
    pub statuses: Vec<TaskStatus>,
}

/// What comes with a task to launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchTerms {
    /// The master counts on a new executor; else one of that id has to be there.
    pub executor: bool,
    /// The version of the agent's resources that the launch was decided on.
    pub resource_version: Option<Bytes>,
}

/// Why a message was not understood. Its sender hears nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// A message that this side of the conversation does not take.
    #[error("unknown message `{0}`")]
    Unknown(String),
    #[error("{0}")]
    Malformed(#[from] protobuf::DecodeError),
    #[error("`{0}` holds no `{1}`")]
    Lacks(&'static str, &'static str),
}

/// A message as it travels: the full name of its type, and its bytes.
pub type Encoded = (String, Vec<u8>);
