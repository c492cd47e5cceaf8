//! The task as it goes to the master, for the command executor: no `ExecutorInfo`, one command.

use crate::{
    mesos::v1::{
        AgentId, CommandInfo, DurationInfo, Environment, KillPolicy, Label, Labels, TaskId, TaskInfo,
        environment::Variable,
    },
    scheduler::{
        config::{Command, SchedulerConfig},
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
        task_id: id,
        agent_id,
        command: Some(command_info(config, slot, &share.ports)),
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

fn command_info(config: &SchedulerConfig, slot: u32, ports: &[u32]) -> CommandInfo {
    let command = CommandInfo {
        environment: Some(Environment { variables: variables(config, slot, ports) }),
        user: config.user.clone(),
        ..CommandInfo::default()
    };
    match &config.command {
        Command::Shell(line) => CommandInfo { shell: Some(true), value: Some(line.clone()), ..command },
        Command::Argv(argv) => CommandInfo {
            shell: Some(false),
            value: argv.first().cloned(),
            arguments: argv.clone(),
            ..command
        },
    }
}

/// What the user has set, and as Marathon has it: `PORT`, `PORT0`..., `PORTS`.
fn variables(config: &SchedulerConfig, slot: u32, ports: &[u32]) -> Vec<Variable> {
    let variable = |name: String, value: String| Variable { name, value: Some(value), ..Variable::default() };
    let mut variables = vec![variable("MESOSLAB_SLOT".to_owned(), slot.to_string())];
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
