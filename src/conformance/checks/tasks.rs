//! The life of tasks: their states in order, how they end, kills, reconciliation, checks, pods, and updates that nobody
//! acknowledges.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Lane, Miss, Need, Outcome},
    expect::fitting,
    fleet::{Watch, named},
    site::Site,
    task::{bare, default_executor, group, patched, shell},
};

/// What never ends by itself within a run.
const SLEEPS: &str = "exec sleep 1000";

pub fn checks() -> Vec<Check> {
    let all = [life(), kills(), reconciliation(), health(), pods(), updates()];
    let waiting = |check: Check| check.needing(Need::Offers).in_lane(Lane::Events);
    all.into_iter().flatten().map(waiting).collect()
}

/// A task of the plain framework that runs this, and ends so.
fn ends(name: &'static str, about: &str, source: &'static str, command: Value, end: Value) -> Check {
    Check::new(name, about, source, move |site: Arc<Site>| {
        let (command, end) = (command.clone(), end.clone());
        async move {
            let task = patched(bare(&name.replace('.', "-")), json!({"command": command}));
            let mut heard = site.plain().await?.launch(task).await?;
            heard.running().await?;
            heard.hears(end).await.map(drop)
        }
    })
}

fn life() -> Vec<Check> {
    let ended = |state: &str, message: &str| json!({"state": state, "message": message, "source": "SOURCE_EXECUTOR", "reason": "<none>", "uuid": "<any>"});
    vec![
        Check::new(
            "task.life.fields",
            "an update says which task, whence, on which agent, by which executor, in which container, and when",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream; docs/scheduler-http-api.md",
            fields,
        ),
        ends(
            "task.life.finished",
            "a command that exits with 0 has finished",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream; docs/task-state-reasons.md",
            json!({"value": "true"}),
            ended("TASK_FINISHED", "Command exited with status 0"),
        ),
        ends(
            "task.life.failed",
            "a command that exits with another code has failed, and the code is told",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            json!({"value": "exit 3"}),
            ended("TASK_FAILED", "Command exited with status 3"),
        ),
        ends(
            "task.life.signalled",
            "a command that a signal ends has failed, and the signal is told",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            json!({"value": "kill -9 $$"}),
            ended("TASK_FAILED", "Command terminated with signal Killed"),
        ),
        ends(
            "task.life.not-found",
            "a command that the shell does not find ends with 127",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            json!({"value": "mesoslab-there-is-no-such-command"}),
            ended("TASK_FAILED", "Command exited with status 127"),
        ),
        ends(
            "task.life.arguments",
            "without a shell the arguments are taken as they are, the first of them as the name",
            "include/mesos/v1/mesos.proto, CommandInfo",
            json!({"shell": false, "value": "/bin/sh", "arguments": ["sh", "-c", "exit 5"]}),
            ended("TASK_FAILED", "Command exited with status 5"),
        ),
        ends(
            "task.life.environment",
            "a command has the variables of its environment",
            "include/mesos/v1/mesos.proto, Environment",
            json!({
                "value": "exit $CODE",
                "environment": {"variables": [{"name": "CODE", "value": "7"}]},
            }),
            ended("TASK_FAILED", "Command exited with status 7"),
        ),
        ends(
            "task.life.sandbox",
            "a command runs in its sandbox, and knows it",
            "docs/sandbox.md; docs/executor-http-api.md",
            json!({"value": "test -d \"$MESOS_SANDBOX\" && test \"$(pwd -P)\" = \"$(cd \"$MESOS_SANDBOX\" && pwd -P)\""}),
            ended("TASK_FINISHED", "Command exited with status 0"),
        ),
        Check::new(
            "task.life.id-with-space",
            "a task's id may have a space",
            "golden 03-task-errors/plain/22-task-id-space",
            async |site: Arc<Site>| {
                let mut heard = site.plain().await?.launch(shell("with space", "true")).await?;
                heard.running().await?;
                heard.hears(json!({"state": "TASK_FINISHED"})).await.map(drop)
            },
        ),
        Check::new(
            "task.life.container-status",
            "the container and the pid of the executor stay the same from update to update",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            container_status,
        ),
        Check::new(
            "task.life.seen-by-operator",
            "GET_TASKS shows a running task with its resources and all states so far",
            "golden 04-master-api-v1/14-GET_STATE; docs/operator-http-api.md",
            seen_by_operator,
        ),
        Check::new(
            "task.life.completed",
            "a task that has ended is among the completed ones",
            "golden 04-master-api-v1/95-GET_STATE-after-kills; docs/operator-http-api.md",
            completed,
        ),
    ]
}

async fn fields(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.launch(shell("life-fields", "true")).await?;
    for state in ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] {
        let status = json!({
            "task_id": {"value": "life-fields"}, "state": state, "source": "SOURCE_EXECUTOR",
            "agent_id": {"value": "<any>"}, "executor_id": {"value": "life-fields"}, "timestamp": "<any>",
            "uuid": "~[A-Za-z0-9+/]{22}==",
            "container_status": {"container_id": {"value": "~[0-9a-f-]{36}"}, "executor_pid": "<any>", "network_infos": "<any>"},
        });
        heard.hears(status).await?;
    }
    Ok(())
}

async fn container_status(site: Arc<Site>) -> Outcome {
    let mut heard = site.plain().await?.launch(shell("life-container", "true")).await?;
    let first = heard.hears(json!({"state": "TASK_STARTING"})).await?;
    let second = heard.hears(json!({"state": "TASK_RUNNING"})).await?;
    let of = |status: &Value| {
        json!([status["container_status"]["container_id"], status["container_status"]["executor_pid"]])
    };
    fitting(&of(&first), &of(&second))
}

/// Of a list of tasks that of this id and framework.
fn of_list(list: &Value, id: &str, framework: &str) -> Value {
    let is_it = |task: &&Value| task["task_id"]["value"] == id && task["framework_id"]["value"] == framework;
    let found = list.as_array().into_iter().flatten().find(is_it);
    found.cloned().unwrap_or_else(|| json!("the task is not there"))
}

async fn seen_by_operator(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.launch(shell("life-seen", SLEEPS)).await?;
    heard.running().await?;
    let tasks = super::operator_get(&site, "GET_TASKS").await?;
    heard.kill().await?;
    let seen = of_list(&tasks["tasks"], "life-seen", &fleet.id);
    let pattern = json!({
        "name": "life-seen", "state": "TASK_RUNNING", "agent_id": {"value": "<any>"},
        "statuses": [{"state": "TASK_STARTING"}, {"state": "TASK_RUNNING"}],
        "resources": [
            {"name": "cpus", "scalar": {"value": 0.02}, "allocation_info": {"role": site.options.role}},
            {"name": "mem", "scalar": {"value": 32.0}, "allocation_info": {"role": site.options.role}},
        ],
    });
    fitting(&pattern, &seen)
}

async fn completed(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.launch(shell("life-completed", "true")).await?;
    heard.running().await?;
    heard.hears(json!({"state": "TASK_FINISHED"})).await?;
    // The task moves when its last update is acknowledged.
    let found = site
        .within(async {
            loop {
                let tasks = super::operator_get(&site, "GET_TASKS").await?;
                let seen = of_list(&tasks["completed_tasks"], "life-completed", &fleet.id);
                if seen.is_object() {
                    return Ok(seen);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    let seen = found.unwrap_or_else(|late| Err(Miss::fail("the task among the completed ones", late)))?;
    fitting(&json!({"state": "TASK_FINISHED"}), &seen)
}

fn kills() -> Vec<Check> {
    vec![
        Check::new(
            "task.kill.terminated",
            "KILL sends a TERM, and the task is told killed",
            "golden 01-scheduler-json/01-SUBSCRIBE-stream",
            async |site: Arc<Site>| {
                let mut heard = site.plain().await?.launch(shell("kill-term", SLEEPS)).await?;
                heard.running().await?;
                heard.kill().await?;
                let message = "Command terminated with signal Terminated";
                let end = json!({"state": "TASK_KILLED", "message": message, "source": "SOURCE_EXECUTOR"});
                heard.hears(end).await.map(drop)
            },
        ),
        Check::new(
            "task.kill.killing",
            "a framework with TASK_KILLING_STATE hears TASK_KILLING before",
            "golden 14-task-features/01-SUBSCRIBE-stream; docs/task-state-reasons.md",
            async |site: Arc<Site>| {
                let mut heard = site.aware().await?.launch(shell("kill-killing", SLEEPS)).await?;
                heard.running().await?;
                heard.kill().await?;
                heard.hears(json!({"state": "TASK_KILLING", "source": "SOURCE_EXECUTOR"})).await?;
                heard.hears(json!({"state": "TASK_KILLED"})).await.map(drop)
            },
        ),
        Check::new(
            "task.kill.grace",
            "a command that ignores the TERM gets a KILL when the grace period of its kill policy is over",
            "golden 14-task-features/01-SUBSCRIBE-stream; include/mesos/v1/mesos.proto, KillPolicy",
            grace,
        ),
        Check::new(
            "task.kill.grace-of-the-call",
            "the kill policy of KILL goes before that of the task",
            "include/mesos/v1/scheduler/scheduler.proto, Kill; src/launcher/executor.cpp",
            grace_of_the_call,
        ),
        Check::new(
            "task.kill.unknown",
            "KILL of an unknown task is answered with TASK_LOST",
            "golden 01-scheduler-json/22-KILL-unknown-task",
            async |site: Arc<Site>| {
                let fleet = site.plain().await?;
                let mut heard = fleet.watch("kill-unknown").reconciled();
                heard.kill().await?;
                let pattern = json!({
                    "state": "TASK_LOST", "message": "Reconciliation: Task is unknown", "source": "SOURCE_MASTER",
                    "reason": "REASON_RECONCILIATION", "uuid": "<none>",
                });
                heard.hears(pattern).await.map(drop)
            },
        ),
        Check::new(
            "task.kill.unknown-aware",
            "with PARTITION_AWARE it is answered with TASK_UNKNOWN",
            "src/master/master.cpp, Master::kill and Master::reconcileTask; docs/high-availability-framework-guide.md",
            async |site: Arc<Site>| {
                let fleet = site.aware().await?;
                let mut heard = fleet.watch("kill-unknown").reconciled();
                heard.kill().await?;
                heard
                    .hears(json!({"state": "TASK_UNKNOWN", "reason": "REASON_RECONCILIATION"}))
                    .await
                    .map(drop)
            },
        ),
    ]
}

/// A command that TERM does not end; it says in its sandbox when it ignores it, so nobody kills it before.
const STUBBORN: &str = "trap '' TERM; while :; do sleep 0.1; done";

async fn stubborn(site: &Arc<Site>, id: &str, policy: Value) -> Outcome<Watch> {
    let checked = json!({
        "check": {
            "type": "COMMAND", "command": {"command": {"value": "true"}}, "interval_seconds": 0.1,
            "delay_seconds": 0.3,
        },
        "kill_policy": policy,
    });
    let mut heard = site.plain().await?.launch(patched(shell(id, STUBBORN), checked)).await?;
    heard.running().await?;
    // The first result of the check: by then the trap is set.
    heard.hears(json!({"state": "TASK_RUNNING", "reason": "REASON_TASK_CHECK_STATUS_UPDATED"})).await?;
    Ok(heard)
}

async fn killed_hard(heard: &mut Watch) -> Outcome {
    let message = "Command terminated with signal Killed";
    heard.hears(json!({"state": "TASK_KILLED", "message": message})).await.map(drop)
}

async fn grace(site: Arc<Site>) -> Outcome {
    let policy = json!({"grace_period": {"nanoseconds": 3_000_000_000_i64}});
    let mut heard = stubborn(&site, "kill-grace", policy).await?;
    heard.kill().await?;
    heard.silence(Duration::from_millis(1500)).await?;
    killed_hard(&mut heard).await
}

async fn grace_of_the_call(site: Arc<Site>) -> Outcome {
    let policy = json!({"grace_period": {"nanoseconds": 100_000_000_000_i64}});
    let mut heard = stubborn(&site, "kill-grace-of-call", policy).await?;
    let sooner = json!({"grace_period": {"nanoseconds": 200_000_000}});
    heard.fleet.tell("KILL", json!({"task_id": {"value": heard.id}, "kill_policy": sooner})).await?;
    killed_hard(&mut heard).await
}

/// RECONCILE of one task that is not there.
fn unknown(
    name: &'static str,
    about: &str,
    source: &'static str,
    is_aware: bool,
    agent: Option<&'static str>,
    status: Value,
) -> Check {
    Check::new(name, about, source, move |site: Arc<Site>| {
        let status = status.clone();
        async move {
            let fleet = if is_aware { site.aware().await? } else { site.plain().await? };
            let id = name.replace('.', "-");
            let mut heard = fleet.watch(&id).reconciled();
            let mut task = json!({"task_id": {"value": id}});
            if let Some(agent) = agent {
                let known = site.agent().ok().map_or("?", |agent| agent.id.as_str());
                task["agent_id"] = json!({"value": agent.replace("$AGENT", known)});
            }
            fleet.tell("RECONCILE", json!({"tasks": [task]})).await?;
            heard.hears(status).await.map(drop)
        }
    })
}

fn reconciliation() -> Vec<Check> {
    let told = |state: &str, message: &str| {
        json!({
            "state": state, "message": message, "source": "SOURCE_MASTER", "reason": "REASON_RECONCILIATION",
            "uuid": "<none>", "timestamp": "<any>",
        })
    };
    vec![
        Check::new(
            "reconcile.known",
            "RECONCILE of a known task tells its latest state, without a uuid",
            "golden 01-scheduler-json/05-RECONCILE-explicit; docs/reconciliation.md",
            reconcile_known,
        ),
        Check::new(
            "reconcile.implicit",
            "RECONCILE without tasks tells of all that are not over",
            "golden 01-scheduler-json/06-RECONCILE-implicit; docs/reconciliation.md",
            reconcile_all,
        ),
        unknown(
            "reconcile.unknown",
            "a task that nobody knows is lost",
            "golden 01-scheduler-json/05-RECONCILE-explicit; docs/reconciliation.md",
            false,
            None,
            told("TASK_LOST", "Reconciliation: Task is unknown"),
        ),
        unknown(
            "reconcile.unknown-agent",
            "a task on an agent that nobody knows is lost",
            "golden 01-scheduler-json/05-RECONCILE-explicit; docs/reconciliation.md",
            false,
            Some("no-such-agent"),
            told("TASK_LOST", "Reconciliation: Task is unknown"),
        ),
        unknown(
            "reconcile.unknown-aware",
            "with PARTITION_AWARE a task that nobody knows is unknown",
            "docs/reconciliation.md; docs/high-availability-framework-guide.md",
            true,
            None,
            told("TASK_UNKNOWN", "Reconciliation: Task is unknown"),
        ),
        unknown(
            "reconcile.unknown-to-agent",
            "a task that its registered agent does not know is lost, and the text says so",
            "golden 01-scheduler-json/05-RECONCILE-explicit; docs/reconciliation.md",
            false,
            Some("$AGENT"),
            told("TASK_LOST", "Reconciliation: Task is unknown to the agent"),
        )
        .needing(Need::Agent),
        unknown(
            "reconcile.unknown-to-agent-aware",
            "with PARTITION_AWARE a task that its registered agent does not know is gone",
            "docs/high-availability-framework-guide.md; src/master/master.cpp, Master::reconcileTask",
            true,
            Some("$AGENT"),
            told("TASK_GONE", "Reconciliation: Task is unknown to the agent"),
        )
        .needing(Need::Agent),
    ]
}

async fn reconcile_known(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.launch(shell("reconcile-known", SLEEPS)).await?.reconciled();
    let running = heard.running().await?;
    fleet.tell("RECONCILE", json!({"tasks": [{"task_id": {"value": "reconcile-known"}}]})).await?;
    let told = json!({
        "state": "TASK_RUNNING", "message": "Reconciliation: Latest task state", "source": "SOURCE_MASTER",
        "reason": "REASON_RECONCILIATION", "agent_id": running["agent_id"], "uuid": "<none>",
        "container_status": {"container_id": running["container_status"]["container_id"]},
    });
    heard.hears(told).await?;
    heard.kill().await
}

async fn reconcile_all(site: Arc<Site>) -> Outcome {
    let fleet = site.aware().await?;
    let mut heard = fleet.launch(shell("reconcile-all", SLEEPS)).await?.reconciled();
    heard.running().await?;
    fleet.tell("RECONCILE", json!({"tasks": []})).await?;
    heard
        .hears(json!({"state": "TASK_RUNNING", "reason": "REASON_RECONCILIATION", "uuid": "<none>"}))
        .await?;
    heard.kill().await
}

/// A task with a check of its health or state; `SLEEPS` unless the line says otherwise.
fn checked(id: &str, field: &str, check: Value) -> Value {
    let mut task = shell(id, SLEEPS);
    task[field] = check;
    task
}

fn health() -> Vec<Check> {
    let command = |line: &str| json!({"value": line});
    vec![
        Check::new(
            "task.health.healthy",
            "the first success of a health check is told with its reason",
            "golden 14-task-features/01-SUBSCRIBE-stream; docs/health-checks.md",
            move |site: Arc<Site>| async move {
                let check = json!({
                    "type": "COMMAND", "command": command("true"), "interval_seconds": 0.2, "delay_seconds": 0,
                });
                let mut heard =
                    site.plain().await?.launch(checked("health-ok", "health_check", check)).await?;
                heard.running().await?;
                let told = json!({
                    "state": "TASK_RUNNING", "healthy": true, "reason": "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
                });
                heard.hears(told).await?;
                heard.kill().await
            },
        ),
        Check::new(
            "task.health.unhealthy",
            "after consecutive failures the task is killed, and each failure is told",
            "golden 14-task-features/01-SUBSCRIBE-stream; docs/health-checks.md",
            unhealthy,
        ),
        Check::new(
            "task.check.results",
            "a check's result is told whenever it changes; before the first there is an empty one",
            "golden 14-task-features/01-SUBSCRIBE-stream; docs/health-checks.md",
            check_results,
        ),
        Check::new(
            "task.check.tcp",
            "a TCP check to a port where nobody listens has not succeeded",
            "golden 14-task-features/01-SUBSCRIBE-stream; docs/health-checks.md",
            async |site: Arc<Site>| {
                let check =
                    json!({"type": "TCP", "tcp": {"port": 1}, "interval_seconds": 0.5, "delay_seconds": 0});
                let mut heard = site.plain().await?.launch(checked("check-tcp", "check", check)).await?;
                heard
                    .hears(json!({"state": "TASK_STARTING", "check_status": {"type": "TCP", "tcp": {}}}))
                    .await?;
                heard.hears(json!({"state": "TASK_RUNNING"})).await?;
                let told = json!({
                    "state": "TASK_RUNNING", "reason": "REASON_TASK_CHECK_STATUS_UPDATED",
                    "check_status": {"type": "TCP", "tcp": {"succeeded": false}},
                });
                heard.hears(told).await?;
                heard.kill().await
            },
        ),
        Check::new(
            "task.max-completion-time",
            "a task that runs longer than it may is ended, and told failed with its reason",
            "golden 14-task-features/01-SUBSCRIBE-stream; include/mesos/v1/mesos.proto, TaskInfo",
            async |site: Arc<Site>| {
                let limit = json!({"max_completion_time": {"nanoseconds": 500_000_000}});
                let mut heard =
                    site.plain().await?.launch(patched(shell("max-completion", SLEEPS), limit)).await?;
                heard.running().await?;
                let end = json!({
                    "state": "TASK_FAILED", "reason": "REASON_MAX_COMPLETION_TIME_REACHED",
                    "message": "Command terminated with signal Terminated", "source": "SOURCE_EXECUTOR",
                });
                heard.hears(end).await.map(drop)
            },
        ),
    ]
}

async fn unhealthy(site: Arc<Site>) -> Outcome {
    let check = json!({
        "type": "COMMAND", "command": {"value": "false"}, "interval_seconds": 0.2, "delay_seconds": 0,
        "grace_period_seconds": 0, "consecutive_failures": 2,
    });
    let mut heard = site.plain().await?.launch(checked("health-bad", "health_check", check)).await?;
    heard.running().await?;
    let told = json!({
        "state": "TASK_RUNNING", "healthy": false, "reason": "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
    });
    heard.hears(told.clone()).await?;
    heard.hears(told).await?;
    heard.hears(json!({"state": "TASK_KILLED", "healthy": false})).await.map(drop)
}

async fn check_results(site: Arc<Site>) -> Outcome {
    let line = "test -e here && exit 0; touch here; exit 1";
    let check = json!({
        "type": "COMMAND", "command": {"command": {"value": line}}, "interval_seconds": 0.3, "delay_seconds": 0,
    });
    let mut heard = site.plain().await?.launch(checked("check-results", "check", check)).await?;
    let none = json!({"type": "COMMAND", "command": {"exit_code": "<none>"}});
    heard.hears(json!({"state": "TASK_STARTING", "check_status": none})).await?;
    heard.hears(json!({"state": "TASK_RUNNING", "check_status": none})).await?;
    for code in [1, 0] {
        let told = json!({
            "state": "TASK_RUNNING", "reason": "REASON_TASK_CHECK_STATUS_UPDATED",
            "check_status": {"type": "COMMAND", "command": {"exit_code": code}},
        });
        heard.hears(told).await?;
    }
    heard.kill().await
}

fn pods() -> Vec<Check> {
    vec![
        Check::new(
            "task.pod.finishes",
            "the tasks of a pod each start, run and finish by themselves",
            "golden 15-task-groups/02-LAUNCH_GROUP-both-finish; docs/nested-container-and-task-group.md",
            async |site: Arc<Site>| {
                let mut heard = pod(&site, false, "pod-ok", ["true", "true"]).await?;
                for heard in &mut heard {
                    heard.running().await?;
                    let end = json!({"state": "TASK_FINISHED", "message": "Command exited with status 0"});
                    heard.hears(end).await?;
                }
                Ok(())
            },
        ),
        Check::new(
            "task.pod.one-fails",
            "when a task of a pod fails, the others are killed",
            "golden 15-task-groups/03-LAUNCH_GROUP-one-fails; docs/nested-container-and-task-group.md",
            async |site: Arc<Site>| {
                let mut heard = pod(&site, true, "pod-fails", ["sleep 0.5; exit 4", SLEEPS]).await?;
                for heard in &mut heard {
                    heard.running().await?;
                }
                heard[0]
                    .hears(json!({"state": "TASK_FAILED", "message": "Command exited with status 4"}))
                    .await?;
                heard[1].hears(json!({"state": "TASK_KILLING"})).await?;
                let message = "Command terminated with signal Terminated";
                heard[1].hears(json!({"state": "TASK_KILLED", "message": message})).await.map(drop)
            },
        ),
        Check::new(
            "task.pod.one-killed",
            "when a task of a pod is killed, the others are killed too",
            "golden 15-task-groups/01-SUBSCRIBE-stream",
            async |site: Arc<Site>| {
                let mut heard = pod(&site, true, "pod-killed", [SLEEPS, SLEEPS]).await?;
                for heard in &mut heard {
                    heard.running().await?;
                }
                heard[0].kill().await?;
                for heard in &mut heard {
                    heard.hears(json!({"state": "TASK_KILLING"})).await?;
                    heard.hears(json!({"state": "TASK_KILLED"})).await?;
                }
                Ok(())
            },
        ),
        Check::new(
            "task.pod.one-executor",
            "the tasks of a pod share one executor, and each has a container below its",
            "golden 15-task-groups/01-SUBSCRIBE-stream; docs/nested-container-and-task-group.md",
            async |site: Arc<Site>| {
                let mut heard = pod(&site, false, "pod-shares", ["true", "true"]).await?;
                let one = heard[0].running().await?;
                let two = heard[1].running().await?;
                let parent = |status: &Value| {
                    json!([status["executor_id"], status["container_status"]["container_id"]["parent"]])
                };
                fitting(&json!([{"value": "pod-shares"}, {"value": "<any>"}]), &parent(&one))?;
                fitting(&parent(&one), &parent(&two))
            },
        ),
    ]
}

/// Launches a pod of two tasks, `ID-1` and `ID-2`.
pub(super) async fn pod(site: &Arc<Site>, is_aware: bool, id: &str, lines: [&str; 2]) -> Outcome<[Watch; 2]> {
    let fleet = if is_aware { site.aware().await? } else { site.plain().await? };
    let ids = [format!("{id}-1"), format!("{id}-2")];
    let heard = ids.each_ref().map(|id| fleet.watch(id));
    let tasks = [shell(&ids[0], lines[0]), shell(&ids[1], lines[1])];
    let operation = group(&default_executor(id), &tasks);
    let framework = fleet.id.clone();
    fleet.accept(3, move |offer| vec![named(&operation, &framework, offer)]).await?;
    Ok(heard)
}

fn updates() -> Vec<Check> {
    vec![
        Check::new(
            "task.update.retried",
            "an update that nobody acknowledges comes again after 10 seconds, and the next one waits for it",
            "golden 11-update-retries/01-SUBSCRIBE-stream; docs/scheduler-http-api.md",
            retried,
        ),
        Check::new(
            "task.update.acknowledged-once",
            "an acknowledged update does not come again",
            "golden 01-scheduler-json/03-ACKNOWLEDGE-STARTING; docs/scheduler-http-api.md",
            async |site: Arc<Site>| {
                let mut heard = site.plain().await?.launch(shell("update-once", SLEEPS)).await?;
                heard.running().await?;
                let again = tokio::time::timeout(Duration::from_secs(12), heard.any()).await;
                heard.kill().await?;
                match again {
                    Err(_) => Ok(()),
                    Ok(update) => Err(Miss::fail("nothing for 12 s", update?.to_string())),
                }
            },
        ),
    ]
}

async fn retried(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    fleet.be_silent_about("update-retried");
    let mut heard = fleet.launch(shell("update-retried", SLEEPS)).await?;
    let first = heard.any().await?;
    fitting(&json!({"state": "TASK_STARTING"}), &first)?;
    let early = tokio::time::timeout(Duration::from_secs(7), heard.any()).await;
    if let Ok(update) = early {
        return Err(Miss::fail("nothing for 7 s", update?.to_string()));
    }
    let second = heard.any().await?;
    heard.kill().await?;
    fitting(&json!({"state": "TASK_STARTING", "uuid": first["uuid"]}), &second)
}
