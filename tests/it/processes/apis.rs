//! Every call of Mesos' v1 APIs, every operation and every endpoint: the README's table names each once, and what it says
//! is what real processes answer. Nothing hangs, and nothing is a 500.

use std::collections::BTreeMap;

use mesoslab::mesos::v1::{agent, executor, master, offer, scheduler};
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    framework::Framework,
    http::{JSON, ask, call},
};

const README: &str = include_str!("../../../README.md");

/// All that Mesos 1.11.0 serves on both of its programs, on a master, and on an agent.
const ENDPOINTS: [(&str, &str); 3] = [
    (
        "endpoints of both",
        "/version /metrics/snapshot /system/stats.json /__processes__ /files/browse /files/read /files/download /files/debug \
         /logging/toggle /flags /health /state /api/v1 /profiler/start /profiler/stop /help /memory-profiler/start \
         /memory-profiler/stop /memory-profiler/state /memory-profiler/statistics /memory-profiler/download/raw \
         /memory-profiler/download/text /memory-profiler/download/graph",
    ),
    (
        "endpoints of the master",
        "/api/v1/scheduler /state-summary /slaves /frameworks /tasks /roles /weights /quota /redirect /teardown \
         /maintenance/schedule /maintenance/status /machine/down /machine/up /registrar(1)/registry \
         /allocator/offer_constraints_debug /reserve /unreserve /create-volumes /destroy-volumes",
    ),
    (
        "endpoints of an agent",
        "/api/v1/executor /containers /monitor/statistics /containerizer/debug /api/v1/resource_provider",
    ),
];

/// The table: whose, and what, to what it says of it.
fn table() -> BTreeMap<(String, String), String> {
    let section = README.split("## The APIs of Mesos 1.11 here").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let mut table = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [of, names, state] = cells[..] else { panic!("three cells: {line}") };
        for of in of.split(", ") {
            for name in names.split('`').skip(1).step_by(2) {
                let known = table.insert((of.to_owned(), name.to_owned()), state.to_owned());
                assert_eq!(known, None, "{of} {name} stands there twice");
            }
        }
    }
    table
}

/// The names of an enum of the wire.
fn names<T: TryFrom<i32>>(name: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    (0..256).filter_map(|number| T::try_from(number).ok()).map(name).collect()
}

fn calls() -> [(&'static str, Vec<&'static str>); 5] {
    [
        ("scheduler", names(|kind: scheduler::call::Type| kind.as_str_name())),
        ("operations of ACCEPT", operations()),
        ("master", names(|kind: master::call::Type| kind.as_str_name())),
        ("agent", names(|kind: agent::call::Type| kind.as_str_name())),
        ("executor", names(|kind: executor::call::Type| kind.as_str_name())),
    ]
}

fn operations() -> Vec<&'static str> {
    let all = names(|kind: offer::operation::Type| kind.as_str_name());
    all.into_iter().filter(|name| *name != "UNKNOWN").collect()
}

/// The status that a row begins with, if it does.
fn code(state: &str) -> Option<u16> {
    state.get(..3)?.parse().ok()
}

#[test]
fn the_table_names_everything_once() {
    let table = table();
    let endpoints = ENDPOINTS.iter().map(|(of, all)| (*of, all.split_whitespace().collect::<Vec<_>>()));
    let wanted: Vec<(String, String)> = calls()
        .into_iter()
        .chain(endpoints)
        .flat_map(|(of, names)| names.into_iter().map(move |name| (of.to_owned(), name.to_owned())))
        .collect();
    let missing: Vec<_> = wanted.iter().filter(|name| !table.contains_key(*name)).collect();
    assert_eq!(missing, [] as [&(String, String); 0], "not in the README");
    let unknown: Vec<_> = table.keys().filter(|name| !wanted.contains(name)).collect();
    assert_eq!(unknown, [] as [&(String, String); 0], "Mesos has no such thing");
}

fn disk(more: Value) -> Value {
    let mut disk = json!({
        "name": "disk", "type": "SCALAR", "scalar": { "value": 64 },
        "reservations": [{ "type": "DYNAMIC", "role": "*" }],
    });
    disk["reservations"][0]["role"] = json!("r");
    disk.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    disk
}

fn volume() -> Value {
    disk(json!({ "disk": {
        "persistence": { "id": "p" }, "volume": { "container_path": "x", "mode": "RW" },
    } }))
}

/// The least that makes a call whole, for those that are refused.
fn body(kind: &str, agent: &str) -> Value {
    let agent_id = json!({ "value": agent });
    let child = json!({ "value": "c", "parent": { "value": "p" } });
    let provider = json!({ "info": { "type": "org.apache.mesos.rp.local.storage", "name": "x" } });
    let reserved = [disk(json!({}))];
    match kind {
        "RESERVE_RESOURCES" | "UNRESERVE_RESOURCES" => {
            json!({ "agent_id": agent_id, "resources": reserved })
        }
        "CREATE_VOLUMES" => json!({ "agent_id": agent_id, "volumes": [volume()] }),
        "DESTROY_VOLUMES" => {
            let mut provided = volume();
            provided["provider_id"] = json!({ "value": "nobody" });
            json!({ "agent_id": agent_id, "volumes": [provided] })
        }
        "GROW_VOLUME" => json!({ "agent_id": agent_id, "volume": volume(), "addition": reserved[0] }),
        "SHRINK_VOLUME" => {
            json!({ "agent_id": agent_id, "volume": volume(), "subtract": { "value": 1 } })
        }
        "ADD_RESOURCE_PROVIDER_CONFIG" | "UPDATE_RESOURCE_PROVIDER_CONFIG" => provider,
        "REMOVE_RESOURCE_PROVIDER_CONFIG" => json!({ "type": "t", "name": "x" }),
        "MARK_RESOURCE_PROVIDER_GONE" => json!({ "resource_provider_id": { "value": "x" } }),
        _ => json!({ "container_id": child, "command": { "value": "true" } }),
    }
}

/// Calls of an API: bare, and whole where the table says how that is refused.
fn try_calls(address: &str, path: &str, of: &str, kinds: &[&str], agent: &str) {
    let table = table();
    for kind in kinds.iter().filter(|kind| **kind != "SUBSCRIBE") {
        let state = &table[&(of.to_owned(), (*kind).to_owned())];
        let ids = json!({ "executor_id": { "value": "e" }, "framework_id": { "value": "f" } });
        let mut bare = if of == "executor" { ids } else { json!({}) };
        bare["type"] = json!(kind);
        let answer = call(address, path, "", &bare).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let Some(code) = code(state) else {
            assert!([200, 202, 400].contains(&answer.code()), "{of} {kind}: {} {text}", answer.code());
            continue;
        };
        if *kind != "UNKNOWN" {
            bare[kind.to_lowercase()] = body(kind, agent);
        } else if of == "executor" {
            continue;
        }
        let answer = call(address, path, "", &bare).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.code(), code, "{of} {kind}: {text}");
        assert!(!text.is_empty(), "{of} {kind} says why");
    }
}

#[test]
fn every_call_is_answered_as_the_table_says() {
    let cluster = Cluster::start(1, &[], &[]);
    let (master, agent) = (cluster.master.address().to_owned(), cluster.agents[0].address().to_owned());
    let id = cluster.id_of(0);
    let [(_, scheduler), _, (_, of_master), (_, of_agent), (_, of_executor)] = calls();
    try_calls(&master, "/api/v1", "master", &of_master, &id);
    try_calls(&agent, "/api/v1", "agent", &of_agent, &id);
    try_calls(&agent, "/api/v1/executor", "executor", &of_executor, &id);
    let framework = Framework::subscribe(&master, "caller", false, &[]);
    for kind in scheduler.into_iter().filter(|kind| *kind != "SUBSCRIBE" && *kind != "TEARDOWN") {
        let answer = framework.send(kind, json!({})).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let wanted: &[u16] = if kind == "UNKNOWN" { &[501] } else { &[202, 400] };
        assert!(wanted.contains(&answer.code()), "{kind}: {} {text}", answer.code());
    }
}

#[test]
fn every_endpoint_is_answered_as_the_table_says() {
    let cluster = Cluster::start(1, &[], &[]);
    let (master, agent) = (cluster.master.address(), cluster.agents[0].address());
    for ((of, path), state) in table().into_iter().filter(|((_, name), _)| name.starts_with('/')) {
        let both = [master, agent];
        let addresses: &[&str] = match of.as_str() {
            "endpoints of both" => &both,
            "endpoints of the master" => &both[..1],
            _ => &both[1..],
        };
        for (address, method) in addresses.iter().flat_map(|it| [(it, "GET"), (it, "POST")]) {
            let answer = ask(address, method, &path, JSON, "").expect("an answer");
            match code(&state) {
                Some(code) => {
                    assert!([code, 405].contains(&answer.code()), "{method} {path}: {}", answer.code())
                }
                None => assert!(
                    [200, 307, 400, 405].contains(&answer.code()),
                    "{method} {path}: {}",
                    answer.code()
                ),
            }
        }
    }
}

/// An operation of this kind with nothing wrong but that nobody may do it.
fn operation(kind: &str) -> Value {
    let allocated = |mut resource: Value| {
        resource["reservations"][0]["role"] = json!("r");
        resource
    };
    let raw = |kind: &str| {
        let mut source = json!({ "type": kind });
        source["id"] = json!("v");
        source["profile"] = json!("fast");
        json!({
            "name": "disk", "type": "SCALAR", "scalar": { "value": 64 },
            "provider_id": { "value": "nobody" }, "disk": { "source": source },
        })
    };
    let body = match kind {
        "RESERVE" | "UNRESERVE" => json!({ "resources": [allocated(disk(json!({})))] }),
        "CREATE" => json!({ "volumes": [allocated(volume())] }),
        "DESTROY" => {
            let mut provided = volume();
            provided["provider_id"] = json!({ "value": "nobody" });
            json!({ "volumes": [provided] })
        }
        "GROW_VOLUME" => json!({ "volume": volume(), "addition": disk(json!({})) }),
        "SHRINK_VOLUME" => json!({ "volume": volume(), "subtract": { "value": 1 } }),
        "CREATE_DISK" => json!({ "source": raw("RAW"), "target_type": "MOUNT" }),
        "DESTROY_DISK" => json!({ "source": raw("MOUNT") }),
        kind => panic!("{kind} is not refused"),
    };
    json!({ "type": kind, "id": { "value": format!("op-{kind}") }, kind.to_lowercase(): body })
}

#[test]
fn every_operation_that_is_not_there_is_refused_and_the_offer_comes_back() {
    let cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = Framework::subscribe_as(cluster.master.address(), "operator", "r");
    let refused: Vec<_> = operations()
        .into_iter()
        .filter(|kind| table()[&("operations of ACCEPT".to_owned(), (*kind).to_owned())] != "full")
        .collect();
    for (at, kind) in refused.iter().enumerate() {
        let nameless = {
            let mut operation = operation(kind);
            operation.as_object_mut().expect("an object").remove("id");
            operation
        };
        framework.accept(&id, &json!([nameless, operation(kind)]));
        framework.until("the operation is refused", |it| it.operations.len() > at);
        let status = framework.operations[at].clone();
        assert_eq!(status["operation_id"]["value"], format!("op-{kind}"), "{status}");
        assert_eq!(status["state"], "OPERATION_ERROR", "{status}");
        let message = status["message"].as_str().expect("a message");
        assert!(message.starts_with("Not authorized to perform action "), "{kind}: {message}");
        framework.until("everything is offered again", |it| it.offered(&id, "cpus") == 4.0);
    }
    assert_eq!(refused.len(), framework.operations.len());
}
