//! Plays the scenarios of `tests/scenarios/agent`: inputs with times at the margin, the expected effects below,
//! indented. `next` states when the agent wants to be woken: then, or within `FROM..TO` where it draws by lot. `agent`
//! is another one in its place, with other settings; `recover` lets it take over from the one before, without what is
//! `dead`. Framework, executor and task name their users with `owner=`, `runs-as=` and `user=`: one that is called
//! `nobody-*` does not exist.

use std::{collections::BTreeMap, fs, path::Path};

use super::{account::Account, *};
use crate::{
    engine::{
        executor::check::{command_status, tcp_status},
        wire::{LaunchTerms, OperationRequest, Reconciliation, Running},
    },
    mesos::v1::{
        CommandInfo, ContainerInfo, DrainConfig, DurationInfo, ExecutorInfo, FrameworkInfo, HealthCheck,
        KillPolicy, Resource, TaskGroupInfo, TaskId, TaskInfo, TaskStatus, command_info::Uri, container_info,
        executor_info, framework_info::Capability, framework_info::capability, health_check,
        offer::Operation, resource::AllocationInfo, task_status, value,
    },
};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/agent");

mod custom;
mod properties;
mod recovery;

struct Stage {
    agent: Agent,
    agents: u64,
    containers: BTreeMap<String, ContainerId>,
    sent: BTreeMap<String, bytes::Bytes>,
    /// What agents have written down, and what survives them.
    known: Option<AgentId>,
    log: Vec<AgentLogEntry>,
    alive: BTreeMap<ContainerId, Container>,
    raw: Vec<Effect>,
}

impl Stage {
    fn new() -> Self {
        Self {
            agent: Agent::new(config(&[]), at("0"), 7),
            agents: 1,
            containers: BTreeMap::new(),
            sent: BTreeMap::new(),
            known: None,
            log: Vec::new(),
            alive: BTreeMap::new(),
            raw: Vec::new(),
        }
    }

    /// One line of a scenario; what the agent did, one line each.
    fn play(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [time, verb, rest @ ..] = words.as_slice() else { panic!("no verb in `{line}`") };
        let effects = match *verb {
            "next" => {
                self.check_deadline(line, rest[0]);
                Vec::new()
            }
            "agent" => {
                self.agents += 1;
                self.agent = Agent::new(config(rest), at(time), 6 + self.agents).with_accounts(account);
                Vec::new()
            }
            "dead" => {
                self.alive.remove(&self.containers[rest[0]]);
                Vec::new()
            }
            "recover" => {
                let id = self.known.clone().unwrap();
                self.agent.recover(at(time), id, self.log.clone(), &self.alive)
            }
            _ => {
                let input = self.input(verb, rest);
                if let Input::Launched { container_id, pid } = &input
                    && let Some(container) = self.alive.get_mut(container_id)
                {
                    container.pid = Some(*pid);
                }
                self.agent.handle(at(time), input)
            }
        };
        self.remember(&effects);
        self.raw.extend(effects.iter().cloned());
        effects.iter().map(|effect| self.show(effect)).collect()
    }

    fn check_deadline(&self, line: &str, expected: &str) {
        let deadline = self.agent.next_deadline();
        match expected.split_once("..") {
            None => {
                let deadline = deadline.map_or("never".to_owned(), |at| format!("{}", at.as_secs_f64()));
                assert_eq!(expected, deadline, "deadline in `{line}`");
            }
            Some((from, to)) => {
                let is_within = deadline.is_some_and(|deadline| at(from) <= deadline && deadline <= at(to));
                assert!(is_within, "{deadline:?} in `{line}`");
            }
        }
    }

    fn remember(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Remember(memory) => match memory {
                    Memory::Agent(info) => self.known.clone_from(&info.id),
                    Memory::Entry(entry) => self.log.push((**entry).clone()),
                },
                Effect::Launch(launch) if launch.survives => {
                    self.alive.insert(
                        launch.container_id.clone(),
                        Container { pid: Some(1), ..Container::default() },
                    );
                }
                _ => {}
            }
        }
    }

    fn input(&self, verb: &str, rest: &[&str]) -> Input {
        let task = || TaskId::new(rest[0]);
        let container_id = || self.containers[rest[0]].clone();
        let framework_id = FrameworkId::new("F");
        match verb {
            "connect" => Input::MasterConnected,
            "lost" => Input::MasterLost,
            "tick" => Input::Tick,
            "stop" => Input::Stop,
            "resources" => Input::Resources(Vec::new()),
            "inspected" => Input::Inspected { container_id: container_id(), inspected: Box::default() },
            "launched" => Input::Launched { container_id: container_id(), pid: rest[1].parse().unwrap() },
            "failed" => Input::LaunchFailed { container_id: container_id(), message: rest[1..].join(" ") },
            "exit" => {
                Input::Exited { container_id: container_id(), exit: Exit::Code(rest[1].parse().unwrap()) }
            }
            "signal" => {
                Input::Exited { container_id: container_id(), exit: Exit::signal(rest[1].parse().unwrap()) }
            }
            "probed" => Input::Probed {
                container_id: container_id(),
                kind: CheckKind::Health,
                outcome: match rest[1] {
                    "well" => Ok(tcp_status(true)),
                    "ill" => Ok(command_status(1)),
                    other => Err(other.to_owned()),
                },
            },
            "registered" => {
                let ping_timeout = rest.get(1).map(|seconds| Duration::from_secs(seconds.parse().unwrap()));
                Input::Master(ToAgent::Registered { agent_id: AgentId::new(rest[0]), ping_timeout })
            }
            "operation" => Input::Master(ToAgent::ApplyOperation(Box::new(OperationRequest {
                framework_id: None,
                operation: Operation::default(),
                uuid: bytes::Bytes::new(),
                resource_version: bytes::Bytes::new(),
            }))),
            "run" => Input::Master(ToAgent::RunTask {
                framework: Box::new(framework(rest)),
                task: Box::new(task_info(rest)),
                launch: LaunchTerms::default(),
            }),
            "group" => Input::Master(group(rest)),
            "kill" => Input::Master(ToAgent::KillTask {
                framework_id,
                task_id: task(),
                kill_policy: rest.get(1).map(|seconds| policy(seconds)),
            }),
            "ack" => Input::Master(ToAgent::Acknowledge {
                agent_id: AgentId::default(),
                framework_id,
                task_id: task(),
                uuid: self.sent[rest[0]].clone(),
            }),
            "ack-wrong" => Input::Master(ToAgent::Acknowledge {
                agent_id: AgentId::default(),
                framework_id,
                task_id: task(),
                uuid: bytes::Bytes::from_static(b"another"),
            }),
            "reconcile" => {
                let statuses = vec![TaskStatus { task_id: task(), ..TaskStatus::default() }];
                let framework = self.agent.frameworks.get(&framework_id).map(|it| Box::new(it.info.clone()));
                Input::Master(ToAgent::Reregistered {
                    agent_id: self.agent.id().cloned().unwrap_or_default(),
                    ping_timeout: None,
                    missing: vec![Reconciliation { framework_id, framework, statuses }],
                })
            }
            "shutdown-executor" => Input::Master(ToAgent::ShutdownExecutor {
                framework_id,
                executor_id: ExecutorId::new(rest[0]),
            }),
            "shutdown-framework" => Input::Master(ToAgent::ShutdownFramework { framework_id }),
            "shutdown" => Input::Master(ToAgent::Shutdown { message: String::new() }),
            "drain" => Input::Master(ToAgent::Drain(DrainConfig {
                max_grace_period: rest.iter().find_map(|word| word.parse().ok()).map(seconds),
                mark_gone: Some(rest.contains(&"gone")),
            })),
            "ping" => Input::Master(ToAgent::Ping { observer: 1, connected: rest[0] == "connected" }),
            _ => custom::input(verb, rest),
        }
    }

    fn show(&mut self, effect: &Effect) -> String {
        match effect {
            Effect::Master(message) => self.show_message(message),
            Effect::Sandbox(sandbox) => {
                let parts: Vec<&str> = sandbox.latest.rsplit('/').take(3).collect();
                format!("sandbox {}{}", parts[2], whose(sandbox.account.as_ref()))
            }
            Effect::Launch(launch) => {
                let task = launched_task(launch);
                self.containers.insert(task.clone(), launch.container_id.clone());
                format!("launch {task} {:?}{}", launch.command, whose(launch.setup.account.as_ref()))
            }
            Effect::Run(run) => {
                // Of what survives, the next agent finds the container.
                if run.survives {
                    let there = Container { pid: Some(1), ..Container::default() };
                    self.alive.insert(run.container_id.clone(), there);
                }
                let labels = run.body.labels.as_ref().unwrap();
                let task = labels["mesoslab.task"].clone();
                self.containers.insert(task.clone(), run.container_id.clone());
                format!("run {task} {}{}", run.image, whose(run.account.as_ref()))
            }
            Effect::Signal { container_id, signal } => format!("{signal:?} {}", self.task_in(container_id)),
            Effect::Probe { container_id, probe } => {
                format!("probe {} {:?}", self.task_in(container_id), probe.kind)
            }
            Effect::Remember(memory) => show_memory(memory),
            Effect::ExecutorAnswer { .. } | Effect::Event { .. } | Effect::Close(_) => custom::show(effect),
            Effect::Stopped => "stopped".to_owned(),
            Effect::Attend(attended) => {
                let task = launched_task(&attended.launch);
                self.containers.insert(task.clone(), attended.launch.container_id.clone());
                format!("attend {task} {:?}", attended.streams)
            }
            Effect::Kill { container_id, signal } => format!("kill {} {signal}", self.task_in(container_id)),
            Effect::Answer { request, answer } => format!("answer {request} {answer:?}"),
            Effect::RemoveSandbox(directory) => format!("remove {directory}"),
        }
    }

    fn task_in(&self, container_id: &ContainerId) -> String {
        let found = self.containers.iter().find(|(_, id)| *id == container_id);
        found.map(|(task, _)| task.clone()).unwrap_or_default()
    }

    fn show_message(&mut self, message: &ToMaster) -> String {
        match message {
            ToMaster::Register(_) => "register".to_owned(),
            ToMaster::Reregister { running: Running { tasks, frameworks, executors, .. }, .. } => {
                let tasks: Vec<_> = tasks
                    .iter()
                    .map(|task| format!("{}:{}", task.task_id, task.state().as_str_name()))
                    .collect();
                format!("reregister {tasks:?} frameworks {} executors {}", frameworks.len(), executors.len())
            }
            ToMaster::Unregister => "unregister".to_owned(),
            ToMaster::StatusUpdate(update) => self.show_update(update),
            ToMaster::Update { .. } => "total".to_owned(),
            ToMaster::ExitedExecutor { executor_id, status, .. } => format!("exited {executor_id} {status}"),
            ToMaster::ExecutorMessage { .. } => "message".to_owned(),
            ToMaster::Pong { .. } => "pong".to_owned(),
            ToMaster::OperationUpdate(update) => {
                format!("operation {} {:?}", update.status.state().as_str_name(), update.status.message())
            }
        }
    }

    fn show_update(&mut self, update: &crate::engine::wire::StatusUpdate) -> String {
        let status = &update.status;
        let task = status.task_id.to_string();
        self.sent.insert(task.clone(), status.uuid.clone().unwrap());
        assert_eq!(status.agent_id, self.agent.id().cloned());
        let mut words = vec![
            "update".to_owned(),
            task,
            status.state().as_str_name().to_owned(),
            task_status::Source::try_from(status.source.unwrap()).unwrap().as_str_name().to_owned(),
        ];
        let reason = status.reason.map(|reason| task_status::Reason::try_from(reason).unwrap());
        words.extend(reason.map(|reason| reason.as_str_name().to_owned()));
        words.extend(status.message.as_ref().map(|message| format!("{message:?}")));
        words.extend(status.healthy.map(|healthy| format!("healthy={healthy}")));
        let container = status.container_status.as_ref();
        let inside = container.and_then(|it| it.container_id.as_ref()?.parent.as_ref());
        words.extend(inside.map(|_| format!("in {}", status.executor_id.clone().unwrap_or_default())));
        let pid = container.and_then(|container| container.executor_pid);
        words.extend(pid.map(|pid| format!("pid={pid}")));
        let latest = update.latest_state.filter(|latest| *latest != status.state());
        words.extend(latest.map(|latest| format!("latest={}", latest.as_str_name())));
        words.join(" ")
    }
}

/// Settings in words: `checkpoints`, `images`, `switches` (users), `backoff=SECONDS`.
fn config(words: &[&str]) -> AgentConfig {
    let info = AgentInfo { hostname: "localhost".to_owned(), port: Some(5051), ..AgentInfo::default() };
    let backoff = words.iter().find_map(|word| word.strip_prefix("backoff="));
    AgentConfig {
        checkpoints: words.contains(&"checkpoints"),
        switch_user: words.contains(&"switches"),
        docker: words.contains(&"images").then(DockerConfig::default),
        registration_backoff_factor: Duration::from_secs(backoff.map_or(0, |it| it.parse().unwrap())),
        ..AgentConfig::new(info, "/lab")
    }
}

fn account(user: &str) -> Result<Account, String> {
    match user.starts_with("nobody-") {
        true => Err(format!("No such user '{user}'")),
        false => Ok(Account { name: user.to_owned(), uid: 1, gid: 1, groups: vec![1] }),
    }
}

fn whose(account: Option<&Account>) -> String {
    account.map(|account| format!(" as {}", account.name)).unwrap_or_default()
}

/// What follows `NAME=`.
fn option(words: &[&str], name: &str) -> Option<String> {
    words.iter().find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn show_memory(memory: &Memory) -> String {
    let entry = match memory {
        Memory::Agent(info) => return format!("remember agent {}", info.id.clone().unwrap_or_default()),
        Memory::Entry(entry) => entry,
    };
    let mut words = vec!["remember".to_owned()];
    words.extend(entry.launched.as_ref().map(|launched| format!("launch {}", launched.task.task_id)));
    let update = entry.update.as_ref().map(|update| &update.status);
    words.extend(update.map(|it| format!("update {} {}", it.task_id, it.state().as_str_name())));
    words.extend(entry.acknowledged.as_ref().map(|it| format!("acknowledgement {}", it.task_id)));
    words.extend(entry.completed.as_ref().map(|_| "completion".to_owned()));
    words.extend(entry.removed().then(|| "removal".to_owned()));
    words.join(" ")
}

/// The task, or the executor that is launched for several. In a group the environment names neither, but the link to the
/// sandbox does.
fn launched_task(launch: &Launch) -> String {
    let of = |name: &str| launch.environment.get(name).cloned();
    let own = of("MESOS_TASK_ID").or_else(|| of("MESOS_EXECUTOR_ID"));
    own.unwrap_or_else(|| launch.latest.rsplit('/').next().unwrap_or_default().to_owned())
}

fn at(seconds: &str) -> Time {
    Time::from_epoch(Duration::from_secs_f64(seconds.parse().unwrap()))
}

fn seconds(seconds: i64) -> DurationInfo {
    DurationInfo { nanoseconds: seconds * 1_000_000_000 }
}

fn policy(text: &str) -> KillPolicy {
    KillPolicy { grace_period: Some(seconds(text.parse().unwrap())) }
}

/// A framework with the capabilities that the words name.
fn framework(words: &[&str]) -> FrameworkInfo {
    let capability = |kind: capability::Type| Capability { r#type: Some(kind.into()) };
    let named =
        [("killing", capability::Type::TaskKillingState), ("aware", capability::Type::PartitionAware)];
    FrameworkInfo {
        id: Some(FrameworkId::new("F")),
        user: option(words, "owner").unwrap_or_default(),
        checkpoint: words.contains(&"checkpoint").then_some(true),
        capabilities: named
            .into_iter()
            .filter(|(word, _)| words.contains(word))
            .map(|(_, kind)| capability(kind))
            .collect(),
        ..FrameworkInfo::default()
    }
}

/// `t1 OPTION... COMMAND`: the last word is the command.
fn task_info(words: &[&str]) -> TaskInfo {
    let option = |name: &str| option(words, name);
    let outside = words.contains(&"outside").then(|| "/etc/passwd".to_owned());
    let fetches = words.contains(&"uri") || outside.is_some();
    let value = "http://there/file".to_owned();
    let uri = fetches.then(|| Uri { value, output_file: outside, ..Uri::default() });
    let image = option("image").map(|image| container_info::DockerInfo { image, ..Default::default() });
    let docker = ContainerInfo {
        r#type: container_info::Type::Docker.into(),
        docker: image,
        ..ContainerInfo::default()
    };
    TaskInfo {
        name: words[0].to_owned(),
        task_id: TaskId::new(words[0]),
        agent_id: AgentId::new(option("agent").unwrap_or_else(|| "S".to_owned())),
        resources: vec![Resource {
            name: "cpus".to_owned(),
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value: 1.0 }),
            allocation_info: Some(AllocationInfo { role: Some("dev".to_owned()) }),
            ..Resource::default()
        }],
        command: Some(CommandInfo {
            value: words.last().filter(|_| !words.contains(&"empty")).map(|word| (*word).to_owned()),
            uris: uri.into_iter().collect(),
            user: option("user"),
            ..CommandInfo::default()
        }),
        container: words.contains(&"docker").then_some(docker),
        kill_policy: option("grace").map(|text| policy(&text)),
        max_completion_time: option("max").map(|text| seconds(text.parse().unwrap())),
        health_check: option("failures").map(|failures| HealthCheck {
            delay_seconds: Some(1.0),
            interval_seconds: Some(2.0),
            grace_period_seconds: Some(0.0),
            consecutive_failures: Some(failures.parse().unwrap()),
            r#type: Some(health_check::Type::Command.into()),
            command: Some(CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() }),
            ..HealthCheck::default()
        }),
        ..TaskInfo::default()
    }
}

/// `E new|old OPTION... TASK...`: tasks for the executor E, which the master takes for a new one or not. With `bad=TASK`
/// that one cannot be launched.
fn group(words: &[&str]) -> ToAgent {
    const OPTIONS: [&str; 7] = ["killing", "aware", "checkpoint", "uri", "outside", "empty", "custom"];
    let [executor_id, age, rest @ ..] = words else { panic!("no executor in {words:?}") };
    let (options, tasks): (Vec<&str>, Vec<&str>) =
        rest.iter().partition(|word| word.contains('=') || OPTIONS.contains(word));
    let kind = if options.contains(&"custom") { "CUSTOM" } else { "DEFAULT" };
    let kind = executor_info::Type::from_str_name(kind).unwrap();
    let executor = ExecutorInfo {
        r#type: Some(kind.into()),
        executor_id: ExecutorId::new(*executor_id),
        framework_id: Some(FrameworkId::new("F")),
        command: options
            .contains(&"custom")
            .then(|| custom::command("executor", option(&options, "runs-as"))),
        ..ExecutorInfo::default()
    };
    let named = option(&options, "bad");
    let bad = |id: &str| if named.as_deref() == Some(id) { ["outside"].as_slice() } else { &[] };
    let task = |id: &&str| TaskInfo {
        executor: Some(executor.clone()),
        ..task_info(&[&[*id], options.as_slice(), bad(id), &["true"]].concat())
    };
    ToAgent::RunTaskGroup {
        framework: Box::new(framework(words)),
        group: Box::new(TaskGroupInfo { tasks: tasks.iter().map(task).collect() }),
        executor: Box::new(executor),
        launch: LaunchTerms { executor: *age == "new", ..LaunchTerms::default() },
    }
}

/// Inputs with their expected effects.
fn steps(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match steps.last_mut() {
            Some((_, effects)) if line.starts_with(' ') => effects.push(line.trim()),
            _ => steps.push((line, Vec::new())),
        }
    }
    steps
}

fn play(path: &Path, text: &str) -> Vec<Effect> {
    let mut stage = Stage::new();
    for (input, expected) in steps(text) {
        assert_eq!(stage.play(input), expected, "after `{input}` in {}", path.display());
    }
    stage.raw
}

#[test]
fn scenarios() {
    let mut played = 0;
    for entry in fs::read_dir(DIRECTORY).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(play(&path, &text), play(&path, &text), "the same twice: {}", path.display());
        played += 1;
    }
    assert!(played > 0);
}

#[test]
fn the_environment_is_the_one_of_mesos() {
    let mut stage = Stage::new();
    stage.play("0 connect");
    stage.play("0 registered S");
    stage.play("0 run t1 grace=8 true");
    let launch = stage.raw.iter().find_map(|effect| match effect {
        Effect::Launch(launch) => Some(launch),
        _ => None,
    });
    let launch = launch.unwrap();
    let sandbox = format!("/lab/slaves/S/frameworks/F/executors/t1/runs/{}", launch.container_id);
    let expected = BTreeMap::from(
        [
            ("LIBPROCESS_IP", "127.0.0.1"),
            ("LIBPROCESS_PORT", "0"),
            ("MESOS_AGENT_ENDPOINT", "127.0.0.1:5051"),
            ("MESOS_ALLOCATION_ROLE", "dev"),
            ("MESOS_CHECKPOINT", "0"),
            ("MESOS_DIRECTORY", sandbox.as_str()),
            ("MESOS_EXECUTOR_ID", "t1"),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "10secs"),
            ("MESOS_FRAMEWORK_ID", "F"),
            ("MESOS_HTTP_COMMAND_EXECUTOR", "0"),
            ("MESOS_SANDBOX", sandbox.as_str()),
            ("MESOS_SLAVE_ID", "S"),
            ("MESOS_SLAVE_PID", "slave(1)@127.0.0.1:5051"),
            ("MESOS_TASK_ID", "t1"),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(launch.environment, expected);
    assert_eq!(launch.directory, sandbox);
    assert_eq!(launch.latest, "/lab/slaves/S/frameworks/F/executors/t1/runs/latest");
}

#[test]
fn a_task_of_a_group_inherits_nothing() {
    let mut stage = Stage::new();
    stage.play("0 connect");
    stage.play("0 registered S");
    stage.play("0 group dx new a");
    let executor = &stage.agent.frameworks[&FrameworkId::new("F")].executors[&ExecutorId::new("dx")];
    let launch = stage.raw.iter().find_map(|effect| match effect {
        Effect::Launch(launch) => Some(launch),
        _ => None,
    });
    let launch = launch.unwrap();
    assert_eq!(launch.container_id.parent.as_deref(), Some(&executor.container_id));
    let sandbox = format!("{}/containers/{}", executor.directory, launch.container_id);
    let expected = BTreeMap::from(
        [
            ("MESOS_ALLOCATION_ROLE", "dev"),
            ("MESOS_CONTAINER_IP", "127.0.0.1"),
            ("MESOS_SANDBOX", sandbox.as_str()),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(launch.environment, expected);
    assert_eq!(launch.directory, sandbox);
    assert_eq!(launch.latest, format!("{}/tasks/a", executor.directory));
}

#[test]
fn a_framework_that_comes_back_has_what_it_had() {
    let mut stage = Stage::new();
    stage.play("0 connect");
    stage.play("0 registered S");
    for name in ["one", "two"] {
        stage.play(&format!("1 group {name} new t"));
        stage.play("1 launched t 10");
        assert!(stage.agent.completed_frameworks.is_empty());
        stage.play("1 exit t 0");
        (0..3).for_each(|_| drop(stage.play("1 ack t")));
        assert!(stage.agent.frameworks.is_empty());
        if name == "one" {
            stage.play("1 run between true");
            assert!(stage.agent.completed_frameworks.is_empty());
            stage.play("1 failed between somehow");
            stage.play("1 ack between");
        }
    }
    let completed = &stage.agent.completed_frameworks[0].completed_executors;
    let names: Vec<&str> = completed.iter().map(|executor| executor.id().as_str()).collect();
    assert_eq!(names, ["one", "between", "two"]);
}

#[test]
fn completed_things_are_kept_and_bounded() {
    let mut stage = Stage::new();
    stage.agent.config.max_completed_executors_per_framework = 2;
    stage.play("0 connect");
    stage.play("0 registered S");
    stage.play("0 run staying true");
    for n in 0..3 {
        stage.play(&format!("1 run t{n} true"));
        stage.play(&format!("1 launched t{n} 10"));
        stage.play(&format!("1 exit t{n} 0"));
        for _ in 0..3 {
            stage.play(&format!("1 ack t{n}"));
        }
        stage.play("2 tick");
    }
    let framework = &stage.agent.frameworks[&FrameworkId::new("F")];
    let completed: Vec<_> =
        framework.completed_executors.iter().map(|executor| executor.id().as_str()).collect();
    assert_eq!(completed, ["t1", "t2"]);
    assert_eq!(framework.completed_executors[0].completed_tasks.len(), 1);
    assert_eq!(stage.agent.counters.tasks_finished, 3);
    let used: f64 =
        framework.executors.values().flat_map(Executor::allocated).map(|r| r.scalar.unwrap().value).sum();
    assert!((used - 33.1).abs() < 1e-9, "one cpu, and the allowance of one executor: {used}");
}
