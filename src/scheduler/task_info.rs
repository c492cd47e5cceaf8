//! The task as it goes to the master, for the command executor or for that of Docker: no `ExecutorInfo`, one command, and
//! for the latter an image.

use crate::{
    mesos::v1::{
        AgentId, CommandInfo, ContainerInfo, DurationInfo, Environment, KillPolicy, Label, Labels, Parameter,
        TaskId, TaskInfo,
        container_info::{
            DockerInfo, Type,
            docker_info::{Network, PortMapping},
        },
        environment::Variable,
    },
    scheduler::{
        config::{Command, ContainerNetwork, Executor, SchedulerConfig},
        pool::Share,
    },
};

/// Builds the task `id` for the slot `slot`, from what `config` says and the offer gave.
pub fn task_info(
    config: &SchedulerConfig,
    version: u64,
    slot: u32,
    id: TaskId,
    agent_id: AgentId,
    share: Share,
) -> TaskInfo {
    let label = |key: &str, value: String| Label { key: key.to_owned(), value: Some(value) };
    TaskInfo {
        name: config.name.clone(),
        agent_id,
        command: Some(command_info(config, variables(config, slot, &id, &share.ports))),
        container: (config.executor == Executor::Docker).then(|| container_info(config, &share.ports)),
        task_id: id,
        health_check: config.health_check.as_ref().map(|check| check.to_proto(&share.ports)),
        kill_policy: config.kill_grace_period.map(|grace| KillPolicy {
            grace_period: Some(DurationInfo { nanoseconds: (grace.0 * 1e9) as i64 }),
        }),
        labels: Some(Labels {
            labels: vec![label("slot", slot.to_string()), label("config_version", version.to_string())],
        }),
        resources: share.resources,
        ..TaskInfo::default()
    }
}

/// The first argument is the name of the program, which a container's program has anyway.
fn command_info(config: &SchedulerConfig, variables: Vec<Variable>) -> CommandInfo {
    let command = CommandInfo {
        environment: Some(Environment { variables }),
        user: config.user.clone(),
        ..CommandInfo::default()
    };
    let is_docker = config.executor == Executor::Docker;
    match &config.command {
        empty if is_docker && empty.is_empty() => CommandInfo { shell: Some(false), ..command },
        Command::Shell(line) => CommandInfo { shell: Some(true), value: Some(line.clone()), ..command },
        Command::Argv(argv) => CommandInfo {
            shell: Some(false),
            value: argv.first().cloned(),
            arguments: argv.iter().skip(usize::from(is_docker)).cloned().collect(),
            ..command
        },
    }
}

/// Mesos takes the user of a command for that of processes alone: a container has it as a parameter.
fn container_info(config: &SchedulerConfig, ports: &[u32]) -> ContainerInfo {
    let mapping = |port: &u32| PortMapping { host_port: *port, container_port: *port, protocol: None };
    let (network, port_mappings) = match config.network {
        ContainerNetwork::Host => (Network::Host, Vec::new()),
        ContainerNetwork::Bridge => (Network::Bridge, ports.iter().map(mapping).collect()),
    };
    let user = config.user.iter().map(|user| Parameter { key: "user".to_owned(), value: user.clone() });
    let docker = DockerInfo {
        image: config.image.clone().unwrap_or_default(),
        network: Some(network.into()),
        port_mappings,
        parameters: user.collect(),
        ..DockerInfo::default()
    };
    ContainerInfo { r#type: Type::Docker.into(), docker: Some(docker), ..ContainerInfo::default() }
}

/// What the user has set, and as Marathon has it: `PORT`, `PORT0`..., `PORTS`. Mesos tells a container not even its task.
fn variables(config: &SchedulerConfig, slot: u32, id: &TaskId, ports: &[u32]) -> Vec<Variable> {
    let variable = |name: String, value: String| Variable { name, value: Some(value), ..Variable::default() };
    let mut variables = vec![variable("MESOSLAB_SLOT".to_owned(), slot.to_string())];
    if config.executor == Executor::Docker {
        variables.push(variable("MESOS_TASK_ID".to_owned(), id.to_string()));
    }
    if let Some(first) = ports.first() {
        variables.push(variable("PORT".to_owned(), first.to_string()));
        let list = ports.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        variables.push(variable("PORTS".to_owned(), list));
    }
    let numbered =
        ports.iter().enumerate().map(|(index, port)| variable(format!("PORT{index}"), port.to_string()));
    variables.extend(numbered);
    variables.retain(|variable| !config.env.contains_key(&variable.name));
    variables.extend(config.env.iter().map(|(name, value)| variable(name.clone(), value.clone())));
    variables
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(patch: serde_json::Value) -> TaskInfo {
        let config = SchedulerConfig::default().patched(&patch).unwrap();
        let share = Share { resources: Vec::new(), ports: vec![31000] };
        task_info(&config, 1, 2, TaskId::new("t"), AgentId::new("a"), share)
    }

    #[test]
    fn an_image_is_run_with_its_own_command_or_another() {
        let own = task(json!({"executor": "docker", "image": "app:1", "command": ""}));
        let command = own.command.unwrap();
        assert_eq!((command.shell, command.value, command.arguments.len()), (Some(false), None, 0));
        let docker = own.container.unwrap().docker.unwrap();
        assert_eq!(
            (docker.image.as_str(), docker.network(), docker.port_mappings.len()),
            ("app:1", Network::Host, 0)
        );
        let argv =
            task(json!({"executor": "docker", "image": "app:1", "command": ["ls", "-l"]})).command.unwrap();
        assert_eq!((argv.value.as_deref(), argv.arguments), (Some("ls"), vec!["-l".to_owned()]));
    }

    #[test]
    fn a_bridge_maps_each_port_to_itself() {
        let bridge =
            json!({"executor": "docker", "image": "i", "network": "bridge", "ports": 1, "user": "nobody"});
        let docker = task(bridge).container.unwrap().docker.unwrap();
        assert_eq!(docker.network(), Network::Bridge);
        assert_eq!(
            (docker.port_mappings[0].host_port, docker.port_mappings[0].container_port),
            (31000, 31000)
        );
        assert_eq!(
            (docker.parameters[0].key.as_str(), docker.parameters[0].value.as_str()),
            ("user", "nobody")
        );
    }

    #[test]
    fn a_command_is_no_container() {
        let task = task(json!({"command": ["ls", "-l"]}));
        assert_eq!(task.container, None);
        assert_eq!(task.command.unwrap().arguments, ["ls", "-l"]);
    }
}
