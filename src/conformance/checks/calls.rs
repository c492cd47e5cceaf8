//! Calls of a subscribed framework: whose they are, what they need, and what is only told on the stream.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Miss, Outcome, to_master as on},
    expect::{accepted, fitting, refused},
    framework::{Framework, Info, call},
    http::Request,
    site::{Peer, Site},
};

pub fn checks() -> Vec<Check> {
    [identity(), without_body(), values(), quiet(), updates()].into_iter().flatten().collect()
}

/// A call of the framework that lends its ids.
fn ours(kind: &str, body: Value) -> Request {
    call("$FRAMEWORK", "$STREAM", kind, body)
}

fn identity() -> Vec<Check> {
    let strange = "00000000-0000-4000-8000-000000000000";
    vec![
        on(
            "scheduler.call.no-framework-id",
            "a call says whose it is",
            "golden 02-scheduler-errors-http/70-no-framework-id",
            Request::without(ours("TEARDOWN", Value::Null).text(r#"{"type":"TEARDOWN"}"#), "Mesos-Stream-Id"),
            refused(400, "Failed to validate scheduler::Call: Expecting 'framework_id' to be present"),
        ),
        on(
            "scheduler.call.unknown-framework",
            "nobody knows a framework that never subscribed",
            "golden 02-scheduler-errors-http/72-unknown-framework",
            call("nope", "$STREAM", "SUPPRESS", Value::Null),
            refused(400, "Framework cannot be found"),
        ),
        on(
            "scheduler.call.unknown-framework-no-stream",
            "an unknown framework is told before a missing stream id",
            "golden 02-scheduler-errors-http/73-unknown-framework-no-stream-id",
            call("nope", "", "SUPPRESS", Value::Null).without("Mesos-Stream-Id"),
            refused(400, "Framework cannot be found"),
        ),
        on(
            "scheduler.call.no-stream-id",
            "a call belongs to a stream",
            "golden 02-scheduler-errors-http/74-no-stream-id",
            ours("SUPPRESS", Value::Null).without("Mesos-Stream-Id"),
            refused(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header"),
        ),
        on(
            "scheduler.call.wrong-stream-id",
            "a call on another stream is refused, and the stream is named",
            "golden 09-failover-and-loss/03-call-with-old-stream-id",
            ours("SUPPRESS", Value::Null).header("Mesos-Stream-Id", strange),
            refused(
                400,
                &format!(
                    "The stream ID '{strange}' included in this request didn't match the stream ID currently \
                     associated with framework ID $FRAMEWORK"
                ),
            ),
        ),
        on(
            "scheduler.call.stream-id-case",
            "the name of a header has no case",
            "golden 02-scheduler-errors-http/77-lowercase-stream-id-header",
            ours("SUPPRESS", Value::Null).without("Mesos-Stream-Id").header("mesos-stream-id", "$STREAM"),
            accepted(),
        ),
    ]
}

fn without_body() -> Vec<Check> {
    let lacking = |name, source, kind: &'static str| {
        let field = kind.to_lowercase();
        on(
            name,
            &format!("{kind} needs its body"),
            source,
            ours(kind, Value::Null),
            refused(400, &format!("Failed to validate scheduler::Call: Expecting '{field}' to be present")),
        )
    };
    vec![
        lacking("scheduler.call.accept-without-body", "src/master/validation.cpp, scheduler::call", "ACCEPT"),
        lacking(
            "scheduler.call.decline-without-body",
            "golden 02-scheduler-errors-http/79-DECLINE-without-body",
            "DECLINE",
        ),
        lacking(
            "scheduler.call.kill-without-body",
            "golden 02-scheduler-errors-http/80-KILL-without-body",
            "KILL",
        ),
        lacking(
            "scheduler.call.shutdown-without-body",
            "golden 02-scheduler-errors-http/81-SHUTDOWN-without-body",
            "SHUTDOWN",
        ),
        lacking(
            "scheduler.call.acknowledge-without-body",
            "golden 02-scheduler-errors-http/82-ACKNOWLEDGE-without-body",
            "ACKNOWLEDGE",
        ),
        lacking(
            "scheduler.call.reconcile-without-body",
            "golden 02-scheduler-errors-http/83-RECONCILE-without-body",
            "RECONCILE",
        ),
        lacking(
            "scheduler.call.message-without-body",
            "src/master/validation.cpp, scheduler::call",
            "MESSAGE",
        ),
        lacking(
            "scheduler.call.request-without-body",
            "src/master/validation.cpp, scheduler::call",
            "REQUEST",
        ),
        lacking(
            "scheduler.call.accept-inverse-offers-without-body",
            "golden 02-scheduler-errors-http/86-ACCEPT_INVERSE_OFFERS-without-body",
            "ACCEPT_INVERSE_OFFERS",
        ),
        lacking(
            "scheduler.call.decline-inverse-offers-without-body",
            "golden 02-scheduler-errors-http/87-DECLINE_INVERSE_OFFERS-without-body",
            "DECLINE_INVERSE_OFFERS",
        ),
        lacking(
            "scheduler.call.acknowledge-operation-without-body",
            "src/master/validation.cpp, scheduler::call",
            "ACKNOWLEDGE_OPERATION_STATUS",
        ),
        lacking(
            "scheduler.call.reconcile-operations-without-body",
            "golden 02-scheduler-errors-http/89-RECONCILE_OPERATIONS-without-body",
            "RECONCILE_OPERATIONS",
        ),
        lacking(
            "scheduler.call.update-framework-without-body",
            "golden 02-scheduler-errors-http/90-UPDATE_FRAMEWORK-without-body",
            "UPDATE_FRAMEWORK",
        ),
        on(
            "scheduler.call.suppress-without-body",
            "SUPPRESS without a body means all roles",
            "golden 02-scheduler-errors-http/92-SUPPRESS-without-body",
            ours("SUPPRESS", Value::Null),
            accepted(),
        ),
    ]
}

fn values() -> Vec<Check> {
    let acknowledge = |uuid: &str| {
        let (agent, task) = (json!({"value": "zz"}), json!({"value": "t"}));
        ours("ACKNOWLEDGE", json!({"agent_id": agent, "task_id": task, "uuid": uuid}))
    };
    vec![
        on(
            "scheduler.call.acknowledge-short-uuid",
            "a uuid has sixteen bytes",
            "golden 02-scheduler-errors-http/93-ACKNOWLEDGE-bad-uuid",
            acknowledge("YWJj"),
            refused(400, "Failed to validate scheduler::Call: Not a valid UUID"),
        ),
        on(
            "scheduler.call.acknowledge-no-base64",
            "bytes stand in JSON as base64, and what is none is told",
            "golden 02-scheduler-errors-http/94-ACKNOWLEDGE-not-base64",
            acknowledge("***"),
            refused(
                400,
                "Failed to convert JSON into Call protobuf: Failed to base64 decode bytes field 'uuid': Invalid \
                 character '*'",
            ),
        ),
        on(
            "scheduler.call.accept-nameless-task",
            "a required field that a task lacks is named with its place in the call",
            "golden 03-task-errors/partition-aware/42-missing-required-field",
            ours(
                "ACCEPT",
                json!({"operations": [{"type": "LAUNCH", "launch": {"task_infos": [
                    {"task_id": {"value": "x"}, "agent_id": {"value": "y"}},
                ]}}]}),
            ),
            refused(
                400,
                "Failed to convert JSON into Call protobuf: Missing required fields: \
                 accept.operations[0].launch.task_infos[0].name",
            ),
        ),
        on(
            "scheduler.call.accept-group-without-executor",
            "a task group needs an executor",
            "golden 03-task-errors/partition-aware/51-launch_group-no-executor",
            ours(
                "ACCEPT",
                json!({"operations": [{"type": "LAUNCH_GROUP", "launch_group": {"task_group": {"tasks": []}}}]}),
            ),
            refused(
                400,
                "Failed to convert JSON into Call protobuf: Missing required fields: \
                 accept.operations[0].launch_group.executor",
            ),
        ),
        on(
            "scheduler.call.accept-container-without-type",
            "a container needs a type",
            "golden 03-task-errors/partition-aware/39-container-type-missing",
            ours(
                "ACCEPT",
                json!({"operations": [{"type": "LAUNCH", "launch": {"task_infos": [{
                    "name": "x", "task_id": {"value": "x"}, "agent_id": {"value": "y"}, "container": {},
                }]}}]}),
            ),
            refused(
                400,
                "Failed to convert JSON into Call protobuf: Missing required fields: \
                 accept.operations[0].launch.task_infos[0].container.type",
            ),
        ),
    ]
}

/// Calls about what is not there, which nobody hears of.
fn quiet() -> Vec<Check> {
    let agent = json!({"value": "zz"});
    let uuid = "ggJgjb/PRva/X0i6pBeuFg==";
    let silent =
        |name, about: &str, source, kind, body| on(name, about, source, ours(kind, body), accepted());
    vec![
        silent(
            "scheduler.call.acknowledge-unknown",
            "an acknowledgement for an unknown agent is accepted and dropped",
            "golden 02-scheduler-errors-http/96-ACKNOWLEDGE-unknown-agent",
            "ACKNOWLEDGE",
            json!({"agent_id": agent, "task_id": {"value": "t"}, "uuid": uuid}),
        ),
        silent(
            "scheduler.call.message-unknown-executor",
            "a message for an unknown executor is accepted and dropped",
            "golden 02-scheduler-errors-http/97-MESSAGE-unknown-executor",
            "MESSAGE",
            json!({"agent_id": agent, "executor_id": {"value": "e"}, "data": "aGk="}),
        ),
        silent(
            "scheduler.call.shutdown-unknown-executor",
            "SHUTDOWN of an unknown executor is accepted and dropped",
            "golden 02-scheduler-errors-http/98-SHUTDOWN-unknown-executor",
            "SHUTDOWN",
            json!({"agent_id": agent, "executor_id": {"value": "e"}}),
        ),
        silent(
            "scheduler.call.revive-foreign-role",
            "REVIVE of a role that the framework is not in is accepted and dropped",
            "golden 02-scheduler-errors-http/99-REVIVE-role-not-subscribed",
            "REVIVE",
            json!({"roles": ["zz"]}),
        ),
        silent(
            "scheduler.call.revive-invalid-role",
            "REVIVE of what is no role is accepted and dropped",
            "golden 02-scheduler-errors-http/100-REVIVE-invalid-role",
            "REVIVE",
            json!({"roles": ["/zz"]}),
        ),
        silent(
            "scheduler.call.decline-unknown-offer",
            "DECLINE of an unknown offer is accepted and dropped",
            "golden 02-scheduler-errors-http/102-DECLINE-unknown-offer",
            "DECLINE",
            json!({"offer_ids": [{"value": "nope"}]}),
        ),
        silent(
            "scheduler.call.decline-negative-time",
            "a negative time of refusal is accepted",
            "golden 02-scheduler-errors-http/103-DECLINE-negative-refuse",
            "DECLINE",
            json!({"offer_ids": [{"value": "nope"}], "filters": {"refuse_seconds": -1}}),
        ),
        silent(
            "scheduler.call.reconcile-operations-unknown",
            "RECONCILE_OPERATIONS of an unknown operation is accepted",
            "golden 02-scheduler-errors-http/104-RECONCILE_OPERATIONS-unknown",
            "RECONCILE_OPERATIONS",
            json!({"operations": [{"operation_id": {"value": "op"}}]}),
        ),
        silent(
            "scheduler.call.request",
            "REQUEST is accepted, and does nothing",
            "golden 01-scheduler-json/31-REQUEST",
            "REQUEST",
            json!({"requests": []}),
        ),
        Check::new(
            "scheduler.call.revive-without-body",
            "REVIVE without a body means all roles",
            "golden 02-scheduler-errors-http/91-REVIVE-without-body",
            async |site: Arc<Site>| {
                let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                framework.tell("REVIVE", Value::Null).await?;
                framework.end().await
            },
        ),
    ]
}

/// UPDATE_FRAMEWORK with one field of FrameworkInfo changed is refused.
fn not_updated(
    name: &'static str,
    about: &str,
    source: &'static str,
    field: &'static str,
    value: Value,
    said: &'static str,
) -> Check {
    Check::new(name, about, source, move |site| {
        let value = value.clone();
        async move {
            let info = Info::new(&site).suppressed();
            let framework = Framework::subscribe(&site, info.clone()).await?;
            let changed = info.again(&framework.id).with(field, value);
            let answer =
                framework.call("UPDATE_FRAMEWORK", json!({"framework_info": changed.json()})).await?;
            framework.end().await?;
            refused(400, said).with("$USER", &site.options.user).hold(&answer)
        }
    })
}

fn updates() -> Vec<Check> {
    vec![
        not_updated(
            "scheduler.update-framework.user",
            "a framework's user cannot be changed",
            "golden 02-scheduler-errors-http/105-UPDATE_FRAMEWORK-change-user",
            "user",
            json!("mesoslab-nobody"),
            "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to update from \
             '$USER' to 'mesoslab-nobody'",
        ),
        not_updated(
            "scheduler.update-framework.checkpoint",
            "whether a framework is checkpointed cannot be changed",
            "golden 02-scheduler-errors-http/106-UPDATE_FRAMEWORK-change-checkpoint",
            "checkpoint",
            json!(true),
            "FrameworkInfo update is not valid: Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to \
             update from 'false' to 'true'",
        ),
        not_updated(
            "scheduler.update-framework.role",
            "the new roles must be valid",
            "golden 02-scheduler-errors-http/107-UPDATE_FRAMEWORK-bad-role",
            "roles",
            json!(["/"]),
            "Supplied FrameworkInfo is not valid: 'FrameworkInfo.roles' contains invalid role: Role '/' cannot start \
             with a slash",
        ),
        Check::new(
            "scheduler.update-framework.name",
            "UPDATE_FRAMEWORK changes the name, is answered with 200, and the operator API shows it",
            "golden 01-scheduler-json/32-UPDATE_FRAMEWORK",
            renamed,
        ),
        Check::new(
            "scheduler.teardown.then-call",
            "after TEARDOWN nobody knows the framework",
            "golden 01-scheduler-json/34-call-after-TEARDOWN",
            async |site: Arc<Site>| {
                let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let late = framework.request("SUPPRESS", Value::Null);
                framework.end().await?;
                let answer = site.ask(Peer::Master, &late).await?;
                refused(400, "Framework cannot be found").hold(&answer)
            },
        ),
        Check::new(
            "scheduler.teardown.ends-the-stream",
            "TEARDOWN ends the stream without a further word",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            async |site: Arc<Site>| {
                let mut framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                framework.tell("TEARDOWN", Value::Null).await?;
                site.gone(&framework.id);
                while let Some(event) = framework.event().await? {
                    if event["type"] != "HEARTBEAT" {
                        return Err(Miss::fail("the end of the stream", event.to_string()));
                    }
                }
                Ok(())
            },
        ),
        Check::new(
            "scheduler.teardown.completed",
            "a framework that was torn down is among the completed ones",
            "golden 04-master-api-v1/97-GET_FRAMEWORKS-completed",
            async |site: Arc<Site>| {
                let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
                let id = framework.id.clone();
                framework.end().await?;
                let frameworks = super::operator_get(&site, "GET_FRAMEWORKS").await?;
                let completed = super::with_framework(&frameworks["completed_frameworks"], &id);
                fitting(
                    &json!({"framework_info": {"id": {"value": id}}, "active": false, "connected": false}),
                    &completed,
                )
            },
        ),
    ]
}

async fn renamed(site: Arc<Site>) -> Outcome {
    let info = Info::new(&site).suppressed();
    let framework = Framework::subscribe(&site, info.clone()).await?;
    let changed = info.again(&framework.id).with("name", json!("mesoslab conformance, renamed"));
    let body = json!({"framework_info": changed.json(), "suppressed_roles": [site.options.role]});
    let answer = framework.call("UPDATE_FRAMEWORK", body).await?;
    let frameworks = super::operator_get(&site, "GET_FRAMEWORKS").await?;
    let seen = super::with_framework(&frameworks["frameworks"], &framework.id);
    framework.end().await?;
    crate::conformance::expect::status(200).empty().hold(&answer)?;
    fitting(&json!({"framework_info": {"name": "mesoslab conformance, renamed"}}), &seen)
}
