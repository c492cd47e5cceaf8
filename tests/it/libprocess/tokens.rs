//! What an agent says, in words that do not depend on what it draws by lot or reads from a clock: each such value is
//! replaced by a number, the same for the same value.

use bytes::Bytes;
use mesoslab::mesos::{
    internal::{
        ExitedExecutorMessage, PongSlaveMessage, RegisterSlaveMessage, ReregisterSlaveMessage, StatusUpdate,
        StatusUpdateMessage, UnregisterSlaveMessage, UpdateOperationStatusMessage, UpdateSlaveMessage,
    },
    protobuf::decode,
    v1::{OperationStatus, Task, TaskStatus, Uuid},
};

/// The values seen so far, each with its kind.
#[derive(Default)]
pub struct Tokens(Vec<(String, Vec<u8>)>);

impl Tokens {
    /// The number of this value among those of its kind.
    fn number(&mut self, kind: &str, value: &[u8]) -> u32 {
        let of_kind = || self.0.iter().filter(|(known, _)| known == kind);
        match of_kind().position(|(_, known)| known == value) {
            Some(at) => at as u32,
            None => {
                let next = of_kind().count() as u32;
                self.0.push((kind.to_owned(), value.to_owned()));
                next
            }
        }
    }

    fn bytes(&mut self, kind: &str, value: &mut Bytes) {
        *value = format!("{kind} {}", self.number(kind, value)).into();
    }

    fn uuid(&mut self, kind: &str, uuid: &mut Option<Uuid>) {
        if let Some(uuid) = uuid {
            self.bytes(kind, &mut uuid.value);
        }
    }

    fn status(&mut self, status: &mut TaskStatus) {
        if let Some(uuid) = &mut status.uuid {
            self.bytes("update", uuid);
        }
        let moment = moment(status);
        if let Some(time) = &mut status.timestamp {
            *time = f64::from(self.number(&moment, &time.to_be_bytes()));
        }
        let Some(container) = &mut status.container_status else { return };
        if let Some(pid) = &mut container.executor_pid {
            *pid = self.number("process", &pid.to_be_bytes());
        }
        if let Some(id) = &mut container.container_id {
            id.value = format!("container {}", self.number("container", id.value.as_bytes()));
        }
    }

    fn update(&mut self, update: &mut StatusUpdate) {
        let moment = moment(&update.status);
        self.status(&mut update.status);
        update.timestamp = f64::from(self.number(&moment, &update.timestamp.to_be_bytes()));
        if let Some(uuid) = &mut update.uuid {
            self.bytes("update", uuid);
        }
    }

    fn task(&mut self, task: &mut Task) {
        task.statuses.iter_mut().for_each(|status| self.status(status));
        if let Some(uuid) = &mut task.status_update_uuid {
            self.bytes("update", uuid);
        }
    }

    fn operation(&mut self, status: &mut OperationStatus) {
        if let Some(uuid) = &mut status.uuid {
            self.bytes("operation update", &mut uuid.value);
        }
    }

    /// The message in words.
    pub fn text(&mut self, name: &str, body: &[u8]) -> String {
        match name {
            "RegisterSlaveMessage" => {
                let mut message: RegisterSlaveMessage = decode(body).unwrap();
                self.uuid("resources", &mut message.resource_version_uuid);
                format!("{message:#?}")
            }
            "ReregisterSlaveMessage" => {
                let mut message: ReregisterSlaveMessage = decode(body).unwrap();
                self.uuid("resources", &mut message.resource_version_uuid);
                message.tasks.iter_mut().for_each(|task| self.task(task));
                let completed = message.completed_frameworks.iter_mut();
                completed.flat_map(|framework| &mut framework.tasks).for_each(|task| self.task(task));
                format!("{message:#?}")
            }
            "UpdateSlaveMessage" => {
                let mut message: UpdateSlaveMessage = decode(body).unwrap();
                self.uuid("resources", &mut message.resource_version_uuid);
                format!("{message:#?}")
            }
            "StatusUpdateMessage" => {
                let mut message: StatusUpdateMessage = decode(body).unwrap();
                self.update(&mut message.update);
                format!("{message:#?}")
            }
            "UpdateOperationStatusMessage" => {
                let mut message: UpdateOperationStatusMessage = decode(body).unwrap();
                self.operation(&mut message.status);
                message.latest_status.iter_mut().for_each(|status| self.operation(status));
                format!("{message:#?}")
            }
            "UnregisterSlaveMessage" => format!("{:#?}", decode::<UnregisterSlaveMessage>(body).unwrap()),
            "ExitedExecutorMessage" => format!("{:#?}", decode::<ExitedExecutorMessage>(body).unwrap()),
            "PongSlaveMessage" => format!("{:#?}", decode::<PongSlaveMessage>(body).unwrap()),
            other => panic!("an agent does not say {other}"),
        }
    }
}

/// Two states of a task may be reached at one moment or at two.
fn moment(status: &TaskStatus) -> String {
    format!("{} {}", status.task_id, status.state().as_str_name())
}
