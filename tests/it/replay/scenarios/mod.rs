//! What has to happen between the recorded requests, group by group.

mod calls;
mod executor;
mod failover;
mod features;
mod framework;
mod operator;
mod pods;
mod protobuf;
mod protocol;

use serde_json::{Value, json};

/// A command task as the recordings have it.
fn task(id: &str, command: &str, agent: &Value) -> Value {
    json!({
        "name": id,
        "task_id": { "value": id },
        "agent_id": agent,
        "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
        "command": { "value": command },
    })
}

fn scalar(name: &str, value: f64) -> Value {
    json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } })
}
