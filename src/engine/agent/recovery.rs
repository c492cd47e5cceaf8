//! An agent that starts where another one of its work directory has ended: what that one has written down, held against
//! the containers that are still there.

use std::collections::BTreeMap;

use super::{
    Agent, Effect, ExecutorState, Framework,
    group::NestedTasks,
    launch::{has_capability, task_program},
    memory::compacted,
};
use crate::{
    engine::{
        executor::{self, Program, docker::Inspected, group::Found},
        wire::to_master::read_update,
    },
    mesos::{
        log::{
            AgentLogEntry,
            agent_log_entry::{Launched, LaunchedGroup},
        },
        time::Time,
        v1::{AgentId, ContainerId, FrameworkId, TaskId, framework_info::capability, task_status::Reason},
    },
};

/// A container of the agent before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// The process, if it was started. Its end, or a launch that failed, is told as of any other.
    pub pid: Option<u32>,
    /// What Docker Engine says of one of its own.
    pub inspected: Option<Inspected>,
}

impl Agent {
    /// Takes over: to be called before anything else, with the id of the agent before and its log, compacted or not. Tasks whose
    /// container is not in `containers` have ended unseen.
    pub fn recover(
        &mut self,
        now: Time,
        id: AgentId,
        log: Vec<AgentLogEntry>,
        containers: &BTreeMap<ContainerId, Container>,
    ) -> Vec<Effect> {
        self.info.id = Some(id);
        self.remember_agent();
        for entry in compacted(log) {
            self.replay(now, entry);
        }
        let own = self.containers.keys().filter(|container_id| container_id.parent.is_none());
        let known: Vec<ContainerId> = own.cloned().collect();
        for container_id in known {
            let is_default = self.executor_mut(&container_id).is_some_and(|executor| executor.is_default());
            match containers.get(&container_id) {
                _ if is_default => self.resume_groups(now, &container_id, containers),
                Some(container) if self.executor_mut(&container_id).is_some_and(|it| it.is_custom()) => {
                    self.resume_custom(now, &container_id, container.pid);
                }
                Some(container) => self.resume(now, &container_id, container.clone()),
                None => self.container_is_gone(now, &container_id),
            }
        }
        let idle: Vec<FrameworkId> =
            self.frameworks.iter().filter(|(_, it)| it.is_idle()).map(|(id, _)| id.clone()).collect();
        idle.iter().for_each(|id| self.remove_framework_if_idle(id));
        std::mem::take(&mut self.effects)
    }

    fn replay(&mut self, now: Time, entry: AgentLogEntry) {
        let id = entry.framework_id;
        if let Some(info) = entry.framework {
            let framework = self.frameworks.entry(id.clone()).or_insert_with(|| Framework::new(info.clone()));
            framework.info = info;
        }
        if let Some(launched) = entry.launched {
            self.replay_launch(&id, launched);
        }
        if let Some(group) = entry.launched_group {
            self.replay_group(&id, group);
        }
        if let Some(update) = entry.update.map(read_update) {
            let framework = self.frameworks.get(&id);
            let executor = framework.and_then(|framework| framework.executor_of(&update.status.task_id));
            let container_id = executor.map(|executor| executor.container_id.clone());
            if let Some(executor) = container_id.and_then(|container_id| self.executor_mut(&container_id)) {
                let (task_id, uuid) =
                    (&update.status.task_id, update.status.uuid.clone().unwrap_or_default());
                if let Some(custom) = executor.custom_mut() {
                    custom.receive(task_id, &uuid);
                }
                executor.update_task(&update.status, &id);
            }
            self.streams.push(now, update);
        }
        if let Some(acknowledged) = entry.acknowledged {
            self.replay_acknowledgement(now, &id, &acknowledged.task_id, &acknowledged.uuid);
        }
    }

    fn replay_launch(&mut self, id: &FrameworkId, launched: Launched) {
        if launched.task.executor.is_some() {
            return self.replay_custom(id, launched);
        }
        let Launched { executor: info, task, container_id, directory } = launched;
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let killing_state = has_capability(&framework.info, capability::Type::TaskKillingState);
        let executor_id = info.executor_id.clone();
        let program = task_program(&self.config, &info, &task, killing_state);
        let executor = super::launch::new_executor(
            &self.config,
            info,
            (container_id.clone(), directory),
            Some(program),
            vec![task],
        );
        framework.executors.insert(executor_id.clone(), executor);
        self.containers.insert(container_id, (id.clone(), executor_id));
    }

    fn replay_group(&mut self, id: &FrameworkId, group: LaunchedGroup) {
        let LaunchedGroup { executor: info, container_id, directory, tasks } = group;
        let executor_id = info.executor_id.clone();
        let Some(framework) = self.frameworks.get(id).map(|framework| framework.info.clone()) else { return };
        if !self.containers.contains_key(&container_id) {
            self.enter_default_executor(&framework, info, (container_id.clone(), directory));
        }
        let tasks: NestedTasks = tasks.into_iter().map(|it| (it.container_id, it.task)).collect();
        self.enter_group(id, &executor_id, &tasks);
        let executor = self.executor_mut(&container_id);
        if let Some(Program::Default(default)) = executor.and_then(|executor| executor.program.as_mut()) {
            default.adopt(tasks);
        }
    }

    fn replay_acknowledgement(&mut self, now: Time, id: &FrameworkId, task_id: &TaskId, uuid: &[u8]) {
        if self.streams.acknowledge(now, id, task_id, uuid) != super::streams::Acknowledged::Terminal {
            return;
        }
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let container_id = framework.executor_of(task_id).map(|executor| executor.container_id.clone());
        if let Some(executor) = container_id.and_then(|container_id| self.executor_mut(&container_id)) {
            executor.complete_task(task_id);
        }
    }

    fn container_is_gone(&mut self, now: Time, container_id: &ContainerId) {
        let message = "Abnormal executor termination: unknown container";
        self.executor_terminated(now, container_id, Reason::ExecutorTerminated, message);
    }

    /// Tasks of groups go on as the one of a command executor does. Where nothing is left of any, their executor has
    /// ended with them.
    fn resume_groups(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        containers: &BTreeMap<ContainerId, Container>,
    ) {
        let Some(executor) = self.executor_mut(container_id) else { return };
        let launched = &executor.launched_tasks;
        let mut live = executor.nested.iter().filter(|(_, nested)| launched.contains_key(&nested.task_id));
        let any_live = live.clone().next().is_some();
        if any_live && live.all(|(container_id, _)| !containers.contains_key(container_id)) {
            return self.container_is_gone(now, container_id);
        }
        for (container_id, nested) in &mut executor.nested {
            nested.pid = containers.get(container_id).and_then(|container| container.pid);
        }
        let found = |container_id: &ContainerId| match containers.get(container_id) {
            None => Found::Nothing,
            Some(Container { pid: None, .. }) => Found::Starting,
            Some(Container { pid: Some(_), .. }) => Found::Runs,
        };
        let tasks: BTreeMap<_, _> = executor
            .launched_tasks
            .iter()
            .chain(&executor.terminated_tasks)
            .map(|(id, task)| (id.clone(), task.statuses.clone()))
            .chain(executor.completed_tasks.iter().map(|it| (it.task_id.clone(), it.statuses.clone())))
            .collect();
        let said = |task_id: &TaskId| tasks.get(task_id).cloned().unwrap_or_default();
        let Some(Program::Default(default)) = &mut executor.program else { return };
        let actions = default.resume(now, found, said);
        self.carry_out(now, actions);
        self.bury_nested(now, container_id);
    }

    /// The container is there: it goes on as it was, or begins if nobody has said yet that it runs.
    fn resume(&mut self, now: Time, container_id: &ContainerId, container: Container) {
        let Some(pid) = container.pid else { return };
        container.inspected.into_iter().for_each(|inspected| self.inspected(container_id, inspected));
        let Some(executor) = self.executor_mut(container_id) else { return };
        if !executor.queued_tasks.is_empty() {
            return self.launched(now, container_id, pid);
        }
        executor.started(pid);
        executor.state = ExecutorState::Running;
        let statuses = executor.launched_tasks.values().next().map(|task| task.statuses.clone());
        let statuses = statuses.unwrap_or_default();
        self.command(now, container_id, executor::Input::Resumed { statuses });
    }
}
