//! Messages to a master as libprocess messages: what an agent of ours says, and what a master of ours hears.

use super::{
    AgentRegistration, Encoded, OperationUpdate, Running, StatusUpdate, ToMaster, WireError,
    parts::{downgraded_all, downgraded_executor, downgraded_task, encoded, normal, upgrade, uuid},
    to_agent::observer_process,
};
use crate::mesos::{
    internal::{
        self, ExecutorToFrameworkMessage, ExitedExecutorMessage, PongSlaveMessage, RegisterSlaveMessage,
        ReregisterSlaveMessage, StatusUpdateMessage, UnregisterSlaveMessage, UpdateOperationStatusMessage,
        UpdateSlaveMessage, archive, update_slave_message,
    },
    protobuf::decode as read,
    v1::{AgentId, AgentInfo, ExecutorInfo, FrameworkId, FrameworkInfo, Task, TaskState},
};

/// The agent that says it.
#[derive(Clone, Debug)]
pub struct Sender<'a> {
    pub agent_id: Option<&'a AgentId>,
    /// `slave(1)@127.0.0.1:5051`.
    pub pid: &'a str,
    pub resource_version: Option<&'a bytes::Bytes>,
}

/// The process of the master that this is for: `master`, or one of its observers.
pub fn receiver(message: &ToMaster) -> String {
    match message {
        ToMaster::Pong { observer } => observer_process(*observer),
        _ => "master".to_owned(),
    }
}

pub fn encode(message: &ToMaster, sender: &Sender<'_>) -> Encoded {
    let slave_id = sender.agent_id.cloned().unwrap_or_default();
    match message {
        ToMaster::Register(registration) => encoded(&register(registration)),
        ToMaster::Reregister { registration, running } => encoded(&reregister(registration, running)),
        ToMaster::Unregister => encoded(&UnregisterSlaveMessage { slave_id }),
        ToMaster::StatusUpdate(update) => {
            encoded(&StatusUpdateMessage { update: status_update(update), pid: Some(sender.pid.to_owned()) })
        }
        ToMaster::Update { .. } => encoded(&update(slave_id, sender.resource_version)),
        ToMaster::ExitedExecutor { framework_id, executor_id, status } => encoded(&ExitedExecutorMessage {
            slave_id,
            framework_id: framework_id.clone(),
            executor_id: executor_id.clone(),
            status: *status,
        }),
        ToMaster::ExecutorMessage { framework_id, executor_id, data } => {
            encoded(&ExecutorToFrameworkMessage {
                slave_id,
                framework_id: framework_id.clone(),
                executor_id: executor_id.clone(),
                data: data.clone(),
            })
        }
        ToMaster::Pong { .. } => encoded(&PongSlaveMessage {}),
        ToMaster::OperationUpdate(update) => encoded(&operation_update(slave_id, update)),
    }
}

fn register(registration: &AgentRegistration) -> RegisterSlaveMessage {
    RegisterSlaveMessage {
        slave: agent_info(&registration.info),
        checkpointed_resources: Vec::new(),
        version: Some(registration.version.clone()),
        agent_capabilities: registration.capabilities.clone(),
        resource_version_uuid: registration.resource_version.as_ref().map(uuid),
    }
}

fn agent_info(info: &AgentInfo) -> AgentInfo {
    AgentInfo { resources: downgraded_all(&info.resources), ..info.clone() }
}

fn reregister(registration: &AgentRegistration, running: &Running) -> ReregisterSlaveMessage {
    let RegisterSlaveMessage {
        slave,
        checkpointed_resources,
        version,
        agent_capabilities,
        resource_version_uuid,
    } = register(registration);
    let archived = |(info, tasks): &(_, Vec<_>)| archive::Framework {
        framework_info: Clone::clone(info),
        pid: None,
        tasks: tasks.iter().map(downgraded_task).collect(),
    };
    ReregisterSlaveMessage {
        slave,
        checkpointed_resources,
        executor_infos: running.executors.iter().map(executor_info).collect(),
        tasks: running.tasks.iter().map(downgraded_task).collect(),
        frameworks: running.frameworks.clone(),
        completed_frameworks: running.completed.iter().map(archived).collect(),
        version,
        agent_capabilities,
        resource_version_uuid,
    }
}

fn executor_info((framework_id, executor): &(FrameworkId, ExecutorInfo)) -> ExecutorInfo {
    ExecutorInfo { framework_id: Some(framework_id.clone()), ..downgraded_executor(executor) }
}

fn update(slave_id: AgentId, resource_version: Option<&bytes::Bytes>) -> UpdateSlaveMessage {
    UpdateSlaveMessage {
        slave_id,
        update_oversubscribed_resources: Some(false),
        oversubscribed_resources: Vec::new(),
        operations: Some(update_slave_message::Operations {}),
        resource_version_uuid: resource_version.map(uuid),
        resource_providers: Some(update_slave_message::ResourceProviders {}),
    }
}

/// The update as it stands in messages and in the agent's log.
pub fn status_update(update: &StatusUpdate) -> internal::StatusUpdate {
    internal::StatusUpdate {
        framework_id: update.framework_id.clone(),
        executor_id: update.executor_id.clone(),
        slave_id: update.status.agent_id.clone(),
        timestamp: update.status.timestamp(),
        uuid: update.status.uuid.clone(),
        status: update.status.clone(),
        latest_state: update.latest_state.map(i32::from),
    }
}

fn operation_update(slave_id: AgentId, update: &OperationUpdate) -> UpdateOperationStatusMessage {
    UpdateOperationStatusMessage {
        framework_id: update.framework_id.clone(),
        slave_id: Some(slave_id),
        status: update.status.clone(),
        latest_status: Some(update.status.clone()),
        operation_uuid: Some(uuid(&update.uuid)),
    }
}

/// Reads a message of the agent at `pid` (`slave(1)@127.0.0.1:5051`) for the process `to` of the master.
///
/// # Errors
/// When it is none that masters get from agents, or does not parse.
pub fn decode(pid: &str, to: &str, name: &str, body: &[u8]) -> Result<ToMaster, WireError> {
    let message = name.strip_prefix("mesos.internal.").unwrap_or_default();
    if let Some(observer) = super::to_agent::observer_of(to) {
        return match message {
            "PongSlaveMessage" => Ok(ToMaster::Pong { observer }),
            _ => Err(WireError::Unknown(name.to_owned())),
        };
    }
    Ok(match message {
        "RegisterSlaveMessage" => ToMaster::Register(registration(pid, read(body)?)),
        "ReregisterSlaveMessage" => reregistration(pid, read(body)?)?,
        "UnregisterSlaveMessage" => {
            read::<UnregisterSlaveMessage>(body)?;
            ToMaster::Unregister
        }
        "StatusUpdateMessage" => {
            ToMaster::StatusUpdate(read_update(read::<StatusUpdateMessage>(body)?.update))
        }
        "UpdateSlaveMessage" => {
            read::<UpdateSlaveMessage>(body)?;
            ToMaster::Update { total: None }
        }
        "ExitedExecutorMessage" => {
            let ExitedExecutorMessage { framework_id, executor_id, status, .. } = read(body)?;
            ToMaster::ExitedExecutor { framework_id, executor_id, status }
        }
        "ExecutorToFrameworkMessage" => {
            let ExecutorToFrameworkMessage { framework_id, executor_id, data, .. } = read(body)?;
            ToMaster::ExecutorMessage { framework_id, executor_id, data }
        }
        "UpdateOperationStatusMessage" => ToMaster::OperationUpdate(read_operation(read(body)?)),
        _ => return Err(WireError::Unknown(name.to_owned())),
    })
}

fn registration(pid: &str, message: RegisterSlaveMessage) -> AgentRegistration {
    let RegisterSlaveMessage { mut slave, version, agent_capabilities, resource_version_uuid, .. } = message;
    slave.resources = normal(slave.resources);
    AgentRegistration {
        info: slave,
        pid: pid.to_owned(),
        version: version.unwrap_or_default(),
        capabilities: agent_capabilities,
        resource_version: resource_version_uuid.map(|uuid| uuid.value),
    }
}

fn reregistration(pid: &str, message: ReregisterSlaveMessage) -> Result<ToMaster, WireError> {
    let ReregisterSlaveMessage { slave, checkpointed_resources, version, agent_capabilities, .. } = message;
    let of_agent = RegisterSlaveMessage {
        slave,
        checkpointed_resources,
        version,
        agent_capabilities,
        resource_version_uuid: message.resource_version_uuid,
    };
    let mut tasks = message.tasks;
    tasks.iter_mut().for_each(|task| upgrade(&mut task.resources));
    let executors = message.executor_infos.into_iter().map(read_executor).collect::<Result<_, _>>()?;
    let completed = message.completed_frameworks.into_iter().map(read_archived).collect();
    let running = Running { tasks, executors, frameworks: message.frameworks, completed };
    Ok(ToMaster::Reregister { registration: registration(pid, of_agent), running })
}

fn read_executor(mut executor: ExecutorInfo) -> Result<(FrameworkId, ExecutorInfo), WireError> {
    upgrade(&mut executor.resources);
    let framework_id =
        executor.framework_id.clone().ok_or(WireError::Lacks("ReregisterSlaveMessage", "framework_id"))?;
    Ok((framework_id, executor))
}

fn read_archived(mut archived: archive::Framework) -> (FrameworkInfo, Vec<Task>) {
    archived.tasks.iter_mut().for_each(|task| upgrade(&mut task.resources));
    (archived.framework_info, archived.tasks)
}

/// The status that the update wraps, with what only the wrapper says.
pub fn read_update(update: internal::StatusUpdate) -> StatusUpdate {
    let mut status = update.status;
    status.uuid = status.uuid.or(update.uuid).filter(|uuid| !uuid.is_empty());
    status.agent_id = status.agent_id.or(update.slave_id);
    status.timestamp = status.timestamp.or(Some(update.timestamp));
    status.executor_id = status.executor_id.or_else(|| update.executor_id.clone());
    StatusUpdate {
        framework_id: update.framework_id,
        executor_id: update.executor_id,
        status,
        latest_state: update.latest_state.and_then(|state| TaskState::try_from(state).ok()),
    }
}

fn read_operation(message: UpdateOperationStatusMessage) -> OperationUpdate {
    OperationUpdate {
        framework_id: message.framework_id,
        status: message.status,
        uuid: message.operation_uuid.map(|uuid| uuid.value).unwrap_or_default(),
    }
}
