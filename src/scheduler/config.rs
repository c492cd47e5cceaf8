//! What the user wants of the framework: how many tasks, of what kind, placed how. Parsing, checks and merge patches;
//! every problem is reported with the name of its field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::scheduler::{
    constraint::Constraint,
    health::HealthCheck,
    quantities::{Quantities, round},
    seconds::Seconds,
};

/// What Mesos asks every default executor to take, in MB; a custom one takes as much.
const EXECUTOR_DISK: f64 = 10.0;

/// The wish of the user. Times are in seconds, `mem` and `disk` in MB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    /// Name of the framework, and the first part of every task id.
    pub name: String,
    /// How many tasks run: the one slider of the lab.
    pub num_of_node: u32,
    pub command: Command,
    pub executor: Executor,
    /// What starts a custom executor on an agent; where the lab brings one along, that when absent.
    pub executor_command: Option<Command>,
    /// What an executor of its own takes for itself, when the executor is `default` or `custom`.
    pub executor_cpus: f64,
    pub executor_mem: f64,
    /// What a container is made of, when the executor is `docker`.
    pub image: Option<String>,
    /// Of containers.
    pub network: ContainerNetwork,
    pub cpus: f64,
    pub mem: f64,
    pub disk: f64,
    /// How many ports each task gets; it finds them in `PORT0`, `PORT1`... and `PORTS`.
    pub ports: u32,
    pub env: BTreeMap<String, String>,
    /// The user that the command runs as; the framework's own when absent.
    pub user: Option<String>,
    pub roles: Vec<String>,
    pub constraints: Vec<Constraint>,
    pub placement: Placement,
    pub health_check: Option<HealthCheck>,
    /// From TERM to KILL; the agent's default (3 s) when absent.
    pub kill_grace_period: Option<Seconds>,
    pub restart: RestartPolicy,
    pub backoff: BackoffConfig,
    /// How long the master keeps the tasks of a framework that has gone away.
    pub failover_timeout: Seconds,
    /// How long what we cannot use is not offered again, unless we revive.
    pub refuse_seconds: Seconds,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            name: "mesoslab".to_owned(),
            num_of_node: 0,
            command: Command::Shell("echo \"$MESOS_TASK_ID is up\"; exec sleep 1000000".to_owned()),
            executor: Executor::default(),
            executor_command: None,
            executor_cpus: 0.1,
            executor_mem: 32.0,
            image: None,
            network: ContainerNetwork::default(),
            cpus: 0.1,
            mem: 32.0,
            disk: 0.0,
            ports: 0,
            env: BTreeMap::new(),
            user: None,
            roles: vec!["*".to_owned()],
            constraints: Vec::new(),
            placement: Placement::default(),
            health_check: None,
            kill_grace_period: None,
            restart: RestartPolicy::default(),
            backoff: BackoffConfig::default(),
            failover_timeout: Seconds(7.0 * 24.0 * 3600.0),
            refuse_seconds: Seconds(120.0),
        }
    }
}

/// A shell command (a string) or a program with its arguments (a list).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Command {
    Shell(String),
    Argv(Vec<String>),
}

/// What runs a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// Mesos' own: the command as a process of the agent.
    #[default]
    Command,
    /// A container of Docker Engine, made of an image; without a command it is the image's own.
    Docker,
    /// Mesos' executor of task groups: every task is a pod of its own, its command a process in there.
    Default,
    /// A program that speaks the v1 executor API, one for each task: our own, or any that reads a task as
    /// [`crate::scheduler`] writes it.
    Custom,
}

impl Executor {
    /// As it is written in a configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Docker => "docker",
            Self::Default => "default",
            Self::Custom => "custom",
        }
    }

    /// Whether it takes resources beside those of its task.
    pub fn is_on_its_own(self) -> bool {
        matches!(self, Self::Default | Self::Custom)
    }
}

/// The network that a container is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerNetwork {
    /// The agent's.
    #[default]
    Host,
    /// Docker's bridge: each port of the task is mapped to the same one of the container.
    Bridge,
}

impl Command {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Shell(line) => line.trim().is_empty(),
            Self::Argv(argv) => argv.first().is_none_or(String::is_empty),
        }
    }
}

/// Which agent comes first among those that the constraints admit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// The one with the fewest of our tasks.
    #[default]
    Spread,
    /// The one with the most of our tasks.
    Pack,
}

/// Which tasks that end by themselves are started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// All: a service.
    #[default]
    Always,
    /// Those that did not finish with success: a job that is tried again.
    OnFailure,
    /// None: a one-shot job.
    Never,
}

/// How long the slot of a failed task waits for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackoffConfig {
    pub initial: Seconds,
    pub factor: f64,
    pub max: Seconds,
    /// A task that ran this long was healthy: the next failure counts as the first.
    pub reset_after: Seconds,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self { initial: Seconds(1.0), factor: 2.0, max: Seconds(60.0), reset_after: Seconds(10.0) }
    }
}

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field, as a path: `backoff.factor`. Empty when the mistake is not in a field.
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid configuration: {}", listed(.0))]
pub struct ConfigError(pub Vec<FieldError>);

fn listed(errors: &[FieldError]) -> String {
    errors.iter().map(|e| format!("`{}`: {}", e.field, e.message)).collect::<Vec<_>>().join("; ")
}

impl SchedulerConfig {
    /// A whole configuration; absent fields take their defaults.
    ///
    /// # Errors
    /// Every unknown field, wrong type and value out of range.
    pub fn from_value(value: Value) -> Result<Self, ConfigError> {
        let Value::Object(fields) = value else {
            return Err(ConfigError(vec![FieldError::new("", "must be a JSON object")]));
        };
        match serde_json::from_value::<Self>(Value::Object(fields.clone())) {
            Ok(config) => config.validate().map(|()| config),
            Err(error) => Err(ConfigError(type_errors(&fields, &error))),
        }
    }

    /// This configuration with `patch` applied as an RFC 7386 merge patch: `null` resets a field to its default.
    ///
    /// # Errors
    /// As [`SchedulerConfig::from_value`].
    pub fn patched(&self, patch: &Value) -> Result<Self, ConfigError> {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        merge(&mut value, patch);
        Self::from_value(value)
    }

    /// # Errors
    /// Every value out of range, by field.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut errors = self.name_errors();
        errors.extend(self.resource_errors());
        errors.extend(self.role_errors());
        errors.extend(self.time_errors());
        errors.extend(self.env_errors());
        errors.extend(self.executor_errors());
        if let Some(check) = &self.health_check {
            errors.extend(check.errors(self.ports));
        }
        if errors.is_empty() { Ok(()) } else { Err(ConfigError(errors)) }
    }

    /// What one task needs of an agent, its executor included.
    pub fn wants(&self) -> Quantities {
        self.task_wants().plus(&self.executor_wants())
    }

    /// What the executor of one task takes beside it. Mesos starts no default executor without disk.
    pub fn executor_wants(&self) -> Quantities {
        match self.executor {
            Executor::Command | Executor::Docker => Quantities::default(),
            Executor::Default | Executor::Custom => Quantities {
                cpus: round(self.executor_cpus),
                mem: round(self.executor_mem),
                disk: EXECUTOR_DISK,
                ports: 0,
            },
        }
    }

    /// What one task takes itself.
    pub fn task_wants(&self) -> Quantities {
        Quantities {
            cpus: round(self.cpus),
            mem: round(self.mem),
            disk: round(self.disk),
            ports: u64::from(self.ports),
        }
    }

    /// Names the definition of a task: tasks of another fingerprint are replaced.
    pub fn fingerprint(&self) -> String {
        let mut definition = serde_json::json!([
            &self.command,
            self.task_wants(),
            &self.env,
            &self.user,
            &self.constraints,
            &self.health_check,
            &self.kill_grace_period,
        ]);
        let of_executor = match self.executor {
            Executor::Command => None,
            Executor::Docker => Some(serde_json::json!([&self.image, self.network])),
            Executor::Default => Some(serde_json::json!(["default", self.executor_wants()])),
            Executor::Custom => {
                Some(serde_json::json!(["custom", self.executor_wants(), &self.executor_command]))
            }
        };
        if let Value::Array(parts) = &mut definition {
            parts.extend(of_executor);
        }
        format!("{:016x}", fnv1a(definition.to_string().as_bytes()))
    }

    /// A container has the command of its image where it has no other.
    fn executor_errors(&self) -> Vec<FieldError> {
        let has_image = self.image.as_deref().is_some_and(|image| !image.trim().is_empty());
        let mut errors = Vec::new();
        match self.executor {
            Executor::Docker if !has_image => {
                errors.push(FieldError::new("image", "must name an image: the executor is docker"));
            }
            Executor::Command | Executor::Default | Executor::Custom if self.command.is_empty() => {
                errors.push(FieldError::new("command", "must not be empty"));
            }
            _ => {}
        }
        if self.executor_command.as_ref().is_some_and(Command::is_empty) {
            errors.push(FieldError::new("executor_command", "must not be empty"));
        }
        let least = [("executor_cpus", self.executor_cpus, 0.01), ("executor_mem", self.executor_mem, 32.0)];
        for (field, value, least) in least {
            if !(least..=1e9).contains(&value) {
                let message = format!("must be {least} or more, as Mesos has it for executors, is {value}");
                errors.push(FieldError::new(field, message));
            }
        }
        errors
    }

    fn name_errors(&self) -> Vec<FieldError> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let mut errors = Vec::new();
        if self.name.is_empty() || self.name.len() > 100 || !self.name.chars().all(good) {
            errors.push(FieldError::new("name", "must be 1 to 100 letters, digits, `-` or `_`"));
        }
        if self.user.as_deref().is_some_and(str::is_empty) {
            errors.push(FieldError::new("user", "must not be empty"));
        }
        errors
    }

    fn resource_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (field, value) in [("cpus", self.cpus), ("mem", self.mem), ("disk", self.disk)] {
            if !value.is_finite() || value < 0.0 {
                errors.push(FieldError::new(field, format!("must be 0 or more, is {value}")));
            } else if value > 1e9 {
                errors.push(FieldError::new(field, "is larger than any cluster"));
            }
        }
        if errors.is_empty() && self.task_wants().is_zero() {
            errors.push(FieldError::new("cpus", "a task needs some resource: `cpus` and `mem` are 0"));
        }
        if self.ports > 1000 {
            errors.push(FieldError::new("ports", "must be at most 1000: it is a count, not a port number"));
        }
        errors
    }

    fn role_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.roles.is_empty() {
            errors.push(FieldError::new("roles", "must name at least one role; `*` is the default one"));
        }
        for (at, role) in self.roles.iter().enumerate() {
            if let Some(problem) = role_problem(role) {
                errors.push(FieldError::new(format!("roles[{at}]"), problem));
            } else if self.roles[..at].contains(role) {
                errors.push(FieldError::new(format!("roles[{at}]"), format!("`{role}` is there twice")));
            }
        }
        errors
    }

    fn time_errors(&self) -> Vec<FieldError> {
        let times = [
            ("kill_grace_period", self.kill_grace_period.unwrap_or_default()),
            ("backoff.initial", self.backoff.initial),
            ("backoff.max", self.backoff.max),
            ("backoff.reset_after", self.backoff.reset_after),
            ("failover_timeout", self.failover_timeout),
            ("refuse_seconds", self.refuse_seconds),
        ];
        let mut errors: Vec<_> = times
            .into_iter()
            .filter(|(_, time)| !time.is_sane())
            .map(|(field, time)| {
                FieldError::new(field, format!("must be 0 to 100 years of seconds, is {}", time.0))
            })
            .collect();
        if !(1.0..=1000.0).contains(&self.backoff.factor) {
            errors.push(FieldError::new(
                "backoff.factor",
                format!("must be 1 to 1000, is {}", self.backoff.factor),
            ));
        }
        errors
    }

    fn env_errors(&self) -> Vec<FieldError> {
        let bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
        self.env
            .iter()
            .filter(|(name, value)| bad(name) || value.contains('\0'))
            .map(|(name, _)| {
                FieldError::new(format!("env.{name}"), "is not a name and value for an environment")
            })
            .collect()
    }
}

/// The rules of Mesos for role names.
fn role_problem(role: &str) -> Option<String> {
    if role == "*" {
        return None;
    }
    let part_is_bad = |part: &str| {
        matches!(part, "" | "." | ".." | "*")
            || part.starts_with('-')
            || part.contains(|c: char| c.is_whitespace() || c == '\x08')
    };
    role.split('/').any(part_is_bad).then(|| format!("`{role}` is not a role name"))
}

/// Finds the fields of wrong type: every field has a default, so each can be tried alone.
fn type_errors(fields: &Map<String, Value>, whole: &serde_json::Error) -> Vec<FieldError> {
    let alone = |(field, value): (&String, &Value)| {
        let one = Map::from_iter([(field.clone(), value.clone())]);
        let error = serde_json::from_value::<SchedulerConfig>(Value::Object(one)).err()?;
        Some(FieldError::new(field.clone(), readable(field, &error)))
    };
    let errors: Vec<_> = fields.iter().filter_map(alone).collect();
    if errors.is_empty() { vec![FieldError::new("", whole.to_string())] } else { errors }
}

fn readable(field: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with(&format!("unknown field `{field}`")) {
        return text.replacen(&format!("unknown field `{field}`"), "is not a field", 1);
    }
    if text.starts_with("data did not match any variant of untagged enum Command") {
        return "must be a shell command or a list of strings".to_owned();
    }
    text
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.shift_remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Command, SchedulerConfig};

    fn errors(value: serde_json::Value) -> Vec<String> {
        let error = SchedulerConfig::default().patched(&value).unwrap_err();
        error.0.into_iter().map(|e| format!("{}: {}", e.field, e.message)).collect()
    }

    #[test]
    fn default_is_valid_and_wants_nothing() {
        let config = SchedulerConfig::default();
        config.validate().unwrap();
        assert_eq!(config.num_of_node, 0);
    }

    #[test]
    fn every_mistake_is_named_by_its_field() {
        assert_eq!(errors(json!({"cpus": -1, "name": "a b", "command": ""})).len(), 3);
        assert_eq!(errors(json!({"cpus": "many"})), ["cpus: invalid type: string \"many\", expected f64"]);
        assert!(errors(json!({"num_of_node": -1}))[0].starts_with("num_of_node: invalid value"));
        assert!(
            errors(json!({"num_of_nodes": 1}))[0]
                .starts_with("num_of_nodes: is not a field, expected one of")
        );
        assert!(errors(json!({"constraints": ["hostname:UNIQE"]}))[0].starts_with("constraints: "));
        assert_eq!(errors(json!({"command": 5})), ["command: must be a shell command or a list of strings"]);
        assert_eq!(errors(json!([1])), [": must be a JSON object"]);
        assert!(errors(json!({"backoff": {"factor": 0.5}}))[0].starts_with("backoff.factor: "));
        assert!(errors(json!({"roles": ["a", "a", "-b"]})).len() == 2);
    }

    #[test]
    fn a_container_needs_an_image_and_no_command() {
        assert_eq!(
            errors(json!({"executor": "docker"})),
            ["image: must name an image: the executor is docker"]
        );
        assert!(errors(json!({"executor": "dokcer"}))[0].starts_with("executor: unknown variant"));
        let base = SchedulerConfig::default();
        let image = base.patched(&json!({"image": "app:1"})).unwrap();
        assert_eq!(image.fingerprint(), base.fingerprint(), "no task is of it");
        let docker = image.patched(&json!({"executor": "docker", "command": ""})).unwrap();
        let other = docker.patched(&json!({"image": "app:2"})).unwrap();
        let bridge = docker.patched(&json!({"network": "bridge"})).unwrap();
        let all = [&base, &docker, &other, &bridge].map(SchedulerConfig::fingerprint);
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
    }

    #[test]
    fn each_executor_is_another_definition_and_its_own_resources_count() {
        let base = SchedulerConfig::default();
        let of = |executor: &str| base.patched(&json!({"executor": executor, "image": "i"})).unwrap();
        let all = ["command", "docker", "default", "custom"].map(|word| of(word).fingerprint());
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
        let (command, pod) = (of("command").wants(), of("default").wants());
        assert_eq!((command.cpus, command.mem, command.disk), (0.1, 32.0, 0.0));
        assert_eq!((pod.cpus, pod.mem, pod.disk), (0.2, 64.0, 10.0));
        let larger = of("custom").patched(&json!({"executor_mem": 64})).unwrap();
        assert_ne!(larger.fingerprint(), of("custom").fingerprint());
        assert_eq!(
            of("command").patched(&json!({"executor_mem": 64})).unwrap().fingerprint(),
            base.fingerprint()
        );
        assert_eq!(
            errors(json!({"executor_cpus": 0.001, "executor_mem": 31, "executor_command": " "})),
            [
                "executor_command: must not be empty",
                "executor_cpus: must be 0.01 or more, as Mesos has it for executors, is 0.001",
                "executor_mem: must be 32 or more, as Mesos has it for executors, is 31",
            ]
        );
        assert_eq!(errors(json!({"executor": "default", "command": ""})), ["command: must not be empty"]);
    }

    #[test]
    fn patch_changes_only_what_it_names_and_null_resets() {
        let base = SchedulerConfig { cpus: 2.0, mem: 64.0, ..SchedulerConfig::default() };
        let config = base.patched(&json!({"num_of_node": 5, "mem": null, "env": {"A": "1"}})).unwrap();
        assert_eq!((config.num_of_node, config.cpus, config.mem), (5, 2.0, 32.0));
        let config = config.patched(&json!({"env": {"B": "2"}, "command": ["sleep", "5"]})).unwrap();
        assert_eq!(config.env.len(), 2);
        assert_eq!(config.command, Command::Argv(vec!["sleep".into(), "5".into()]));
    }

    #[test]
    fn only_the_definition_of_a_task_changes_the_fingerprint() {
        let base = SchedulerConfig::default();
        let same = base.patched(&json!({"num_of_node": 9, "backoff": {"factor": 3}})).unwrap();
        let other = base.patched(&json!({"cpus": 0.2})).unwrap();
        assert_eq!(base.fingerprint(), same.fingerprint());
        assert_ne!(base.fingerprint(), other.fingerprint());
    }
}
