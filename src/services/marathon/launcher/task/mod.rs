//! The task of an instance, as it goes to the master.

pub mod assignments;
mod container;
mod discovery;
mod env;
mod health;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rand::Rng;

use super::matching::Share;
use crate::{
    mesos::v1::{
        AgentId, CommandInfo, DurationInfo, Environment, ExecutorId, ExecutorInfo, KillPolicy, Offer, TaskId,
        TaskInfo, command_info::Uri, environment::Variable,
    },
    services::marathon::model::{AppDefinition, Artifact},
};

/// Builds the task `id` of `app` on what it has got of `offer`. `prefix` is that of the variables of the ports.
pub fn task_info(
    app: &AppDefinition,
    id: TaskId,
    offer: &Offer,
    share: &Share,
    prefix: &str,
    rng: &mut impl Rng,
) -> TaskInfo {
    let ports = &share.host_ports;
    let given = assignments::given(ports);
    let assigned = assignments::assignments(app, &offer.hostname, &given, &[]);
    let env = env::variables(app, id.as_str(), &offer.hostname, ports, prefix, rng);
    let command = command_info(app, env);
    let container = container::container_info(app, id.as_str(), ports);
    let task = TaskInfo {
        name: app.id.host_name(),
        agent_id: AgentId::new(offer.agent_id.as_str()),
        resources: share.resources(),
        health_check: health::mesos_check(&app.health_checks, &assigned),
        kill_policy: app.task_kill_grace_period_seconds.map(kill_policy),
        labels: (!app.labels.is_empty()).then(|| discovery::to_labels(&app.labels)),
        discovery: Some(discovery::discovery_info(app, ports)),
        ..TaskInfo::default()
    };
    match custom_executor(app) {
        None => TaskInfo { task_id: id, command: Some(command), container, ..task },
        Some(path) => {
            let executor = ExecutorInfo {
                executor_id: ExecutorId::new(format!("marathon-{id}")),
                command: Some(running_executor(app, path, command)),
                container,
                ..ExecutorInfo::default()
            };
            TaskInfo { task_id: id, executor: Some(executor), ..task }
        }
    }
}

/// The path of an executor that is not Mesos' own.
fn custom_executor(app: &AppDefinition) -> Option<&str> {
    match app.executor.as_str() {
        "" | "//cmd" => None,
        path => Some(path.trim_start_matches("//")),
    }
}

/// The user's command is the argument of the executor.
fn running_executor(app: &AppDefinition, path: &str, command: CommandInfo) -> CommandInfo {
    let rest = app.cmd.clone().unwrap_or_else(|| app.args.join(" "));
    let value = format!("chmod ug+rx '{path}' && exec '{path}' {rest}");
    CommandInfo { value: Some(value), shell: Some(true), arguments: Vec::new(), ..command }
}

fn kill_policy(seconds: u32) -> KillPolicy {
    KillPolicy { grace_period: Some(DurationInfo { nanoseconds: i64::from(seconds) * 1_000_000_000 }) }
}

/// `cmd` goes to a shell; of `args` the first is the program, unless an image names it.
fn command_info(app: &AppDefinition, env: BTreeMap<String, String>) -> CommandInfo {
    let variable = |(name, value)| Variable { name, value: Some(value), ..Variable::default() };
    let mut command = CommandInfo {
        uris: app.fetch.iter().map(uri).collect(),
        environment: Some(Environment { variables: env.into_iter().map(variable).collect() }),
        user: app.user.clone(),
        value: app.cmd.clone().filter(|line| !line.is_empty()),
        ..CommandInfo::default()
    };
    command.shell = Some(command.value.is_some());
    if let Some(program) = app.args.first() {
        command.shell = Some(false);
        command.arguments.clone_from(&app.args);
        if app.container.is_none() {
            command.value = Some(program.clone());
        }
    }
    command
}

fn uri(artifact: &Artifact) -> Uri {
    Uri {
        value: artifact.uri.clone(),
        executable: Some(artifact.executable),
        extract: Some(artifact.extract),
        cache: Some(artifact.cache),
        output_file: artifact.dest_path.clone(),
    }
}
