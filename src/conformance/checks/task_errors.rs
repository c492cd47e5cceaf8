//! Tasks that the master refuses, each with its state, its reason and its text. All are in a few ACCEPTs together.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Lane, Need, Outcome},
    expect::fitting,
    fleet::named,
    site::Site,
    task::{bare, default_executor, group, patched, resources, scalar, shell},
};

pub fn checks() -> Vec<Check> {
    [resource_errors(), id_errors(), command_errors(), check_errors(), offer_errors(), group_errors()]
        .into_iter()
        .flatten()
        .collect()
}

fn waiting(check: Check) -> Check {
    check.needing(Need::Offers).in_lane(Lane::Events)
}

/// The task is refused with TASK_ERROR and this text (or a pattern of it).
fn error(name: &'static str, about: &str, source: &'static str, task: Value, message: &'static str) -> Check {
    waiting(Check::new(name, about, source, move |site| {
        let task = task.clone();
        async move {
            let fleet = site.plain().await?;
            let mut heard = fleet.launch(task.clone()).await?;
            let pattern = json!({
                "task_id": task["task_id"], "state": "TASK_ERROR", "message": message,
                "source": "SOURCE_MASTER", "reason": "REASON_TASK_INVALID", "agent_id": {"value": "<any>"},
                "timestamp": "<any>", "uuid": "<none>",
            });
            heard.hears(pattern).await.map(drop)
        }
    }))
}

fn with_resources(id: &str, resources: Value) -> Value {
    patched(shell(id, "sleep 1"), json!({"resources": resources}))
}

fn resource_errors() -> Vec<Check> {
    let mem = || scalar("mem", 32.0);
    let ports = |ranges: Value| {
        let ports = json!({"name": "ports", "type": "RANGES", "ranges": {"range": ranges}});
        json!([scalar("cpus", 0.02), mem(), ports])
    };
    vec![
        error(
            "task.error.no-resources",
            "a task needs resources",
            "golden 03-task-errors/plain/06-no-resources",
            with_resources("error-no-resources", json!([])),
            "Task uses no resources",
        ),
        error(
            "task.error.negative-resource",
            "an amount is positive",
            "golden 03-task-errors/partition-aware/08-negative-cpus",
            with_resources("error-negative", json!([scalar("cpus", -1.0), mem()])),
            "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0",
        ),
        error(
            "task.error.tiny-resource",
            "an amount below a thousandth is none",
            "golden 03-task-errors/plain/09-tiny-cpus",
            with_resources("error-tiny", json!([scalar("cpus", 0.0001), mem()])),
            "Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0",
        ),
        error(
            "task.error.resource-without-amount",
            "a scalar needs its amount",
            "golden 03-task-errors/plain/13-resource-no-scalar",
            with_resources("error-no-scalar", json!([{"name": "cpus", "type": "SCALAR"}])),
            "Resource 'cpus:0' is invalid: Invalid scalar resource",
        ),
        error(
            "task.error.too-much",
            "a task takes no more than what is offered, and the text says both",
            "golden 03-task-errors/plain/10-too-much",
            with_resources("error-too-much", json!([scalar("cpus", 100_000.0), mem()])),
            "~Total resources cpus\\(allocated: .+\\):100000; mem\\(allocated: .+\\):32 required by task and its \
             executor is more than available .*cpus\\(allocated: .+\\):.+",
        ),
        error(
            "task.error.unknown-resource",
            "a resource that is not offered is too much of it",
            "golden 03-task-errors/partition-aware/11-unknown-resource",
            with_resources(
                "error-unknown",
                json!([scalar("cpus", 0.02), mem(), scalar("mesoslab-foo", 1.0)]),
            ),
            "~Total resources cpus\\(allocated: .+\\):0.02; mem\\(allocated: .+\\):32; mesoslab-foo\\(allocated: \
             .+\\):1 required by task and its executor is more than available .+",
        ),
        error(
            "task.error.ports-not-offered",
            "a port that is not offered is too much",
            "golden 03-task-errors/partition-aware/15-ports-not-offered",
            with_resources("error-ports", ports(json!([{"begin": 1, "end": 1}]))),
            "~Total resources cpus\\(allocated: .+\\):0.02; mem\\(allocated: .+\\):32; ports\\(allocated: \
             .+\\):\\[1-1\\] required by task and its executor is more than available .+",
        ),
        error(
            "task.error.ports-overlap",
            "ranges may not overlap",
            "golden 03-task-errors/plain/16-ports-overlap",
            with_resources(
                "error-overlap",
                ports(json!([{"begin": 31000, "end": 31010}, {"begin": 31005, "end": 31020}])),
            ),
            "Resource 'ports:[31000-31010, 31005-31020]' is invalid: Invalid ranges resource: overlapping ranges",
        ),
        error(
            "task.error.limits-below-request",
            "a limit is at least what is asked for",
            "golden 03-task-errors/plain/41-limits-below-request",
            patched(shell("error-limits", "true"), json!({"limits": {"cpus": {"value": 0.001}}})),
            "The cpu limit must be greater than or equal to the cpu request",
        ),
    ]
}

fn id_errors() -> Vec<Check> {
    vec![
        error(
            "task.error.id-slash",
            "a task's id is the name of a directory, without slashes",
            "golden 03-task-errors/plain/17-task-id-slash",
            shell("a/b", "sleep 1"),
            "'a/b' contains invalid characters",
        ),
        error(
            "task.error.id-empty",
            "a task's id is not empty",
            "golden 03-task-errors/plain/18-task-id-empty",
            shell("", "sleep 1"),
            "ID must not be empty",
        ),
        error(
            "task.error.id-dot",
            "`.` is no id",
            "golden 03-task-errors/plain/19-task-id-dot",
            shell(".", "sleep 1"),
            "'.' is disallowed",
        ),
        error(
            "task.error.id-dotdot",
            "`..` is no id",
            "golden 03-task-errors/plain/20-task-id-dotdot",
            shell("..", "sleep 1"),
            "'..' is disallowed",
        ),
        waiting(Check::new(
            "task.error.id-long",
            "a task's id has at most 255 bytes",
            "src/common/validation.cpp, validateID",
            async |site: Arc<Site>| {
                let id = "x".repeat(256);
                let mut heard = site.plain().await?.launch(shell(&id, "sleep 1")).await?;
                let message = "ID must not be greater than 255 characters";
                heard.hears(json!({"state": "TASK_ERROR", "message": message})).await.map(drop)
            },
        )),
        error(
            "task.error.wrong-agent",
            "a task is launched on the agent of its offer",
            "golden 03-task-errors/plain/23-wrong-agent",
            patched(shell("error-agent", "sleep 1"), json!({"agent_id": {"value": "nope"}})),
            "~Task uses invalid agent nope while agent .+-S[0-9]+ is expected",
        ),
        waiting(Check::new(
            "task.error.id-twice",
            "of two tasks with one id in one ACCEPT the second is refused, and the first runs",
            "golden 03-task-errors/plain/35-duplicate-task-id-same-accept",
            id_twice,
        )),
        waiting(Check::new(
            "task.error.one-of-three",
            "a bad task does not touch the others of its LAUNCH",
            "golden 03-task-errors/plain/56-launch-two-ok-one-bad",
            one_of_three,
        )),
    ]
}

async fn id_twice(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.watch("error-twice");
    let framework = fleet.id.clone();
    fleet
        .accept(2, move |offer| {
            let task = named(&shell("error-twice", "sleep 100"), &framework, offer);
            vec![json!({"type": "LAUNCH", "launch": {"task_infos": [task, task]}})]
        })
        .await?;
    heard
        .hears(json!({
            "state": "TASK_ERROR", "message": "Task has duplicate ID: error-twice", "reason": "REASON_TASK_INVALID",
        }))
        .await?;
    heard.running().await?;
    heard.kill().await
}

async fn one_of_three(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = ["three-1", "three-2", "three-3"].map(|id| fleet.watch(id));
    let framework = fleet.id.clone();
    fleet
        .accept(3, move |offer| {
            let bad = json!({"resources": [scalar("cpus", 100_000.0)]});
            let tasks = [shell("three-1", "true"), patched(bare("three-2"), bad), shell("three-3", "true")];
            let tasks: Vec<Value> = tasks.iter().map(|task| named(task, &framework, offer)).collect();
            vec![json!({"type": "LAUNCH", "launch": {"task_infos": tasks}})]
        })
        .await?;
    heard[1].hears(json!({"state": "TASK_ERROR"})).await?;
    heard[0].hears(json!({"state": "TASK_STARTING"})).await?;
    heard[2].hears(json!({"state": "TASK_STARTING"})).await.map(drop)
}

fn command_errors() -> Vec<Check> {
    let one_of = "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present";
    let executor = |executor: Value| json!({"executor": executor});
    vec![
        error(
            "task.error.nothing-to-run",
            "a task has a command or an executor",
            "golden 03-task-errors/plain/24-no-command-no-executor",
            bare("error-nothing"),
            one_of,
        ),
        error(
            "task.error.command-and-executor",
            "a task has no command beside an executor",
            "golden 03-task-errors/plain/25-command-and-executor",
            patched(
                shell("error-both", "sleep 1"),
                executor(json!({"executor_id": {"value": "e"}, "command": {"value": "true"}})),
            ),
            one_of,
        ),
        error(
            "task.error.executor-without-command",
            "a custom executor needs its command",
            "golden 03-task-errors/plain/26-executor-no-type-no-command",
            patched(bare("error-executor"), executor(json!({"executor_id": {"value": "e"}}))),
            "'ExecutorInfo.command' must be set",
        ),
        error(
            "task.error.executor-of-another",
            "an executor belongs to the framework that launches it",
            "golden 03-task-errors/plain/27-executor-bad-framework-id",
            patched(
                bare("error-foreign"),
                executor(json!({
                    "type": "CUSTOM", "executor_id": {"value": "e"}, "framework_id": {"value": "zz"},
                    "command": {"value": "true"},
                })),
            ),
            "~ExecutorInfo has an invalid FrameworkID \\(Actual: zz vs Expected: .+-[0-9]{4,}\\)",
        ),
        error(
            "task.error.variable-without-value",
            "a variable of the environment has a value",
            "golden 03-task-errors/plain/30-command-env-no-value",
            patched(
                bare("error-variable"),
                json!({"command": {"value": "true", "environment": {"variables": [{"name": "A"}]}}}),
            ),
            "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'VALUE' must have a value set",
        ),
        error(
            "task.error.kill-policy-negative",
            "a grace period is not negative",
            "golden 03-task-errors/plain/36-kill-policy-negative",
            patched(
                shell("error-grace", "sleep 1"),
                json!({"kill_policy": {"grace_period": {"nanoseconds": -5}}}),
            ),
            "Task's 'kill_policy.grace_period' must be non-negative",
        ),
        error(
            "task.error.completion-time-negative",
            "the longest time that a task may run is not negative",
            "golden 03-task-errors/plain/37-max-completion-negative",
            patched(
                shell("error-completion", "sleep 1"),
                json!({"max_completion_time": {"nanoseconds": -5}}),
            ),
            "Task's `max_completion_time` must be non-negative",
        ),
    ]
}

fn check_errors() -> Vec<Check> {
    let checked = |id: &str, field: &str, check: Value| {
        let mut task = shell(id, "sleep 1");
        task[field] = check;
        task
    };
    vec![
        error(
            "task.error.health-check-without-http",
            "an HTTP health check says what to ask for",
            "golden 03-task-errors/plain/32-health-check-bad",
            checked("error-health", "health_check", json!({"type": "HTTP"})),
            "Task uses invalid health check: Expecting 'http' to be set for HTTP health check",
        ),
        error(
            "task.error.health-check-without-command",
            "a command health check says what to run",
            "src/common/validation.cpp, validateHealthCheck",
            checked("error-health-command", "health_check", json!({"type": "COMMAND"})),
            "Task uses invalid health check: Expecting 'command' to be set for COMMAND health check",
        ),
        error(
            "task.error.check-without-command",
            "a command check says what to run",
            "golden 03-task-errors/plain/33-check-bad",
            checked("error-check", "check", json!({"type": "COMMAND"})),
            "Task uses invalid check: Expecting 'command' to be set for COMMAND check",
        ),
        error(
            "task.error.check-negative",
            "times of a check are not negative",
            "golden 03-task-errors/partition-aware/34-check-negative",
            checked(
                "error-check-time",
                "check",
                json!({"type": "COMMAND", "command": {"command": {"value": "true"}}, "interval_seconds": -1}),
            ),
            "Task uses invalid check: Expecting 'interval_seconds' to be non-negative",
        ),
    ]
}

/// An ACCEPT of these offers, which is answered by an update of the task.
fn dropped(
    name: &'static str,
    about: &str,
    source: &'static str,
    is_aware: bool,
    offers: &'static [&'static str],
    message: &'static str,
) -> Check {
    waiting(Check::new(name, about, source, move |site| async move {
        let fleet = if is_aware { site.aware().await? } else { site.plain().await? };
        let id = name.replace('.', "-");
        let mut heard = fleet.watch(&id);
        let agent = site.agent.as_ref().map_or("zz", |agent| &agent.id);
        let task = patched(shell(&id, "sleep 1"), json!({"agent_id": {"value": agent}}));
        let offer_ids: Vec<Value> = offers.iter().map(|id| json!({"value": id})).collect();
        let launch = json!([{"type": "LAUNCH", "launch": {"task_infos": [task]}}]);
        fleet.tell("ACCEPT", json!({"offer_ids": offer_ids, "operations": launch})).await?;
        let state = if is_aware { "TASK_DROPPED" } else { "TASK_LOST" };
        let pattern = json!({
            "state": state, "message": message, "source": "SOURCE_MASTER", "reason": "REASON_INVALID_OFFERS",
            "agent_id": {"value": agent}, "uuid": "<none>",
        });
        heard.hears(pattern).await.map(drop)
    }))
}

fn offer_errors() -> Vec<Check> {
    vec![
        dropped(
            "task.offer.unknown",
            "a task on an offer that is not there is dropped",
            "golden 03-task-errors/partition-aware/02-unknown-offer",
            true,
            &["nope"],
            "Task launched with invalid offers: Offer nope is no longer valid",
        ),
        dropped(
            "task.offer.unknown-plain",
            "without PARTITION_AWARE such a task is lost",
            "golden 03-task-errors/plain/02-unknown-offer",
            false,
            &["nope"],
            "Task launched with invalid offers: Offer nope is no longer valid",
        ),
        dropped(
            "task.offer.none",
            "a task on no offer at all is dropped",
            "golden 03-task-errors/partition-aware/03-no-offers",
            true,
            &[],
            "Task launched with invalid offers: No offers specified",
        ),
        waiting(Check::new(
            "task.offer.used",
            "an offer can be used once",
            "golden 03-task-errors/partition-aware/04-used-offer; src/master/validation.cpp, offer::validate",
            used_offer,
        )),
    ]
}

async fn used_offer(site: Arc<Site>) -> Outcome {
    let fleet = site.aware().await?;
    let offer = fleet.accept(0, |_| Vec::new()).await?;
    let mut heard = fleet.watch("offer-used");
    let task = named(&shell("offer-used", "sleep 1"), &fleet.id, &offer);
    let launch = json!([{"type": "LAUNCH", "launch": {"task_infos": [task]}}]);
    fleet.tell("ACCEPT", json!({"offer_ids": [offer["id"]], "operations": launch})).await?;
    let id = offer["id"]["value"].as_str().unwrap_or_default();
    let message = format!("Task launched with invalid offers: Offer {id} is no longer valid");
    heard.hears(json!({"state": "TASK_DROPPED", "message": message})).await.map(drop)
}

/// A group of tasks of which each is told this.
fn bad_group(
    name: &'static str,
    about: &str,
    source: &'static str,
    executor: Value,
    bad: Option<Value>,
    message: &'static str,
) -> Check {
    waiting(Check::new(name, about, source, move |site| {
        let (executor, bad) = (executor.clone(), bad.clone());
        async move {
            let fleet = site.plain().await?;
            let ids = [1, 2].map(|at| format!("{}-{at}", name.replace('.', "-")));
            let mut heard = [fleet.watch(&ids[0]), fleet.watch(&ids[1])];
            let framework = fleet.id.clone();
            let mut tasks = ids.each_ref().map(|id| shell(id, "true"));
            if let Some(bad) = bad {
                tasks[1] = patched(tasks[1].clone(), bad);
            }
            fleet.accept(3, move |offer| vec![named(&group(&executor, &tasks), &framework, offer)]).await?;
            for heard in &mut heard {
                let seen = heard.next().await?;
                let pattern = json!({
                    "state": "TASK_ERROR", "message": message, "source": "SOURCE_MASTER",
                    "reason": "REASON_TASK_GROUP_INVALID",
                });
                fitting(&pattern, &seen)?;
            }
            Ok(())
        }
    }))
}

fn group_errors() -> Vec<Check> {
    let negative = json!({"resources": [scalar("cpus", -1.0), scalar("mem", 32.0)]});
    let executor = default_executor("bad-group");
    vec![
        bad_group(
            "task.group.executor-with-command",
            "the default executor has no command",
            "golden 03-task-errors/partition-aware/53-launch_group-executor-with-command",
            patched(executor.clone(), json!({"command": {"value": "x"}})),
            None,
            "'ExecutorInfo.command' must not be set for 'DEFAULT' executor",
        ),
        bad_group(
            "task.group.executor-without-framework",
            "the executor of a group says whose it is",
            "golden 03-task-errors/partition-aware/54-launch_group-executor-no-resources",
            patched(executor.clone(), json!({"framework_id": null})),
            None,
            "'ExecutorInfo.framework_id' must be set",
        ),
        bad_group(
            "task.group.one-bad",
            "one bad task spoils its group: all are told so",
            "golden 03-task-errors/partition-aware/55-launch_group-one-bad",
            executor.clone(),
            Some(negative),
            "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0",
        ),
        bad_group(
            "task.group.executor-without-type",
            "the executor of a group says of which type it is",
            "golden 15-task-groups/12-err-executor-no-type",
            patched(executor.clone(), json!({"type": null})),
            None,
            "'ExecutorInfo.type' must be set",
        ),
        bad_group(
            "task.group.executor-of-unknown-type",
            "an executor of type UNKNOWN runs nothing",
            "golden 15-task-groups/17-err-type-unknown",
            patched(executor.clone(), json!({"type": "UNKNOWN"})),
            None,
            "Unknown executor type",
        ),
        bad_group(
            "task.group.executor-without-cpus",
            "the executor of a group has CPUs of its own",
            "golden 15-task-groups/01-SUBSCRIBE-stream; src/master/validation.cpp, group::internal::validateExecutor",
            patched(executor.clone(), json!({"resources": null})),
            None,
            "Executor 'bad-group' uses less CPUs (None) than the minimum required (0.01)",
        ),
        bad_group(
            "task.group.executor-without-memory",
            "the executor of a group has memory of its own",
            "src/master/validation.cpp, group::internal::validateExecutor",
            patched(executor.clone(), json!({"resources": [scalar("cpus", 0.02)]})),
            None,
            "Executor 'bad-group' uses less memory (None) than the minimum required (32MB)",
        ),
        bad_group(
            "task.group.executor-without-disk",
            "the executor of a group has disk of its own",
            "src/master/validation.cpp, group::internal::validateExecutor",
            patched(executor, json!({"resources": resources()})),
            None,
            "Executor 'bad-group' uses no disk",
        ),
    ]
}
