//! The pages of the master that people and scripts ask by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Miss, Need, Outcome, to_master as on},
    expect::{fitting, json as answered, refused, short, status},
    framework::{Framework, Info},
    http::{Request, get, post, request},
    site::{Peer, Site},
};

pub fn checks() -> Vec<Check> {
    [documents(), methods(), refusals(), frameworks(), several_masters()].into_iter().flatten().collect()
}

fn documents() -> Vec<Check> {
    let version = json!({"version": "~[0-9]+\\.[0-9]+\\.[0-9]+.*"});
    vec![
        on(
            "page.master.health",
            "/health is 200 without a body",
            "golden 05-master-legacy/95-HEAD-health",
            get("/health"),
            status(200).empty(),
        ),
        on(
            "page.master.version",
            "/version says which Mesos this is",
            "golden 05-master-legacy/13-GET-version",
            get("/version"),
            answered(version.clone()),
        ),
        on(
            "page.master.version-jsonp",
            "jsonp wraps a document into a call",
            "golden 05-master-legacy/75-GET-version__jsonp=cb",
            get("/version?jsonp=cb"),
            status(200).header("Content-Type", "text/javascript").matching("cb\\(\\{.*\\}\\)"),
        ),
        on(
            "page.master.flags",
            "/flags holds the flags as texts",
            "golden 05-master-legacy/14-GET-flags",
            get("/flags"),
            answered(json!({"flags": {"allocation_interval": "<any>", "agent_ping_timeout": "<any>"}})),
        ),
        on(
            "page.master.flags-with-master",
            "the name of the process may stand before a path",
            "golden 05-master-legacy/15-GET-master_flags",
            get("/master/flags"),
            answered(json!({"flags": {"allocation_interval": "<any>"}})),
        ),
        on(
            "page.master.state",
            "/state holds the whole cluster",
            "golden 05-master-legacy/16-GET-state",
            get("/state"),
            answered(json!({
                "version": version["version"], "id": "<any>", "pid": "~master@.+", "hostname": "<any>",
                "capabilities": ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"], "activated_slaves": "<any>",
                "deactivated_slaves": "<any>", "unreachable_slaves": "<any>", "leader": "~master@.+",
                "leader_info": {"id": "<any>", "pid": "~master@.+", "port": "<any>", "hostname": "<any>"},
                "flags": "<any>", "slaves": "<any>", "recovered_slaves": [], "frameworks": "<any>",
                "completed_frameworks": "<any>", "orphan_tasks": [], "unregistered_frameworks": [],
                "start_time": "<any>", "elected_time": "<any>",
            })),
        ),
        on(
            "page.master.state-slash",
            "a slash behind a path changes nothing",
            "golden 05-master-legacy/77-GET-state",
            get("/state/"),
            answered(json!({"version": version["version"]})),
        ),
        on(
            "page.master.state-summary",
            "/state-summary counts the tasks of agents and frameworks",
            "golden 05-master-legacy/20-GET-state-summary",
            get("/state-summary"),
            answered(json!({"hostname": "<any>", "slaves": "<any>", "frameworks": "<any>"})),
        ),
        on(
            "page.master.slaves",
            "/slaves lists the agents",
            "golden 05-master-legacy/22-GET-slaves",
            get("/slaves"),
            answered(json!({"slaves": "<any>", "recovered_slaves": "<any>"})),
        ),
        Check::new(
            "page.master.slave-by-id",
            "/slaves?slave_id=ID lists that agent alone",
            "golden 05-master-legacy/24-GET-slaves__slave_id=ID",
            slave_by_id,
        )
        .needing(Need::Offers),
        on(
            "page.master.frameworks",
            "/frameworks lists the frameworks",
            "golden 05-master-legacy/26-GET-frameworks",
            get("/frameworks"),
            answered(json!({
                "frameworks": "<any>", "completed_frameworks": "<any>", "unregistered_frameworks": [],
            })),
        ),
        on(
            "page.master.tasks",
            "/tasks lists tasks",
            "golden 05-master-legacy/30-GET-tasks",
            get("/tasks"),
            answered(json!({"tasks": "<any>"})),
        ),
        on(
            "page.master.tasks-of-nobody",
            "/tasks of a framework that is not there lists nothing",
            "golden 05-master-legacy/35-GET-tasks__framework_id=ID",
            get("/tasks?framework_id=nobody"),
            answered(json!({"tasks": []})),
        ),
        on(
            "page.master.tasks-odd-limit",
            "a limit that is no number is passed over",
            "golden 05-master-legacy/36-GET-tasks__limit=abc",
            get("/tasks?limit=abc"),
            answered(json!({"tasks": "<any>"})),
        ),
        on(
            "page.master.roles",
            "/roles lists roles",
            "golden 05-master-legacy/38-GET-master_roles",
            get("/roles"),
            answered(json!({"roles": "<any>"})),
        ),
        on(
            "page.master.quota",
            "/quota is a document",
            "golden 05-master-legacy/39-GET-quota",
            get("/quota"),
            answered(json!({})),
        ),
        on(
            "page.master.maintenance-status",
            "/maintenance/status is a document",
            "golden 05-master-legacy/42-GET-maintenance_status",
            get("/maintenance/status"),
            answered(json!({})),
        ),
        on(
            "page.master.maintenance-schedule",
            "/maintenance/schedule is a document",
            "docs/maintenance.md",
            get("/maintenance/schedule"),
            answered(json!({})),
        ),
        on(
            "page.master.metrics",
            "/metrics/snapshot holds numbers by name",
            "golden 05-master-legacy/43-GET-metrics_snapshot; docs/monitoring.md",
            get("/metrics/snapshot"),
            answered(json!({
                "master/elected": 1.0, "master/uptime_secs": "<any>", "master/tasks_running": "<any>",
                "master/slaves_active": "<any>", "master/frameworks_active": "<any>", "system/cpus_total": "<any>",
            })),
        ),
        on(
            "page.master.metrics-timeout",
            "/metrics/snapshot takes a timeout as a duration",
            "golden 05-master-legacy/44-GET-metrics_snapshot__timeout=5secs",
            get("/metrics/snapshot?timeout=5secs"),
            answered(json!({"master/elected": 1.0})),
        ),
        on(
            "page.master.system-stats",
            "/system/stats.json tells of the machine",
            "golden 05-master-legacy/49-GET-system_stats.json",
            get("/system/stats.json"),
            answered(json!({"cpus_total": "<any>", "mem_total_bytes": "<any>", "mem_free_bytes": "<any>"})),
        ),
        Check::new(
            "page.master.redirect",
            "/redirect leads to the leader, by the scheme that was used",
            "golden 05-master-legacy/46-GET-redirect",
            async |site: Arc<Site>| {
                let answer = site.ask(Peer::Master, &get("/redirect")).await?;
                status(307).empty().hold(&answer)?;
                let location = answer.header("Location").unwrap_or_default().to_owned();
                fitting(&json!("~//.+:[0-9]+"), &json!(location))
            },
        ),
        on(
            "page.master.redirect-slash",
            "/redirect/ is not /redirect",
            "golden 05-master-legacy/48-GET-redirect",
            get("/redirect/"),
            refused(404, "404 Not Found."),
        ),
    ]
}

async fn slave_by_id(site: Arc<Site>) -> Outcome {
    let agents = super::operator_get(&site, "GET_AGENTS").await?;
    let id = agents["agents"][0]["agent_info"]["id"]["value"].as_str().unwrap_or_default().to_owned();
    let answer = site.ask(Peer::Master, &get(&format!("/slaves?slave_id={id}"))).await?;
    let slave = json!({
        "id": id, "hostname": "<any>", "port": "<any>", "attributes": "<any>", "pid": "~slave\\([0-9]+\\)@.+",
        "registered_time": "<any>", "resources": {"cpus": "<any>", "mem": "<any>"},
        "used_resources": {"cpus": "<any>"}, "offered_resources": {"cpus": "<any>"},
        "reserved_resources": "<any>", "unreserved_resources": {"cpus": "<any>"}, "active": true,
        "deactivated": false, "version": "<any>", "capabilities": "<any>",
    });
    answered(json!({"slaves": [slave]})).hold(&answer)
}

fn methods() -> Vec<Check> {
    let get_refused = |name, about: &str, source, path: &str| {
        let said = "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.";
        on(name, about, source, get(path), refused(405, said).header("Allow", "POST"))
    };
    let head = |name, about: &str, source, path: &str| {
        let expect = status(200).header("Content-Type", "application/json").empty();
        on(name, about, source, request("HEAD", path), expect)
    };
    vec![
        get_refused(
            "page.master.reserve-get",
            "what changes something wants POST",
            "golden 05-master-legacy/70-GET-reserve",
            "/reserve",
        ),
        get_refused(
            "page.master.machine-up-get",
            "machines do not come up by looking",
            "golden 05-master-legacy/71-GET-machine_up",
            "/machine/up",
        ),
        get_refused(
            "page.master.teardown-get",
            "frameworks do not end by looking",
            "src/master/http.cpp, Master::Http::teardown",
            "/teardown",
        ),
        head(
            "page.master.head-version",
            "HEAD is answered like GET, without the body",
            "golden 05-master-legacy/96-HEAD-version",
            "/version",
        ),
        head(
            "page.master.head-slaves",
            "HEAD of a page of the cluster has no body either",
            "golden 05-master-legacy/97-HEAD-slaves",
            "/slaves",
        ),
        on(
            "page.master.post-version",
            "a page may be asked by POST",
            "golden 05-master-legacy/89-POST-version",
            post("/version"),
            answered(json!({"version": "<any>"})),
        ),
        on(
            "page.master.post-health",
            "/health may be asked by POST",
            "golden 05-master-legacy/88-POST-health",
            post("/health"),
            status(200).empty(),
        ),
        on(
            "page.master.gzip",
            "a large document is compressed for those who accept it",
            "golden 05-master-legacy/85-GET-state",
            get("/state").header("Accept-Encoding", "gzip"),
            status(200).header("Content-Encoding", "gzip").header("Content-Type", "application/json"),
        ),
        on(
            "page.master.no-gzip-of-small",
            "a small document is not compressed",
            "golden 05-master-legacy/86-GET-version",
            get("/version").header("Accept-Encoding", "gzip"),
            answered(json!({"version": "<any>"})).no_header("Content-Encoding"),
        ),
    ]
}

fn refusals() -> Vec<Check> {
    let form = |path: &str, body: &str| {
        post(path).header("Content-Type", "application/x-www-form-urlencoded").body(body)
    };
    let unknown = |name, about: &str, source, path: &str| {
        on(name, about, source, get(path), refused(404, "404 Not Found."))
    };
    let without_word = || status(404).header("Content-Type", "text/plain; charset=utf-8").empty();
    vec![
        unknown(
            "page.master.unknown",
            "a page that is not there is not found",
            "golden 05-master-legacy/80-GET-nope",
            "/nope",
        ),
        unknown(
            "page.master.unknown-below-master",
            "nor is one below the name of the process",
            "golden 05-master-legacy/81-GET-master_nope",
            "/master/nope",
        ),
        unknown("page.master.case", "paths have a case", "golden 05-master-legacy/79-GET-STATE", "/STATE"),
        unknown(
            "page.master.observe",
            "/observe went long ago",
            "golden 05-master-legacy/67-GET-observe",
            "/observe",
        ),
        on(
            "page.master.metrics-odd-timeout",
            "a timeout that is no duration is refused",
            "golden 05-master-legacy/45-GET-metrics_snapshot__timeout=abc",
            get("/metrics/snapshot?timeout=abc"),
            refused(400, "Invalid timeout 'abc': Failed to convert '' to number.\n"),
        ),
        on(
            "page.master.browse-without-path",
            "/files/browse wants a path",
            "golden 05-master-legacy/53-GET-files_browse",
            get("/files/browse"),
            refused(400, "Expecting 'path=value' in query.\n"),
        ),
        on(
            "page.master.browse-unknown",
            "what is not attached is not found, without a word",
            "golden 05-master-legacy/51-GET-files_browse__path=",
            get("/files/browse?path=/"),
            without_word(),
        ),
        on(
            "page.master.download-unknown",
            "a file that is not there is not found",
            "golden 05-master-legacy/55-GET-files_download__path=_nope",
            get("/files/download?path=/nope"),
            refused(404, "404 Not Found."),
        ),
        on(
            "page.master.teardown-without-id",
            "/teardown names its framework in the body",
            "golden 05-master-legacy/100-POST-teardown",
            form("/teardown", ""),
            refused(400, "Missing 'frameworkId' query parameter in the request body"),
        ),
        on(
            "page.master.teardown-unknown",
            "/teardown of an unknown framework is refused",
            "golden 05-master-legacy/99-POST-teardown",
            form("/teardown", "frameworkId=zz"),
            refused(400, "No framework found with specified ID"),
        ),
        on(
            "page.master.machine-down-nobody",
            "/machine/down names machines",
            "golden 05-master-legacy/112-POST-machine_down",
            post("/machine/down").text("[]"),
            refused(400, "List of machines is empty"),
        ),
        on(
            "page.master.machine-up-nobody",
            "/machine/up names machines",
            "golden 05-master-legacy/113-POST-machine_up",
            post("/machine/up").text("[]"),
            refused(400, "List of machines is empty"),
        ),
        on(
            "page.master.weights-no-json",
            "/weights wants JSON",
            "golden 05-master-legacy/107-PUT-weights",
            request("PUT", "/weights").text("zz"),
            refused(400, "Failed to parse update weights request JSON 'zz': syntax error at line 1 near: zz"),
        ),
        on(
            "page.master.quota-of-nobody",
            "a quota that is not set cannot be removed",
            "golden 05-master-legacy/111-DELETE-quota_nope",
            request("DELETE", "/quota/mesoslab-conformance-nobody"),
            refused(
                400,
                "Failed to remove quota for path '/master/quota/mesoslab-conformance-nobody': Role \
                 'mesoslab-conformance-nobody' has no quota set",
            ),
        ),
        on(
            "page.master.reserve-unknown-agent",
            "/reserve on an unknown agent is refused",
            "golden 05-master-legacy/103-POST-reserve",
            form("/reserve", "slaveId=zz&resources=[]"),
            refused(400, "No agent found with specified ID"),
        ),
    ]
}

fn frameworks() -> Vec<Check> {
    vec![
        Check::new(
            "page.master.framework-by-id",
            "/frameworks?framework_id=ID shows that framework alone, in the words of the older API",
            "golden 05-master-legacy/28-GET-frameworks__framework_id=ID",
            framework_by_id,
        ),
        Check::new(
            "page.master.teardown",
            "/teardown ends a framework",
            "docs/endpoints/master/teardown.md",
            teardown,
        ),
    ]
}

async fn framework_by_id(site: Arc<Site>) -> Outcome {
    let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
    let id = framework.id.clone();
    let answer = site.ask(Peer::Master, &get(&format!("/frameworks?framework_id={id}"))).await;
    framework.end().await?;
    let shown = json!({
        "id": id, "name": "mesoslab conformance", "user": site.options.user, "failover_timeout": 0.0,
        "checkpoint": false, "registered_time": "<any>", "unregistered_time": 0.0, "active": true, "connected": true,
        "recovered": false, "capabilities": ["MULTI_ROLE"], "roles": [site.options.role], "tasks": [],
        "unreachable_tasks": [], "completed_tasks": [], "executors": [], "offers": [],
        "used_resources": {"cpus": 0.0, "mem": 0.0, "disk": 0.0, "gpus": 0.0},
    });
    answered(json!({"frameworks": [shown], "completed_frameworks": []})).hold(&answer?)
}

async fn teardown(site: Arc<Site>) -> Outcome {
    let framework = Framework::subscribe(&site, Info::new(&site).suppressed()).await?;
    let form = post("/teardown")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(format!("frameworkId={}", framework.id));
    let answer = site.ask(Peer::Master, &form).await?;
    status(200).empty().hold(&answer)?;
    framework.ended_by_others().await
}

/// A master that does not lead sends on to the one that does.
fn several_masters() -> Vec<Check> {
    let sent_on = |name, about: &str, source, request: Request, path: &'static str| {
        Check::new(name, about, source, move |site: Arc<Site>| {
            let request = request.clone();
            async move {
                let standby = &site.standbys[0];
                let answer = site.ask_at(standby, &request).await?;
                status(307).empty().hold(&answer)?;
                let location: Value = json!(answer.header("Location").unwrap_or_default());
                fitting(&json!(format!("~//.+:{}{path}", site.master.port)), &location)
            }
        })
        .needing(Need::Standby)
    };
    vec![
        sent_on(
            "standby.scheduler",
            "a master that does not lead sends frameworks on to the leader",
            "docs/scheduler-http-api.md, Master Detection",
            post("/api/v1/scheduler")
                .text(r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x"}}}"#),
            "/api/v1/scheduler",
        ),
        sent_on(
            "standby.operator",
            "a master that does not lead sends operators on to the leader",
            "docs/operator-http-api.md; src/master/http.cpp, Master::Http::api",
            post("/api/v1").text(r#"{"type":"GET_AGENTS"}"#),
            "/api/v1",
        ),
        sent_on(
            "standby.state",
            "a master that does not lead sends on whoever asks for the state",
            "src/master/http.cpp, Master::Http::state",
            get("/state"),
            "/state",
        ),
        sent_on(
            "standby.redirect",
            "/redirect leads from every master to the leader",
            "docs/endpoints/master/redirect.md",
            get("/redirect"),
            "",
        ),
        Check::new(
            "standby.health",
            "a master that does not lead is healthy",
            "docs/endpoints/master/health.md",
            async |site: Arc<Site>| {
                let answer = site.ask_at(&site.standbys[0], &get("/health")).await?;
                status(200).empty().hold(&answer)
            },
        )
        .needing(Need::Standby),
        Check::new(
            "standby.metrics",
            "a master that does not lead says so in its metrics",
            "docs/monitoring.md, master/elected",
            async |site: Arc<Site>| {
                let answer = site.ask_at(&site.standbys[0], &get("/metrics/snapshot")).await?;
                let metrics = answer.json().ok_or_else(|| Miss::fail("metrics", short(&answer.text())))?;
                fitting(
                    &json!({"master/elected": 0.0}),
                    &json!({"master/elected": metrics["master/elected"]}),
                )
            },
        )
        .needing(Need::Standby),
    ]
}
