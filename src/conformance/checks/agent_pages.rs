//! The pages of an agent that people and scripts ask by hand.

use serde_json::json;

use crate::conformance::{
    check::{Check, to_agent as on},
    expect::{json as answered, refused, status},
    http::{get, post},
};

pub fn checks() -> Vec<Check> {
    let not_found = |name, about: &str, source, path: &str| {
        on(name, about, source, get(path), refused(404, "404 Not Found."))
    };
    let without_word = || status(404).header("Content-Type", "text/plain; charset=utf-8").empty();
    let path_wanted = || refused(400, "Expecting 'path=value' in query.\n");
    vec![
        on(
            "page.agent.health",
            "/health is 200 without a body",
            "golden 07-agent-legacy/02-GET-health",
            get("/health"),
            status(200).empty(),
        ),
        on(
            "page.agent.version",
            "/version says which Mesos this is",
            "golden 07-agent-legacy/03-GET-version",
            get("/version"),
            answered(json!({"version": "~[0-9]+\\.[0-9]+\\.[0-9]+.*"})),
        ),
        on(
            "page.agent.flags",
            "/flags holds the flags as texts",
            "golden 07-agent-legacy/04-GET-flags",
            get("/flags"),
            answered(json!({"flags": {"work_dir": "<any>", "containerizers": "<any>"}})),
        ),
        on(
            "page.agent.state",
            "/state holds the agent and what runs there",
            "golden 07-agent-legacy/05-GET-state",
            get("/state"),
            answered(json!({
                "version": "<any>", "id": "$AGENT", "pid": "~slave\\([0-9]+\\)@.+", "hostname": "<any>",
                "start_time": "<any>", "capabilities": "<any>", "resources": {"cpus": "<any>", "mem": "<any>"},
                "reserved_resources": "<any>", "unreserved_resources": {"cpus": "<any>"}, "attributes": "<any>",
                "flags": "<any>", "frameworks": "<any>", "completed_frameworks": "<any>",
            })),
        ),
        on(
            "page.agent.state-with-slave",
            "the name of the process may stand before a path",
            "golden 07-agent-legacy/06-GET-slave(1)_state",
            get("/slave(1)/state"),
            answered(json!({"id": "$AGENT"})),
        ),
        on(
            "page.agent.state-jsonp",
            "jsonp wraps a document into a call",
            "golden 07-agent-legacy/44-GET-state__jsonp=cb",
            get("/state?jsonp=cb"),
            status(200).header("Content-Type", "text/javascript").matching("cb\\(\\{.*\\}\\)"),
        ),
        on(
            "page.agent.post-state",
            "a page may be asked by POST",
            "golden 07-agent-legacy/49-POST-state",
            post("/state"),
            answered(json!({"id": "$AGENT"})),
        ),
        on(
            "page.agent.containers",
            "/containers lists containers",
            "golden 07-agent-legacy/08-GET-containers",
            get("/containers"),
            status(200).header("Content-Type", "application/json").matching("\\[.*\\]"),
        ),
        on(
            "page.agent.containers-of-none",
            "/containers of a container that is not there lists nothing",
            "golden 07-agent-legacy/10-GET-containers__container_id=zz",
            get("/containers?container_id=zz"),
            answered(json!([])),
        ),
        on(
            "page.agent.statistics",
            "/monitor/statistics lists what containers use",
            "golden 07-agent-legacy/13-GET-slave(1)_monitor_statistics",
            get("/slave(1)/monitor/statistics"),
            status(200).header("Content-Type", "application/json").matching("\\[.*\\]"),
        ),
        on(
            "page.agent.metrics",
            "/metrics/snapshot holds numbers by name",
            "golden 07-agent-legacy/18-GET-metrics_snapshot; docs/monitoring.md",
            get("/metrics/snapshot"),
            answered(json!({
                "slave/registered": 1.0, "slave/tasks_running": "<any>", "slave/cpus_total": "<any>",
                "slave/uptime_secs": "<any>", "slave/executors_running": "<any>",
            })),
        ),
        on(
            "page.agent.system-stats",
            "/system/stats.json tells of the machine",
            "golden 07-agent-legacy/19-GET-system_stats.json",
            get("/system/stats.json"),
            answered(json!({"cpus_total": "<any>", "mem_total_bytes": "<any>"})),
        ),
        not_found(
            "page.agent.root",
            "there is nothing at the root of an agent",
            "golden 07-agent-legacy/01-GET-root",
            "/",
        ),
        not_found(
            "page.agent.state-json",
            "/state.json went long ago",
            "golden 07-agent-legacy/07-GET-state.json",
            "/state.json",
        ),
        not_found(
            "page.agent.slave-without-number",
            "the process of an agent has a number",
            "golden 07-agent-legacy/17-GET-slave_state",
            "/slave/state",
        ),
        not_found(
            "page.agent.unknown",
            "a page that is not there is not found",
            "golden 07-agent-legacy/43-GET-nope",
            "/nope",
        ),
        not_found(
            "page.agent.browse-json",
            "/files/browse.json went long ago",
            "golden 07-agent-legacy/37-GET-files_browse.json__path=SANDBOX",
            "/files/browse.json?path=x",
        ),
        not_found(
            "page.agent.download-unknown",
            "a file that is not there cannot be downloaded",
            "golden 07-agent-legacy/35-GET-files_download__path=_nope",
            "/files/download?path=/nope",
        ),
        on(
            "page.agent.browse-without-path",
            "/files/browse wants a path",
            "golden 07-agent-legacy/24-GET-files_browse",
            get("/files/browse"),
            path_wanted(),
        ),
        on(
            "page.agent.browse-unknown",
            "what is no sandbox is not found, without a word",
            "golden 07-agent-legacy/23-GET-files_browse__path=_nope",
            get("/files/browse?path=/nope"),
            without_word(),
        ),
        on(
            "page.agent.read-without-path",
            "/files/read wants a path",
            "golden 07-agent-legacy/32-GET-files_read",
            get("/files/read"),
            path_wanted(),
        ),
        on(
            "page.agent.read-unknown",
            "a file that is not there cannot be read",
            "golden 07-agent-legacy/30-GET-files_read__path=_nope&offset=0",
            get("/files/read?path=/nope&offset=0"),
            without_word(),
        ),
        on(
            "page.agent.download-without-path",
            "/files/download wants a path",
            "golden 07-agent-legacy/36-GET-files_download",
            get("/files/download"),
            path_wanted(),
        ),
    ]
}
