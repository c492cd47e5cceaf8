//! The operator API of the master: what is answered, what is refused, and the stream of events.

use std::sync::Arc;

use serde_json::{Value, json};

use super::told;
use crate::conformance::{
    check::{Check, Lane, Miss, Need, Outcome, to_master as on},
    expect::{fits, fitting, json as answered, refused, short, status},
    framework::{Framework, Info, opened},
    http::{get, post, request},
    site::{Peer, Site},
    task::shell,
};

const PATH: &str = "/api/v1";

pub fn checks() -> Vec<Check> {
    [door(), answers(), refusals(), about_frameworks(), events()].into_iter().flatten().collect()
}

fn door() -> Vec<Check> {
    let health = || post(PATH).text(r#"{"type":"GET_HEALTH"}"#);
    let healthy = || answered(json!({"type": "GET_HEALTH", "get_health": {"healthy": true}}));
    let no_type = "Failed to validate master::Call: Expecting 'type' to be present";
    let no_json = "Failed to parse body into JSON: syntax error at line 1 near: ";
    vec![
        on(
            "operator.http.get",
            "GET is refused, and the answer says what is allowed",
            "golden 04-master-api-v1/98-GET",
            get(PATH),
            refused(405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.")
                .header("Allow", "POST"),
        ),
        on(
            "operator.http.head",
            "HEAD is refused like GET",
            "src/master/http.cpp, Master::Http::api",
            request("HEAD", PATH),
            status(405).header("Allow", "POST"),
        ),
        on(
            "operator.http.trailing-slash",
            "a slash behind the path changes nothing",
            "golden 02-scheduler-errors-http/116-path_api_v1_",
            post("/api/v1/").text("{}"),
            refused(400, no_type),
        ),
        on(
            "operator.http.no-content-type",
            "a call must say what its body is",
            "golden 04-master-api-v1/76-err-no-content-type",
            health().without("Content-Type"),
            refused(400, "Expecting 'Content-Type' to be present"),
        ),
        on(
            "operator.http.accept-html",
            "whoever wants web pages gets none here",
            "golden 04-master-api-v1/78-err-accept-html",
            health().header("Accept", "text/html"),
            refused(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"),
        ),
        on(
            "operator.http.accept-none",
            "an answer is JSON where nothing is said",
            "golden 04-master-api-v1/79-accept-none",
            health().without("Accept"),
            healthy(),
        ),
        on(
            "operator.http.accept-any",
            "an answer is JSON where anything will do",
            "golden 04-master-api-v1/80-accept-any",
            health().header("Accept", "*/*"),
            healthy(),
        ),
        on(
            "operator.http.half-json",
            "JSON that ends too soon is refused",
            "golden 04-master-api-v1/74-err-malformed",
            post(PATH).text("{"),
            refused(400, no_json),
        ),
        on(
            "operator.http.empty-body",
            "an empty body is no JSON",
            "golden 04-master-api-v1/75-err-empty",
            post(PATH).text(""),
            refused(400, no_json),
        ),
        on(
            "operator.call.unknown-type",
            "a type that is not known counts as none",
            "golden 04-master-api-v1/72-err-unknown-type",
            post(PATH).text(r#"{"type":"FOO"}"#),
            refused(400, no_type),
        ),
        on(
            "operator.call.unknown",
            "the type UNKNOWN is known, and not implemented",
            "golden 04-master-api-v1/73-err-UNKNOWN",
            post(PATH).text(r#"{"type":"UNKNOWN"}"#),
            refused(501, "501 Not Implemented."),
        ),
        on(
            "operator.call.of-an-agent",
            "the master does not know the calls of agents",
            "golden 04-master-api-v1/82-agent-call-on-master",
            post(PATH).text(r#"{"type":"GET_CONTAINERS"}"#),
            refused(400, no_type),
        ),
    ]
}

fn answers() -> Vec<Check> {
    let answer = |name, about: &str, source, kind: &str, pattern: Value| {
        on(name, about, source, post(PATH).json(&json!({"type": kind})), told(kind, pattern))
    };
    vec![
        answer(
            "operator.get.health",
            "GET_HEALTH says so",
            "golden 04-master-api-v1/10-GET_HEALTH; docs/operator-http-api.md",
            "GET_HEALTH",
            json!({"get_health": {"healthy": true}}),
        ),
        answer(
            "operator.get.version",
            "GET_VERSION says which Mesos this is",
            "golden 04-master-api-v1/12-GET_VERSION; docs/operator-http-api.md",
            "GET_VERSION",
            json!({"get_version": {"version_info": {"version": "~[0-9]+\\.[0-9]+\\.[0-9]+.*"}}}),
        ),
        Check::new(
            "operator.get.flags",
            "GET_FLAGS lists the flags by name, with values as texts",
            "golden 04-master-api-v1/11-GET_FLAGS; docs/operator-http-api.md",
            flags,
        ),
        answer(
            "operator.get.master",
            "GET_MASTER says who leads and since when",
            "golden 04-master-api-v1/22-GET_MASTER; docs/operator-http-api.md",
            "GET_MASTER",
            json!({"get_master": {
                "master_info": {
                    "id": "<any>", "pid": "~master@.+", "port": "<any>", "hostname": "<any>",
                    "address": {"hostname": "<any>", "ip": "<any>", "port": "<any>"},
                },
                "start_time": "<any>", "elected_time": "<any>",
            }}),
        ),
        answer(
            "operator.get.agents",
            "GET_AGENTS lists agents, those that are registered and those that are known from before",
            "golden 04-master-api-v1/15-GET_AGENTS; docs/operator-http-api.md",
            "GET_AGENTS",
            json!({"get_agents": {"agents": "<any>", "recovered_agents": "<any>"}}),
        ),
        answer(
            "operator.get.frameworks",
            "GET_FRAMEWORKS lists frameworks, those that are there and those that are completed",
            "golden 04-master-api-v1/16-GET_FRAMEWORKS; docs/operator-http-api.md",
            "GET_FRAMEWORKS",
            json!({"get_frameworks": {"frameworks": "<any>", "completed_frameworks": "<any>"}}),
        ),
        answer(
            "operator.get.tasks",
            "GET_TASKS lists tasks by what is known of them",
            "golden 04-master-api-v1/00-empty-cluster-GET_TASKS; docs/operator-http-api.md",
            "GET_TASKS",
            json!({"get_tasks": {"tasks": "<any>", "unreachable_tasks": "<any>", "completed_tasks": "<any>"}}),
        ),
        answer(
            "operator.get.executors",
            "GET_EXECUTORS lists executors",
            "golden 04-master-api-v1/17-GET_EXECUTORS; docs/operator-http-api.md",
            "GET_EXECUTORS",
            json!({"get_executors": {"executors": "<any>"}}),
        ),
        answer(
            "operator.get.operations",
            "GET_OPERATIONS is answered",
            "golden 04-master-api-v1/18-GET_OPERATIONS; docs/operator-http-api.md",
            "GET_OPERATIONS",
            json!({"get_operations": "<any>"}),
        ),
        answer(
            "operator.get.state",
            "GET_STATE holds tasks, executors, frameworks and agents, each as its own call gives them",
            "golden 04-master-api-v1/14-GET_STATE; docs/operator-http-api.md",
            "GET_STATE",
            json!({"get_state": {
                "get_tasks": {"tasks": "<any>"}, "get_executors": {"executors": "<any>"},
                "get_frameworks": {"frameworks": "<any>"}, "get_agents": {"agents": "<any>"},
            }}),
        ),
        answer(
            "operator.get.maintenance-status",
            "GET_MAINTENANCE_STATUS is answered",
            "golden 04-master-api-v1/23-GET_MAINTENANCE_STATUS; docs/operator-http-api.md",
            "GET_MAINTENANCE_STATUS",
            json!({"get_maintenance_status": {"status": "<any>"}}),
        ),
        answer(
            "operator.get.maintenance-schedule",
            "GET_MAINTENANCE_SCHEDULE is answered",
            "golden 04-master-api-v1/24-GET_MAINTENANCE_SCHEDULE; docs/operator-http-api.md",
            "GET_MAINTENANCE_SCHEDULE",
            json!({"get_maintenance_schedule": {"schedule": "<any>"}}),
        ),
        answer(
            "operator.get.quota",
            "GET_QUOTA is answered",
            "golden 04-master-api-v1/25-GET_QUOTA; docs/operator-http-api.md",
            "GET_QUOTA",
            json!({"get_quota": {"status": "<any>"}}),
        ),
        answer(
            "operator.get.weights",
            "GET_WEIGHTS is answered",
            "golden 04-master-api-v1/00-empty-cluster-GET_WEIGHTS; docs/operator-http-api.md",
            "GET_WEIGHTS",
            json!({}),
        ),
        answer(
            "operator.get.logging-level",
            "GET_LOGGING_LEVEL says a number",
            "src/master/http.cpp, Master::Http::getLoggingLevel; docs/operator-http-api.md",
            "GET_LOGGING_LEVEL",
            json!({"get_logging_level": {"level": "<any>"}}),
        ),
        Check::new(
            "operator.get.metrics",
            "GET_METRICS lists the metrics by name, with numbers",
            "golden 06-agent-api-v1/13-GET_METRICS; docs/operator-http-api.md",
            metrics,
        ),
        Check::new(
            "operator.get.roles",
            "GET_ROLES lists the role of a framework, with its weight",
            "golden 04-master-api-v1/20-GET_ROLES; docs/roles.md",
            roles,
        ),
    ]
}

async fn flags(site: Arc<Site>) -> Outcome {
    let flags = super::operator_get(&site, "GET_FLAGS").await?;
    let list = flags["flags"].as_array().cloned().unwrap_or_default();
    let pattern =
        json!({"name": "allocation_interval", "value": "~[0-9.]+(ns|us|ms|secs|mins|hrs|days|weeks)"});
    if list.iter().any(|flag| fits(&pattern, flag)) {
        return Ok(());
    }
    Err(Miss::fail(format!("among the flags {pattern}"), short(&flags.to_string())))
}

async fn metrics(site: Arc<Site>) -> Outcome {
    let metrics = super::at_v1(&site, Peer::Master, "GET_METRICS", json!({})).await?;
    let list = metrics["metrics"].as_array().cloned().unwrap_or_default();
    let pattern = json!({"name": "master/elected", "value": 1.0});
    if list.iter().any(|metric| fits(&pattern, metric)) {
        return Ok(());
    }
    Err(Miss::fail(format!("among the metrics {pattern}"), short(&metrics.to_string())))
}

async fn roles(site: Arc<Site>) -> Outcome {
    let role = format!("{}/seen", site.options.role);
    let framework =
        Framework::subscribe(&site, Info::new(&site).with("roles", json!([role])).suppressed()).await?;
    let roles = super::operator_get(&site, "GET_ROLES").await;
    let id = framework.id.clone();
    framework.end().await?;
    let roles = roles?;
    let seen = roles["roles"].as_array().into_iter().flatten().find(|seen| seen["name"] == *role);
    fitting(
        &json!({"name": role, "weight": 1.0, "frameworks": [{"value": id}]}),
        seen.unwrap_or(&json!("the role is not there")),
    )
}

fn refusals() -> Vec<Check> {
    let lacking = |name, source, kind: &str| {
        let said =
            format!("Failed to validate master::Call: Expecting '{}' to be present", kind.to_lowercase());
        let about = format!("{kind} needs its body");
        on(name, &about, source, post(PATH).json(&json!({"type": kind})), refused(400, &said))
    };
    let call = |kind: &str, field: &str, body: Value| {
        let mut call = json!({"type": kind});
        call[field] = body;
        post(PATH).json(&call)
    };
    let not_found = || status(404).header("Content-Type", "text/plain; charset=utf-8").empty();
    vec![
        lacking(
            "operator.call.metrics-without-body",
            "golden 04-master-api-v1/28-GET_METRICS-no-body",
            "GET_METRICS",
        ),
        lacking(
            "operator.call.logging-level-without-body",
            "golden 04-master-api-v1/30-SET_LOGGING_LEVEL-no-body",
            "SET_LOGGING_LEVEL",
        ),
        lacking(
            "operator.call.list-files-without-body",
            "golden 04-master-api-v1/32-LIST_FILES-no-body",
            "LIST_FILES",
        ),
        lacking(
            "operator.call.read-file-without-body",
            "src/master/validation.cpp, master::call",
            "READ_FILE",
        ),
        lacking(
            "operator.call.teardown-without-body",
            "golden 04-master-api-v1/69-TEARDOWN-no-body",
            "TEARDOWN",
        ),
        lacking(
            "operator.call.grow-volume-without-body",
            "golden 04-master-api-v1/70-GROW_VOLUME-no-body",
            "GROW_VOLUME",
        ),
        on(
            "operator.files.list-unknown",
            "a directory that is not there is not found, without a word",
            "golden 04-master-api-v1/31-LIST_FILES-no-such",
            call("LIST_FILES", "list_files", json!({"path": "/nope"})),
            not_found(),
        ),
        on(
            "operator.files.read-unknown",
            "a file that is not there is not found, without a word",
            "golden 04-master-api-v1/34-READ_FILE-no-such",
            call("READ_FILE", "read_file", json!({"path": "/nope", "offset": 0})),
            not_found(),
        ),
        on(
            "operator.teardown.unknown",
            "TEARDOWN of an unknown framework is refused",
            "golden 04-master-api-v1/68-TEARDOWN-unknown",
            call("TEARDOWN", "teardown", json!({"framework_id": {"value": "zz"}})),
            refused(400, "No framework found with specified ID"),
        ),
        on(
            "operator.agent.gone-unknown",
            "MARK_AGENT_GONE of an unknown agent is not found",
            "golden 04-master-api-v1/67-MARK_AGENT_GONE-unknown",
            call("MARK_AGENT_GONE", "mark_agent_gone", json!({"agent_id": {"value": "zz"}})),
            refused(404, "Agent 'zz' not found"),
        ),
        on(
            "operator.agent.drain-unknown",
            "DRAIN_AGENT of an unknown agent is refused",
            "golden 04-master-api-v1/66-DRAIN_AGENT-unknown",
            call("DRAIN_AGENT", "drain_agent", json!({"agent_id": {"value": "zz"}})),
            refused(400, "Unknown agent"),
        ),
        on(
            "operator.reserve.unknown-agent",
            "RESERVE_RESOURCES on an unknown agent is refused",
            "golden 04-master-api-v1/53-RESERVE_RESOURCES-unknown-agent",
            call(
                "RESERVE_RESOURCES",
                "reserve_resources",
                json!({"agent_id": {"value": "zz"}, "resources": [{
                    "name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5},
                    "reservations": [{"type": "DYNAMIC", "role": "$ROLE", "principal": "p"}],
                }]}),
            ),
            refused(400, "No agent found with specified ID"),
        ),
        on(
            "operator.weights.negative",
            "a weight is positive",
            "golden 04-master-api-v1/37-UPDATE_WEIGHTS-invalid",
            call(
                "UPDATE_WEIGHTS",
                "update_weights",
                json!({"weight_infos": [{"role": "mesoslab-conformance-weight", "weight": -2.0}]}),
            ),
            refused(
                400,
                "Failed to validate update weights request JSON for role 'mesoslab-conformance-weight': Invalid \
                 weight '-2': Weights must be positive",
            ),
        ),
    ]
}

fn about_frameworks() -> Vec<Check> {
    vec![
        Check::new(
            "operator.frameworks.fields",
            "a framework stands there with what it said of itself, with the defaults, and since when",
            "golden 04-master-api-v1/16-GET_FRAMEWORKS; docs/operator-http-api.md",
            framework_fields,
        ),
        Check::new(
            "operator.teardown.ends-a-framework",
            "TEARDOWN by the operator ends the framework's stream",
            "src/master/http.cpp, Master::Http::teardown; docs/operator-http-api.md",
            teardown,
        ),
    ]
}

async fn framework_fields(site: Arc<Site>) -> Outcome {
    let info = Info::new(&site)
        .with("webui_url", json!("http://mesoslab.example/"))
        .with("labels", json!({"labels": [{"key": "k", "value": "v"}]}))
        .suppressed();
    let framework = Framework::subscribe(&site, info).await?;
    let frameworks = super::operator_get(&site, "GET_FRAMEWORKS").await?;
    let seen = super::with_framework(&frameworks["frameworks"], &framework.id);
    let id = framework.id.clone();
    framework.end().await?;
    let pattern = json!({
        "framework_info": {
            "user": site.options.user, "name": "mesoslab conformance", "id": {"value": id},
            "failover_timeout": 0.0, "checkpoint": false, "webui_url": "http://mesoslab.example/",
            "capabilities": [{"type": "MULTI_ROLE"}], "labels": {"labels": [{"key": "k", "value": "v"}]},
            "roles": [site.options.role],
        },
        "active": true, "connected": true, "recovered": false, "registered_time": {"nanoseconds": "<any>"},
    });
    fitting(&pattern, &seen)
}

async fn teardown(site: Arc<Site>) -> Outcome {
    let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
    let call = json!({"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework.id}}});
    let answer = site.ask(Peer::Master, &post(PATH).json(&call)).await?;
    status(200).empty().hold(&answer)?;
    framework.ended_by_others().await
}

fn events() -> Vec<Check> {
    vec![
        Check::new(
            "operator.events.subscribed",
            "the stream of events begins with the whole state, and says how often the heart beats",
            "golden 04-master-api-v1/90-SUBSCRIBE-stream; docs/operator-http-api.md",
            async |site: Arc<Site>| {
                let (_, _stream, event) =
                    opened(&site, &post(PATH).text(r#"{"type":"SUBSCRIBE"}"#)).await?;
                let pattern = json!({
                    "type": "SUBSCRIBED",
                    "subscribed": {
                        "heartbeat_interval_seconds": 15.0,
                        "get_state": {
                            "get_tasks": {"tasks": "<any>"}, "get_executors": {"executors": "<any>"},
                            "get_frameworks": {"frameworks": "<any>"}, "get_agents": {"agents": "<any>"},
                        },
                    },
                });
                fitting(&pattern, &event)
            },
        ),
        Check::new(
            "operator.events.heartbeat-follows",
            "a first HEARTBEAT comes right behind SUBSCRIBED",
            "golden 04-master-api-v1/90-SUBSCRIBE-stream",
            async |site: Arc<Site>| {
                let (_, mut stream, _) = opened(&site, &post(PATH).text(r#"{"type":"SUBSCRIBE"}"#)).await?;
                let event = site.within(stream.event()).await.and_then(|read| read);
                let event = event.map_err(|why| Miss::fail("HEARTBEAT", why))?.unwrap_or_default();
                fitting(&json!({"type": "HEARTBEAT"}), &event)
            },
        )
        .in_lane(Lane::Events),
        Check::new(
            "operator.events.framework",
            "FRAMEWORK_ADDED, FRAMEWORK_UPDATED when it comes back, and FRAMEWORK_REMOVED tell of a framework",
            "golden 04-master-api-v1/90-SUBSCRIBE-stream; docs/operator-http-api.md",
            framework_events,
        )
        .in_lane(Lane::Events),
        Check::new(
            "operator.events.task",
            "TASK_ADDED comes before the updates of a task, TASK_UPDATED with what has become of it",
            "golden 04-master-api-v1/90-SUBSCRIBE-stream; docs/operator-http-api.md",
            task_events,
        )
        .needing(Need::Offers)
        .in_lane(Lane::Events),
    ]
}

/// Reads on until an event fits; gives it with the types of those that were passed over.
async fn until(
    site: &Arc<Site>,
    stream: &mut crate::conformance::stream::Stream,
    pattern: Value,
) -> Outcome<Value> {
    let found = site
        .within(async {
            while let Some(event) = stream.event().await? {
                if fits(&pattern, &event) {
                    return Ok(event);
                }
            }
            Err("the stream ended".to_owned())
        })
        .await;
    found.and_then(|found| found).map_err(|why| Miss::fail(pattern.to_string(), why))
}

async fn framework_events(site: Arc<Site>) -> Outcome {
    let (_, mut stream, _) = opened(&site, &post(PATH).text(r#"{"type":"SUBSCRIBE"}"#)).await?;
    let info = Info::new(&site).suppressed().with("failover_timeout", json!(10));
    let first = Framework::subscribe(&site, info.clone()).await?;
    let second = Framework::subscribe(&site, info.again(&first.id)).await?;
    let id = second.id.clone();
    second.end().await?;
    let framework = json!({"framework": {"framework_info": {"id": {"value": id}}}});
    until(&site, &mut stream, json!({"type": "FRAMEWORK_ADDED", "framework_added": framework})).await?;
    until(&site, &mut stream, json!({"type": "FRAMEWORK_UPDATED", "framework_updated": framework})).await?;
    let removed = json!({"framework_info": {"id": {"value": id}}});
    until(&site, &mut stream, json!({"type": "FRAMEWORK_REMOVED", "framework_removed": removed}))
        .await
        .map(drop)
}

async fn task_events(site: Arc<Site>) -> Outcome {
    let (_, mut stream, _) = opened(&site, &post(PATH).text(r#"{"type":"SUBSCRIBE"}"#)).await?;
    let fleet = site.plain().await?;
    let mut task = fleet.launch(shell("operator-events", "exec sleep 1000")).await?;
    let id = json!({"value": "operator-events"});
    let framework = json!({"value": fleet.id});
    let added = json!({"task": {"task_id": id, "framework_id": framework, "state": "TASK_STAGING"}});
    until(&site, &mut stream, json!({"type": "TASK_ADDED", "task_added": added})).await?;
    let updated = |state: &str| {
        let status = json!({"task_id": id, "state": state, "uuid": "<any>"});
        let updated = json!({"state": state, "framework_id": framework, "status": status});
        json!({"type": "TASK_UPDATED", "task_updated": updated})
    };
    task.running().await?;
    until(&site, &mut stream, updated("TASK_RUNNING")).await?;
    task.kill().await?;
    until(&site, &mut stream, updated("TASK_KILLED")).await.map(drop)
}
