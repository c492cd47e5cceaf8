//! What a task with an image does and what is said of it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::stage::{Network, Stage};
use crate::support::eventually;

/// A server of the image: all files of a directory that it makes.
const SERVER: &str = "echo served > /index.html; exec httpd -f -p";

fn ports() -> Value {
    let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let range = json!({"range": [{"begin": 31000, "end": 31000}]});
    json!([scalar("cpus", 0.1), scalar("mem", 32.0), {"name": "ports", "type": "RANGES", "ranges": range}])
}

/// What a server answers, once it does.
fn answer(port: u16) -> String {
    let mut text = String::new();
    eventually(&format!("port {port} of 127.0.0.1 answers"), || {
        text.clear();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
        let asked = stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n");
        asked.is_ok() && stream.read_to_string(&mut text).is_ok() && text.contains("200 OK")
    });
    text
}

#[test]
fn the_command_is_the_images_or_the_tasks() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let own = stage.task("own", json!({}));
    stage.launch(own);
    let finished = stage.framework.until_state("own", "TASK_FINISHED");
    assert_eq!(finished["message"], "Container exited with status 0");
    assert_eq!(stage.written("own", "stdout"), "hello from the image\n");
    assert_eq!(stage.framework.states("own"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);

    stage.framework.decline();
    let env = json!({"variables": [{"name": "GREETING", "value": "hi"}]});
    let command = json!({"shell": false, "value": "/bin/sh", "environment": env,
        "arguments": ["-c", "echo $GREETING $MESOS_SANDBOX; echo $MESOS_CONTAINER_NAME >&2; exit 3"]});
    let argv = stage.task("argv", json!({"command": command}));
    stage.launch(argv);
    let failed = stage.framework.until_state("argv", "TASK_FAILED");
    assert_eq!(failed["message"], "Container exited with status 3");
    assert_eq!(stage.written("argv", "stdout"), "hi /mnt/mesos/sandbox\n");
    assert!(stage.written("argv", "stderr").starts_with("mesos-"));

    stage.framework.decline();
    stage.shell("lines", "seq 1 20000; echo own > $MESOS_SANDBOX/file", json!({}));
    stage.framework.until_state("lines", "TASK_FINISHED");
    let lines: Vec<String> = (1..=20000).map(|line| line.to_string()).collect();
    assert_eq!(stage.written("lines", "stdout"), lines.join("\n") + "\n");
    assert_eq!(stage.written("lines", "file"), "own\n");
    stage.end();
}

#[test]
fn files_are_there_before_the_container_is() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let file = stage.cluster.site.path().join("greeting");
    std::fs::write(&file, "fetched\n").expect("write a file");
    let command = json!({"shell": true, "value": "cat $MESOS_SANDBOX/greeting", "uris": [{"value": file}]});
    let task = stage.task("fetches", json!({"command": command}));
    stage.launch(task);
    stage.framework.until_state("fetches", "TASK_FINISHED");
    assert_eq!(stage.written("fetches", "stdout"), "fetched\n");

    stage.framework.decline();
    let command = json!({"shell": true, "value": "true", "uris": [{"value": "/no/such/file"}]});
    let task = stage.task("missing", json!({"command": command}));
    stage.launch(task);
    let failed = stage.framework.until_state("missing", "TASK_FAILED");
    assert_eq!(failed["reason"], "REASON_CONTAINER_LAUNCH_FAILED");
    let message = failed["message"].as_str().expect("a message");
    assert!(message.starts_with("Failed to launch container: Failed to fetch all URIs for container '"));
    stage.end();
}

#[test]
fn a_kill_asks_first() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let policy =
        |seconds: u64| json!({"kill_policy": {"grace_period": {"nanoseconds": seconds * 1_000_000_000}}});
    let polite = "trap 'echo asked; exit 0' TERM; echo up; while true; do sleep 0.1; done";
    stage.shell("polite", polite, policy(1000));
    stage.writes("polite", "stdout", "up");
    stage.kill("polite");
    stage.writes("polite", "stdout", "asked");

    stage.framework.decline();
    stage.shell("deaf", "trap '' TERM; echo up; while true; do sleep 0.1; done", policy(1));
    stage.writes("deaf", "stdout", "up");
    stage.kill("deaf");
    assert_eq!(stage.framework.last("deaf")["message"], "Container exited with status 137");
    stage.end();
}

#[test]
fn what_cannot_be_launched_says_why() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let image = "127.0.0.1:1/nowhere:1";
    let missing = stage.task("missing", json!({"container": {"docker": {"image": image}}}));
    stage.launch(missing);
    let failed = stage.framework.until_state("missing", "TASK_FAILED");
    assert_eq!(failed["reason"], "REASON_CONTAINER_LAUNCH_FAILED");
    let message = failed["message"].as_str().expect("a message");
    assert!(
        message.starts_with("Failed to launch container: Failed to pull image '127.0.0.1:1/nowhere:1': ")
    );

    stage.framework.decline();
    let gpus = json!({"container": {"docker": {"parameters": [{"key": "gpus", "value": "all"}]}}});
    let unknown = stage.task("unknown", gpus);
    stage.launch(unknown);
    let failed = stage.framework.until_state("unknown", "TASK_FAILED");
    let message =
        "Failed to create docker run options: The docker parameter 'gpus' is not supported by this agent";
    assert_eq!(failed["message"], message);

    stage.framework.decline();
    let nothing = stage.task("nothing", json!({"command": {"shell": false, "value": "/bin/nothing"}}));
    stage.launch(nothing);
    let failed = stage.framework.until_state("nothing", "TASK_FAILED");
    assert!(failed["message"].as_str().expect("a message").contains("/bin/nothing"), "{failed}");
    stage.end();
}

#[test]
fn networks_are_the_hosts_or_have_an_address() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let network = Network::make();
    let mapping = json!([{"host_port": 31000, "container_port": 80}]);
    let published = free_port();
    let parameters = json!([{"key": "publish", "value": format!("127.0.0.1:{published}:80")},
        {"key": "network-alias", "value": "server"}]);
    let user = json!({"resources": ports(), "container": {"network_infos": [{"name": network.0}],
        "docker": {"network": "USER", "port_mappings": mapping, "parameters": parameters}}});
    stage.shell("user", &format!("{SERVER} 80 -h /"), user);
    let running = stage.framework.until_state("user", "TASK_RUNNING");
    assert!(answer(31000).ends_with("served\n"));
    assert!(answer(published).ends_with("served\n"));
    let info = &running["container_status"]["network_infos"][0];
    assert_eq!(info["name"], network.0.as_str());
    let data = base64_text(running["data"].as_str().expect("data"));
    let inspected: Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!(inspected[0]["Config"]["Image"], stage.image.name.as_str());
    assert_eq!(inspected[0]["Config"]["Labels"]["mesoslab.task"], "user");
    let told = &inspected[0]["NetworkSettings"]["Networks"][&network.0]["IPAddress"];
    assert_eq!(info["ip_addresses"][0]["ip_address"], *told);
    stage.framework.decline();
    let seen = json!({"container": {"network_infos": [{"name": network.0}], "docker": {"network": "USER"}}});
    stage.shell("sees", "wget -q -O - http://server/index.html", seen);
    stage.framework.until_state("sees", "TASK_FINISHED");
    assert_eq!(stage.written("sees", "stdout"), "served\n");
    stage.kill("user");

    if has_bridge() {
        stage.framework.decline();
        let bridge = json!({"resources": ports(),
            "container": {"docker": {"network": "BRIDGE", "port_mappings": mapping}}});
        stage.shell("bridge", &format!("{SERVER} 80 -h /"), bridge);
        stage.framework.until_state("bridge", "TASK_RUNNING");
        assert!(answer(31000).ends_with("served\n"));
        stage.kill("bridge");
    }

    stage.framework.decline();
    let port = free_port();
    stage.shell("host", &format!("{SERVER} 127.0.0.1:{port} -h /"), json!({}));
    let running = stage.framework.until_state("host", "TASK_RUNNING");
    assert!(answer(port).ends_with("served\n"));
    let own = stage.cluster.agents[0].address().split(':').next().expect("an address").to_owned();
    let address = &running["container_status"]["network_infos"][0]["ip_addresses"][0]["ip_address"];
    assert_eq!(*address, own.as_str());
    stage.kill("host");
    stage.end();
}

/// Whether the engine's own bridge is there: what changes networks of the machine may take it away.
fn has_bridge() -> bool {
    std::path::Path::new("/sys/class/net/docker0").exists()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn base64_text(text: &str) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn volumes_and_limits_hold() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let outside = tempfile::tempdir().expect("a directory");
    std::fs::write(outside.path().join("given"), "given\n").expect("a file");
    let volumes = json!([
        {"host_path": outside.path(), "container_path": "/outside", "mode": "RO"},
        {"host_path": "inner", "container_path": "/inner", "mode": "RW"}]);
    let line = "cat /outside/given; touch /outside/x || echo read-only; echo kept > /inner/file; \
                cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true";
    stage.shell("volumes", line, json!({"container": {"volumes": volumes}}));
    stage.framework.until_state("volumes", "TASK_FINISHED");
    let written = stage.written("volumes", "stdout");
    assert!(written.starts_with("given\nread-only\n"), "{written}");
    assert!(written.contains("33554432") || !written.contains("max\n"), "{written}");
    assert_eq!(stage.written("volumes", "inner/file"), "kept\n");
    stage.end();
}

#[test]
fn health_checks_are_made_in_the_container() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    let check = json!({"health_check": {"type": "COMMAND", "command": {"value": "! test -e /ill"},
        "delay_seconds": 0, "interval_seconds": 0.1, "grace_period_seconds": 0, "consecutive_failures": 2}});
    stage.shell(
        "checked",
        "while ! test -e $MESOS_SANDBOX/go; do sleep 0.1; done; touch /ill; exec sleep 1000",
        check,
    );
    stage.framework.until("it is healthy", |it| {
        it.is_last("checked", "TASK_RUNNING") && it.last("checked")["healthy"] == true
    });
    std::fs::write(stage.sandbox("checked").join("go"), "").expect("a file");
    let killed = stage.framework.until_state("checked", "TASK_KILLED");
    assert_eq!(killed["healthy"], false);

    stage.framework.decline();
    let network = Network::make();
    let mapping = json!({"resources": ports(),
        "container": {"network_infos": [{"name": network.0}], "docker": {"network": "USER"}},
        "health_check": {"type": "HTTP", "http": {"port": 80, "path": "/index.html"},
        "delay_seconds": 0, "interval_seconds": 0.1, "grace_period_seconds": 100, "consecutive_failures": 2}});
    stage.shell("http", &format!("{SERVER} 80 -h /"), mapping);
    stage.framework.until("it is healthy", |it| {
        it.is_last("http", "TASK_RUNNING") && it.last("http")["healthy"] == true
    });
    stage.end();
}
