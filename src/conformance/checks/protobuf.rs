//! The same API in protobuf: calls, answers and events as messages, alone and mixed with JSON.

use std::sync::Arc;

use prost::{Message, Name};
use serde_json::{Value, json};

use crate::{
    conformance::{
        check::{Check, Miss, Need, Outcome},
        expect::{Expect, fitting, short, status},
        framework::Info,
        http::{JSON, PROTOBUF, post},
        site::{Peer, Site},
        stream::Stream,
    },
    mesos::{
        json::{from_value, to_json},
        v1::{agent, master, scheduler},
    },
};

pub fn checks() -> Vec<Check> {
    [masters(), agents(), streams()].into_iter().flatten().collect()
}

fn ok(kind: &'static str) -> Expect {
    status(200).header("Content-Type", kind)
}

/// A message as a field by field pattern sees it; what cannot be read says so.
fn decoded<M: Message + Name + Default>(bytes: &[u8]) -> Value {
    M::decode(bytes)
        .map_or_else(|error| json!(format!("no {}: {error}", M::full_name())), |message| to_json(&message))
}

/// A call and its answer as messages.
async fn call_of_master(site: Arc<Site>, kind: &str, body: Value, pattern: Value) -> Outcome {
    let call = message::<master::Call>(&body, kind)?;
    let answer = site.ask(Peer::Master, &post("/api/v1").protobuf(&call)).await?;
    ok(PROTOBUF).hold(&answer)?;
    fitting(&pattern, &decoded::<master::Response>(&answer.body))
}

async fn call_of_agent(site: Arc<Site>, kind: &str, body: Value, pattern: Value) -> Outcome {
    let call = message::<agent::Call>(&body, kind)?;
    let answer = site.ask(Peer::Agent, &post("/api/v1").protobuf(&call)).await?;
    ok(PROTOBUF).hold(&answer)?;
    fitting(&pattern, &decoded::<agent::Response>(&answer.body))
}

fn message<M: Message + Name + Default>(body: &Value, kind: &str) -> Outcome<M> {
    let mut call = body.clone();
    call["type"] = json!(kind);
    from_value(&call).map_err(|error| Miss::skip(format!("this program knows no such call: {error}")))
}

fn masters() -> Vec<Check> {
    let get = |name, source, kind: &'static str, pattern: Value| {
        let about = format!("{kind} may be asked and is answered as a message");
        Check::new(name, about, source, move |site| call_of_master(site, kind, json!({}), pattern.clone()))
    };
    vec![
        get(
            "protobuf.master.health",
            "docs/operator-http-api.md",
            "GET_HEALTH",
            json!({"type": "GET_HEALTH", "get_health": {"healthy": true}}),
        ),
        get(
            "protobuf.master.version",
            "golden 08-protobuf/50-master-GET_VERSION",
            "GET_VERSION",
            json!({"type": "GET_VERSION", "get_version": {"version_info": {"version": "<any>"}}}),
        ),
        get(
            "protobuf.master.agents",
            "golden 08-protobuf/50-master-GET_AGENTS",
            "GET_AGENTS",
            json!({"type": "GET_AGENTS", "get_agents": "<any>"}),
        ),
        get(
            "protobuf.master.frameworks",
            "golden 08-protobuf/50-master-GET_FRAMEWORKS",
            "GET_FRAMEWORKS",
            json!({"type": "GET_FRAMEWORKS", "get_frameworks": "<any>"}),
        ),
        get(
            "protobuf.master.master",
            "golden 08-protobuf/50-master-GET_MASTER",
            "GET_MASTER",
            json!({"type": "GET_MASTER", "get_master": {"master_info": {"id": "<any>", "pid": "~master@.+"}}}),
        ),
        get(
            "protobuf.master.state",
            "docs/operator-http-api.md",
            "GET_STATE",
            json!({"type": "GET_STATE", "get_state": {"get_tasks": "<any>", "get_agents": "<any>"}}),
        ),
        Check::new(
            "protobuf.mixed.json-in",
            "a call in JSON may be answered as a message",
            "golden 04-master-api-v1/81-accept-protobuf",
            async |site: Arc<Site>| {
                let request = post("/api/v1").text(r#"{"type":"GET_HEALTH"}"#).header("Accept", PROTOBUF);
                let answer = site.ask(Peer::Master, &request).await?;
                ok(PROTOBUF).hold(&answer)?;
                let pattern = json!({"type": "GET_HEALTH", "get_health": {"healthy": true}});
                fitting(&pattern, &decoded::<master::Response>(&answer.body))
            },
        ),
        Check::new(
            "protobuf.mixed.protobuf-in",
            "a call as a message may be answered in JSON",
            "src/master/http.cpp, Master::Http::api",
            async |site: Arc<Site>| {
                let call = message::<master::Call>(&json!({}), "GET_HEALTH")?;
                let request = post("/api/v1").protobuf(&call).header("Accept", JSON);
                let answer = site.ask(Peer::Master, &request).await?;
                ok(JSON).json(json!({"type": "GET_HEALTH", "get_health": {"healthy": true}})).hold(&answer)
            },
        ),
        Check::new(
            "protobuf.mixed.any",
            "a call as a message is answered in JSON where anything will do",
            "golden 08-protobuf/63-SUBSCRIBE-protobuf-accept-star",
            async |site: Arc<Site>| {
                let call = message::<master::Call>(&json!({}), "GET_HEALTH")?;
                let request = post("/api/v1").protobuf(&call).header("Accept", "*/*");
                let answer = site.ask(Peer::Master, &request).await?;
                ok(JSON).hold(&answer)
            },
        ),
    ]
}

fn agents() -> Vec<Check> {
    let get = |name, source, kind: &'static str, pattern: Value| {
        let about = format!("an agent may be asked for {kind} as a message");
        Check::new(name, about, source, move |site| call_of_agent(site, kind, json!({}), pattern.clone()))
            .needing(Need::Agent)
    };
    vec![
        get(
            "protobuf.agent.health",
            "golden 08-protobuf/50-agent-GET_HEALTH",
            "GET_HEALTH",
            json!({"type": "GET_HEALTH", "get_health": {"healthy": true}}),
        ),
        get(
            "protobuf.agent.agent",
            "golden 08-protobuf/50-agent-GET_AGENT",
            "GET_AGENT",
            json!({"type": "GET_AGENT", "get_agent": {"agent_info": {"hostname": "<any>", "id": {"value": "<any>"}}}}),
        ),
        get(
            "protobuf.agent.state",
            "golden 08-protobuf/50-agent-GET_STATE",
            "GET_STATE",
            json!({"type": "GET_STATE", "get_state": {"get_tasks": "<any>"}}),
        ),
        get(
            "protobuf.agent.containers",
            "golden 08-protobuf/50-agent-GET_CONTAINERS",
            "GET_CONTAINERS",
            json!({"type": "GET_CONTAINERS", "get_containers": "<any>"}),
        ),
    ]
}

/// Subscribes with this form of the call and of the events; the first event as JSON.
async fn first_event(site: &Arc<Site>, is_message: bool, accept: &str, kind: &'static str) -> Outcome<Value> {
    let info = Info::new(site).suppressed();
    let body = json!({
        "subscribe": {"framework_info": info.json(), "suppressed_roles": [site.options.role]},
    });
    let request = if is_message {
        post("/api/v1/scheduler").protobuf(&message::<scheduler::Call>(&body, "SUBSCRIBE")?)
    } else {
        info.request()
    };
    let opened = site.within(Stream::open(&site.master, &request.header("Accept", accept))).await;
    let (answer, stream) = opened.and_then(|opened| opened).map_err(|why| Miss::fail("a stream", why))?;
    ok(kind).hold(&answer)?;
    let mut stream = stream.ok_or_else(|| Miss::fail("a stream", short(&answer.text())))?;
    let record = site.within(stream.record()).await.and_then(|read| read);
    let record = record.map_err(|why| Miss::fail("an event", why))?.unwrap_or_default();
    Ok(match kind {
        PROTOBUF => decoded::<scheduler::Event>(&record),
        _ => serde_json::from_slice(&record).unwrap_or_else(|error| json!(format!("no JSON: {error}"))),
    })
}

fn streams() -> Vec<Check> {
    let subscribed = json!({
        "type": "SUBSCRIBED",
        "subscribed": {
            "framework_id": {"value": "<any>"}, "heartbeat_interval_seconds": 15.0,
            "master_info": {"id": "<any>", "hostname": "<any>"},
        },
    });
    let subscribes = |name, about: &'static str, source, is_message: bool, accept: &'static str, kind| {
        let pattern = subscribed.clone();
        Check::new(name, about, source, move |site: Arc<Site>| {
            let pattern = pattern.clone();
            async move { fitting(&pattern, &first_event(&site, is_message, accept, kind).await?) }
        })
    };
    vec![
        subscribes(
            "protobuf.scheduler.both",
            "a framework may subscribe as a message, and gets its events as messages",
            "golden 08-protobuf/01-SUBSCRIBE-stream",
            true,
            PROTOBUF,
            PROTOBUF,
        ),
        subscribes(
            "protobuf.scheduler.json-out",
            "a framework that subscribes as a message may get its events in JSON",
            "golden 08-protobuf/62-SUBSCRIBE-protobuf-in-json-out",
            true,
            JSON,
            JSON,
        ),
        subscribes(
            "protobuf.scheduler.any-out",
            "a framework that subscribes as a message gets JSON where anything will do",
            "golden 08-protobuf/63-SUBSCRIBE-protobuf-accept-star",
            true,
            "*/*",
            JSON,
        ),
        subscribes(
            "protobuf.scheduler.json-in",
            "a framework that subscribes in JSON may get its events as messages",
            "docs/scheduler-http-api.md",
            false,
            PROTOBUF,
            PROTOBUF,
        ),
        Check::new(
            "protobuf.operator.events",
            "the operator's events may come as messages",
            "golden 08-protobuf/60-operator-SUBSCRIBE-stream",
            async |site: Arc<Site>| {
                let call = message::<master::Call>(&json!({}), "SUBSCRIBE")?;
                let request = post("/api/v1").protobuf(&call);
                let opened = site.within(Stream::open(&site.master, &request)).await;
                let (answer, stream) =
                    opened.and_then(|opened| opened).map_err(|why| Miss::fail("a stream", why))?;
                ok(PROTOBUF).hold(&answer)?;
                let mut stream = stream.ok_or_else(|| Miss::fail("a stream", short(&answer.text())))?;
                let record = site.within(stream.record()).await.and_then(|read| read);
                let record = record.map_err(|why| Miss::fail("an event", why))?.unwrap_or_default();
                fitting(
                    &json!({"type": "SUBSCRIBED", "subscribed": {"get_state": "<any>", "heartbeat_interval_seconds": 15.0}}),
                    &decoded::<master::Event>(&record),
                )
            },
        ),
    ]
}
