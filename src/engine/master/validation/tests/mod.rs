//! What is wrong, one thing at a time; the texts are those of the recordings in `tests/golden` where there is one.

mod calls;
mod groups;
mod maintenance;
mod offers;
mod quotas;
mod recordings;
mod tasks;

use std::collections::{BTreeMap, VecDeque};

use super::{Checked, Launch, operation};
use crate::mesos::{
    resources::Resources,
    v1::{
        AgentId, CommandInfo, ExecutorId, ExecutorInfo, FrameworkId, Resource, Task, TaskId, TaskInfo,
        offer::{Operation, operation as body},
        value,
    },
};

/// What a launch is held against in these tests: 4 cpus, 4064 MB and ports on agent `S0`.
struct Ground {
    framework_id: FrameworkId,
    agent_id: AgentId,
    tasks: BTreeMap<TaskId, Task>,
    unreachable: VecDeque<Task>,
    executors: BTreeMap<ExecutorId, ExecutorInfo>,
    limits: bool,
    offered: Resources,
}

impl Ground {
    fn new() -> Self {
        Self {
            framework_id: "F0".into(),
            agent_id: "S0".into(),
            tasks: BTreeMap::new(),
            unreachable: VecDeque::new(),
            executors: BTreeMap::new(),
            limits: true,
            offered: parse("ports:[31000-32000];cpus:4;mem:4064;disk:10240").allocated("*"),
        }
    }

    fn launch(&self) -> Launch<'_> {
        Launch {
            framework_id: &self.framework_id,
            agent_id: &self.agent_id,
            tasks: &self.tasks,
            unreachable_tasks: &self.unreachable,
            executors: Some(&self.executors),
            limits: self.limits,
            offered: &self.offered,
        }
    }

    /// As the master does it: all resources first, then each task on its own.
    fn check(&self, task: TaskInfo) -> Checked {
        let mut launch = launch_of(vec![task]);
        operation::validate(&launch)?;
        operation::normalize(&mut launch, "*", &self.framework_id);
        super::task::validate(&operation::tasks(&launch)[0], &self.launch())
    }

    fn error(&self, change: impl Fn(&mut TaskInfo)) -> String {
        let mut task = task("t");
        change(&mut task);
        self.check(task).unwrap_err()
    }
}

fn launch_of(task_infos: Vec<TaskInfo>) -> Operation {
    let mut operation = Operation { launch: Some(body::Launch { task_infos }), ..Operation::default() };
    operation.set_type(body::Type::Launch);
    operation
}

fn parse(text: &str) -> Resources {
    Resources::parse(text, "*").unwrap()
}

fn task(id: &str) -> TaskInfo {
    TaskInfo {
        name: id.into(),
        task_id: id.into(),
        agent_id: "S0".into(),
        resources: parse("cpus:0.1;mem:32").to_protos(),
        command: Some(shell("true")),
        ..TaskInfo::default()
    }
}

fn shell(value: &str) -> CommandInfo {
    CommandInfo { value: Some(value.into()), ..CommandInfo::default() }
}

fn executor(id: &str) -> ExecutorInfo {
    ExecutorInfo { executor_id: id.into(), command: Some(shell("./executor")), ..ExecutorInfo::default() }
}

fn scalar(name: &str, value: Option<f64>) -> Resource {
    Resource {
        name: name.into(),
        r#type: value::Type::Scalar.into(),
        scalar: value.map(|value| value::Scalar { value }),
        ..Resource::default()
    }
}

/// `changes` by name, each with the text it leads to.
macro_rules! errors {
    ($ground:expr, $($text:expr => $change:expr),+ $(,)?) => {
        $(assert_eq!($ground.error($change), $text);)+
    };
}
use errors;
