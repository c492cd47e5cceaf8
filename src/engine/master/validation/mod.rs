//! Whether what schedulers and operators send can be accepted, in Mesos' own words: pure functions that answer with
//! the text that Mesos 1.11 gives for the first thing wrong, in the order in which Mesos looks.

pub mod agent_call;
pub mod call;
pub mod change;
pub mod check;
pub mod command;
pub mod container;
mod executor;
pub mod framework;
mod group;
pub mod id;
pub mod maintenance;
pub mod offer;
pub mod operation;
pub mod quota;
mod resource;
mod same;
mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::{Agent, Framework};
use crate::mesos::{
    resources::Resources,
    v1::{
        AgentId, ExecutorId, ExecutorInfo, FrameworkId, Task, TaskGroupInfo, TaskId, TaskInfo,
        agent_info::capability,
    },
};

/// Nothing, or what is wrong.
pub type Checked = Result<(), String>;

/// Checks a task of a LAUNCH that has been through [`operation::normalize`], against what is left of the accepted
/// offers. What is wrong makes it a TASK_ERROR with REASON_TASK_INVALID.
///
/// # Errors
/// The text of Mesos' `task::validate`.
pub fn task(task: &TaskInfo, framework: &Framework, agent: &Agent, offered: &Resources) -> Checked {
    task::validate(task, &Launch::new(framework, agent, offered))
}

/// Checks a LAUNCH_GROUP that has been through [`operation::normalize`], against what is left of the accepted offers.
/// What is wrong makes every task of it a TASK_ERROR with REASON_TASK_GROUP_INVALID. Unlike Mesos, which dies of it,
/// we refuse a group with one id twice.
///
/// # Errors
/// The text of Mesos' `task::group::validate`.
pub fn task_group(
    group: &TaskGroupInfo,
    executor: &ExecutorInfo,
    framework: &Framework,
    agent: &Agent,
    offered: &Resources,
) -> Checked {
    group::validate(group, executor, &Launch::new(framework, agent, offered))
}

/// What a launch is held against.
#[derive(Clone, Copy, Debug)]
struct Launch<'a> {
    framework_id: &'a FrameworkId,
    agent_id: &'a AgentId,
    /// All tasks of the framework that are not completed, also those launched earlier in the same ACCEPT.
    tasks: &'a BTreeMap<TaskId, Task>,
    unreachable_tasks: &'a VecDeque<Task>,
    /// The framework's executors on the agent.
    executors: Option<&'a BTreeMap<ExecutorId, ExecutorInfo>>,
    /// The agent is TASK_RESOURCE_LIMITS capable.
    limits: bool,
    /// With `allocation_info`.
    offered: &'a Resources,
}

impl<'a> Launch<'a> {
    fn new(framework: &'a Framework, agent: &'a Agent, offered: &'a Resources) -> Self {
        let is_limits = |type_| type_ == capability::Type::TaskResourceLimits;
        Self {
            framework_id: &framework.id,
            agent_id: &agent.id,
            tasks: &framework.tasks,
            unreachable_tasks: &framework.unreachable_tasks,
            executors: agent.executors.get(&framework.id),
            limits: agent.capabilities.iter().any(|capability| is_limits(capability.r#type())),
            offered,
        }
    }

    fn executor(&self, id: &ExecutorId) -> Option<&ExecutorInfo> {
        self.executors?.get(id)
    }
}

/// Puts what is being looked at before the text.
trait Context {
    fn context(self, what: &str) -> Checked;
}

impl Context for Checked {
    fn context(self, what: &str) -> Checked {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

fn ensure(holds: bool, error: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { Err(error.into()) }
}
