//! RECONCILE and RECONCILE_OPERATIONS: what the master knows, told again.

use super::{
    Master, events,
    status::{Verdict, latest, time_info},
};
use crate::mesos::v1::{
    AgentId, FrameworkId, OperationState, OperationStatus, TaskState, TaskStatus,
    framework_info::capability,
    scheduler::call::{Reconcile, ReconcileOperations, reconcile, reconcile_operations},
    task_status::Reason,
};

/// What the master knows of an agent that may have run something.
enum Whereabouts {
    Registered,
    Unreachable,
    Gone,
    /// Known from before this master's time, and not back yet: nothing can be said.
    Expected,
    Unknown,
}

impl Master {
    pub(super) fn reconcile(&mut self, id: &FrameworkId, reconcile: Reconcile) {
        self.counters.messages_reconcile_tasks += 1;
        let statuses: Vec<TaskStatus> = if reconcile.tasks.is_empty() {
            self.all_latest(id)
        } else {
            reconcile.tasks.into_iter().filter_map(|task| self.reconciled(id, task)).collect()
        };
        statuses.into_iter().for_each(|status| self.send(id, events::update(status)));
    }

    fn all_latest(&self, id: &FrameworkId) -> Vec<TaskStatus> {
        let tasks = self.frameworks.get(id).into_iter().flat_map(|framework| framework.tasks.values());
        tasks
            .map(|task| latest(task, Reason::Reconciliation, "Reconciliation: Latest task state", self.now))
            .collect()
    }

    fn reconciled(&self, id: &FrameworkId, wanted: reconcile::Task) -> Option<TaskStatus> {
        let framework = self.frameworks.get(id)?;
        if let Some(task) = framework.tasks.get(&wanted.task_id) {
            return Some(latest(task, Reason::Reconciliation, "Reconciliation: Latest task state", self.now));
        }
        let (state, message) = match self.whereabouts(wanted.agent_id.as_ref()) {
            Whereabouts::Registered => (TaskState::TaskGone, "Task is unknown to the agent"),
            Whereabouts::Unreachable => (TaskState::TaskUnreachable, "Task is unreachable"),
            Whereabouts::Gone => (TaskState::TaskGoneByOperator, "Task is gone"),
            Whereabouts::Expected => return None,
            Whereabouts::Unknown => (TaskState::TaskUnknown, "Task is unknown"),
        };
        let is_aware = framework.has_capability(capability::Type::PartitionAware);
        let state = if is_aware { state } else { TaskState::TaskLost };
        let lost = wanted.agent_id.as_ref().and_then(|agent| self.unreachable_agents.get(agent));
        let verdict = Verdict::new(state, Reason::Reconciliation, format!("Reconciliation: {message}"));
        let status = verdict.status(self.now, wanted.task_id, wanted.agent_id.clone());
        Some(TaskStatus { unreachable_time: lost.map(|agent| time_info(agent.since)), ..status })
    }

    fn whereabouts(&self, agent: Option<&AgentId>) -> Whereabouts {
        match agent {
            Some(agent) if self.agents.contains_key(agent) => Whereabouts::Registered,
            Some(agent) if self.unreachable_agents.contains_key(agent) => Whereabouts::Unreachable,
            Some(agent) if self.gone_agents.contains_key(agent) => Whereabouts::Gone,
            Some(agent) if self.recovered_agents.contains_key(agent) => Whereabouts::Expected,
            None if !self.recovered_agents.is_empty() => Whereabouts::Expected,
            _ => Whereabouts::Unknown,
        }
    }

    /// This master has no operations, so each one is unknown to it.
    pub(super) fn reconcile_operations(&mut self, id: &FrameworkId, reconcile: ReconcileOperations) {
        self.counters.messages_reconcile_operations += 1;
        for operation in reconcile.operations {
            let status = self.unknown_operation(operation);
            self.send(id, events::update_operation_status(status));
        }
    }

    fn unknown_operation(&self, operation: reconcile_operations::Operation) -> OperationStatus {
        let (state, message) = match self.whereabouts(operation.agent_id.as_ref()) {
            Whereabouts::Registered => (OperationState::OperationUnknown, "Operation is unknown"),
            Whereabouts::Unreachable => (OperationState::OperationUnreachable, "Agent is unreachable"),
            Whereabouts::Gone => (OperationState::OperationGoneByOperator, "Agent marked gone by operator"),
            Whereabouts::Expected if operation.agent_id.is_some() => {
                (OperationState::OperationRecovering, "Agent is recovered but has not re-registered")
            }
            Whereabouts::Unknown if operation.agent_id.is_some() => {
                (OperationState::OperationUnknown, "Both operation and agent are unknown")
            }
            Whereabouts::Expected | Whereabouts::Unknown => {
                (OperationState::OperationUnknown, "Operation is unknown and no 'agent_id' was provided")
            }
        };
        OperationStatus {
            operation_id: Some(operation.operation_id),
            state: state.into(),
            message: Some(format!("Reconciliation: {message}")),
            agent_id: operation.agent_id,
            resource_provider_id: operation.resource_provider_id,
            ..OperationStatus::default()
        }
    }
}
