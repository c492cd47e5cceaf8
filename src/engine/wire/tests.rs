//! Recorded messages between real masters and agents, read and written again: not a byte may differ.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

/// One line of a recording: what went from whom to which path.
struct Line {
    from: String,
    path: String,
    body: Vec<u8>,
}

impl Line {
    fn to(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.path.split('/').nth(2).unwrap_or_default()
    }
}

fn recordings() -> Vec<(String, Vec<Line>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/libprocess");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|ending| ending == "tsv"));
    tables.map(|path| (path.display().to_string(), lines(&fs::read_to_string(&path).unwrap()))).collect()
}

fn lines(table: &str) -> Vec<Line> {
    let fields = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let messages = fields.filter(|fields| fields[1] == "libprocess");
    messages
        .map(|fields| Line {
            from: fields[2].to_owned(),
            path: fields[3].to_owned(),
            body: BASE64_STANDARD.decode(fields[5]).unwrap(),
        })
        .collect()
}

/// The message as we write it after having read it; none for what we take no part in.
fn again(line: &Line) -> Option<Encoded> {
    let process = line.from.split('@').next().unwrap_or_default();
    let from_master = process == "master" || to_agent::observer_of(process).is_some();
    if from_master && line.to() == "slave(1)" {
        return Some(to_agent::encode(&to_agent::decode(process, line.name(), &line.body).unwrap()));
    }
    if process == "slave(1)" && (line.to() == "master" || to_agent::observer_of(line.to()).is_some()) {
        let decoded = to_master::decode(&line.from, line.to(), line.name(), &line.body);
        if line.path == "/master/mesos.internal.PongSlaveMessage" {
            assert!(matches!(decoded, Err(WireError::Unknown(_))), "only observers get pongs");
            return None;
        }
        let message = decoded.unwrap_or_else(|error| panic!("{}: {error}", line.path));
        return Some(written_by_agent(line, &message));
    }
    None
}

fn written_by_agent(line: &Line, message: &ToMaster) -> Encoded {
    let original = internal_agent_id(line);
    let version = resource_version(line);
    let sender = to_master::Sender {
        agent_id: original.as_ref(),
        pid: &line.from,
        resource_version: version.as_ref(),
    };
    to_master::encode(message, &sender)
}

/// What the agent knows of itself and the messages of ours do not carry.
fn internal_agent_id(line: &Line) -> Option<AgentId> {
    use crate::mesos::internal::{ExitedExecutorMessage, UpdateOperationStatusMessage, UpdateSlaveMessage};
    let body = line.body.as_slice();
    match line.name().rsplit('.').next()? {
        "UpdateSlaveMessage" => Some(protobuf::decode::<UpdateSlaveMessage>(body).unwrap().slave_id),
        "ExitedExecutorMessage" => Some(protobuf::decode::<ExitedExecutorMessage>(body).unwrap().slave_id),
        "UpdateOperationStatusMessage" => {
            protobuf::decode::<UpdateOperationStatusMessage>(body).unwrap().slave_id
        }
        "UnregisterSlaveMessage" => {
            Some(protobuf::decode::<crate::mesos::internal::UnregisterSlaveMessage>(body).unwrap().slave_id)
        }
        _ => None,
    }
}

fn resource_version(line: &Line) -> Option<Bytes> {
    let is_update = line.name().ends_with(".UpdateSlaveMessage");
    let update = is_update.then(|| {
        protobuf::decode::<crate::mesos::internal::UpdateSlaveMessage>(line.body.as_slice()).unwrap()
    });
    update?.resource_version_uuid.map(|uuid| uuid.value)
}

#[test]
fn what_was_recorded_is_written_again_byte_by_byte() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (file, lines) in recordings() {
        for line in &lines {
            let Some((name, body)) = again(line) else { continue };
            assert_eq!(name, line.name(), "{file}");
            assert_eq!(body, line.body, "{file}: {}\n{}", line.path, show(line));
            *seen.entry(name).or_default() += 1;
        }
    }
    let kinds: Vec<&str> = seen.keys().map(|name| name.rsplit('.').next().unwrap_or_default()).collect();
    assert!(seen.values().sum::<usize>() > 250, "{seen:?}");
    for kind in ["ReregisterSlaveMessage", "StatusUpdateMessage", "RunTaskMessage", "ShutdownMessage"] {
        assert!(kinds.contains(&kind), "{kind} is in no recording: {kinds:?}");
    }
}

fn show(line: &Line) -> String {
    match to_master::decode(&line.from, line.to(), line.name(), &line.body) {
        Ok(message) => format!("{message:?}"),
        Err(_) => format!("{:?}", to_agent::decode("master", line.name(), &line.body)),
    }
}
