//! SUBSCRIBE: what is refused before a stream opens, what the stream itself refuses, and what a framework is told.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Lane, Miss, Outcome},
    expect::{Expect, fitting, refused, short},
    framework::{Framework, Info, opened},
    http::{Request, post},
    site::{Peer, Site},
    stream::Stream,
};

const PATH: &str = "/api/v1/scheduler";

pub fn checks() -> Vec<Check> {
    [refusals(), errors(), lenient(), accepts(), streams()].into_iter().flatten().collect()
}

fn on(name: &'static str, about: &str, source: &'static str, call: Value, said: &str) -> Check {
    Check::exchange(name, about, source, Peer::Master, post(PATH).json(&call), refused(400, said))
}

/// SUBSCRIBE with these fields beside a user and a name.
fn subscribe(fields: Value) -> Value {
    let mut info = json!({"user": "root", "name": "x"});
    for (name, value) in fields.as_object().into_iter().flatten() {
        info[name] = value.clone();
    }
    json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}})
}

fn refusals() -> Vec<Check> {
    let mismatch =
        "Failed to validate scheduler::Call: 'framework_id' differs from 'subscribe.framework_info.id'";
    let mut two_ids = subscribe(json!({"id": {"value": "b"}}));
    two_ids["framework_id"] = json!({"value": "a"});
    vec![
        on(
            "scheduler.subscribe.no-subscribe",
            "SUBSCRIBE needs its body",
            "golden 02-scheduler-errors-http/27-SUBSCRIBE-without-subscribe",
            json!({"type": "SUBSCRIBE"}),
            "Failed to validate scheduler::Call: Expecting 'subscribe' to be present",
        ),
        on(
            "scheduler.subscribe.no-framework-info",
            "SUBSCRIBE needs a FrameworkInfo, and the missing field is named",
            "golden 02-scheduler-errors-http/28-SUBSCRIBE-without-framework_info",
            json!({"type": "SUBSCRIBE", "subscribe": {}}),
            "Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info",
        ),
        on(
            "scheduler.subscribe.no-user-and-name",
            "all required fields that are missing are named at once",
            "include/mesos/v1/mesos.proto, FrameworkInfo; 3rdparty/stout protobuf.hpp",
            json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {}}}),
            "Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info.user, \
             subscribe.framework_info.name",
        ),
        on(
            "scheduler.subscribe.ids-differ",
            "the two framework ids of SUBSCRIBE must be equal",
            "golden 02-scheduler-errors-http/40-SUBSCRIBE-framework-id-mismatch",
            two_ids,
            mismatch,
        ),
        on(
            "scheduler.subscribe.id-in-info-only",
            "an id in FrameworkInfo alone differs from none",
            "golden 02-scheduler-errors-http/42-SUBSCRIBE-framework-id-only-in-info",
            subscribe(json!({"id": {"value": "b"}})),
            mismatch,
        ),
        Check::exchange(
            "scheduler.subscribe.with-stream-id",
            "SUBSCRIBE opens a stream, and belongs to none",
            "golden 02-scheduler-errors-http/39-SUBSCRIBE-with-stream-id",
            Peer::Master,
            post(PATH).json(&subscribe(json!({}))).header("Mesos-Stream-Id", "$STREAM"),
            refused(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header"),
        ),
        on(
            "scheduler.subscribe.timeout-as-words",
            "a text that is no number is refused where a number belongs",
            "golden 02-scheduler-errors-http/59-SUBSCRIBE-failover-timeout-text",
            subscribe(json!({"failover_timeout": "ten"})),
            "Failed to convert JSON into Call protobuf: Failed to parse 'ten' as a JSON number for field \
             'failover_timeout': syntax error at line 1 near: en",
        ),
        on(
            "scheduler.subscribe.name-as-number",
            "a number is refused where a text belongs",
            "golden 02-scheduler-errors-http/61-SUBSCRIBE-name-number",
            subscribe(json!({"name": 5})),
            "Failed to convert JSON into Call protobuf: Not expecting a JSON number for field 'name'",
        ),
    ]
}

/// The stream opens, says ERROR, and ends.
fn error(
    name: &'static str,
    about: &str,
    source: &'static str,
    fields: Value,
    message: &'static str,
) -> Check {
    let mut call = subscribe(fields);
    if let Some(id) = call["subscribe"]["framework_info"].get("id").cloned() {
        call["framework_id"] = id;
    }
    let request = post(PATH).json(&call);
    Check::new(name, about, source, move |site| ends_with_error(site, request.clone(), message))
}

async fn ends_with_error(site: Arc<Site>, request: Request, message: &str) -> Outcome {
    let (stream_id, mut stream, event) = opened(&site, &request).await?;
    if event["type"] == "SUBSCRIBED" {
        // It stays no longer than this check.
        let id = event["subscribed"]["framework_id"]["value"].as_str().unwrap_or_default();
        site.made(id, &stream_id);
    }
    fitting(&json!({"type": "ERROR", "error": {"message": message}}), &event)?;
    match site.within(stream.event()).await.and_then(|read| read) {
        Ok(None) => Ok(()),
        Ok(Some(event)) => Err(Miss::fail("the end of the stream", short(&event.to_string()))),
        Err(why) => Err(Miss::fail("the end of the stream", why)),
    }
}

fn errors() -> Vec<Check> {
    let multi = json!([{"type": "MULTI_ROLE"}]);
    vec![
        error(
            "scheduler.subscribe.id-with-slashes",
            "a framework id is the name of a directory",
            "golden 02-scheduler-errors-http/44-SUBSCRIBE-bad-framework-id-chars",
            json!({"id": {"value": "../a/b"}}),
            "'../a/b' contains invalid characters",
        ),
        error(
            "scheduler.subscribe.role-slash",
            "a role may not begin with a slash",
            "golden 02-scheduler-errors-http/45-SUBSCRIBE-role-slash",
            json!({"role": "/x"}),
            "'FrameworkInfo.role' is not a valid role: Role '/x' cannot start with a slash",
        ),
        error(
            "scheduler.subscribe.role-trailing-slash",
            "a role may not end with a slash",
            "src/common/roles.cpp, validate; docs/roles.md",
            json!({"role": "x/"}),
            "'FrameworkInfo.role' is not a valid role: Role 'x/' cannot end with a slash",
        ),
        error(
            "scheduler.subscribe.role-dash",
            "a role may not begin with a dash",
            "src/common/roles.cpp, validate; docs/roles.md",
            json!({"role": "-x"}),
            "'FrameworkInfo.role' is not a valid role: Role component '-x' is invalid because it starts with a dash",
        ),
        error(
            "scheduler.subscribe.role-dotdot",
            "a role may not climb",
            "golden 02-scheduler-errors-http/46-SUBSCRIBE-role-dotdot",
            json!({"role": ".."}),
            "'FrameworkInfo.role' is not a valid role: Role '..' cannot include '..' as a component",
        ),
        error(
            "scheduler.subscribe.role-space",
            "a role has no spaces",
            "golden 02-scheduler-errors-http/47-SUBSCRIBE-role-space",
            json!({"role": "a b"}),
            "'FrameworkInfo.role' is not a valid role: Role component 'a b' is invalid because it contains backspace \
             or whitespace",
        ),
        error(
            "scheduler.subscribe.role-empty",
            "a role that is set is not empty",
            "golden 02-scheduler-errors-http/63-SUBSCRIBE-empty-role-string",
            json!({"role": ""}),
            "'FrameworkInfo.role' is not a valid role: Role names cannot be the empty string",
        ),
        error(
            "scheduler.subscribe.role-star-below",
            "`*` is a role of its own, and no part of another",
            "golden 02-scheduler-errors-http/67-SUBSCRIBE-hierarchical-role-star",
            json!({"role": "a/*"}),
            "'FrameworkInfo.role' is not a valid role: Role 'a/*' cannot include '*' as a component",
        ),
        error(
            "scheduler.subscribe.roles-without-capability",
            "several roles need MULTI_ROLE",
            "golden 02-scheduler-errors-http/50-SUBSCRIBE-roles-no-capability",
            json!({"roles": ["b"]}),
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
        ),
        error(
            "scheduler.subscribe.role-with-capability",
            "with MULTI_ROLE, `roles` replaces `role`",
            "golden 02-scheduler-errors-http/52-SUBSCRIBE-role-with-capability",
            json!({"role": "b", "capabilities": multi}),
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable",
        ),
        error(
            "scheduler.subscribe.role-and-roles",
            "`roles` beside `role` is refused like `roles` alone",
            "golden 02-scheduler-errors-http/49-SUBSCRIBE-role-and-roles",
            json!({"role": "a", "roles": ["b"]}),
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
        ),
        error(
            "scheduler.subscribe.roles-twice",
            "no role stands twice among the roles",
            "golden 02-scheduler-errors-http/51-SUBSCRIBE-roles-duplicate",
            json!({"roles": ["b", "b"], "capabilities": multi}),
            "'FrameworkInfo.roles' contains duplicate items: { b }",
        ),
        error(
            "scheduler.subscribe.roles-invalid",
            "each of several roles must be valid",
            "golden 02-scheduler-errors-http/107-UPDATE_FRAMEWORK-bad-role; src/master/validation.cpp",
            json!({"roles": ["/"], "capabilities": multi}),
            "'FrameworkInfo.roles' contains invalid role: Role '/' cannot start with a slash",
        ),
    ]
}

/// A framework that is taken although something about it is odd.
fn taken(name: &'static str, about: &str, source: &'static str, field: &'static str, value: Value) -> Check {
    Check::new(name, about, source, move |site| {
        let value = value.clone();
        async move {
            let info = Info::new(&site).suppressed().with(field, value);
            Framework::subscribe(&site, info).await?.end().await
        }
    })
}

fn lenient() -> Vec<Check> {
    vec![
        taken(
            "scheduler.subscribe.unknown-field",
            "a field that is not known is passed over",
            "golden 02-scheduler-errors-http/56-SUBSCRIBE-unknown-field",
            "foo",
            json!("bar"),
        ),
        taken(
            "scheduler.subscribe.unknown-capability",
            "a capability that is not known is passed over",
            "golden 02-scheduler-errors-http/55-SUBSCRIBE-unknown-capability",
            "capabilities",
            json!([{"type": "MULTI_ROLE"}, {"type": "FOO"}]),
        ),
        taken(
            "scheduler.subscribe.timeout-as-text",
            "a number may be written as a text",
            "golden 02-scheduler-errors-http/58-SUBSCRIBE-failover-timeout-string",
            "failover_timeout",
            json!("0"),
        ),
        taken(
            "scheduler.subscribe.timeout-negative",
            "a negative failover timeout is taken",
            "golden 02-scheduler-errors-http/57-SUBSCRIBE-bad-failover-timeout",
            "failover_timeout",
            json!(-1),
        ),
        taken(
            "scheduler.subscribe.checkpoint-as-text",
            "a truth value may be written as a text",
            "golden 02-scheduler-errors-http/60-SUBSCRIBE-checkpoint-string",
            "checkpoint",
            json!("false"),
        ),
        taken(
            "scheduler.subscribe.filters-of-other-roles",
            "offer filters may name roles that the framework is not in",
            "golden 02-scheduler-errors-http/68-SUBSCRIBE-offer-filters-unknown-role",
            "offer_filters",
            json!({"zz": {}}),
        ),
        Check::new(
            "scheduler.subscribe.role-below",
            "roles form a tree: a/b/c is one of them",
            "golden 02-scheduler-errors-http/66-SUBSCRIBE-hierarchical-role; docs/roles.md",
            async |site: Arc<Site>| {
                let roles = json!([format!("{}/b/c", site.options.role)]);
                let info = Info::new(&site).with("roles", roles).suppressed();
                Framework::subscribe(&site, info).await?.end().await
            },
        ),
        Check::new(
            "scheduler.subscribe.id-of-its-own",
            "an id that the master never gave out is kept: the framework comes from another master's time",
            "golden 02-scheduler-errors-http/43-SUBSCRIBE-own-unknown-framework-id",
            async |site: Arc<Site>| {
                let id = format!("mesoslab-conformance-{}", uuid::Uuid::new_v4());
                let framework = Framework::subscribe(&site, Info::new(&site).suppressed().again(&id)).await?;
                let kept = framework.id.clone();
                framework.end().await?;
                fitting(&json!(id), &json!(kept))
            },
        ),
    ]
}

/// Subscribes with this Accept header (or none), and gets JSON.
fn gets_json(name: &'static str, about: &str, source: &'static str, accept: Option<&'static str>) -> Check {
    Check::new(name, about, source, move |site| async move {
        let request = Info::new(&site).suppressed().request().without("Accept");
        let request = match accept {
            Some(accept) => request.header("Accept", accept),
            None => request,
        };
        let opened = site.within(Stream::open(&site.master, &request)).await;
        let (answer, stream) = opened.and_then(|opened| opened).map_err(|why| Miss::fail("a stream", why))?;
        content_type_of_json().hold(&answer)?;
        let mut stream = stream.ok_or_else(|| Miss::fail("a stream", "an answer of one piece"))?;
        let event = site.within(stream.event()).await.and_then(|read| read);
        let event = event.map_err(|why| Miss::fail("SUBSCRIBED in JSON", why))?.unwrap_or_default();
        fitting(&json!({"type": "SUBSCRIBED"}), &event)
    })
}

fn content_type_of_json() -> Expect {
    crate::conformance::expect::status(200).header("Content-Type", "application/json")
}

fn accepts() -> Vec<Check> {
    vec![
        gets_json(
            "scheduler.subscribe.accept-none",
            "events come as JSON where nothing is said",
            "golden 02-scheduler-errors-http/32-SUBSCRIBE-accept-none",
            None,
        ),
        gets_json(
            "scheduler.subscribe.accept-any",
            "events come as JSON where anything will do",
            "golden 02-scheduler-errors-http/33-SUBSCRIBE-accept-any",
            Some("*/*"),
        ),
        gets_json(
            "scheduler.subscribe.accept-both",
            "events come as JSON where both forms will do, whatever the order",
            "golden 02-scheduler-errors-http/35-SUBSCRIBE-accept-both",
            Some("application/x-protobuf, application/json"),
        ),
        gets_json(
            "scheduler.subscribe.accept-weighted",
            "the weight of a media type is obeyed",
            "golden 02-scheduler-errors-http/36-SUBSCRIBE-accept-q",
            Some("application/x-protobuf;q=0.1, application/json;q=0.9"),
        ),
    ]
}

fn streams() -> Vec<Check> {
    vec![
        Check::new(
            "scheduler.subscribe.stream-headers",
            "the stream is chunked, has an id and no length, and is no RecordIO by its media type",
            "golden 02-scheduler-errors-http/00-stream-of-the-good-framework; docs/scheduler-http-api.md",
            async |site: Arc<Site>| {
                let request = Info::new(&site).suppressed().request();
                let opened = site.within(Stream::open(&site.master, &request)).await;
                let (answer, _stream) =
                    opened.and_then(|opened| opened).map_err(|why| Miss::fail("a stream", why))?;
                content_type_of_json()
                    .header("Transfer-Encoding", "chunked")
                    .no_header("Content-Length")
                    .hold(&answer)?;
                let id = answer.header("Mesos-Stream-Id").map(str::to_owned);
                fitting(&json!("~[0-9a-f-]{36}"), &json!(id))
            },
        ),
        Check::new(
            "scheduler.subscribed.fields",
            "SUBSCRIBED says the framework's id, how often the heart beats, and who the master is",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream; docs/scheduler-http-api.md",
            async |site: Arc<Site>| {
                let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let subscribed = framework.subscribed.clone();
                framework.end().await?;
                let pattern = json!({
                    "type": "SUBSCRIBED",
                    "subscribed": {
                        "framework_id": {"value": "~.+-[0-9]{4,}"},
                        "heartbeat_interval_seconds": 15.0,
                        "master_info": {
                            "id": "<any>", "ip": "<any>", "port": "<any>", "pid": "~master@.+:[0-9]+",
                            "hostname": "<any>", "version": "<any>",
                            "address": {"hostname": "<any>", "ip": "<any>", "port": "<any>"},
                            "capabilities": [{"type": "AGENT_UPDATE"}, {"type": "AGENT_DRAINING"}, {"type": "<none>"}],
                        },
                    },
                });
                fitting(&pattern, &subscribed)
            },
        ),
        Check::new(
            "scheduler.subscribed.id-has-the-masters",
            "a framework's id begins with the master's",
            "src/master/master.cpp, Master::newFrameworkId",
            async |site: Arc<Site>| {
                let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let master = framework.subscribed["subscribed"]["master_info"]["id"]
                    .as_str()
                    .unwrap_or("?")
                    .to_owned();
                let id = framework.id.clone();
                framework.end().await?;
                fitting(&json!(format!("~{master}-[0-9]{{4,}}")), &json!(id))
            },
        ),
        Check::new(
            "scheduler.subscribed.heartbeat-follows",
            "a first HEARTBEAT comes right behind SUBSCRIBED",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            async |site: Arc<Site>| {
                let mut framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let event = framework.event().await?.unwrap_or_default();
                framework.end().await?;
                fitting(&json!({"type": "HEARTBEAT"}), &event)
            },
        )
        .in_lane(Lane::Events),
        Check::new(
            "scheduler.subscribe.ids-count-up",
            "every framework gets an id of its own",
            "src/master/master.cpp, Master::newFrameworkId",
            async |site: Arc<Site>| {
                let one = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let two = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let are_equal = one.id == two.id || one.stream_id == two.stream_id;
                let seen = format!("{} on {}, {} on {}", one.id, one.stream_id, two.id, two.stream_id);
                one.end().await?;
                two.end().await?;
                if are_equal { Err(Miss::fail("two ids on two streams", seen)) } else { Ok(()) }
            },
        ),
    ]
}
