//! Containers that clients launch on an agent, below the container of a pod.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Lane, Miss, Need, Outcome},
    expect::{Expect, fitting, json as answered, refused, short, status},
    http::post,
    site::{Peer, Site},
    stream::Stream,
};

const PATH: &str = "/api/v1";

pub fn checks() -> Vec<Check> {
    let ready = |check: Check| check.needing(Need::Offers).needing(Need::Agent).in_lane(Lane::Events);
    let mut checks: Vec<Check> = [
        Check::new(
            "nested.life",
            "a container below that of a pod starts, is waited for, and removed; its launch can be repeated",
            "golden 06-agent-api-v1/35-LAUNCH_NESTED_CONTAINER; docs/nested-container-and-task-group.md",
            life,
        ),
        Check::new(
            "nested.kill-unknown",
            "a container that is not there cannot be killed",
            "golden 06-agent-api-v1/43-KILL_NESTED_CONTAINER-unknown",
            kill_unknown,
        ),
        Check::new(
            "nested.session",
            "a session streams what its command prints",
            "golden 06-agent-api-v1/45-LAUNCH_NESTED_CONTAINER_SESSION-accept-json",
            session,
        ),
    ]
    .into_iter()
    .map(ready)
    .collect();
    checks.push(Check::exchange(
        "nested.unknown-parent",
        "a container needs its parent",
        "golden 06-agent-api-v1/38-LAUNCH_NESTED_CONTAINER-unknown-parent",
        Peer::Agent,
        post(PATH).json(&json!({
            "type": "LAUNCH_NESTED_CONTAINER",
            "launch_nested_container": {
                "container_id": {"value": "nested", "parent": {"value": "zz"}}, "command": {"value": "true"},
            },
        })),
        refused(400, "Parent container zz does not exist"),
    ));
    checks
}

/// A pod that runs, and the container of its executor.
async fn parent(site: &Arc<Site>, id: &str) -> Outcome<(crate::conformance::fleet::Watch, Value)> {
    let [mut one, _two] = super::tasks::pod(site, false, id, ["exec sleep 1000", "exec sleep 1000"]).await?;
    let running = one.running().await?;
    Ok((one, running["container_status"]["container_id"]["parent"].clone()))
}

/// Makes a call about the container `ID` below the parent.
async fn call(site: &Arc<Site>, kind: &str, id: &Value, more: Value, expect: Expect) -> Outcome {
    let mut body = more;
    body["container_id"] = id.clone();
    let mut call = json!({"type": kind});
    call[kind.to_lowercase()] = body;
    expect.hold(&site.ask(Peer::Agent, &post(PATH).json(&call)).await?)
}

async fn life(site: Arc<Site>) -> Outcome {
    let (heard, parent) = parent(&site, "nested-life").await?;
    let id = json!({"value": "nested-1", "parent": parent});
    let command = json!({"command": {"value": "sleep 1; exit 3"}});
    call(&site, "LAUNCH_NESTED_CONTAINER", &id, command.clone(), status(200).empty()).await?;
    call(&site, "LAUNCH_NESTED_CONTAINER", &id, command, status(202).empty()).await?;
    let waited = answered(json!({
        "type": "WAIT_NESTED_CONTAINER", "wait_nested_container": {"exit_status": 3 << 8},
    }));
    call(&site, "WAIT_NESTED_CONTAINER", &id, json!({}), waited).await?;
    call(&site, "REMOVE_NESTED_CONTAINER", &id, json!({}), status(200).empty()).await?;
    heard.kill().await
}

async fn kill_unknown(site: Arc<Site>) -> Outcome {
    let (heard, parent) = parent(&site, "nested-kill").await?;
    let id = json!({"value": "zz", "parent": parent});
    let name = parent["value"].as_str().unwrap_or_default();
    let said = format!("Container '{name}.zz' cannot be found (or is already killed)");
    call(&site, "KILL_NESTED_CONTAINER", &id, json!({}), refused(404, &said)).await?;
    heard.kill().await
}

async fn session(site: Arc<Site>) -> Outcome {
    let (heard, parent) = parent(&site, "nested-session").await?;
    let request = post(PATH).json(&json!({
        "type": "LAUNCH_NESTED_CONTAINER_SESSION",
        "launch_nested_container_session": {
            "container_id": {"value": "session-1", "parent": parent}, "command": {"value": "echo x"},
        },
    }));
    let opened = site.within(Stream::open(&site.agent()?.address, &request)).await;
    let (answer, stream) = opened.and_then(|opened| opened).map_err(|why| Miss::fail("a stream", why))?;
    let mut stream = stream.ok_or_else(|| Miss::fail("a stream", short(&answer.text())))?;
    let first = site.within(stream.event()).await.and_then(|read| read);
    heard.kill().await?;
    let first = first.map_err(|why| Miss::fail("DATA", why))?.unwrap_or_default();
    fitting(&json!({"type": "DATA", "data": {"type": "STDOUT", "data": "eAo="}}), &first)
}
