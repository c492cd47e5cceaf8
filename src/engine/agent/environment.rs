//! The environment of a task, as the agent and the executors of Mesos build it.

use std::{collections::BTreeMap, time::Duration};

use super::{AgentConfig, Executor};
use crate::mesos::v1::{
    AgentId, Environment, ExecutorInfo, FrameworkInfo, TaskInfo,
    environment::{Variable, variable::Type},
};

/// Where programs are looked up when the task does not say.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// More ports than this get no `PORTn` of their own.
const MAX_PORT_VARIABLES: usize = 100;

/// What a task's environment is made of.
pub(super) struct Surroundings<'a> {
    pub config: &'a AgentConfig,
    pub agent_id: &'a AgentId,
    pub framework: &'a FrameworkInfo,
    pub executor: &'a ExecutorInfo,
    pub task: &'a TaskInfo,
    pub directory: &'a str,
    pub shutdown_grace_period: Duration,
}

/// Later layers win: the agent's, the ports, the task's own; the allocation role comes last.
pub(super) fn environment(of: &Surroundings<'_>) -> BTreeMap<String, String> {
    let mut environment = agent_variables(
        of.config,
        of.agent_id,
        of.framework,
        (of.executor, of.directory, of.shutdown_grace_period),
    );
    environment.insert("MESOS_TASK_ID".to_owned(), of.task.task_id.to_string());
    environment.extend(port_variables(of.task));
    let own = of.task.command.as_ref().and_then(|command| command.environment.as_ref());
    environment.extend(own.into_iter().flat_map(plain_variables));
    environment.insert("MESOS_ALLOCATION_ROLE".to_owned(), allocation_role(of.task));
    environment
}

/// The environment of a custom executor: the agent's, then its own.
pub(super) fn executor_environment(
    config: &AgentConfig,
    agent_id: &AgentId,
    framework: &FrameworkInfo,
    executor: &Executor,
) -> BTreeMap<String, String> {
    let place = (&executor.info, executor.directory.as_str(), executor.shutdown_grace_period);
    let mut environment = agent_variables(config, agent_id, framework, place);
    let own = executor.info.command.as_ref().and_then(|command| command.environment.as_ref());
    environment.extend(own.into_iter().flat_map(plain_variables));
    environment
}

/// The environment of a task in a group, which inherits nothing of its executor.
pub(super) fn nested_environment(
    ip: core::net::IpAddr,
    task: &TaskInfo,
    directory: &str,
) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]);
    environment.extend(port_variables(task));
    let own = task.command.as_ref().and_then(|command| command.environment.as_ref());
    environment.extend(own.into_iter().flat_map(plain_variables));
    environment.extend(
        [
            ("MESOS_ALLOCATION_ROLE", allocation_role(task)),
            ("MESOS_CONTAINER_IP", ip.to_string()),
            ("MESOS_SANDBOX", directory.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    environment
}

/// The variables of a `CommandInfo`. As in Mesos secrets come last; those that are no values are left out.
pub fn plain_variables(environment: &Environment) -> impl Iterator<Item = (String, String)> {
    let variables = || environment.variables.iter();
    let plain = variables()
        .filter(|variable| variable.r#type() != Type::Secret)
        .map(|variable| (variable.name.clone(), variable.value().to_owned()));
    plain.chain(variables().filter_map(secret))
}

fn secret(variable: &Variable) -> Option<(String, String)> {
    let secret = variable.secret.as_ref().filter(|_| variable.r#type() == Type::Secret)?;
    let data = &secret.value.as_ref()?.data;
    Some((variable.name.clone(), String::from_utf8_lossy(data).into_owned()))
}

fn agent_variables(
    config: &AgentConfig,
    agent_id: &AgentId,
    framework: &FrameworkInfo,
    (executor, directory, shutdown_grace_period): (&ExecutorInfo, &str, Duration),
) -> BTreeMap<String, String> {
    let checkpoint = framework.checkpoint();
    let flag = |value: bool| if value { "1" } else { "0" }.to_owned();
    let framework_id = framework.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut variables = config.executor_environment.clone();
    variables.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
    variables.extend(
        [
            ("LIBPROCESS_IP", config.ip.to_string()),
            ("LIBPROCESS_PORT", "0".to_owned()),
            ("MESOS_AGENT_ENDPOINT", config.endpoint()),
            ("MESOS_CHECKPOINT", flag(checkpoint)),
            ("MESOS_DIRECTORY", directory.to_owned()),
            ("MESOS_EXECUTOR_ID", executor.executor_id.to_string()),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", duration(shutdown_grace_period)),
            ("MESOS_FRAMEWORK_ID", framework_id),
            ("MESOS_HTTP_COMMAND_EXECUTOR", flag(false)),
            ("MESOS_SANDBOX", directory.to_owned()),
            ("MESOS_SLAVE_ID", agent_id.to_string()),
            ("MESOS_SLAVE_PID", config.pid()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if checkpoint {
        variables.insert("MESOS_RECOVERY_TIMEOUT".to_owned(), duration(config.recovery_timeout));
        let backoff = duration(config.executor_reregistration_timeout);
        variables.insert("MESOS_SUBSCRIPTION_BACKOFF_MAX".to_owned(), backoff);
    }
    variables
}

/// `PORT` and `PORT0`, `PORT1`, ...: the ports among the task's resources.
fn port_variables(task: &TaskInfo) -> Vec<(String, String)> {
    let ranges = task
        .resources
        .iter()
        .filter(|resource| resource.name == "ports")
        .filter_map(|resource| resource.ranges.as_ref())
        .flat_map(|ranges| &ranges.range);
    let ports: Vec<u64> = ranges.flat_map(|range| range.begin..=range.end).take(MAX_PORT_VARIABLES).collect();
    let first = ports.first().map(|port| ("PORT".to_owned(), port.to_string()));
    let numbered = ports.iter().enumerate().map(|(n, port)| (format!("PORT{n}"), port.to_string()));
    first.into_iter().chain(numbered).collect()
}

pub(super) fn allocation_role(task: &TaskInfo) -> String {
    let allocation = task.resources.first().and_then(|resource| resource.allocation_info.as_ref());
    allocation.map_or_else(|| "*".to_owned(), |info| info.role().to_owned())
}

/// As Mesos prints a duration: in the largest unit that needs no fraction.
pub(super) fn duration(value: Duration) -> String {
    const UNITS: [(&str, u128); 8] = [
        ("weeks", 604_800_000_000_000),
        ("days", 86_400_000_000_000),
        ("hrs", 3_600_000_000_000),
        ("mins", 60_000_000_000),
        ("secs", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let nanoseconds = value.as_nanos();
    let whole = UNITS.iter().find(|(_, unit)| nanoseconds > 0 && nanoseconds.is_multiple_of(*unit));
    let (name, unit) = whole.unwrap_or(&("ns", 1));
    format!("{}{name}", nanoseconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::v1::{Resource, value};

    #[test]
    fn prints_durations_as_mesos_does() {
        assert_eq!(duration(Duration::from_secs(5)), "5secs");
        assert_eq!(duration(Duration::from_secs(120)), "2mins");
        assert_eq!(duration(Duration::from_secs(90)), "90secs");
        assert_eq!(duration(Duration::from_millis(1500)), "1500ms");
        assert_eq!(duration(Duration::ZERO), "0ns");
    }

    #[test]
    fn names_the_ports() {
        let range = |begin, end| value::Range { begin, end };
        let ports = Resource {
            name: "ports".to_owned(),
            ranges: Some(value::Ranges { range: vec![range(31000, 31001), range(31005, 31005)] }),
            ..Resource::default()
        };
        let task = TaskInfo { resources: vec![ports], ..TaskInfo::default() };
        let variables: BTreeMap<_, _> = port_variables(&task).into_iter().collect();
        assert_eq!(variables["PORT"], "31000");
        assert_eq!(variables["PORT1"], "31001");
        assert_eq!(variables["PORT2"], "31005");
        assert_eq!(variables.len(), 4);
    }
}
