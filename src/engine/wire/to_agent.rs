//! Messages to an agent as libprocess messages: what a master of ours says, and what an agent of ours hears.

use std::time::Duration;

use super::{
    Encoded, LaunchTerms, OperationRequest, Reconciliation, ToAgent, WireError,
    parts::{encoded, upgrade, upgrade_task_info, uuid},
};
use crate::mesos::{
    internal::{
        AcknowledgeOperationStatusMessage, ApplyOperationMessage, DrainSlaveMessage,
        FrameworkToExecutorMessage, KillTaskMessage, MasterSlaveConnection, PingSlaveMessage,
        ReconcileTasksMessage, ResourceVersionUuid, RunTaskGroupMessage, RunTaskMessage,
        ShutdownExecutorMessage, ShutdownFrameworkMessage, ShutdownMessage, SlaveRegisteredMessage,
        SlaveReregisteredMessage, StatusUpdateAcknowledgementMessage, UpdateFrameworkMessage,
    },
    protobuf::decode as read,
    v1::FrameworkInfo,
};

/// The address of a framework that has none: it speaks the v1 API.
const NO_PID: &str = "@0.0.0.0:0";

/// The process of a master that pings, before and behind its number.
const OBSERVER: (&str, &str) = ("slave-observer(", ")");

/// The process of the master that says this: `master`, or one of its observers.
pub fn sender(message: &ToAgent) -> String {
    match message {
        ToAgent::Ping { observer, .. } => observer_process(*observer),
        _ => "master".to_owned(),
    }
}

/// `slave-observer(7)`.
pub fn observer_process(observer: u64) -> String {
    format!("{}{observer}{}", OBSERVER.0, OBSERVER.1)
}

/// The 7 of `slave-observer(7)`.
pub fn observer_of(process: &str) -> Option<u64> {
    process.strip_prefix(OBSERVER.0)?.strip_suffix(OBSERVER.1)?.parse().ok()
}

pub fn encode(message: &ToAgent) -> Encoded {
    match message.clone() {
        ToAgent::Registered { agent_id, ping_timeout } => {
            encoded(&SlaveRegisteredMessage { slave_id: agent_id, connection: connection(ping_timeout) })
        }
        ToAgent::Reregistered { agent_id, ping_timeout, missing } => encoded(&SlaveReregisteredMessage {
            slave_id: agent_id,
            reconciliations: missing.into_iter().map(reconcile_tasks).collect(),
            connection: connection(ping_timeout),
        }),
        ToAgent::RunTask { framework, task, launch } => encoded(&RunTaskMessage {
            framework_id: None,
            framework: *framework,
            task: *task,
            resource_version_uuids: versions(&launch),
            pid: Some(NO_PID.to_owned()),
            launch_executor: Some(launch.executor),
        }),
        ToAgent::RunTaskGroup { framework, executor, group, launch } => encoded(&RunTaskGroupMessage {
            framework: *framework,
            executor: *executor,
            task_group: *group,
            resource_version_uuids: versions(&launch),
            launch_executor: Some(launch.executor),
        }),
        ToAgent::KillTask { framework_id, task_id, kill_policy } => {
            encoded(&KillTaskMessage { framework_id, task_id, kill_policy })
        }
        ToAgent::Acknowledge { agent_id, framework_id, task_id, uuid } => {
            encoded(&StatusUpdateAcknowledgementMessage { slave_id: agent_id, framework_id, task_id, uuid })
        }
        ToAgent::FrameworkMessage { agent_id, framework_id, executor_id, data } => {
            encoded(&FrameworkToExecutorMessage { slave_id: agent_id, framework_id, executor_id, data })
        }
        ToAgent::ShutdownExecutor { framework_id, executor_id } => encoded(&ShutdownExecutorMessage {
            executor_id: Some(executor_id),
            framework_id: Some(framework_id),
        }),
        ToAgent::ShutdownFramework { framework_id } => encoded(&ShutdownFrameworkMessage { framework_id }),
        ToAgent::UpdateFramework { framework } => encoded(&update_framework(*framework)),
        ToAgent::Shutdown { message } => encoded(&ShutdownMessage { message: Some(message) }),
        ToAgent::Ping { connected, .. } => encoded(&PingSlaveMessage { connected }),
        ToAgent::Drain(config) => encoded(&DrainSlaveMessage { config }),
        ToAgent::ApplyOperation(request) => encoded(&apply_operation(*request)),
        ToAgent::AcknowledgeOperation { status_uuid, operation_uuid } => {
            encoded(&AcknowledgeOperationStatusMessage {
                status_uuid: uuid(&status_uuid),
                operation_uuid: uuid(&operation_uuid),
                resource_provider_id: None,
            })
        }
    }
}

fn connection(ping_timeout: Option<Duration>) -> Option<MasterSlaveConnection> {
    let total_ping_timeout_seconds = ping_timeout.map(|timeout| timeout.as_secs_f64());
    Some(MasterSlaveConnection { total_ping_timeout_seconds })
}

fn versions(launch: &LaunchTerms) -> Vec<ResourceVersionUuid> {
    let version = launch.resource_version.as_ref();
    version
        .map(|bytes| ResourceVersionUuid { resource_provider_id: None, uuid: uuid(bytes) })
        .into_iter()
        .collect()
}

fn update_framework(framework: FrameworkInfo) -> UpdateFrameworkMessage {
    UpdateFrameworkMessage {
        framework_id: framework.id.clone().unwrap_or_default(),
        pid: Some(NO_PID.to_owned()),
        framework_info: Some(framework),
    }
}

fn apply_operation(request: OperationRequest) -> ApplyOperationMessage {
    ApplyOperationMessage {
        framework_id: request.framework_id,
        operation_info: request.operation,
        operation_uuid: uuid(&request.uuid),
        resource_version_uuid: ResourceVersionUuid {
            resource_provider_id: None,
            uuid: uuid(&request.resource_version),
        },
    }
}

fn reconcile_tasks(missing: Reconciliation) -> ReconcileTasksMessage {
    ReconcileTasksMessage {
        framework_id: missing.framework_id,
        statuses: missing.statuses,
        framework: missing.framework.map(|framework| *framework),
    }
}

/// Reads a message of the process `from` (of a master).
///
/// # Errors
/// When it is none that agents get, or does not parse.
pub fn decode(from: &str, name: &str, body: &[u8]) -> Result<ToAgent, WireError> {
    let message = name.strip_prefix("mesos.internal.").unwrap_or_default();
    Ok(match message {
        "SlaveRegisteredMessage" => {
            let SlaveRegisteredMessage { slave_id, connection } = read(body)?;
            ToAgent::Registered { agent_id: slave_id, ping_timeout: ping_timeout(connection) }
        }
        "SlaveReregisteredMessage" => {
            let SlaveReregisteredMessage { slave_id, reconciliations, connection } = read(body)?;
            let missing = reconciliations.into_iter().map(reconciliation).collect();
            ToAgent::Reregistered { agent_id: slave_id, ping_timeout: ping_timeout(connection), missing }
        }
        "RunTaskMessage" => run_task(read(body)?),
        "RunTaskGroupMessage" => run_task_group(read(body)?),
        "KillTaskMessage" => {
            let KillTaskMessage { framework_id, task_id, kill_policy } = read(body)?;
            ToAgent::KillTask { framework_id, task_id, kill_policy }
        }
        "StatusUpdateAcknowledgementMessage" => {
            let StatusUpdateAcknowledgementMessage { slave_id, framework_id, task_id, uuid } = read(body)?;
            ToAgent::Acknowledge { agent_id: slave_id, framework_id, task_id, uuid }
        }
        "FrameworkToExecutorMessage" => {
            let FrameworkToExecutorMessage { slave_id, framework_id, executor_id, data } = read(body)?;
            ToAgent::FrameworkMessage { agent_id: slave_id, framework_id, executor_id, data }
        }
        "ShutdownExecutorMessage" => shutdown_executor(read(body)?)?,
        "ShutdownFrameworkMessage" => {
            let ShutdownFrameworkMessage { framework_id } = read(body)?;
            ToAgent::ShutdownFramework { framework_id }
        }
        "UpdateFrameworkMessage" => updated_framework(read(body)?)?,
        "ShutdownMessage" => {
            ToAgent::Shutdown { message: read::<ShutdownMessage>(body)?.message.unwrap_or_default() }
        }
        "PingSlaveMessage" => {
            let PingSlaveMessage { connected } = read(body)?;
            ToAgent::Ping { observer: observer_of(from).unwrap_or_default(), connected }
        }
        "DrainSlaveMessage" => {
            let DrainSlaveMessage { config } = read(body)?;
            ToAgent::Drain(config)
        }
        "ApplyOperationMessage" => ToAgent::ApplyOperation(Box::new(operation(read(body)?))),
        "AcknowledgeOperationStatusMessage" => {
            let AcknowledgeOperationStatusMessage { status_uuid, operation_uuid, .. } = read(body)?;
            ToAgent::AcknowledgeOperation {
                status_uuid: status_uuid.value,
                operation_uuid: operation_uuid.value,
            }
        }
        _ => return Err(WireError::Unknown(name.to_owned())),
    })
}

/// Whole seconds, and 75 of them where the master does not say, as Mesos' agents read it.
fn ping_timeout(connection: Option<MasterSlaveConnection>) -> Option<Duration> {
    let seconds = connection.and_then(|connection| connection.total_ping_timeout_seconds).unwrap_or(75.0);
    Duration::try_from_secs_f64(seconds.trunc()).ok()
}

fn reconciliation(message: ReconcileTasksMessage) -> Reconciliation {
    Reconciliation {
        framework_id: message.framework_id,
        framework: message.framework.map(Box::new),
        statuses: message.statuses,
    }
}

fn run_task(message: RunTaskMessage) -> ToAgent {
    let RunTaskMessage {
        framework_id, mut framework, mut task, resource_version_uuids, launch_executor, ..
    } = message;
    framework.id = framework.id.or(framework_id);
    upgrade_task_info(&mut task);
    let launch = terms(launch_executor, resource_version_uuids);
    ToAgent::RunTask { framework: Box::new(framework), task: Box::new(task), launch }
}

fn run_task_group(message: RunTaskGroupMessage) -> ToAgent {
    let RunTaskGroupMessage {
        framework,
        mut executor,
        mut task_group,
        resource_version_uuids,
        launch_executor,
    } = message;
    upgrade(&mut executor.resources);
    task_group.tasks.iter_mut().for_each(upgrade_task_info);
    ToAgent::RunTaskGroup {
        framework: Box::new(framework),
        executor: Box::new(executor),
        group: Box::new(task_group),
        launch: terms(launch_executor, resource_version_uuids),
    }
}

/// A master that does not say whether it counts on a new executor is older and leaves that to the agent.
fn terms(launch_executor: Option<bool>, versions: Vec<ResourceVersionUuid>) -> LaunchTerms {
    let own = versions.into_iter().find(|version| version.resource_provider_id.is_none());
    LaunchTerms {
        executor: launch_executor.unwrap_or(true),
        resource_version: own.map(|version| version.uuid.value),
    }
}

fn shutdown_executor(message: ShutdownExecutorMessage) -> Result<ToAgent, WireError> {
    const NAME: &str = "ShutdownExecutorMessage";
    Ok(ToAgent::ShutdownExecutor {
        framework_id: message.framework_id.ok_or(WireError::Lacks(NAME, "framework_id"))?,
        executor_id: message.executor_id.ok_or(WireError::Lacks(NAME, "executor_id"))?,
    })
}

fn updated_framework(message: UpdateFrameworkMessage) -> Result<ToAgent, WireError> {
    let info = message.framework_info.ok_or(WireError::Lacks("UpdateFrameworkMessage", "framework_info"))?;
    let id = info.id.clone().or(Some(message.framework_id));
    Ok(ToAgent::UpdateFramework { framework: Box::new(FrameworkInfo { id, ..info }) })
}

fn operation(message: ApplyOperationMessage) -> OperationRequest {
    OperationRequest {
        framework_id: message.framework_id,
        operation: message.operation_info,
        uuid: message.operation_uuid.value,
        resource_version: message.resource_version_uuid.uuid.value,
    }
}
