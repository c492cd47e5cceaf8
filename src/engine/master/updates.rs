//! What agents report of their tasks and executors, and what frameworks acknowledge.

use super::{Master, events, status::is_terminal, validation};
use crate::{
    engine::wire::{StatusUpdate, ToAgent},
    mesos::v1::{AgentId, ExecutorId, FrameworkId, scheduler::call::Acknowledge},
};

impl Master {
    /// Forwards the update first, then enters it, as Mesos does.
    pub(super) fn status_update(&mut self, agent_id: &AgentId, update: StatusUpdate) {
        self.counters.messages_status_update += 1;
        let StatusUpdate { framework_id, status, latest_state, .. } = update;
        if status.uuid.as_ref().is_none_or(|uuid| validation::call::uuid(uuid).is_err()) {
            self.counters.invalid_status_updates += 1;
            return;
        }
        let is_connected = self.frameworks.get(&framework_id).is_some_and(|it| it.connected());
        if is_connected {
            self.forward(&framework_id, status.clone());
        }
        let tasks = self.agents.get(agent_id).and_then(|agent| agent.tasks.get(&framework_id));
        if tasks.is_some_and(|tasks| tasks.contains(&status.task_id)) {
            self.update_task(&framework_id, &status.task_id, &status, latest_state);
            self.count_status_update(is_connected);
        } else {
            self.count_status_update(false);
            let newest = latest_state.unwrap_or_else(|| status.state());
            if !is_terminal(newest) && self.is_stray(agent_id, &framework_id, &status.task_id) {
                self.kill_on(agent_id, &framework_id, &status.task_id);
            }
        }
    }

    fn count_status_update(&mut self, is_valid: bool) {
        if is_valid {
            self.counters.valid_status_updates += 1;
        } else {
            self.counters.invalid_status_updates += 1;
        }
    }

    pub(super) fn acknowledge(&mut self, id: &FrameworkId, acknowledge: Acknowledge) {
        self.counters.messages_status_update_acknowledgement += 1;
        let agent_id = &acknowledge.agent_id;
        if !self.is_connected(agent_id) || !self.settle(id, &acknowledge) {
            self.counters.invalid_status_update_acknowledgements += 1;
            return;
        }
        let message = ToAgent::Acknowledge {
            agent_id: agent_id.clone(),
            framework_id: id.clone(),
            task_id: acknowledge.task_id.clone(),
            uuid: acknowledge.uuid.clone(),
        };
        self.tell(agent_id, message);
        self.counters.valid_status_update_acknowledgements += 1;
    }

    /// Completes the task when its terminal update is acknowledged; false when this master has sent no update of it.
    fn settle(&mut self, id: &FrameworkId, acknowledge: &Acknowledge) -> bool {
        let task = self.frameworks.get(id).and_then(|framework| framework.tasks.get(&acknowledge.task_id));
        let Some(task) = task.filter(|task| task.agent_id == acknowledge.agent_id) else { return true };
        if task.status_update_state.is_none() {
            return false;
        }
        let is_last = task.status_update_uuid.as_ref() == Some(&acknowledge.uuid);
        if is_last && is_terminal(task.status_update_state()) {
            self.remove_task(id, &acknowledge.task_id, false);
        }
        true
    }

    pub(super) fn is_connected(&self, agent: &AgentId) -> bool {
        self.agents.get(agent).is_some_and(|agent| agent.connected)
    }

    pub(super) fn exited_executor(
        &mut self,
        agent_id: &AgentId,
        id: &FrameworkId,
        executor_id: ExecutorId,
        status: i32,
    ) {
        self.counters.messages_exited_executor += 1;
        let executors = self.agents.get(agent_id).and_then(|agent| agent.executors.get(id));
        if !executors.is_some_and(|executors| executors.contains_key(&executor_id)) {
            return;
        }
        self.remove_executor(agent_id, id, &executor_id);
        self.send_if_connected(id, events::failure(agent_id.clone(), Some((executor_id, status))));
    }

    pub(super) fn executor_message(
        &mut self,
        agent_id: &AgentId,
        id: &FrameworkId,
        executor_id: ExecutorId,
        data: bytes::Bytes,
    ) {
        self.counters.messages_executor_to_framework += 1;
        if self.send_if_connected(id, events::message(agent_id.clone(), executor_id, data)) {
            self.counters.valid_executor_to_framework_messages += 1;
        } else {
            self.counters.invalid_executor_to_framework_messages += 1;
        }
    }
}
