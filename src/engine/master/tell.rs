//! Calls that go through to an agent: KILL, SHUTDOWN, MESSAGE.

use super::Master;
use crate::{
    engine::wire::ToAgent,
    mesos::v1::{
        FrameworkId,
        scheduler::call::{Kill, Message, Reconcile, Shutdown, reconcile},
    },
};

impl Master {
    /// An unknown task is reconciled; a task of a disconnected agent is killed when the agent is back.
    pub(super) fn kill(&mut self, id: &FrameworkId, kill: Kill) {
        self.counters.messages_kill_task += 1;
        let task = self.frameworks.get(id).and_then(|framework| framework.tasks.get(&kill.task_id));
        let Some(task) = task else {
            let task = reconcile::Task { task_id: kill.task_id, agent_id: kill.agent_id };
            return self.reconcile(id, Reconcile { tasks: vec![task] });
        };
        if kill.agent_id.as_ref().is_some_and(|agent| *agent != task.agent_id) {
            return;
        }
        let agent_id = task.agent_id.clone();
        if let Some(agent) = self.agents.get_mut(&agent_id) {
            agent.killed_tasks.entry(id.clone()).or_default().insert(kill.task_id.clone());
        }
        let message = ToAgent::KillTask {
            framework_id: id.clone(),
            task_id: kill.task_id,
            kill_policy: kill.kill_policy,
        };
        if self.is_connected(&agent_id) {
            self.tell(&agent_id, message);
        }
    }

    pub(super) fn shutdown(&mut self, id: &FrameworkId, shutdown: Shutdown) {
        let Shutdown { executor_id, agent_id } = shutdown;
        self.tell(&agent_id, ToAgent::ShutdownExecutor { framework_id: id.clone(), executor_id });
    }

    pub(super) fn message(&mut self, id: &FrameworkId, message: Message) {
        self.counters.messages_framework_to_executor += 1;
        let Message { agent_id, executor_id, data } = message;
        if !self.is_connected(&agent_id) {
            self.counters.invalid_framework_to_executor_messages += 1;
            return;
        }
        let framework_id = id.clone();
        let message =
            ToAgent::FrameworkMessage { agent_id: agent_id.clone(), framework_id, executor_id, data };
        self.tell(&agent_id, message);
        self.counters.valid_framework_to_executor_messages += 1;
    }
}
