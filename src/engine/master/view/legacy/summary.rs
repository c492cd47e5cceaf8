//! `/state-summary`: agents and frameworks with the number of their tasks in each state.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{agents::Slave, frameworks::Summary};
use crate::{
    engine::master::{Framework, Master},
    mesos::v1::{AgentId, FrameworkId, Task, TaskState},
};

#[derive(Debug, Serialize)]
pub struct StateSummary<'a> {
    hostname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    slaves: Vec<CountedSlave<'a>>,
    frameworks: Vec<CountedFramework<'a>>,
}

#[derive(Debug, Serialize)]
struct CountedSlave<'a> {
    #[serde(flatten)]
    slave: Slave<'a>,
    #[serde(flatten)]
    counts: TaskCounts,
    framework_ids: BTreeSet<&'a str>,
}

#[derive(Debug, Serialize)]
struct CountedFramework<'a> {
    #[serde(flatten)]
    framework: Summary<'a>,
    #[serde(flatten)]
    counts: TaskCounts,
    slave_ids: BTreeSet<&'a str>,
}

impl<'a> StateSummary<'a> {
    pub fn new(master: &'a Master) -> Self {
        let tally = Tally::of(master);
        let slaves = master.agents.iter().map(|(id, agent)| {
            let (counts, framework_ids) = tally.agents.get(id).cloned().unwrap_or_default();
            CountedSlave { slave: agent.into(), counts, framework_ids }
        });
        let frameworks = master.frameworks.iter().map(|(id, framework)| {
            let (counts, slave_ids) = tally.frameworks.get(id).cloned().unwrap_or_default();
            CountedFramework { framework: Summary::new(master, framework), counts, slave_ids }
        });
        Self {
            hostname: master.info.hostname(),
            cluster: master.config.cluster.as_deref(),
            slaves: slaves.collect(),
            frameworks: frameworks.collect(),
        }
    }
}

/// Counts of registered frameworks' tasks, and who shares tasks with whom.
#[derive(Default)]
struct Tally<'a> {
    agents: BTreeMap<&'a AgentId, (TaskCounts, BTreeSet<&'a str>)>,
    frameworks: BTreeMap<&'a FrameworkId, (TaskCounts, BTreeSet<&'a str>)>,
}

impl<'a> Tally<'a> {
    fn of(master: &'a Master) -> Self {
        let mut tally = Self::default();
        for framework in master.frameworks.values() {
            all_tasks(framework).for_each(|task| tally.count(framework, task));
        }
        tally
    }

    fn count(&mut self, framework: &'a Framework, task: &'a Task) {
        let (counts, frameworks) = self.agents.entry(&task.agent_id).or_default();
        counts.add(task.state());
        frameworks.insert(framework.id.as_str());
        let (counts, agents) = self.frameworks.entry(&framework.id).or_default();
        counts.add(task.state());
        agents.insert(task.agent_id.as_str());
    }
}

/// Running, unreachable and completed tasks.
pub fn all_tasks(framework: &Framework) -> impl Iterator<Item = &Task> {
    framework.tasks.values().chain(&framework.unreachable_tasks).chain(&framework.completed_tasks)
}

/// Tasks by state; states that are not listed are not counted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct TaskCounts {
    task_staging: usize,
    task_starting: usize,
    task_running: usize,
    task_killing: usize,
    task_finished: usize,
    task_killed: usize,
    task_failed: usize,
    task_lost: usize,
    task_error: usize,
    task_unreachable: usize,
}

impl TaskCounts {
    fn add(&mut self, state: TaskState) {
        let count = match state {
            TaskState::TaskStaging => &mut self.task_staging,
            TaskState::TaskStarting => &mut self.task_starting,
            TaskState::TaskRunning => &mut self.task_running,
            TaskState::TaskKilling => &mut self.task_killing,
            TaskState::TaskFinished => &mut self.task_finished,
            TaskState::TaskKilled => &mut self.task_killed,
            TaskState::TaskFailed => &mut self.task_failed,
            TaskState::TaskLost => &mut self.task_lost,
            TaskState::TaskError => &mut self.task_error,
            TaskState::TaskUnreachable => &mut self.task_unreachable,
            TaskState::TaskDropped
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator
            | TaskState::TaskUnknown => return,
        };
        *count += 1;
    }
}
