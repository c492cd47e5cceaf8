//! The task as it goes to the master, in each of the four ways to run it.
//!
//! | executor | operation | what runs the command |
//! | --- | --- | --- |
//! | `command` | LAUNCH, no `ExecutorInfo` | Mesos' command executor |
//! | `docker` | LAUNCH, no `ExecutorInfo`, a `ContainerInfo` of Docker | Mesos' executor for Docker |
//! | `default` | LAUNCH_GROUP, `ExecutorInfo` DEFAULT: a pod of one task | the default executor, in a nested container |
//! | `custom` | LAUNCH, `ExecutorInfo` CUSTOM with a command of its own | that program: it finds the task's `CommandInfo` as JSON in `TaskInfo.data` |
//!
//! Each task has an executor of its own, which has the id of the task, as the command executor has it: what ends with one
//! executor is one task.

use crate::{
    mesos::{
        json,
        v1::{
            AgentId, CommandInfo, ContainerInfo, DurationInfo, Environment, ExecutorInfo, FrameworkId,
            KillPolicy, Label, Labels, Parameter, TaskId, TaskInfo,
            container_info::{
                DockerInfo, Type,
                docker_info::{Network, PortMapping},
            },
            environment::Variable,
            executor_info,
        },
    },
    scheduler::{
        config::{Command, ContainerNetwork, Executor, SchedulerConfig},
        pool::Share,
    },
};

/// A task to be launched.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    pub task: TaskInfo,
    /// The executor of the pod that the task makes; none for a task on its own.
    pub pod: Option<ExecutorInfo>,
}

/// Which task it is, and what it has got.
#[derive(Debug)]
pub struct Of {
    /// Of the configuration.
    pub version: u64,
    pub slot: u32,
    pub id: TaskId,
    pub agent_id: AgentId,
    pub share: Share,
}

/// What the executor of a task is made of, where it is described at all.
#[derive(Debug)]
pub struct ExecutorTerms<'a> {
    pub framework_id: Option<&'a FrameworkId>,
    /// What starts a custom one.
    pub program: Option<&'a Command>,
    pub share: Share,
}

/// Builds the task `of` as `config` wants it run.
pub fn launch(config: &SchedulerConfig, of: Of, executor: ExecutorTerms<'_>) -> Launch {
    let id = of.id.clone();
    let mut task = task_info(config, of);
    match config.executor {
        Executor::Command | Executor::Docker => Launch { task, pod: None },
        Executor::Default => {
            Launch { task, pod: Some(executor_info(config, id, executor_info::Type::Default, executor)) }
        }
        Executor::Custom => {
            // A task has a command or an executor: the command is for ours to read.
            let command = task.command.take().map(|command| json::to_json_string(&command));
            task.data = command.map(|text| text.into_bytes().into());
            task.executor = Some(executor_info(config, id, executor_info::Type::Custom, executor));
            Launch { task, pod: None }
        }
    }
}

fn executor_info(
    config: &SchedulerConfig,
    id: TaskId,
    kind: executor_info::Type,
    terms: ExecutorTerms<'_>,
) -> ExecutorInfo {
    let command = terms
        .program
        .filter(|_| kind == executor_info::Type::Custom)
        .map(|program| CommandInfo { user: config.user.clone(), ..spoken(program, 0) });
    ExecutorInfo {
        r#type: Some(kind.into()),
        executor_id: id.as_str().into(),
        framework_id: terms.framework_id.cloned(),
        name: Some(config.name.clone()),
        command,
        resources: terms.share.resources,
        ..ExecutorInfo::default()
    }
}

fn task_info(config: &SchedulerConfig, of: Of) -> TaskInfo {
    let label = |key: &str, value: String| Label { key: key.to_owned(), value: Some(value) };
    let Of { version, slot, id, agent_id, share } = of;
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
    let is_docker = config.executor == Executor::Docker;
    let command = match &config.command {
        empty if is_docker && empty.is_empty() => {
            CommandInfo { shell: Some(false), ..CommandInfo::default() }
        }
        command => spoken(command, usize::from(is_docker)),
    };
    CommandInfo { environment: Some(Environment { variables }), user: config.user.clone(), ..command }
}

/// A command without what is around it; so many of its arguments are left out.
fn spoken(command: &Command, without: usize) -> CommandInfo {
    match command {
        Command::Shell(line) => {
            CommandInfo { shell: Some(true), value: Some(line.clone()), ..CommandInfo::default() }
        }
        Command::Argv(argv) => CommandInfo {
            shell: Some(false),
            value: argv.first().cloned(),
            arguments: argv.iter().skip(without).cloned().collect(),
            ..CommandInfo::default()
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

/// What the user has set, and as Marathon has it: `PORT`, `PORT0`..., `PORTS`. Mesos tells neither a
/// container nor a task of a pod its own name.
fn variables(config: &SchedulerConfig, slot: u32, id: &TaskId, ports: &[u32]) -> Vec<Variable> {
    let variable = |name: String, value: String| Variable { name, value: Some(value), ..Variable::default() };
    let mut variables = vec![variable("MESOSLAB_SLOT".to_owned(), slot.to_string())];
    if config.executor != Executor::Command {
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
    use crate::scheduler::testing::scalar;

    fn launched(patch: serde_json::Value) -> Launch {
        let config = SchedulerConfig::default().patched(&patch).unwrap();
        let share = Share { resources: Vec::new(), ports: vec![31000] };
        let of = Of { version: 1, slot: 2, id: TaskId::new("t"), agent_id: AgentId::new("a"), share };
        let program = Command::Argv(vec!["/mesoslab".into(), "serve".into(), "executor".into()]);
        let framework_id = FrameworkId::new("f");
        let share = Share { resources: vec![scalar("cpus", 0.1)], ports: Vec::new() };
        let terms = ExecutorTerms { framework_id: Some(&framework_id), program: Some(&program), share };
        launch(&config, of, terms)
    }

    fn task(patch: serde_json::Value) -> TaskInfo {
        launched(patch).task
    }

    #[test]
    fn a_pod_has_an_executor_that_needs_no_command() {
        let Launch { task, pod } = launched(json!({"executor": "default", "command": "sleep 5"}));
        let pod = pod.unwrap();
        assert_eq!((pod.r#type(), pod.executor_id.as_str()), (executor_info::Type::Default, "t"));
        assert_eq!((pod.command, pod.resources.len()), (None, 1));
        assert_eq!(pod.framework_id, Some(FrameworkId::new("f")));
        assert_eq!(task.executor, None, "the master puts it there");
        let command = task.command.unwrap();
        assert_eq!(command.value.as_deref(), Some("sleep 5"));
        let names: Vec<_> = command.environment.unwrap().variables.into_iter().map(|it| it.name).collect();
        assert!(names.contains(&"MESOS_TASK_ID".to_owned()), "{names:?}");
    }

    #[test]
    fn a_custom_executor_finds_the_command_in_the_data() {
        let Launch { task, pod } = launched(json!({"executor": "custom", "command": ["ls", "-l"]}));
        assert_eq!((pod, task.command), (None, None));
        let executor = task.executor.unwrap();
        assert_eq!(executor.r#type(), executor_info::Type::Custom);
        let program = executor.command.unwrap();
        assert_eq!((program.shell, program.value.as_deref()), (Some(false), Some("/mesoslab")));
        assert_eq!(program.arguments, ["/mesoslab", "serve", "executor"]);
        let data: serde_json::Value = serde_json::from_slice(&task.data.unwrap()).unwrap();
        assert_eq!((&data["value"], &data["arguments"]), (&json!("ls"), &json!(["ls", "-l"])));
        let named = &data["environment"]["variables"];
        assert!(named.as_array().unwrap().iter().any(|it| it["name"] == "PORT0"), "{data}");
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
