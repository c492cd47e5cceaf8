//! The executor API of an agent. The executor's command does nothing: this run itself subscribes in its place, as the agent
//! cannot tell who speaks for it.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::conformance::{
    check::{Check, Lane, Miss, Need, Outcome},
    expect::{accepted, fits, fitting, refused, short},
    fleet::{Watch, named},
    http::{Answer, Request, post},
    site::{Peer, Site, credentials},
    stream::Stream,
    task::{bare, patched, resources},
};

const PATH: &str = "/api/v1/executor";
/// How soon the agent is asked again whether it knows the executor.
const AGAIN: Duration = Duration::from_millis(50);

pub fn checks() -> Vec<Check> {
    let checks = [
        Check::new(
            "executor.subscribed.fields",
            "SUBSCRIBED says which executor this is, of which framework, on which agent",
            "golden 10-executor-api/01-SUBSCRIBE-stream; docs/executor-http-api.md",
            subscribed,
        ),
        Check::new(
            "executor.launch.task",
            "LAUNCH follows SUBSCRIBED for each task that waits, with the whole TaskInfo",
            "golden 10-executor-api/01-SUBSCRIBE-stream; docs/executor-http-api.md",
            launch,
        ),
        Check::new(
            "executor.update.acknowledged",
            "an update reaches the framework with its message and data, and ACKNOWLEDGED comes back",
            "golden 10-executor-api/08-UPDATE-c1-TASK_RUNNING; docs/executor-http-api.md",
            update,
        ),
        Check::new(
            "executor.message.both-ways",
            "messages go from executor to framework and back as they are",
            "golden 10-executor-api/02-MESSAGE; docs/executor-http-api.md",
            message,
        ),
        Check::new(
            "executor.kill.policy",
            "KILL comes with the kill policy of the call",
            "golden 10-executor-api/03-KILL-c1; docs/executor-http-api.md",
            kill,
        ),
        Check::new(
            "executor.shutdown.event",
            "SHUTDOWN of the framework reaches the executor",
            "golden 10-executor-api/04-SHUTDOWN; docs/executor-http-api.md",
            shutdown,
        ),
        Check::new(
            "executor.update.refusals",
            "an update without uuid, of another source, or of TASK_STAGING is refused with the reason",
            "golden 10-executor-api/02-err-UPDATE-no-uuid; src/common/validation.cpp, validateExecutorCall",
            refusals,
        ),
        Check::new(
            "executor.call.unknown-executor",
            "an executor that its framework does not have is not found",
            "src/slave/http.cpp, Http::executor",
            unknown,
        ),
        Check::new(
            "executor.failure.exit",
            "an executor that ends tells a FAILURE with its status, and fails its tasks",
            "golden 10-executor-api/scheduler-stream",
            failure,
        ),
    ];
    let ready = |check: Check| check.needing(Need::Offers).needing(Need::Agent).in_lane(Lane::Events);
    checks.into_iter().map(ready).collect()
}

/// A subscribed executor with one task.
struct Custom {
    site: Arc<Site>,
    task: Watch,
    /// What the framework hears of the executor.
    executor: Watch,
    stream: Stream,
}

/// Launches a task `ID` on an executor `ID-x` whose command this is.
async fn launched(site: &Arc<Site>, id: &str, line: &str) -> Outcome<(Watch, Watch)> {
    let fleet = site.plain().await?;
    let executor_id = format!("{id}-x");
    let (heard, executor) = (fleet.watch(id), fleet.watch(&executor_id));
    let executor_info = json!({
        "type": "CUSTOM", "executor_id": {"value": executor_id}, "framework_id": {"value": "$FRAMEWORK"},
        "command": {"value": line}, "resources": resources(), "name": "mesoslab conformance", "data": "ZGF0YQ==",
    });
    let task = patched(bare(id), json!({"executor": executor_info}));
    let framework = fleet.id.clone();
    fleet
        .accept(2, move |offer| {
            vec![json!({"type": "LAUNCH", "launch": {"task_infos": [named(&task, &framework, offer)]}})]
        })
        .await?;
    Ok((heard, executor))
}

impl Custom {
    /// Launches a task on an executor, and subscribes as that.
    async fn subscribe(site: &Arc<Site>, id: &str) -> Outcome<(Self, Value)> {
        let (mut task, executor) = launched(site, id, "exec sleep 1000").await?;
        let call = executor_call(&task, &executor, "SUBSCRIBE", json!({}));
        let stream = tokio::select! {
            stream = opened(site, &call) => stream?,
            status = task.next() => {
                let why = status?["message"].as_str().unwrap_or_default().to_owned();
                return Err(Miss::skip(format!("custom executors do not start here: {why}")));
            }
        };
        let mut custom = Self { site: Arc::clone(site), task, executor, stream };
        let first = custom.event().await?;
        Ok((custom, first))
    }

    /// As [`Custom::subscribe`], and reads SUBSCRIBED and LAUNCH.
    async fn with_task(site: &Arc<Site>, id: &str) -> Outcome<Self> {
        let (mut custom, first) = Self::subscribe(site, id).await?;
        fitting(&json!({"type": "SUBSCRIBED"}), &first)?;
        custom.until(json!({"type": "LAUNCH"})).await?;
        Ok(custom)
    }

    async fn event(&mut self) -> Outcome<Value> {
        let read = self.site.within(self.stream.event()).await.and_then(|read| read);
        let event = read.map_err(|why| Miss::fail("an event for the executor", why))?;
        event.ok_or_else(|| Miss::fail("an event for the executor", "the stream ended"))
    }

    /// The next event that is no heartbeat must fit.
    async fn until(&mut self, pattern: Value) -> Outcome<Value> {
        loop {
            let event = self.event().await.map_err(|miss| match miss {
                Miss::Fail { seen, .. } => Miss::fail(pattern.to_string(), seen),
                skip @ Miss::Skip(_) => skip,
            })?;
            if fits(&pattern, &event) {
                return Ok(event);
            }
            if event["type"] != "HEARTBEAT" {
                return Err(Miss::fail(pattern.to_string(), short(&event.to_string())));
            }
        }
    }

    async fn call(&self, kind: &str, body: Value) -> Outcome<Answer> {
        self.site.ask(Peer::Agent, &executor_call(&self.task, &self.executor, kind, body)).await
    }

    /// An update of the task in this state.
    fn status(&self, state: &str) -> Value {
        json!({
            "task_id": {"value": self.task.id}, "executor_id": {"value": self.executor.id},
            "state": state, "source": "SOURCE_EXECUTOR",
            "uuid": STANDARD.encode(Uuid::new_v4().as_bytes()), "message": "by hand", "data": "cGF5bG9hZA==",
        })
    }

    /// Lets the framework end the executor.
    async fn end(self) -> Outcome {
        self.task.fleet.tell("SHUTDOWN", self.shutdown()?).await
    }

    fn shutdown(&self) -> Outcome<Value> {
        let agent = &self.site.agent()?.id;
        Ok(json!({"agent_id": {"value": agent}, "executor_id": {"value": self.executor.id}}))
    }
}

fn executor_call(task: &Watch, executor: &Watch, kind: &str, body: Value) -> Request {
    let mut call = json!({
        "type": kind, "framework_id": {"value": task.fleet.id}, "executor_id": {"value": executor.id},
    });
    if !body.is_null() {
        call[kind.to_lowercase()] = body;
    }
    post(PATH).json(&call)
}

/// Subscribes as soon as the agent knows the executor.
async fn opened(site: &Arc<Site>, call: &Request) -> Outcome<Stream> {
    let address = &site.agent()?.address;
    let opening = async {
        loop {
            let (answer, stream) = Stream::open(address, call).await?;
            match (answer.status, stream) {
                (_, Some(stream)) => return Ok(Ok(stream)),
                (401 | 403, None) => return Ok(Err(credentials())),
                (400, None) if answer.text().ends_with("cannot be found") => tokio::time::sleep(AGAIN).await,
                (status, None) => return Err(format!("{status}, {}", short(&answer.text()))),
            }
        }
    };
    let opened = site.within(opening).await.and_then(|opened| opened);
    opened.map_err(|why| Miss::fail("a stream for the executor", why))?
}

async fn subscribed(site: Arc<Site>) -> Outcome {
    let (custom, first) = Custom::subscribe(&site, "executor-subscribed").await?;
    let pattern = json!({
        "type": "SUBSCRIBED",
        "subscribed": {
            "executor_info": {
                "type": "CUSTOM", "executor_id": {"value": "executor-subscribed-x"}, "data": "ZGF0YQ==",
                "framework_id": {"value": custom.task.fleet.id}, "name": "mesoslab conformance",
                "command": {"shell": true, "value": "exec sleep 1000"},
            },
            "framework_info": {"name": "mesoslab conformance", "id": {"value": custom.task.fleet.id}},
            "agent_info": {"hostname": "<any>", "id": {"value": site.agent()?.id}},
        },
    });
    custom.end().await?;
    fitting(&pattern, &first)
}

async fn launch(site: Arc<Site>) -> Outcome {
    let (mut custom, _) = Custom::subscribe(&site, "executor-launch").await?;
    let task = json!({
        "name": "executor-launch", "task_id": {"value": "executor-launch"}, "agent_id": {"value": site.agent()?.id},
        "executor": {"executor_id": {"value": "executor-launch-x"}},
    });
    custom.until(json!({"type": "LAUNCH", "launch": {"task": task}})).await?;
    custom.end().await
}

async fn update(site: Arc<Site>) -> Outcome {
    let mut custom = Custom::with_task(&site, "executor-update").await?;
    let status = custom.status("TASK_RUNNING");
    accepted().hold(&custom.call("UPDATE", json!({"status": status})).await?)?;
    let told = json!({
        "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR", "message": "by hand", "data": "cGF5bG9hZA==",
        "uuid": status["uuid"], "executor_id": {"value": custom.executor.id},
        "container_status": {"container_id": {"value": "<any>"}},
    });
    custom.task.hears(told).await?;
    let back = json!({"task_id": {"value": custom.task.id}, "uuid": status["uuid"]});
    custom.until(json!({"type": "ACKNOWLEDGED", "acknowledged": back})).await?;
    custom.end().await
}

async fn message(site: Arc<Site>) -> Outcome {
    let mut custom = Custom::with_task(&site, "executor-message").await?;
    accepted().hold(&custom.call("MESSAGE", json!({"data": "aGVsbG8="})).await?)?;
    let heard = json!({"executor_id": {"value": custom.executor.id}, "data": "aGVsbG8="});
    custom.executor.hears(json!({"type": "MESSAGE", "message": heard})).await?;
    let mut back = custom.shutdown()?;
    back["data"] = json!("d29ybGQ=");
    custom.task.fleet.tell("MESSAGE", back).await?;
    custom.until(json!({"type": "MESSAGE", "message": {"data": "d29ybGQ="}})).await?;
    custom.end().await
}

async fn kill(site: Arc<Site>) -> Outcome {
    let mut custom = Custom::with_task(&site, "executor-kill").await?;
    let policy = json!({"grace_period": {"nanoseconds": 7_000_000_000_i64}});
    let body = json!({
        "task_id": {"value": custom.task.id}, "agent_id": {"value": site.agent()?.id}, "kill_policy": policy,
    });
    custom.task.fleet.tell("KILL", body).await?;
    let kill = json!({"task_id": {"value": custom.task.id}, "kill_policy": policy});
    custom.until(json!({"type": "KILL", "kill": kill})).await?;
    custom.end().await
}

async fn shutdown(site: Arc<Site>) -> Outcome {
    let mut custom = Custom::with_task(&site, "executor-shutdown").await?;
    custom.task.fleet.tell("SHUTDOWN", custom.shutdown()?).await?;
    custom.until(json!({"type": "SHUTDOWN"})).await.map(drop)
}

async fn refusals(site: Arc<Site>) -> Outcome {
    let custom = Custom::with_task(&site, "executor-refusals").await?;
    let whose = format!("executor {} of framework {}", custom.executor.id, custom.task.fleet.id);
    let good = custom.status("TASK_RUNNING");
    let bad = [
        (Value::Null, "Expecting 'update' to be present".to_owned()),
        (patched(good.clone(), json!({"uuid": null})), "Expecting 'uuid' to be present".to_owned()),
        (
            patched(good.clone(), json!({"source": "SOURCE_MASTER"})),
            format!("Received Call from {whose} with invalid source, expecting 'SOURCE_EXECUTOR'"),
        ),
        (
            patched(good, json!({"state": "TASK_STAGING"})),
            format!("Received TASK_STAGING from {whose} which is not allowed"),
        ),
    ];
    for (status, said) in bad {
        let body = if status.is_null() { Value::Null } else { json!({"status": status}) };
        let answer = custom.call("UPDATE", body).await?;
        refused(400, &format!("Failed to validate Executor::Call: {said}")).hold(&answer)?;
    }
    custom.end().await
}

async fn unknown(site: Arc<Site>) -> Outcome {
    // The framework must be known to the agent.
    let fleet = site.plain().await?;
    let mut heard =
        fleet.launch(crate::conformance::task::shell("executor-unknown", "exec sleep 1000")).await?;
    heard.running().await?;
    let call = json!({
        "type": "SUBSCRIBE", "framework_id": {"value": fleet.id}, "executor_id": {"value": "nobody"}, "subscribe": {},
    });
    let answer = site.ask(Peer::Agent, &post(PATH).json(&call)).await;
    heard.kill().await?;
    refused(400, "Executor cannot be found").hold(&answer?)
}

async fn failure(site: Arc<Site>) -> Outcome {
    let (mut task, mut executor) = launched(&site, "executor-failure", "exit 9").await?;
    let status = task.next().await?;
    if status["reason"] != "REASON_EXECUTOR_TERMINATED" {
        let why = status["message"].as_str().unwrap_or_default();
        return Err(Miss::skip(format!("custom executors do not start here: {why}")));
    }
    let told = json!({"state": "TASK_FAILED", "message": "Executor terminated", "source": "SOURCE_AGENT"});
    fitting(&told, &status)?;
    // Nine, as `wait` gives it.
    let failure = json!({
        "agent_id": {"value": site.agent()?.id}, "executor_id": {"value": executor.id}, "status": 9 << 8,
    });
    executor.hears(json!({"type": "FAILURE", "failure": failure})).await.map(drop)
}
