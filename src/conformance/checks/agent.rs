//! The v1 API of an agent: its door, what it tells of itself and of tasks, and files of sandboxes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::told;
use crate::conformance::{
    check::{Check, Lane, Need, Outcome, to_agent as on},
    expect::{Expect, fitting, json as answered, refused, status},
    fleet::Watch,
    http::{get, post},
    site::{Peer, Site},
    task::shell,
};

const PATH: &str = "/api/v1";

pub fn checks() -> Vec<Check> {
    [door(), answers(), files(), tasks()].into_iter().flatten().collect()
}

fn door() -> Vec<Check> {
    let health = || post(PATH).text(r#"{"type":"GET_HEALTH"}"#);
    let no_type = "Failed to validate agent::Call: Expecting 'type' to be present";
    let typeless = |name, about: &str, source, call: &str| {
        on(name, about, source, post(PATH).text(call), refused(400, no_type))
    };
    vec![
        on(
            "agent.http.get",
            "GET is refused, and the answer says what is allowed",
            "golden 07-agent-legacy/41-GET-api_v1",
            get(PATH),
            refused(405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.")
                .header("Allow", "POST"),
        ),
        on(
            "agent.http.no-content-type",
            "a call must say what its body is",
            "src/slave/http.cpp, Http::api",
            health().without("Content-Type"),
            refused(400, "Expecting 'Content-Type' to be present"),
        ),
        on(
            "agent.http.accept-html",
            "whoever wants web pages gets none here; an agent also speaks RecordIO",
            "golden 06-agent-api-v1/34-err-accept-html",
            health().header("Accept", "text/html"),
            refused(406, "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio"),
        ),
        on(
            "agent.http.half-json",
            "JSON that ends too soon is refused",
            "golden 06-agent-api-v1/32-err-malformed",
            post(PATH).text("{"),
            refused(400, "Failed to parse body into JSON: syntax error at line 1 near: "),
        ),
        typeless(
            "agent.call.no-type",
            "a call must say which it is",
            "golden 06-agent-api-v1/29-err-empty-object",
            "{}",
        ),
        typeless(
            "agent.call.unknown-type",
            "a type that is not known counts as none",
            "golden 06-agent-api-v1/30-err-unknown-type",
            r#"{"type":"FOO"}"#,
        ),
        typeless(
            "agent.call.of-a-master",
            "an agent does not know the calls of masters",
            "golden 06-agent-api-v1/31-master-call-on-agent",
            r#"{"type":"GET_AGENTS"}"#,
        ),
        on(
            "agent.call.resource-provider-without-body",
            "ADD_RESOURCE_PROVIDER_CONFIG needs its body",
            "golden 06-agent-api-v1/52-ADD_RESOURCE_PROVIDER_CONFIG-no-body",
            post(PATH).text(r#"{"type":"ADD_RESOURCE_PROVIDER_CONFIG"}"#),
            refused(400, "Failed to validate agent::Call: Expecting 'add_resource_provider_config' to be present"),
        ),
        on(
            "executor.call.nobody",
            "a call of the executor API says whose it is",
            "golden 07-agent-legacy/47-POST-api_v1_executor",
            post("/api/v1/executor").text("{}"),
            refused(
                400,
                "Failed to convert JSON into Call protobuf: Missing required fields: executor_id, framework_id",
            ),
        ),
        on(
            "executor.call.unknown-framework",
            "an executor of an unknown framework is refused",
            "golden 07-agent-legacy/48-POST-api_v1_executor",
            post("/api/v1/executor").text(
                r#"{"type":"SUBSCRIBE","executor_id":{"value":"x"},"framework_id":{"value":"y"},"subscribe":{}}"#,
            ),
            refused(400, "Framework cannot be found"),
        ),
    ]
}

fn answers() -> Vec<Check> {
    let answer = |name, about: &str, source, kind: &str, pattern: Value| {
        on(name, about, source, post(PATH).json(&json!({"type": kind})), told(kind, pattern))
    };
    vec![
        answer(
            "agent.get.health",
            "GET_HEALTH says so",
            "golden 06-agent-api-v1/01-GET_HEALTH; docs/operator-http-api.md",
            "GET_HEALTH",
            json!({"get_health": {"healthy": true}}),
        ),
        answer(
            "agent.get.flags",
            "GET_FLAGS lists the flags",
            "golden 06-agent-api-v1/02-GET_FLAGS; docs/operator-http-api.md",
            "GET_FLAGS",
            json!({"get_flags": {"flags": "<any>"}}),
        ),
        answer(
            "agent.get.version",
            "GET_VERSION says which Mesos this is",
            "golden 06-agent-api-v1/03-GET_VERSION; docs/operator-http-api.md",
            "GET_VERSION",
            json!({"get_version": {"version_info": {"version": "~[0-9]+\\.[0-9]+\\.[0-9]+.*"}}}),
        ),
        on(
            "agent.get.agent",
            "GET_AGENT says who it is and what it has",
            "golden 06-agent-api-v1/11-GET_AGENT; docs/operator-http-api.md",
            post(PATH).text(r#"{"type":"GET_AGENT"}"#),
            answered(json!({"type": "GET_AGENT", "get_agent": {"agent_info": {
                "hostname": "<any>", "port": "<any>", "resources": "<any>", "id": {"value": "$AGENT"},
            }}})),
        ),
        answer(
            "agent.get.tasks",
            "GET_TASKS lists tasks by what has become of them",
            "golden 06-agent-api-v1/10-GET_TASKS; docs/operator-http-api.md",
            "GET_TASKS",
            json!({"get_tasks": {"pending_tasks": "<any>", "queued_tasks": "<any>", "launched_tasks": "<any>"}}),
        ),
        answer(
            "agent.get.executors",
            "GET_EXECUTORS is answered",
            "golden 06-agent-api-v1/08-GET_EXECUTORS; docs/operator-http-api.md",
            "GET_EXECUTORS",
            json!({"get_executors": "<any>"}),
        ),
        answer(
            "agent.get.containers",
            "GET_CONTAINERS is answered",
            "golden 06-agent-api-v1/06-GET_CONTAINERS; docs/operator-http-api.md",
            "GET_CONTAINERS",
            json!({"get_containers": "<any>"}),
        ),
        answer(
            "agent.get.resource-providers",
            "GET_RESOURCE_PROVIDERS is answered",
            "golden 06-agent-api-v1/12-GET_RESOURCE_PROVIDERS; docs/operator-http-api.md",
            "GET_RESOURCE_PROVIDERS",
            json!({"get_resource_providers": "<any>"}),
        ),
        answer(
            "agent.get.state",
            "GET_STATE holds tasks, executors and frameworks",
            "golden 15-task-groups/51-agent-GET_STATE; docs/operator-http-api.md",
            "GET_STATE",
            json!({"get_state": {"get_tasks": "<any>", "get_executors": "<any>", "get_frameworks": "<any>"}}),
        ),
        on(
            "agent.get.metrics",
            "GET_METRICS lists metrics",
            "golden 06-agent-api-v1/13-GET_METRICS; docs/operator-http-api.md",
            post(PATH).text(r#"{"type":"GET_METRICS","get_metrics":{}}"#),
            answered(json!({"type": "GET_METRICS", "get_metrics": {"metrics": "<any>"}})),
        ),
    ]
}

fn files() -> Vec<Check> {
    let call = |name, about: &str, source, call: Value, expect: Expect| {
        on(name, about, source, post(PATH).json(&call), expect)
    };
    let not_found = || status(404).header("Content-Type", "text/plain; charset=utf-8").empty();
    vec![
        call(
            "agent.files.list-outside",
            "a directory that is no sandbox is not found, without a word",
            "golden 06-agent-api-v1/21-LIST_FILES-outside",
            json!({"type": "LIST_FILES", "list_files": {"path": "/etc"}}),
            not_found(),
        ),
        call(
            "agent.files.read-unknown",
            "a file that is not there is not found, without a word",
            "golden 06-agent-api-v1/27-READ_FILE-no-such",
            json!({"type": "READ_FILE", "read_file": {"path": "/nope", "offset": 0}}),
            not_found(),
        ),
    ]
}

fn tasks() -> Vec<Check> {
    let checks = [
        Check::new(
            "agent.tasks.launched",
            "GET_TASKS shows a running task among the launched ones, with its states",
            "golden 06-agent-api-v1/10-GET_TASKS",
            launched,
        ),
        Check::new(
            "agent.containers.of-a-task",
            "GET_CONTAINERS shows the container of a task, with the name that the command executor has",
            "golden 06-agent-api-v1/06-GET_CONTAINERS",
            container,
        ),
        Check::new(
            "agent.files.sandbox",
            "LIST_FILES shows stdout and stderr of a task by the path of its framework and executor",
            "golden 06-agent-api-v1/16-LIST_FILES-virtual",
            sandbox,
        ),
        Check::new(
            "agent.files.read",
            "READ_FILE gives what a task has printed, as base64, with the size of the file",
            "golden 06-agent-api-v1/23-READ_FILE-all",
            async |site: Arc<Site>| read(site, "read-all", json!({"offset": 0}), "b3V0Cg==").await,
        ),
        Check::new(
            "agent.files.read-part",
            "READ_FILE gives a part of a file",
            "golden 06-agent-api-v1/24-READ_FILE-length",
            async |site: Arc<Site>| read(site, "read-part", json!({"offset": 1, "length": 2}), "dXQ=").await,
        ),
        Check::new(
            "agent.files.read-beyond",
            "READ_FILE beyond the end gives nothing",
            "golden 06-agent-api-v1/25-READ_FILE-beyond",
            async |site: Arc<Site>| read(site, "read-beyond", json!({"offset": 100_000}), "").await,
        ),
        Check::new(
            "agent.files.read-directory",
            "READ_FILE of a directory is refused",
            "golden 06-agent-api-v1/28-READ_FILE-directory",
            async |site: Arc<Site>| {
                let (heard, directory) = printed(&site, "read-directory").await?;
                let call = json!({"type": "READ_FILE", "read_file": {"path": directory, "offset": 0}});
                let answer = site.ask(Peer::Agent, &post(PATH).json(&call)).await?;
                heard.kill().await?;
                refused(400, "Cannot read a directory.\n").hold(&answer)
            },
        ),
        Check::new(
            "agent.files.browse",
            "/files/browse shows the same with modes as letters",
            "golden 07-agent-legacy/22-GET-files_browse__path=VSANDBOX",
            browse,
        ),
        Check::new(
            "agent.files.read-page",
            "/files/read gives a part of a file as text",
            "golden 07-agent-legacy/28-GET-files_read__path=SANDBOX",
            async |site: Arc<Site>| {
                let path = "/files/read?path=$PATH/stdout&offset=1&length=2";
                page(site, "page-read", path, answered(json!({"data": "ut", "offset": 1}))).await
            },
        ),
        Check::new(
            "agent.files.read-page-odd-offset",
            "/files/read refuses an offset that is no number",
            "golden 07-agent-legacy/29-GET-files_read__path=SANDBOX",
            async |site: Arc<Site>| {
                let said = "Failed to parse offset: Failed to convert 'zz' to number.\n";
                page(site, "page-offset", "/files/read?path=$PATH/stdout&offset=zz", refused(400, said)).await
            },
        ),
        Check::new(
            "agent.files.download-page",
            "/files/download gives a file as it is",
            "src/files/files.cpp, FilesProcess::_download; docs/endpoints/files/download.md",
            async |site: Arc<Site>| {
                let expect = status(200)
                    .header("Content-Type", "application/octet-stream")
                    .header("Content-Disposition", "attachment; filename=stdout")
                    .text("out\n");
                page(site, "page-download", "/files/download?path=$PATH/stdout", expect).await
            },
        ),
        Check::new(
            "agent.files.download-page-directory",
            "/files/download refuses a directory",
            "golden 07-agent-legacy/34-GET-files_download__path=SANDBOX",
            async |site: Arc<Site>| {
                let expect = refused(400, "Cannot download a directory.\n");
                page(site, "page-download-dir", "/files/download?path=$PATH", expect).await
            },
        ),
    ];
    checks
        .into_iter()
        .map(|check| check.needing(Need::Offers).needing(Need::Agent).in_lane(Lane::Events))
        .collect()
}

async fn launched(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.launch(shell("agent-launched", "exec sleep 1000")).await?;
    heard.running().await?;
    let tasks = super::at_v1(&site, Peer::Agent, "GET_TASKS", Value::Null).await?;
    heard.kill().await?;
    let ours = json!({"value": fleet.id});
    let mut list = tasks["launched_tasks"].as_array().into_iter().flatten();
    let seen = list.find(|task| task["name"] == "agent-launched" && task["framework_id"] == ours);
    let pattern = json!({
        "task_id": {"value": "agent-launched"}, "agent_id": {"value": site.agent()?.id}, "state": "TASK_RUNNING",
        "statuses": [{"state": "TASK_STARTING"}, {"state": "TASK_RUNNING"}],
    });
    fitting(&pattern, seen.unwrap_or(&json!("the task is not there")))
}

async fn container(site: Arc<Site>) -> Outcome {
    let fleet = site.plain().await?;
    let mut heard = fleet.launch(shell("agent-container", "exec sleep 1000")).await?;
    let running = heard.running().await?;
    let containers = super::at_v1(&site, Peer::Agent, "GET_CONTAINERS", Value::Null).await?;
    heard.kill().await?;
    let id = &running["container_status"]["container_id"];
    let mut list = containers["containers"].as_array().into_iter().flatten();
    let seen = list.find(|container| container["container_id"] == *id);
    let pattern = json!({
        "framework_id": {"value": fleet.id}, "executor_id": {"value": "agent-container"},
        "executor_name": "Command Executor (Task: agent-container) (Command: sh -c 'exec sleep 1000')",
        "container_status": {"container_id": id, "executor_pid": running["container_status"]["executor_pid"]},
        "resource_statistics": {"timestamp": "<any>"},
    });
    fitting(&pattern, seen.unwrap_or(&json!("the container is not there")))
}

/// A task that has printed `out`, and the path of its sandbox as frameworks know it.
async fn printed(site: &Arc<Site>, id: &str) -> Outcome<(Watch, String)> {
    let fleet = site.plain().await?;
    let check = json!({
        "type": "COMMAND", "command": {"command": {"value": "test -s stdout"}}, "interval_seconds": 0.1,
        "delay_seconds": 0,
    });
    let mut task = shell(id, "echo out; exec sleep 1000");
    task["check"] = check;
    let mut heard = fleet.launch(task).await?;
    heard.running().await?;
    let is_there = json!({"check_status": {"command": {"exit_code": 0}}});
    while !crate::conformance::expect::fits(&is_there, &heard.next().await?) {}
    let path = format!("/frameworks/{}/executors/{id}/runs/latest", fleet.id);
    Ok((heard, path))
}

async fn sandbox(site: Arc<Site>) -> Outcome {
    let (heard, path) = printed(&site, "list-sandbox").await?;
    let files = super::at_v1(&site, Peer::Agent, "LIST_FILES", json!({"path": path})).await;
    heard.kill().await?;
    let file = |name: &str, size: Value| {
        json!({
            "path": format!("{path}/{name}"), "nlink": 1, "size": size, "mtime": {"nanoseconds": "<any>"},
            "mode": "<any>", "uid": "<any>", "gid": "<any>",
        })
    };
    let files = files?;
    let named = |name: &str| {
        let mut list = files["file_infos"].as_array().into_iter().flatten();
        let path = format!("{path}/{name}");
        list.find(|file| file["path"] == *path).cloned().unwrap_or_else(|| json!("it is not there"))
    };
    fitting(&file("stdout", json!(4)), &named("stdout"))?;
    fitting(&file("stderr", json!("<any>")), &named("stderr"))
}

async fn read(site: Arc<Site>, id: &str, part: Value, data: &str) -> Outcome {
    let (heard, path) = printed(&site, id).await?;
    let mut call = part;
    call["path"] = json!(format!("{path}/stdout"));
    let read = super::at_v1(&site, Peer::Agent, "READ_FILE", call).await;
    heard.kill().await?;
    fitting(&json!({"size": 4, "data": data}), &read?)
}

async fn page(site: Arc<Site>, id: &str, target: &str, expect: Expect) -> Outcome {
    let (heard, path) = printed(&site, id).await?;
    let answer = site.ask(Peer::Agent, &get(&target.replace("$PATH", &path))).await;
    heard.kill().await?;
    expect.hold(&answer?)
}

async fn browse(site: Arc<Site>) -> Outcome {
    let (heard, path) = printed(&site, "page-browse").await?;
    let answer = site.ask(Peer::Agent, &get(&format!("/files/browse?path={path}"))).await;
    heard.kill().await?;
    let answer = answer?;
    status(200).header("Content-Type", "application/json").hold(&answer)?;
    let files = answer.json().unwrap_or_default();
    let stdout = format!("{path}/stdout");
    let seen = files.as_array().into_iter().flatten().find(|file| file["path"] == *stdout);
    let pattern = json!({
        "gid": "<any>", "mode": "~-rw.r..r..", "mtime": "<any>", "nlink": 1, "size": 4, "uid": "<any>",
    });
    fitting(&pattern, seen.unwrap_or(&json!("stdout is not there")))
}
