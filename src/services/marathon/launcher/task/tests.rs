//! Tasks as they go to the master, for apps of all kinds.

use rand::{SeedableRng, rngs::SmallRng};

use super::task_info;
use crate::{
    mesos::v1::{
        Offer, Resource, TaskInfo,
        container_info::{self, docker_info},
        health_check, value,
    },
    services::marathon::{
        launcher::matching::{Candidate, Surroundings},
        model::AppDefinition,
    },
};

/// The task of an app on an offer of `host`.
fn task(json: &str) -> TaskInfo {
    let app: AppDefinition = serde_json::from_str(json).unwrap();
    let scalar = |name: &str, value| Resource::of_scalar(name, value);
    let mut ports = Resource { name: "ports".to_owned(), ..Resource::default() };
    ports.set_type(value::Type::Ranges);
    ports.ranges = Some(value::Ranges { range: vec![value::Range { begin: 31000, end: 31000 }] });
    let offer = Offer {
        hostname: "host".to_owned(),
        agent_id: "agent".into(),
        resources: vec![scalar("cpus", 2.0), scalar("mem", 512.0), ports],
        ..Offer::default()
    };
    let mut rng = SmallRng::seed_from_u64(1);
    let candidate = Candidate::new(offer.clone());
    let around = Surroundings {
        now: crate::mesos::time::Time::default(),
        placed: &[],
        region: None,
        draining: std::time::Duration::ZERO,
    };
    let share = candidate.match_app(&app, &around, &mut rng).unwrap();
    task_info(&app, "g_app.instance-1._app.1".into(), &offer, &share, "", &mut rng)
}

fn env(task: &TaskInfo) -> Vec<(String, String)> {
    let command = task.command.as_ref().unwrap();
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    variables.map(|each| (each.name.clone(), each.value.clone().unwrap())).collect()
}

#[test]
fn a_command_gets_exactly_marathons_environment() {
    let task = task(
        r#"{"id": "/g/app", "cmd": "run $PORT0", "user": "nobody", "cpus": 0.5, "mem": 64,
            "version": "2026-01-01T00:00:00.000Z", "env": {"MINE": "1", "HOST": "me"}, "labels": {"a-b": "c"},
            "portDefinitions": [{"port": 10000, "name": "web", "protocol": "udp,tcp"}],
            "fetch": [{"uri": "http://x/y.tgz", "extract": false}], "taskKillGracePeriodSeconds": 3}"#,
    );
    let env = env(&task);
    let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let wanted = [
        ("HOST", "me"),
        ("MARATHON_APP_ENFORCE_GROUP_ROLE", "FALSE"),
        ("MARATHON_APP_ID", "/g/app"),
        ("MARATHON_APP_LABELS", "A_B"),
        ("MARATHON_APP_LABEL_A_B", "c"),
        ("MARATHON_APP_RESOURCE_CPUS", "0.5"),
        ("MARATHON_APP_RESOURCE_DISK", "0.0"),
        ("MARATHON_APP_RESOURCE_GPUS", "0"),
        ("MARATHON_APP_RESOURCE_MEM", "64.0"),
        ("MARATHON_APP_VERSION", "2026-01-01T00:00:00.000Z"),
        ("MESOS_TASK_ID", "g_app.instance-1._app.1"),
        ("MINE", "1"),
        ("PORT", "31000"),
        ("PORT0", "31000"),
        ("PORTS", "31000"),
        ("PORT_10000", "31000"),
        ("PORT_WEB", "31000"),
    ];
    assert_eq!(env, wanted);
    assert_eq!(task.name, "app.g");
    let command = task.command.as_ref().unwrap();
    assert_eq!((command.shell, command.value.as_deref()), (Some(true), Some("run $PORT0")));
    assert_eq!(command.user.as_deref(), Some("nobody"));
    assert_eq!((command.uris[0].value.as_str(), command.uris[0].extract), ("http://x/y.tgz", Some(false)));
    assert_eq!(task.kill_policy.unwrap().grace_period.unwrap().nanoseconds, 3_000_000_000);
    assert_eq!(task.labels.unwrap().labels[0].key, "a-b");
    let discovery = task.discovery.unwrap();
    let ports = discovery.ports.unwrap().ports;
    let told: Vec<_> = ports.iter().map(|port| (port.number, port.name(), port.protocol())).collect();
    assert_eq!(told, [(31000, "web", "udp"), (31000, "web", "tcp")]);
    assert!(task.container.is_none() && task.executor.is_none());
    assert_eq!(
        task.resources.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(),
        ["cpus", "mem", "ports"]
    );
}

#[test]
fn of_arguments_the_first_is_the_program() {
    let command = task(r#"{"id": "/app", "args": ["sleep", "5"]}"#).command.unwrap();
    assert_eq!((command.shell, command.value.as_deref()), (Some(false), Some("sleep")));
    assert_eq!(command.arguments, ["sleep", "5"]);
    let in_image =
        r#"{"id": "/app", "args": ["5"], "container": {"type": "DOCKER", "docker": {"image": "i"}}}"#;
    let command = task(in_image).command.unwrap();
    assert_eq!((command.shell, command.value, command.arguments.len()), (Some(false), None, 1));
    let alone = r#"{"id": "/app", "container": {"type": "DOCKER", "docker": {"image": "i"}}}"#;
    let command = task(alone).command.unwrap();
    assert_eq!((command.shell, command.value, command.arguments.len()), (Some(false), None, 0));
}

#[test]
fn docker_has_its_bridge_and_a_label_that_names_the_task() {
    let task = task(
        r#"{"id": "/app", "networks": [{"mode": "container/bridge"}], "container": {"type": "DOCKER",
            "docker": {"image": "nginx", "forcePullImage": true, "parameters": [{"key": "a", "value": "b"}]},
            "volumes": [{"containerPath": "/in", "hostPath": "/out", "mode": "RO"}],
            "portMappings": [{"containerPort": 80, "hostPort": 0, "name": "web"}]}}"#,
    );
    let container = task.container.clone().unwrap();
    assert_eq!(container.r#type(), container_info::Type::Docker);
    assert_eq!(container.volumes[0].host_path.as_deref(), Some("/out"));
    let docker = container.docker.unwrap();
    assert_eq!((docker.image.as_str(), docker.network()), ("nginx", docker_info::Network::Bridge));
    let mapping = &docker.port_mappings[0];
    assert_eq!((mapping.host_port, mapping.container_port, mapping.protocol()), (31000, 80, "tcp"));
    let parameters: Vec<_> = docker.parameters.iter().map(|each| each.value.as_str()).collect();
    assert_eq!(parameters, ["b", "MESOS_TASK_ID=g_app.instance-1._app.1"]);
    let env = env(&task);
    let of = |name: &str| env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(of("MARATHON_APP_DOCKER_IMAGE"), Some("nginx"));
    assert_eq!((of("PORT0"), of("PORT_80"), of("PORT_WEB")), (Some("31000"), Some("31000"), Some("31000")));
    let port = &task.discovery.unwrap().ports.unwrap().ports[0];
    assert_eq!(port.labels.as_ref().unwrap().labels[0].value.as_deref(), Some("host"));
}

#[test]
fn docker_is_told_the_name_of_its_network() {
    let task = task(
        r#"{"id": "/app", "networks": [{"mode": "container", "name": "lab_default"}],
            "container": {"type": "DOCKER", "docker": {"image": "i",
            "parameters": [{"key": "network-alias", "value": "scheduler"}]}}}"#,
    );
    let container = task.container.unwrap();
    assert_eq!(container.docker.unwrap().network(), docker_info::Network::User);
    let names: Vec<&str> = container.network_infos.iter().map(|network| network.name()).collect();
    assert_eq!(names, ["lab_default"]);
}

#[test]
fn mesos_containers_have_images_and_networks() {
    let task = task(
        r#"{"id": "/app", "cmd": "x", "networks": [{"mode": "container", "name": "net"}],
            "container": {"type": "MESOS", "docker": {"image": "alpine"},
            "portMappings": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 31000}]}}"#,
    );
    let container = task.container.clone().unwrap();
    assert_eq!(container.r#type(), container_info::Type::Mesos);
    assert_eq!(container.mesos.unwrap().image.unwrap().docker.unwrap().name, "alpine");
    let network = &container.network_infos[0];
    assert_eq!((network.name(), network.port_mappings.len()), ("net", 1));
    assert_eq!((network.port_mappings[0].host_port, network.port_mappings[0].container_port), (31000, 81));
    let ports = task.discovery.unwrap().ports.unwrap().ports;
    let told: Vec<_> = ports.iter().map(|port| port.number).collect();
    assert_eq!(told, [80, 31000]);
}

#[test]
fn the_executor_makes_the_first_check_that_is_not_marathons() {
    let check = |check: &str| {
        let json = format!(
            r#"{{"id": "/app", "cmd": "x", "portDefinitions": [{{"port": 0}}],
                "healthChecks": [{{"protocol": "HTTP", "portIndex": 0}}, {check}]}}"#
        );
        task(&json).health_check
    };
    let http =
        check(r#"{"protocol": "MESOS_HTTP", "portIndex": 0, "path": "/ok", "delaySeconds": 2}"#).unwrap();
    assert_eq!((http.r#type(), http.delay_seconds), (health_check::Type::Http, Some(2.0)));
    let info = http.http.unwrap();
    assert_eq!((info.port, info.path(), info.scheme()), (31000, "/ok", "http"));
    let tcp = check(r#"{"protocol": "MESOS_TCP", "port": 99}"#).unwrap();
    assert_eq!(tcp.tcp.unwrap().port, 99);
    let command = check(r#"{"protocol": "COMMAND", "command": {"value": "true"}}"#).unwrap();
    assert_eq!(command.command.unwrap().value.as_deref(), Some("true"));
    assert_eq!(check(r#"{"protocol": "MESOS_TCP", "portIndex": 7}"#), None);
}

#[test]
fn an_executor_of_the_users_own_gets_the_command_as_argument() {
    let task = task(r#"{"id": "/app", "cmd": "go", "executor": "/opt/executor"}"#);
    let executor = task.executor.unwrap();
    assert_eq!(executor.executor_id.value, "marathon-g_app.instance-1._app.1");
    let command = executor.command.unwrap();
    let line = "chmod ug+rx '/opt/executor' && exec '/opt/executor' go";
    assert_eq!((command.value.as_deref(), command.shell), (Some(line), Some(true)));
    assert!(task.command.is_none());
}
