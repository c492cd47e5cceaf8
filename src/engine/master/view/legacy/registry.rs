//! `/registrar(1)/registry`: what a master would find in its registry after a restart. Keys in the order of the alphabet.

use serde_json::{Map, Value, json};

use super::plain::capability_names;
use crate::{
    engine::{
        legacy::{endpoint_format, sorted},
        master::{LostAgent, Master},
    },
    mesos::{json, v1},
};

pub fn registry(master: &Master) -> Value {
    let mut registry = Map::new();
    registry.insert("master".into(), json!({"info": master_info(&master.info)}));
    let mut add = |name: &str, list: Vec<Value>| {
        if !list.is_empty() {
            registry.insert(name.into(), json!({"slaves": list}));
        }
    };
    add("gone", master.gone_agents.values().map(lost).collect());
    let agents = master.agents.values().map(|agent| admitted(&agent.info, agent.deactivated));
    let recovered =
        master.recovered_agents.iter().map(|(id, info)| admitted(info, master.is_deactivated(id)));
    add("slaves", agents.chain(recovered).collect());
    add("unreachable", master.unreachable_agents.values().map(lost).collect());
    add_maintenance(&mut registry, master);
    add_quotas(&mut registry, master);
    let weights =
        master.weights.iter().map(|(role, weight)| json!({"info": {"role": role, "weight": weight}}));
    let weights: Vec<_> = weights.collect();
    if !weights.is_empty() {
        registry.insert("weights".into(), weights.into());
    }
    sorted(Value::Object(registry))
}

fn add_maintenance(registry: &mut Map<String, Value>, master: &Master) {
    if master.maintenance.was_used {
        registry.insert("machines".into(), machines(master));
    }
    if let Some(schedule) = &master.maintenance.schedule {
        registry.insert("schedules".into(), json!([json::to_json(schedule)]));
    }
}

/// `{}` when there are none any more.
fn machines(master: &Master) -> Value {
    let machines: Vec<_> =
        master.maintenance.scheduled().map(|info| json!({"info": json::to_json(info)})).collect();
    if machines.is_empty() { json!({}) } else { json!({"machines": machines}) }
}

fn add_quotas(registry: &mut Map<String, Value>, master: &Master) {
    let set = master.quotas.iter().filter(|(_, quota)| !quota.is_default());
    let configs: Vec<_> = set.map(|(role, quota)| json::to_json(&quota.to_config(role))).collect();
    if !configs.is_empty() {
        registry.insert("minimum_capabilities".into(), json!([{"capability": "QUOTA_V2"}]));
        registry.insert("quota_configs".into(), configs.into());
    }
}

fn master_info(info: &v1::MasterInfo) -> Value {
    let mut value = json::to_json(info);
    let capabilities: Vec<_> = capability_names(info).into_iter().map(|name| json!({"type": name})).collect();
    value["capabilities"] = capabilities.into();
    value
}

fn admitted(info: &v1::AgentInfo, deactivated: bool) -> Value {
    let info = v1::AgentInfo { resources: endpoint_format(&info.resources), ..info.clone() };
    let mut info = json::to_json(&info);
    info["checkpoint"] = true.into();
    json!({"deactivated": deactivated, "info": info})
}

fn lost(agent: &LostAgent) -> Value {
    json!({"id": {"value": agent.id.as_str()}, "timestamp": {"nanoseconds": agent.since.as_nanos()}})
}
