//! The bodies of Exhibitor's answers. Almost all come with 200, failures too.

use serde_json::{Value, json};

use super::{
    config::Config,
    judge::Judgement,
    supervisor::{Supervisor, Switch},
};

/// The version whose API this is.
pub const VERSION: &str = "1.7.1";

/// `{"message", "succeeded"}`.
pub fn result(done: Result<(), String>) -> Value {
    let (message, succeeded) = done.map_or_else(|error| (error, false), |()| ("OK".to_owned(), true));
    json!({ "message": message, "succeeded": succeeded })
}

/// The answer of a path that names a host: what that host says, or why it says nothing.
pub fn wrapped(response: Result<Value, String>) -> Value {
    let success = response.is_ok();
    let (response, error) = response.map_or_else(|error| (json!({}), error), |said| (said, String::new()));
    json!({ "response": response, "errorMessage": error, "success": success })
}

/// `/cluster/status`: the one server.
pub fn status(hostname: &str, judgement: Judgement) -> Value {
    json!([{
        "code": judgement.state.code(), "description": judgement.state.description(),
        "hostname": hostname, "isLeader": judgement.is_leader,
    }])
}

/// `/cluster/state`.
pub fn state(supervisor: &Supervisor) -> Value {
    let switch = |switch: Switch| (switch.name().to_owned(), Value::from(supervisor.is_set(switch)));
    let switches: serde_json::Map<String, Value> = Switch::ALL.into_iter().map(switch).collect();
    let Judgement { state, is_leader } = supervisor.judgement();
    json!({
        "switches": switches, "state": state.code(), "description": state.description(), "isLeader": is_leader,
    })
}

/// `/cluster/list` in JSON.
pub fn list(hosts: &[String], port: u16) -> Value {
    json!({ "servers": hosts, "port": port })
}

/// `/cluster/list` as Curator's `ExhibitorEnsembleProvider` reads it.
pub fn form_list(hosts: &[String], port: u16) -> String {
    let servers = hosts.iter().enumerate().map(|(at, host)| format!("&server{at}={}", form_encoded(host)));
    format!("count={}{}&port={port}", hosts.len(), servers.collect::<String>())
}

/// As a browser sends a form: letters, digits and `-_.*` stay.
fn form_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// `/config/get-state`. `running` is whether it answers `ruok`.
pub fn system_state(config: &Config, supervisor: &Supervisor, running: bool, writes: bool) -> Value {
    json!({
        "version": VERSION,
        "running": running,
        "backupActive": false,
        "standaloneMode": true,
        "extraHeadingText": null,
        "nodeMutationsAllowed": writes,
        "supervised": supervisor.governs(),
        "restarts": supervisor.restarts(),
        "config": config.to_json(),
    })
}
