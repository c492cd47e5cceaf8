//! The books on tasks and executors: entered, changed, struck off, and what they hold given back exactly once.

use std::collections::VecDeque;

use super::{
    Agent, Framework, Master, Resources,
    status::{Verdict, has_left, is_terminal},
};
use crate::{
    engine::allocator::Recovery,
    mesos::v1::{
        AgentId, ExecutorId, ExecutorInfo, FrameworkId, Task, TaskId, TaskInfo, TaskState, TaskStatus,
        task_status::{Reason, Source},
    },
};

/// What a status has done to a task.
struct Transition {
    to: TaskState,
    /// The task holds nothing any more, for the first time.
    has_left: bool,
    /// Readers of the operator stream are to hear of it.
    is_news: bool,
}

impl Master {
    pub(super) fn add_executor(&mut self, agent_id: &AgentId, id: &FrameworkId, executor: &ExecutorInfo) {
        let resources = Resources::from(executor.resources.clone());
        let executor_id = executor.executor_id.clone();
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        framework
            .executors
            .entry(agent_id.clone())
            .or_default()
            .insert(executor_id.clone(), executor.clone());
        framework.hold(agent_id, &resources);
        let Some(agent) = self.agents.get_mut(agent_id) else { return };
        agent.executors.entry(id.clone()).or_default().insert(executor_id, executor.clone());
        agent.hold(id, &resources);
    }

    pub(super) fn remove_executor(&mut self, agent_id: &AgentId, id: &FrameworkId, executor_id: &ExecutorId) {
        let Some(agent) = self.agents.get_mut(agent_id) else { return };
        let Some(executors) = agent.executors.get_mut(id) else { return };
        let Some(executor) = executors.remove(executor_id) else { return };
        if executors.is_empty() {
            agent.executors.remove(id);
        }
        let resources = Resources::from(executor.resources);
        if let Some(framework) = self.frameworks.get_mut(id)
            && let Some(executors) = framework.executors.get_mut(agent_id)
        {
            executors.remove(executor_id);
            if executors.is_empty() {
                framework.executors.remove(agent_id);
            }
        }
        self.release(id, agent_id, &resources);
    }

    /// Enters a task of a known framework on a known agent.
    pub(super) fn add_task(&mut self, task: Task) {
        let (id, agent_id) = (task.framework_id.clone(), task.agent_id.clone());
        let Some(agent) = self.agents.get_mut(&agent_id) else { return };
        let Some(framework) = self.frameworks.get_mut(&id) else { return };
        agent.tasks.entry(id.clone()).or_default().insert(task.task_id.clone());
        if !has_left(task.state()) {
            let resources = Resources::from(task.resources.clone());
            agent.hold(&id, &resources);
            framework.hold(&agent_id, &resources);
        }
        let task_id = task.task_id.clone();
        framework.tasks.insert(task_id.clone(), task);
        self.publish_task_added(&id, &task_id);
    }

    /// Enters a status of a task; `latest` is the newest state that its agent knows. Nothing moves a terminal task.
    pub(super) fn update_task(
        &mut self,
        id: &FrameworkId,
        task_id: &TaskId,
        status: &TaskStatus,
        latest: Option<TaskState>,
    ) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let Some(task) = framework.tasks.get_mut(task_id) else { return };
        let transition = record(task, status, latest);
        let (state, agent_id) = (task.state(), task.agent_id.clone());
        let resources = transition.has_left.then(|| Resources::from(task.resources.clone()));
        if transition.is_news {
            self.publish_task_updated(id, status, state);
        }
        if let Some(resources) = resources {
            self.release(id, &agent_id, &resources);
            self.count_departure(id, &transition, status);
        }
    }

    /// The master itself says what has become of a task. Returns what the framework is to hear.
    pub(super) fn condemn(
        &mut self,
        id: &FrameworkId,
        task_id: &TaskId,
        verdict: &Verdict,
    ) -> Option<TaskStatus> {
        let task = self.frameworks.get(id)?.tasks.get(task_id)?;
        let status = verdict.of(self.now, task);
        self.update_task(id, task_id, &status, None);
        Some(status)
    }

    /// Moves a task to the completed or the unreachable ones.
    pub(super) fn remove_task(&mut self, id: &FrameworkId, task_id: &TaskId, unreachable: bool) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let Some(task) = framework.tasks.remove(task_id) else { return };
        if let Some(agent) = self.agents.get_mut(&task.agent_id) {
            agent.forget_task(id, task_id);
        }
        if !has_left(task.state()) {
            self.release(id, &task.agent_id, &Resources::from(task.resources.clone()));
        }
        if unreachable { self.keep_unreachable(id, task) } else { self.keep_completed(id, task) }
    }

    fn keep_completed(&mut self, id: &FrameworkId, task: Task) {
        let most = self.config.max_completed_tasks_per_framework;
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.keep_completed([task], most);
        }
    }

    fn keep_unreachable(&mut self, id: &FrameworkId, task: Task) {
        let most = self.config.max_unreachable_tasks_per_framework;
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        framework.unreachable_tasks.retain(|other| other.task_id != task.task_id);
        framework.unreachable_tasks.push_back(task);
        while framework.unreachable_tasks.len() > most {
            framework.unreachable_tasks.pop_front();
        }
    }

    /// Ends those unreachable tasks of a framework that `chosen` picks. Returns what the framework is to hear.
    pub(super) fn complete_unreachable(
        &mut self,
        id: &FrameworkId,
        verdict: &Verdict,
        chosen: impl Fn(&Task) -> bool,
    ) -> Vec<TaskStatus> {
        let Some(framework) = self.frameworks.get_mut(id) else { return Vec::new() };
        let all = std::mem::take(&mut framework.unreachable_tasks);
        let (ended, kept): (VecDeque<Task>, VecDeque<Task>) = all.into_iter().partition(chosen);
        framework.unreachable_tasks = kept;
        ended.into_iter().map(|task| self.end_unreachable(id, verdict, task)).collect()
    }

    fn end_unreachable(&mut self, id: &FrameworkId, verdict: &Verdict, mut task: Task) -> TaskStatus {
        let status = verdict.of(self.now, &task);
        let transition = record(&mut task, &status, None);
        if transition.is_news {
            self.publish_task_updated(id, &status, task.state());
        }
        self.keep_completed(id, task);
        status
    }

    /// What a task or executor held goes back to the agent.
    fn release(&mut self, id: &FrameworkId, agent_id: &AgentId, resources: &Resources) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.release(agent_id, resources);
        }
        if let Some(agent) = self.agents.get_mut(agent_id) {
            agent.release(id, resources);
        }
        self.allocator.recover_resources(self.now, id, agent_id, resources, Recovery::Freed);
    }

    fn count_departure(&mut self, id: &FrameworkId, transition: &Transition, status: &TaskStatus) {
        if !is_terminal(transition.to) {
            return;
        }
        if let Some(framework) = self.frameworks.get_mut(id) {
            *framework.counters.terminal_tasks.entry(transition.to).or_default() += 1;
        }
        self.count_terminal(transition.to);
        if status.reason.is_some() && status.state() == transition.to {
            self.count_reason(transition.to, status.source(), status.reason());
        }
    }

    pub(super) fn count_terminal(&mut self, state: TaskState) {
        let counters = &mut self.counters;
        match state {
            TaskState::TaskFinished => counters.tasks_finished += 1,
            TaskState::TaskFailed => counters.tasks_failed += 1,
            TaskState::TaskKilled => counters.tasks_killed += 1,
            TaskState::TaskLost => counters.tasks_lost += 1,
            TaskState::TaskError => counters.tasks_error += 1,
            TaskState::TaskDropped => counters.tasks_dropped += 1,
            TaskState::TaskGone => counters.tasks_gone += 1,
            TaskState::TaskGoneByOperator => counters.tasks_gone_by_operator += 1,
            _ => {}
        }
    }

    pub(super) fn count_reason(&mut self, state: TaskState, source: Source, reason: Reason) {
        *self.counters.tasks_states.entry((state, source, reason)).or_default() += 1;
    }
}

/// Enters a status into a task: a repeated state replaces the last status, another one follows it. What has left does
/// not come back by an update, whatever an agent says: its resources may be another's by now.
fn record(task: &mut Task, status: &TaskStatus, latest: Option<TaskState>) -> Transition {
    let (from, to) = (task.state(), latest.unwrap_or_else(|| status.state()));
    let returns = has_left(from) && !has_left(to);
    if !is_terminal(from) && !returns {
        task.set_state(to);
    }
    let is_repeated = task.statuses.last().is_some_and(|last| last.state == status.state);
    if is_repeated {
        task.statuses.pop();
    }
    task.statuses.push(TaskStatus { data: None, ..status.clone() });
    let has_checked = status.reason.is_some()
        && matches!(status.reason(), Reason::TaskCheckStatusUpdated | Reason::TaskHealthCheckStatusUpdated);
    Transition { to, has_left: !has_left(from) && has_left(to), is_news: !is_repeated || has_checked }
}

/// A task that is about to start, as the master keeps it.
pub(super) fn staged(info: &TaskInfo, framework_id: &FrameworkId) -> Task {
    let user_of =
        |command: &Option<crate::mesos::v1::CommandInfo>| command.as_ref().and_then(|it| it.user.clone());
    let executor = info.executor.as_ref();
    Task {
        name: info.name.clone(),
        task_id: info.task_id.clone(),
        framework_id: framework_id.clone(),
        executor_id: executor.map(|executor| executor.executor_id.clone()),
        agent_id: info.agent_id.clone(),
        state: TaskState::TaskStaging.into(),
        resources: info.resources.clone(),
        labels: info.labels.clone(),
        discovery: info.discovery.clone(),
        container: info.container.clone(),
        health_check: info.health_check.clone(),
        kill_policy: info.kill_policy,
        user: user_of(&info.command).or_else(|| executor.and_then(|executor| user_of(&executor.command))),
        limits: info.limits.clone(),
        ..Task::default()
    }
}

impl Framework {
    /// Puts tasks behind the completed ones, of which `most` are kept.
    pub(super) fn keep_completed(&mut self, tasks: impl IntoIterator<Item = Task>, most: usize) {
        self.completed_tasks.extend(tasks);
        let surplus = self.completed_tasks.len().saturating_sub(most);
        self.completed_tasks.drain(..surplus);
    }
}

impl Agent {
    pub(super) fn hold(&mut self, framework: &FrameworkId, resources: &Resources) {
        if !resources.is_empty() {
            *self.used.entry(framework.clone()).or_default() += resources.clone();
        }
    }

    fn release(&mut self, framework: &FrameworkId, resources: &Resources) {
        let Some(used) = self.used.get_mut(framework) else { return };
        *used -= resources.clone();
        if used.is_empty() {
            self.used.remove(framework);
        }
    }

    fn forget_task(&mut self, framework: &FrameworkId, task: &TaskId) {
        if let Some(tasks) = self.tasks.get_mut(framework) {
            tasks.remove(task);
            if tasks.is_empty() {
                self.tasks.remove(framework);
            }
        }
        if let Some(killed) = self.killed_tasks.get_mut(framework) {
            killed.remove(task);
            if killed.is_empty() {
                self.killed_tasks.remove(framework);
            }
        }
    }
}
