//! What is to be run, read from the command line: the tasks of each instance, and what they take of an agent.

use std::{collections::BTreeMap, io::Read};

use serde_json::{Value, json};

use crate::{
    cli,
    error::{Context, Failure, Result},
    mesos::{
        json,
        resources::Resources,
        v1::{
            AgentId, CommandInfo, ContainerInfo, Environment, ExecutorInfo, FrameworkId, TaskGroupInfo,
            TaskId, TaskInfo, command_info,
            container_info::{DockerInfo, Type, docker_info::Network},
            environment::Variable,
            executor_info,
        },
    },
    scheduler::{
        pool::{Pool, Share, usable},
        quantities::Quantities,
    },
};

/// What the executor of a pod takes, as mesos-execute gives it; Mesos refuses one that takes less.
const EXECUTOR: Quantities = Quantities { cpus: 0.1, mem: 32.0, disk: 32.0, ports: 0 };

/// A longer file is no group of tasks.
const LONGEST_GROUP: u64 = 16 * 1024 * 1024;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Wish {
    pub name: String,
    pub role: String,
    pub instances: u32,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Task(Box<TaskInfo>, Quantities),
    Group(TaskGroupInfo),
}

/// The tasks of one instance, which are launched together.
#[derive(Clone, Debug)]
pub struct Unit {
    pub tasks: Vec<TaskInfo>,
    /// Of a pod.
    pub executor: Option<ExecutorInfo>,
}

impl Wish {
    /// # Errors
    /// When nothing is to be run, or a flag's value cannot be read.
    pub fn of(args: &cli::Run) -> Result<Self> {
        let kind = match &args.task_group {
            Some(group) => Kind::Group(task_group(args, group)?),
            None => Kind::Task(Box::new(task(args)?), wants(args)?),
        };
        Ok(Self { name: args.task_name.clone(), role: args.role.clone(), instances: args.instances, kind })
    }

    /// How many tasks there are in all.
    pub fn tasks(&self) -> usize {
        let each = match &self.kind {
            Kind::Task(..) => 1,
            Kind::Group(group) => group.tasks.len(),
        };
        each * self.instances as usize
    }

    /// What one instance takes of an agent.
    pub fn wants(&self) -> Quantities {
        match &self.kind {
            Kind::Task(_, wants) => *wants,
            Kind::Group(group) => group.tasks.iter().fold(EXECUTOR, |sum, task| sum.plus(&quantities(task))),
        }
    }

    /// The instance of this number, with what it takes from `pool`; none where that does not suffice.
    pub fn unit(
        &self,
        number: u32,
        framework_id: &FrameworkId,
        agent_id: &AgentId,
        pool: &mut Pool,
    ) -> Option<Unit> {
        if !pool.quantities().shortfalls(&self.wants()).is_empty() {
            return None;
        }
        match &self.kind {
            Kind::Task(task, wants) => {
                let id = format!("{}.{number}", self.name);
                let named = TaskInfo { task_id: id.as_str().into(), ..(**task).clone() };
                Some(Unit { tasks: vec![with(named, agent_id, pool.take(wants)?)], executor: None })
            }
            Kind::Group(group) => self.pod(group, number, framework_id, agent_id, pool),
        }
    }

    fn pod(
        &self,
        group: &TaskGroupInfo,
        number: u32,
        framework_id: &FrameworkId,
        agent_id: &AgentId,
        pool: &mut Pool,
    ) -> Option<Unit> {
        let executor = ExecutorInfo {
            r#type: Some(executor_info::Type::Default.into()),
            executor_id: format!("{}.{number}", self.name).as_str().into(),
            framework_id: Some(framework_id.clone()),
            resources: pool.take(&EXECUTOR)?.resources,
            ..ExecutorInfo::default()
        };
        let mut tasks = Vec::new();
        for task in &group.tasks {
            let id = match self.instances {
                1 => task.task_id.clone(),
                _ => TaskId::new(format!("{}.{number}", task.task_id)),
            };
            let share = pool.take(&quantities(task))?;
            tasks.push(with(TaskInfo { task_id: id, ..task.clone() }, agent_id, share));
        }
        Some(Unit { tasks, executor: Some(executor) })
    }
}

fn quantities(task: &TaskInfo) -> Quantities {
    usable(task.resources.iter())
}

/// The task on this agent, with this share, and the ports of it in its environment.
fn with(mut task: TaskInfo, agent_id: &AgentId, share: Share) -> TaskInfo {
    let variable =
        |name: String, port: &u32| Variable { name, value: Some(port.to_string()), ..Variable::default() };
    if let (Some(command), Some(first)) = (&mut task.command, share.ports.first()) {
        let numbered = share.ports.iter().enumerate().map(|(at, port)| variable(format!("PORT{at}"), port));
        let ports = std::iter::once(variable("PORT".to_owned(), first)).chain(numbered);
        command.environment.get_or_insert_default().variables.extend(ports);
    }
    TaskInfo { agent_id: agent_id.clone(), resources: share.resources, ..task }
}

fn task(args: &cli::Run) -> Result<TaskInfo> {
    let is_empty = args.words.iter().all(|word| word.trim().is_empty());
    if is_empty && args.image.is_none() {
        return Err(Failure::usage("there is nothing to run")
            .hint("mesoslab run 'echo hello', or --image IMAGE, or --task-group FILE"));
    }
    let is_shell = args.shell || (!args.argv && args.words.len() == 1);
    let in_container = args.image.is_some();
    let spoken = if is_empty {
        CommandInfo { shell: Some(false), ..CommandInfo::default() }
    } else if is_shell {
        CommandInfo { shell: Some(true), value: Some(args.words.join(" ")), ..CommandInfo::default() }
    } else {
        // The first argument is the program's name, which a container's program has anyway.
        let arguments = args.words.iter().skip(usize::from(in_container)).cloned().collect();
        CommandInfo {
            shell: Some(false),
            value: args.words.first().cloned(),
            arguments,
            ..CommandInfo::default()
        }
    };
    let uri = |uri: &String| command_info::Uri { value: uri.clone(), ..command_info::Uri::default() };
    let command = CommandInfo {
        environment: Some(Environment { variables: environment(&args.env)? }),
        uris: args.uri.iter().map(uri).collect(),
        user: args.user.clone().filter(|_| !in_container),
        ..spoken
    };
    Ok(TaskInfo {
        name: args.task_name.clone(),
        command: Some(command),
        container: args.image.as_ref().map(|image| container(image)),
        ..TaskInfo::default()
    })
}

fn container(image: &str) -> ContainerInfo {
    let docker =
        DockerInfo { image: image.to_owned(), network: Some(Network::Host.into()), ..DockerInfo::default() };
    ContainerInfo { r#type: Type::Docker.into(), docker: Some(docker), ..ContainerInfo::default() }
}

/// `NAME=VALUE`, or as mesos-execute takes it: `{"NAME": "VALUE"}`.
fn environment(given: &[String]) -> Result<Vec<Variable>> {
    let mut variables = BTreeMap::new();
    for text in given {
        let wrong = |why: String| {
            Failure::usage(format!("`--env {text}` cannot be read: {why}")).hint("--env NAME=VALUE")
        };
        if text.trim_start().starts_with('{') {
            let object: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            variables.extend(object);
            continue;
        }
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                variables.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(wrong("it has no name and `=`".to_owned())),
        }
    }
    let variable = |(name, value)| Variable { name, value: Some(value), ..Variable::default() };
    Ok(variables.into_iter().map(variable).collect())
}

fn wants(args: &cli::Run) -> Result<Quantities> {
    let text = &args.resources;
    let wrong = |why: String| {
        Failure::usage(format!("`--resources {text}` cannot be read: {why}"))
            .hint("--resources 'cpus:0.5;mem:64'")
    };
    let resources = Resources::parse(text, "*").map_err(|error| wrong(error.to_string()))?.to_protos();
    let known = ["cpus", "mem", "disk"];
    if let Some(other) = resources.iter().find(|resource| !known.contains(&resource.name.as_str())) {
        let more = if other.name == "ports" { "; `--ports N` asks for ports" } else { "" };
        return Err(wrong(format!("`{}` cannot be asked for here{more}", other.name)));
    }
    let wants = Quantities { ports: u64::from(args.ports), ..usable(resources.iter()) };
    if wants.is_zero() { Err(wrong("a task needs cpus or mem".to_owned())) } else { Ok(wants) }
}

/// A `TaskGroupInfo` in JSON. As with mesos-execute, agents need not be named; nor need tasks, here.
fn task_group(args: &cli::Run, given: &str) -> Result<TaskGroupInfo> {
    let wrong = |why: String| Failure::usage(format!("the task group cannot be read: {why}"));
    let text = group_text(given)?;
    let mut value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let tasks = value.get_mut("tasks").and_then(Value::as_array_mut);
    let tasks =
        tasks.filter(|tasks| !tasks.is_empty()).ok_or_else(|| wrong("it has no `tasks`".to_owned()))?;
    for (at, task) in tasks.iter_mut().enumerate() {
        let Value::Object(fields) = task else { return Err(wrong(format!("task {at} is no object"))) };
        let name = fields.get("name").and_then(Value::as_str).unwrap_or(&args.task_name).to_owned();
        fields.entry("agent_id").or_insert(json!({"value": ""}));
        fields.entry("task_id").or_insert(json!({"value": format!("{name}.{at}")}));
        fields.entry("name").or_insert(name.into());
    }
    let mut group: TaskGroupInfo = json::from_value(&value).map_err(|error| wrong(error.to_string()))?;
    let more = environment(&args.env)?;
    for task in &mut group.tasks {
        let command = task.command.get_or_insert_default();
        command.environment.get_or_insert_default().variables.extend(more.clone());
        if usable(task.resources.iter()).is_zero() {
            return Err(wrong(format!(
                "task `{}` has neither cpus nor mem in its `resources`",
                task.task_id
            )));
        }
    }
    Ok(group)
}

fn group_text(given: &str) -> Result<String> {
    if given.trim_start().starts_with('{') {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    if given == "-" {
        std::io::stdin().lock().take(LONGEST_GROUP).read_to_string(&mut text).context("read stdin")?;
        return Ok(text);
    }
    let path = given.strip_prefix("file://").unwrap_or(given);
    let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST_GROUP).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("`{path}` cannot be read: {error}"))
            .hint("--task-group FILE, with a TaskGroupInfo in JSON: {\"tasks\": [...]}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{cli::Cli, scheduler::testing::scalar};

    fn wish(words: &[&str]) -> Result<Wish> {
        let cli = Cli::try_parse_from([&["mesoslab", "run"], words].concat()).unwrap();
        let cli::Command::Run(args) = cli.command else { panic!("not run") };
        Wish::of(&args)
    }

    fn unit(words: &[&str]) -> Unit {
        let mut pool = Pool::default();
        pool.add(&[scalar("cpus", 4.0), scalar("mem", 1024.0), scalar("disk", 1024.0)]);
        wish(words).unwrap().unit(0, &"f".into(), &"a".into(), &mut pool).unwrap()
    }

    fn command(words: &[&str]) -> CommandInfo {
        unit(words).tasks.remove(0).command.unwrap()
    }

    #[test]
    fn one_word_is_a_line_and_several_are_a_program() {
        let line = command(&["echo $HOME", "--env", "A=1=2"]);
        assert_eq!((line.shell, line.value.as_deref()), (Some(true), Some("echo $HOME")));
        assert_eq!(line.environment.unwrap().variables[0].value.as_deref(), Some("1=2"));
        let argv = command(&["--", "ls", "-l"]);
        assert_eq!((argv.shell, argv.value.as_deref(), argv.arguments.len()), (Some(false), Some("ls"), 2));
        assert_eq!(command(&["--argv", "ls"]).shell, Some(false));
        assert_eq!(command(&["--shell", "echo", "a b"]).value.as_deref(), Some("echo a b"));
        assert_eq!(command(&["a", "--env", "{\"B\": \"2\"}"]).environment.unwrap().variables[0].name, "B");
    }

    #[test]
    fn an_image_runs_its_own_command() {
        let mut own = unit(&["--image", "app:1"]);
        let task = own.tasks.remove(0);
        assert_eq!(task.container.unwrap().docker.unwrap().image, "app:1");
        assert_eq!(task.command.unwrap().value, None);
        assert_eq!(command(&["--docker_image", "app:1", "--", "ls", "-l"]).arguments, ["-l"]);
    }

    #[test]
    fn a_group_needs_only_commands_and_resources() {
        let cpus = json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}});
        let task = json!({"command": {"value": "true"}, "resources": [cpus]});
        let text = json!({"tasks": [task, task]}).to_string();
        let pod = unit(&["--task-group", &text]);
        assert_eq!(pod.executor.unwrap().executor_id.as_str(), "mesoslab-run.0");
        let ids: Vec<_> = pod.tasks.iter().map(|task| task.task_id.as_str()).collect();
        assert_eq!(ids, ["mesoslab-run.0", "mesoslab-run.1"]);
        let twice = unit(&["--task-group", &text, "--instances", "2"]);
        assert_eq!(twice.tasks[1].task_id.as_str(), "mesoslab-run.1.0");
        let total = wish(&["--task-group", &text]).unwrap().wants();
        assert_eq!((total.cpus, total.mem, total.disk), (0.3, 32.0, 32.0));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let told = |words: &[&str]| wish(words).unwrap_err().message;
        assert_eq!(told(&[]), "there is nothing to run");
        assert!(told(&["a", "--resources", "gpus:1"]).contains("`gpus` cannot be asked for here"));
        assert!(told(&["a", "--resources", "ports:[1-2]"]).contains("--ports N"));
        assert!(told(&["a", "--resources", "disk:5"]).contains("needs cpus or mem"));
        assert!(told(&["a", "--env", "A"]).contains("no name and `=`"));
        assert!(told(&["--task-group", "{}"]).contains("it has no `tasks`"));
        assert!(told(&["--task-group", "{\"tasks\": [{}]}"]).contains("neither cpus nor mem"));
        assert!(told(&["--task-group", "/nowhere.json"]).contains("cannot be read"));
    }
}
