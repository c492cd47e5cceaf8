//! What is wrong with a call of an executor, before anybody looks who it is: the texts and their order are Mesos'.

use crate::mesos::v1::{
    CheckStatusInfo, TaskState, check_info,
    executor::{Call, call::Type},
    task_status::Source,
};

/// The part that a call of its type has to have, and what an update must say.
///
/// # Errors
/// What is wrong, as it stands behind `Failed to validate Executor::Call: `.
pub fn validate(call: &Call) -> Result<(), String> {
    let missing = |name: &str| Err(format!("Expecting '{name}' to be present"));
    if call.r#type.is_none() {
        return missing("type");
    }
    match call.r#type() {
        Type::Subscribe if call.subscribe.is_none() => missing("subscribe"),
        Type::Update if call.update.is_none() => missing("update"),
        Type::Update => validate_update(call),
        Type::Message if call.message.is_none() => missing("message"),
        Type::Subscribe | Type::Message | Type::Heartbeat | Type::Unknown => Ok(()),
    }
}

fn validate_update(call: &Call) -> Result<(), String> {
    let Some(status) = call.update.as_ref().map(|update| &update.status) else { return Ok(()) };
    let Some(uuid) = &status.uuid else { return Err("Expecting 'uuid' to be present".to_owned()) };
    if !is_uuid(uuid) {
        return Err("Not a valid UUID".to_owned());
    }
    let (own, framework) = (&call.executor_id, &call.framework_id);
    if let Some(other) = status.executor_id.as_ref().filter(|other| *other != own) {
        return Err(format!("ExecutorID in Call: {own} does not match ExecutorID in TaskStatus: {other}"));
    }
    if status.source.and_then(|source| Source::try_from(source).ok()) != Some(Source::Executor) {
        return Err(format!(
            "Received Call from executor {own} of framework {framework} with invalid source, expecting \
             'SOURCE_EXECUTOR'"
        ));
    }
    if status.state() == TaskState::TaskStaging {
        return Err(format!(
            "Received TASK_STAGING from executor {own} of framework {framework} which is not allowed"
        ));
    }
    status.check_status.as_ref().map_or(Ok(()), validate_check_status)
}

/// 16 bytes with a version that there is.
fn is_uuid(bytes: &[u8]) -> bool {
    uuid::Uuid::from_slice(bytes).is_ok_and(|uuid| (1..=5).contains(&uuid.get_version_num()))
}

fn validate_check_status(status: &CheckStatusInfo) -> Result<(), String> {
    use check_info::Type as Check;
    let Some(kind) = status.r#type else { return Err("CheckStatusInfo must specify 'type'".to_owned()) };
    let (is_set, name, check) = match Check::try_from(kind).unwrap_or_default() {
        Check::Command => (status.command.is_some(), "command", "COMMAND"),
        Check::Http => (status.http.is_some(), "http", "HTTP"),
        Check::Tcp => (status.tcp.is_some(), "tcp", "TCP"),
        Check::Unknown => return Err("'UNKNOWN' is not a valid check's status type".to_owned()),
    };
    if is_set { Ok(()) } else { Err(format!("Expecting '{name}' to be set for {check} check's status")) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::mesos::v1::{TaskStatus, executor::call};

    fn update(status: TaskStatus) -> Call {
        Call {
            r#type: Some(Type::Update.into()),
            executor_id: "cx".into(),
            framework_id: "F".into(),
            update: Some(call::Update { status }),
            ..Call::default()
        }
    }

    fn good() -> TaskStatus {
        TaskStatus {
            task_id: "c1".into(),
            state: TaskState::TaskRunning.into(),
            source: Some(Source::Executor.into()),

            ..TaskStatus::default()
        }
    }

    #[track_caller]
    fn assert_refused(status: TaskStatus, with: &str) {
        assert_eq!(validate(&update(status)), Err(with.to_owned()));
    }

    #[test]
    fn refuses_in_the_words_of_mesos() {
        let uuid = Bytes::copy_from_slice(uuid::Builder::from_random_bytes([7; 16]).into_uuid().as_bytes());
        let good = || TaskStatus { uuid: Some(uuid.clone()), ..good() };
        assert_eq!(validate(&update(good())), Ok(()));
        assert_refused(TaskStatus { uuid: None, ..good() }, "Expecting 'uuid' to be present");
        let short = Some(Bytes::from_static(b"short"));
        assert_refused(TaskStatus { uuid: short, ..good() }, "Not a valid UUID");
        assert_refused(TaskStatus { uuid: Some(Bytes::from_static(&[0; 16])), ..good() }, "Not a valid UUID");
        let other = Some("other".into());
        let text = "ExecutorID in Call: cx does not match ExecutorID in TaskStatus: other";
        assert_refused(TaskStatus { executor_id: other, ..good() }, text);
        let text =
            "Received Call from executor cx of framework F with invalid source, expecting 'SOURCE_EXECUTOR'";
        assert_refused(TaskStatus { source: None, ..good() }, text);
        assert_refused(TaskStatus { source: Some(Source::Master.into()), ..good() }, text);
        let text = "Received TASK_STAGING from executor cx of framework F which is not allowed";
        assert_refused(TaskStatus { state: TaskState::TaskStaging.into(), ..good() }, text);
        let check_status = Some(CheckStatusInfo {
            r#type: Some(check_info::Type::Http.into()),
            ..CheckStatusInfo::default()
        });
        assert_refused(
            TaskStatus { check_status, ..good() },
            "Expecting 'http' to be set for HTTP check's status",
        );
    }

    #[test]
    fn every_call_has_its_part() {
        let of = |kind: Type| Call { r#type: Some(kind.into()), ..Call::default() };
        assert_eq!(validate(&Call::default()), Err("Expecting 'type' to be present".to_owned()));
        for (kind, name) in
            [(Type::Subscribe, "subscribe"), (Type::Update, "update"), (Type::Message, "message")]
        {
            assert_eq!(validate(&of(kind)), Err(format!("Expecting '{name}' to be present")));
        }
        assert_eq!(validate(&of(Type::Heartbeat)), Ok(()));
        assert_eq!(validate(&of(Type::Unknown)), Ok(()));
    }
}
