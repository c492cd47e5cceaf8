//! What containers tasks are: the bodies of requests that make them, as JSON.

use serde_json::{Value, json};

use super::*;
use crate::{
    engine::agent::AgentConfig,
    mesos::v1::{AgentInfo, ContainerId},
};

/// The body that a task's container is made with, as JSON, or why not. `container` and `more` are as in Mesos' JSON.
fn described(docker: &DockerConfig, container: &Value, more: &Value) -> Result<(DockerRun, Value), String> {
    let mut task = json!({"name": "t", "task_id": {"value": "t"}, "agent_id": {"value": "a"},
        "command": {"shell": false},
        "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 64}},
            {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 31001}]}}],
        "container": {"type": "DOCKER", "docker": {"image": "app:1"}}});
    merge(&mut task["container"], container);
    merge(&mut task, more);
    let task: TaskInfo = crate::mesos::json::from_value(&task).unwrap();
    let config = AgentConfig::new(AgentInfo::default(), "/lab");
    let place = Place {
        container_id: ContainerId { value: "c1".to_owned(), parent: None },
        directory: "/lab/box".to_owned(),
        latest: "/lab/latest".to_owned(),
        survives: false,
        account: None,
    };
    let wanted = Wanted { config: &config, docker, framework_id: &FrameworkId::new("f"), task: &task, place };
    let run = wanted.run(Vec::new())?;
    let body = serde_json::to_value(&run.body).unwrap();
    Ok((run, body))
}

fn merge(target: &mut Value, more: &Value) {
    match (target, more) {
        (Value::Object(target), Value::Object(more)) => {
            more.iter()
                .for_each(|(name, value)| merge(target.entry(name.clone()).or_insert(Value::Null), value));
        }
        (target, more) => *target = more.clone(),
    }
}

fn body(container: Value) -> Value {
    described(&DockerConfig::default(), &container, &json!({})).unwrap().1
}

fn refusal(container: Value) -> String {
    described(&DockerConfig::default(), &container, &json!({})).unwrap_err()
}

fn parameters(given: &[(&str, &str)]) -> Value {
    let parameters: Vec<Value> =
        given.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({"docker": {"parameters": parameters}})
}

#[test]
fn a_plain_task_is_a_container_with_its_sandbox_and_shares() {
    let (run, body) = described(&DockerConfig::default(), &json!({}), &json!({})).unwrap();
    assert_eq!((run.name.as_str(), run.image.as_str(), run.force_pull), ("mesos-c1", "app:1", false));
    assert_eq!(body["Image"], "app:1");
    assert_eq!((&body["Cmd"], &body["Entrypoint"]), (&Value::Null, &Value::Null), "the image's own");
    let environment =
        ["MESOS_ALLOCATION_ROLE=*", "MESOS_CONTAINER_NAME=mesos-c1", "MESOS_SANDBOX=/mnt/mesos/sandbox"];
    assert_eq!(body["Env"], json!(environment));
    let host = &body["HostConfig"];
    assert_eq!((&host["CpuShares"], &host["Memory"]), (&json!(512), &json!(64 * 1024 * 1024)));
    assert_eq!(host["CpuQuota"], Value::Null);
    assert_eq!(host["NetworkMode"], "host");
    let mount = &host["Mounts"][0];
    assert_eq!((&mount["Source"], &mount["Target"]), (&json!("/lab/box"), &json!("/mnt/mesos/sandbox")));
    assert_eq!(body["Labels"]["mesoslab.task"], "t");
    assert_eq!(body["Labels"]["mesoslab.agent-dir"], "/lab");
}

#[test]
fn commands_are_shell_lines_or_arguments() {
    let command = |command: Value| {
        let more = json!({"command": command});
        described(&DockerConfig::default(), &json!({}), &more).map(|(_, body)| body)
    };
    let shell = command(json!({"shell": true, "value": "echo x"})).unwrap();
    assert_eq!((&shell["Entrypoint"], &shell["Cmd"]), (&json!(["/bin/sh"]), &json!(["-c", "echo x"])));
    let argv = command(json!({"shell": false, "value": "ls", "arguments": ["-l"]})).unwrap();
    assert_eq!((&argv["Entrypoint"], &argv["Cmd"]), (&Value::Null, &json!(["ls", "-l"])));
    let missing = command(json!({"shell": true})).unwrap_err();
    assert_eq!(missing, "Shell specified but no command value provided");
}

#[test]
fn limits_go_before_requests() {
    let limits = json!({"limits": {"cpus": {"value": 1.5}, "mem": {"value": 128}}});
    let (_, body) = described(&DockerConfig::default(), &json!({}), &limits).unwrap();
    let host = &body["HostConfig"];
    assert_eq!((&host["CpuQuota"], &host["CpuShares"]), (&json!(150_000), &json!(512)));
    let megabytes = |count: u64| json!(count * 1024 * 1024);
    assert_eq!((&host["Memory"], &host["MemoryReservation"]), (&megabytes(128), &megabytes(64)));
    let quota = DockerConfig { cpu_quota: true, ..DockerConfig::default() };
    let (_, body) = described(&quota, &json!({}), &json!({})).unwrap();
    assert_eq!(body["HostConfig"]["CpuQuota"], 50_000);
}

#[test]
fn an_agent_in_a_container_shares_its_network() {
    let docker = DockerConfig { own_container: Some("lab-agent-1".to_owned()), ..DockerConfig::default() };
    let (_, body) = described(&docker, &json!({}), &json!({})).unwrap();
    assert_eq!(body["HostConfig"]["NetworkMode"], "container:lab-agent-1");
    let bridge = json!({"docker": {"network": "BRIDGE"}});
    let (_, body) = described(&docker, &bridge, &json!({})).unwrap();
    assert_eq!(body["HostConfig"]["NetworkMode"], "bridge");
}

#[test]
fn ports_are_published_on_loopback() {
    let bridge = body(json!({"docker": {"network": "BRIDGE",
        "port_mappings": [{"host_port": 31000, "container_port": 80}, {"host_port": 31001, "container_port": 53, "protocol": "UDP"}]}}));
    let bindings = &bridge["HostConfig"]["PortBindings"];
    assert_eq!(bindings["80/tcp"], json!([{"HostIp": "127.0.0.1", "HostPort": "31000"}]));
    assert_eq!(bindings["53/udp"], json!([{"HostIp": "127.0.0.1", "HostPort": "31001"}]));
    assert_eq!(bridge["ExposedPorts"], json!({"53/udp": {}, "80/tcp": {}}));
    let mapped = |network: &str, port: u32| {
        refusal(
            json!({"docker": {"network": network, "port_mappings": [{"host_port": port, "container_port": 80}]}}),
        )
    };
    assert_eq!(
        mapped("HOST", 31000),
        "Port mappings are only supported for bridge and user-defined networks"
    );
    assert_eq!(mapped("BRIDGE", 80), "Port [80] not included in resources");
}

#[test]
fn a_network_of_the_user_has_aliases_and_published_ports() {
    let mut container =
        parameters(&[("publish", "127.0.0.1:8090:8090"), ("network-alias", "scheduler"), ("p", "81")]);
    merge(
        &mut container,
        &json!({"docker": {"network": "USER"}, "network_infos": [{"name": "lab_default"}]}),
    );
    let user = body(container);
    assert_eq!(user["HostConfig"]["NetworkMode"], "lab_default");
    let endpoint = &user["NetworkingConfig"]["EndpointsConfig"]["lab_default"];
    assert_eq!(endpoint["Aliases"], json!(["scheduler"]));
    let bindings = &user["HostConfig"]["PortBindings"];
    assert_eq!(bindings["8090/tcp"], json!([{"HostIp": "127.0.0.1", "HostPort": "8090"}]));
    assert_eq!(bindings["81/tcp"], json!([{"HostIp": "127.0.0.1"}]));
    let nameless = json!({"docker": {"network": "USER"}, "network_infos": [{}]});
    assert_eq!(refusal(nameless), "No network name found in network info");
    assert_eq!(refusal(json!({"docker": {"network": "USER"}})), "No network info found in container info");
}

#[test]
fn volumes_are_of_the_host_of_the_sandbox_or_of_docker() {
    let container = json!({"volumes": [
        {"host_path": "/etc", "container_path": "/host/etc", "mode": "RO"},
        {"host_path": "data", "container_path": "/data", "mode": "RW"},
        {"container_path": "vol", "mode": "RW",
         "source": {"type": "DOCKER_VOLUME", "docker_volume": {"name": "v1", "driver": "local"}}}]});
    let (run, body) = described(&DockerConfig::default(), &container, &json!({})).unwrap();
    let host = &body["HostConfig"];
    assert_eq!(host["Binds"], json!(["/etc:/host/etc:ro"]));
    assert_eq!(run.directories, ["/lab/box/data"]);
    assert_eq!(host["Mounts"][1]["Source"], "/lab/box/data");
    assert_eq!(host["Mounts"][2]["Source"], "v1");
    assert_eq!(host["Mounts"][2]["Target"], "/mnt/mesos/sandbox/vol");
    let volume = |host: &str, inner: &str| {
        refusal(json!({"volumes": [{"host_path": host, "container_path": inner, "mode": "RW"}]}))
    };
    let relative = volume("a", "b");
    assert_eq!(relative, "Both host_path 'a' and container_path 'b' of a volume are relative");
    assert_eq!(volume("../a", "/b"), "The host_path '../a' of a volume leaves the sandbox");
}

#[test]
fn parameters_are_options_of_docker_run() {
    let container = parameters(&[
        ("hostname", "h"),
        ("env", "A=1"),
        ("label", "team=x"),
        ("label", "mesoslab.task=other"),
        ("volume", "/a:/b:ro"),
        ("workdir", "/w"),
        ("user", "1000"),
        ("entrypoint", "/run"),
        ("cap-add", "NET_ADMIN"),
        ("cap-drop", "ALL"),
        ("add-host", "x:1.2.3.4"),
        ("dns", "1.1.1.1"),
        ("ulimit", "nofile=1024:2048"),
        ("memory-swap", "1g"),
        ("log-driver", "json-file"),
        ("log-opt", "max-size=1m"),
        ("init", "true"),
    ]);
    let body = body(container);
    let host = &body["HostConfig"];
    assert_eq!(
        (&body["Hostname"], &body["WorkingDir"], &body["User"]),
        (&json!("h"), &json!("/w"), &json!("1000"))
    );
    assert_eq!((&body["Entrypoint"], &body["Cmd"]), (&json!(["/run"]), &json!([])));
    assert!(body["Env"].as_array().unwrap().contains(&json!("A=1")));
    assert_eq!((&body["Labels"]["team"], &body["Labels"]["mesoslab.task"]), (&json!("x"), &json!("t")));
    assert_eq!((&host["CapAdd"], &host["CapDrop"]), (&json!(["NET_ADMIN"]), &json!(["ALL"])));
    assert_eq!((&host["ExtraHosts"], &host["Dns"]), (&json!(["x:1.2.3.4"]), &json!(["1.1.1.1"])));
    assert_eq!(host["Ulimits"], json!([{"Name": "nofile", "Soft": 1024, "Hard": 2048}]));
    assert_eq!((&host["MemorySwap"], &host["Init"]), (&json!(1_073_741_824), &json!(true)));
    assert_eq!(host["LogConfig"], json!({"Type": "json-file", "Config": {"max-size": "1m"}}));
    assert_eq!(host["Binds"], json!(["/a:/b:ro"]));
}

#[test]
fn a_parameter_that_cannot_be_is_refused_in_a_sentence() {
    let refused = |key: &str, value: &str| refusal(parameters(&[(key, value)]));
    assert_eq!(refused("gpus", "all"), "The docker parameter 'gpus' is not supported by this agent");
    assert_eq!(
        refused("memory", "much"),
        "The docker parameter 'memory' wants an amount such as 512m, not 'much'"
    );
    assert_eq!(
        refused("publish", "0.0.0.0:80:80"),
        "The docker parameter 'publish' publishes on 127.0.0.1 only, not on '0.0.0.0:80:80'"
    );
    assert!(refused("restart", "always").contains("frameworks restart their tasks"));
    assert!(refused("publish", "a:b").contains("wants"));
}
