//! What master and agent say to each other: Mesos' internal messages of the same names, as types.
//!
//! In one process they travel through a channel as they are; between processes they become libprocess messages.

use crate::mesos::v1::{
    AgentId, AgentInfo, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy, Resource, Task,
    TaskGroupInfo, TaskId, TaskInfo, TaskState, TaskStatus,
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
    Reregister {
        registration: AgentRegistration,
        tasks: Vec<Task>,
        executors: Vec<(FrameworkId, ExecutorInfo)>,
        frameworks: Vec<FrameworkInfo>,
    },
    /// `UnregisterSlaveMessage`: the agent goes for good.
    Unregister,
    /// `StatusUpdateMessage`: one task has changed.
    StatusUpdate(StatusUpdate),
    /// `UpdateSlaveMessage`: the agent's total resources have changed.
    UpdateTotal(Vec<Resource>),
    /// `ExitedExecutorMessage`; `status` is the wait status of `waitpid(2)`.
    ExitedExecutor { framework_id: FrameworkId, executor_id: ExecutorId, status: i32 },
    /// `ExecutorToFrameworkMessage`.
    ExecutorMessage { framework_id: FrameworkId, executor_id: ExecutorId, data: bytes::Bytes },
    /// `PongSlaveMessage`.
    Pong,
}

/// Who registers: `info` carries the id when the agent has one.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRegistration {
    pub info: AgentInfo,
    /// The libprocess address, `slave(1)@127.0.0.1:5051`.
    pub pid: String,
    pub version: String,
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
    /// `SlaveRegisteredMessage` and `SlaveReregisteredMessage`.
    Registered { agent_id: AgentId },
    /// `RunTaskMessage`; `framework` has its id.
    RunTask { framework: Box<FrameworkInfo>, task: Box<TaskInfo> },
    /// `RunTaskGroupMessage`.
    RunTaskGroup { framework: Box<FrameworkInfo>, executor: Box<ExecutorInfo>, group: Box<TaskGroupInfo> },
    /// `KillTaskMessage`.
    KillTask { framework_id: FrameworkId, task_id: TaskId, kill_policy: Option<KillPolicy> },
    /// `StatusUpdateAcknowledgementMessage`.
    Acknowledge { framework_id: FrameworkId, task_id: TaskId, uuid: bytes::Bytes },
    /// `FrameworkToExecutorMessage`.
    FrameworkMessage { framework_id: FrameworkId, executor_id: ExecutorId, data: bytes::Bytes },
    /// `ShutdownExecutorMessage`.
    ShutdownExecutor { framework_id: FrameworkId, executor_id: ExecutorId },
    /// `ShutdownFrameworkMessage`: kill everything of this framework.
    ShutdownFramework { framework_id: FrameworkId },
    /// `UpdateFrameworkMessage`.
    UpdateFramework { framework: Box<FrameworkInfo> },
    /// `ReconcileTasksMessage` (master to agent): tasks the master believes to be there.
    ReconcileTasks { framework_id: FrameworkId, statuses: Vec<TaskStatus> },
    /// `ShutdownMessage`: kill everything and go; the reason.
    Shutdown { message: String },
    /// `PingSlaveMessage`.
    Ping { connected: bool },
}
