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
    let quotas: Vec<_> = set_quotas(master).collect();
    if !quotas.is_empty() {
        registry.insert("minimum_capabilities".into(), json!([{"capability": "QUOTA_V2"}]));
        registry.insert("quota_configs".into(), quotas.into());
    }
    let weights =
        master.weights.iter().map(|(role, weight)| json!({"info": {"role": role, "weight": weight}}));
    let weights: Vec<_> = weights.collect();
    if !weights.is_empty() {
        registry.insert("weights".into(), weights.into());
    }
    sorted(Value::Object(registry))
}

fn set_quotas(master: &Master) -> impl Iterator<Item = Value> {
    let set = master.quotas.iter().filter(|(_, quota)| !quota.is_default());
    set.map(|(role, quota)| json::to_json(&quota.to_config(role)))
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
