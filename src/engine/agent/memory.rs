//! What an agent has written down of frameworks that checkpoint, so that the next one of its work directory goes on
//! where it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agent, Effect, Memory, group::NestedTasks};
use crate::{
    engine::wire::{StatusUpdate, to_master},
    mesos::{
        log::{
            AgentLogEntry,
            agent_log_entry::{Acknowledged, Launched, LaunchedGroup, launched_group},
        },
        v1::{ContainerId, FrameworkId, TaskId, TaskInfo},
    },
};

impl Agent {
    pub(super) fn remember_agent(&mut self) {
        if self.config.checkpoints {
            self.effects.push(Effect::Remember(Memory::Agent(self.info.clone())));
        }
    }

    /// Whether what this framework runs outlives the agent.
    pub(super) fn outlives(&self, framework_id: &FrameworkId) -> bool {
        let framework = self.frameworks.get(framework_id);
        self.config.checkpoints && framework.is_some_and(|framework| framework.info.checkpoint())
    }

    pub(super) fn remember_framework(&mut self, id: &FrameworkId) {
        let framework = self.frameworks.get(id).map(|framework| framework.info.clone());
        self.remember(id, AgentLogEntry { framework, ..AgentLogEntry::default() });
    }

    pub(super) fn remember_launch(&mut self, id: &FrameworkId, container_id: &ContainerId, task: &TaskInfo) {
        if !self.outlives(id) {
            return;
        }
        let framework = self.frameworks.get(id).map(|framework| framework.info.clone());
        let launched = self.executor_mut(container_id).map(|executor| Launched {
            executor: executor.info.clone(),
            task: task.clone(),
            container_id: executor.container_id.clone(),
            directory: executor.directory.clone(),
        });
        self.remember(id, AgentLogEntry { framework, launched, ..AgentLogEntry::default() });
    }

    pub(super) fn remember_group(
        &mut self,
        id: &FrameworkId,
        container_id: &ContainerId,
        tasks: &NestedTasks,
    ) {
        if !self.outlives(id) {
            return;
        }
        let framework = self.frameworks.get(id).map(|framework| framework.info.clone());
        let nested = |(container_id, task): &(ContainerId, TaskInfo)| launched_group::Nested {
            task: task.clone(),
            container_id: container_id.clone(),
        };
        let launched_group = self.executor_mut(container_id).map(|executor| LaunchedGroup {
            executor: executor.info.clone(),
            container_id: executor.container_id.clone(),
            directory: executor.directory.clone(),
            tasks: tasks.iter().map(nested).collect(),
        });
        self.remember(id, AgentLogEntry { framework, launched_group, ..AgentLogEntry::default() });
    }

    pub(super) fn remember_update(&mut self, update: &StatusUpdate) {
        if self.outlives(&update.framework_id) {
            let id = update.framework_id.clone();
            let update = Some(to_master::status_update(update));
            self.remember(&id, AgentLogEntry { update, ..AgentLogEntry::default() });
        }
    }

    pub(super) fn remember_acknowledgement(&mut self, id: &FrameworkId, task_id: &TaskId, uuid: &[u8]) {
        let uuid = bytes::Bytes::copy_from_slice(uuid);
        let acknowledged = Some(Acknowledged { task_id: task_id.clone(), uuid });
        self.remember(id, AgentLogEntry { acknowledged, ..AgentLogEntry::default() });
    }

    pub(super) fn remember_completion(&mut self, id: &FrameworkId, container_id: &ContainerId) {
        let completed = Some(container_id.clone());
        self.remember(id, AgentLogEntry { completed, ..AgentLogEntry::default() });
    }

    pub(super) fn remember_removal(&mut self, id: &FrameworkId) {
        self.remember(id, AgentLogEntry { removed: Some(true), ..AgentLogEntry::default() });
    }

    fn remember(&mut self, id: &FrameworkId, entry: AgentLogEntry) {
        if self.outlives(id) {
            let entry = AgentLogEntry { framework_id: id.clone(), ..entry };
            self.effects.push(Effect::Remember(Memory::Entry(Box::new(entry))));
        }
    }
}

/// What of a log still matters, in its order: nothing of containers that are completed or frameworks that are gone.
pub fn compacted(entries: Vec<AgentLogEntry>) -> Vec<AgentLogEntry> {
    let completed: BTreeSet<ContainerId> =
        entries.iter().filter_map(|entry| entry.completed.clone()).collect();
    let mut of_task: BTreeMap<(FrameworkId, TaskId), ContainerId> = BTreeMap::new();
    let mut kept: Vec<AgentLogEntry> = Vec::new();
    for entry in entries {
        let id = entry.framework_id.clone();
        if entry.removed() {
            kept.retain(|earlier| earlier.framework_id != id);
            continue;
        }
        let container = container_of(&entry, &of_task).cloned();
        for task_id in launched(&entry) {
            of_task.extend(container.clone().map(|container| ((id.clone(), task_id.clone()), container)));
        }
        if entry.completed.is_none() && !container.is_some_and(|container| completed.contains(&container)) {
            kept.push(entry);
        }
    }
    kept
}

/// The tasks that an entry says have been launched.
fn launched(entry: &AgentLogEntry) -> Vec<&TaskId> {
    let one = entry.launched.iter().map(|launched| &launched.task.task_id);
    let group = entry.launched_group.iter().flat_map(|group| &group.tasks);
    one.chain(group.map(|nested| &nested.task.task_id)).collect()
}

/// The container of the executor that an entry is about, from those of the tasks so far.
fn container_of<'a>(
    entry: &'a AgentLogEntry,
    of_task: &'a BTreeMap<(FrameworkId, TaskId), ContainerId>,
) -> Option<&'a ContainerId> {
    let known = |task_id: &TaskId| of_task.get(&(entry.framework_id.clone(), task_id.clone()));
    match entry {
        AgentLogEntry { launched: Some(launched), .. } => Some(&launched.container_id),
        AgentLogEntry { launched_group: Some(group), .. } => Some(&group.container_id),
        AgentLogEntry { update: Some(update), .. } => known(&update.status.task_id),
        AgentLogEntry { acknowledged: Some(acknowledged), .. } => known(&acknowledged.task_id),
        _ => None,
    }
}
