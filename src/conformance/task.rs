//! TaskInfos as JSON; `$AGENT` and `$FRAMEWORK` are replaced when they are launched.

use serde_json::{Value, json};

use crate::conformance::fleet::{CPUS, DISK, MEM};

pub fn scalar(name: &str, value: f64) -> Value {
    json!({"name": name, "type": "SCALAR", "scalar": {"value": value}})
}

/// What each task of a check takes.
pub fn resources() -> Value {
    json!([scalar("cpus", CPUS), scalar("mem", MEM)])
}

/// A task without anything to run.
pub fn bare(id: &str) -> Value {
    json!({
        "name": id, "task_id": {"value": id}, "agent_id": {"value": "$AGENT"}, "resources": resources(),
    })
}

/// A task that runs a line of shell.
pub fn shell(id: &str, line: &str) -> Value {
    patched(bare(id), json!({"command": {"value": line}}))
}

/// Sets fields of an object; `null` takes one away.
pub fn patched(mut message: Value, patch: Value) -> Value {
    if let (Value::Object(fields), Value::Object(patch)) = (&mut message, patch) {
        for (name, value) in patch {
            match value {
                Value::Null => drop(fields.remove(&name)),
                value => drop(fields.insert(name, value)),
            }
        }
    }
    message
}

/// The default executor, which runs pods.
pub fn default_executor(id: &str) -> Value {
    json!({
        "type": "DEFAULT", "executor_id": {"value": id}, "framework_id": {"value": "$FRAMEWORK"},
        "resources": [scalar("cpus", CPUS), scalar("mem", MEM), scalar("disk", DISK)],
    })
}

/// LAUNCH_GROUP.
pub fn group(executor: &Value, tasks: &[Value]) -> Value {
    json!({
        "type": "LAUNCH_GROUP",
        "launch_group": {"executor": executor, "task_group": {"tasks": tasks}},
    })
}
