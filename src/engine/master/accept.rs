//! ACCEPT: which offers it may use, what is wrong with its operations before anything is done, and what is left over.

use super::{
    Master, Resources, events,
    offers::role_of,
    status::Verdict,
    validation::{self, operation},
};
use crate::{
    engine::allocator::{Recovery, refusal},
    mesos::v1::{
        AgentId, FrameworkId, Offer, OfferId, OperationState, OperationStatus, TaskInfo, TaskState,
        framework_info::capability,
        offer::{Operation, operation::Type},
        scheduler::call::Accept,
        task_status::Reason,
    },
};

/// Accepted offers: whose, where, and what of them is not used yet.
pub(super) struct Ground {
    pub framework_id: FrameworkId,
    pub agent_id: AgentId,
    pub role: String,
    pub remaining: Resources,
}

impl Master {
    pub(super) fn accept(&mut self, id: &FrameworkId, accept: Accept) {
        self.count_launches(&accept.operations);
        if let Err(error) = validation::offer::validate(&accept.offer_ids, &self.offers, id) {
            return self.accept_invalid(id, accept, &error);
        }
        let first = accept.offer_ids.first().and_then(|offer| self.offers.get(offer));
        let Some((agent_id, role)) = first.map(|offer| (offer.agent_id.clone(), role_of(offer).to_owned()))
        else {
            return;
        };
        let mut ground = Ground { framework_id: id.clone(), agent_id, role, remaining: Resources::default() };
        let prepared: Vec<Operation> =
            accept.operations.into_iter().filter_map(|operation| self.prepare(&ground, operation)).collect();
        self.use_offers(&mut ground, &accept.offer_ids);
        prepared.into_iter().for_each(|operation| self.perform(&mut ground, operation));
        let unused = Recovery::Unused(Some(refusal(accept.filters.as_ref())));
        self.allocator.recover_resources(self.now, id, &ground.agent_id, &ground.remaining, unused);
    }

    fn count_launches(&mut self, operations: &[Operation]) {
        for operation in operations.iter().filter(|operation| operation.r#type() == Type::Launch) {
            if operation::tasks(operation).is_empty() {
                self.counters.messages_decline_offers += 1;
            } else {
                self.counters.messages_launch_tasks += 1;
            }
        }
    }

    /// Every known offer is taken back, and every task is lost.
    fn accept_invalid(&mut self, id: &FrameworkId, accept: Accept, error: &str) {
        for offer in &accept.offer_ids {
            self.discard_offer(offer, None);
        }
        let is_aware =
            self.frameworks.get(id).is_some_and(|it| it.has_capability(capability::Type::PartitionAware));
        let state = if is_aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        let message = format!("Task launched with invalid offers: {error}");
        let verdict = Verdict::new(state, Reason::InvalidOffers, message);
        for operation in &accept.operations {
            match operation.r#type() {
                Type::Launch | Type::LaunchGroup => {
                    self.reject_tasks(id, operation::tasks(operation), &verdict)
                }
                _ => self.drop_operation(
                    id,
                    operation,
                    format!("Operation attempted with invalid offers: {error}"),
                ),
            }
        }
    }

    /// Says of tasks that never came to be what is wrong with them.
    pub(super) fn reject_tasks(&mut self, id: &FrameworkId, tasks: &[TaskInfo], verdict: &Verdict) {
        for task in tasks {
            self.count_terminal(verdict.state);
            self.count_reason(verdict.state, crate::mesos::v1::task_status::Source::Master, verdict.reason);
            let status = verdict.status(self.now, task.task_id.clone(), Some(task.agent_id.clone()));
            self.forward(id, status);
        }
    }

    /// Only an operation with an id is worth an answer.
    pub(super) fn drop_operation(&mut self, id: &FrameworkId, operation: &Operation, message: String) {
        if operation.id.is_none() {
            return;
        }
        let status = OperationStatus {
            operation_id: operation.id.clone(),
            state: OperationState::OperationError.into(),
            message: Some(message),
            ..OperationStatus::default()
        };
        self.send(id, events::update_operation_status(status));
    }

    /// Checks the resources of an operation and fills in what frameworks may leave out; `None` when it is rejected.
    fn prepare(&mut self, ground: &Ground, mut operation: Operation) -> Option<Operation> {
        if let Err(error) = operation::validate(&operation) {
            self.reject_operation(ground, &operation, error);
            return None;
        }
        operation::normalize(&mut operation, &ground.role, &ground.framework_id);
        Some(operation)
    }

    fn reject_operation(&mut self, ground: &Ground, operation: &Operation, error: String) {
        let id = &ground.framework_id;
        match (operation.r#type(), operation::invalid_reason(operation)) {
            (_, Some(reason)) => {
                let verdict = Verdict::new(TaskState::TaskError, reason, error);
                self.reject_tasks(id, operation::tasks(operation), &verdict);
            }
            (Type::Unknown, None) => {}
            _ => {
                self.drop_operation(
                    id,
                    operation,
                    format!("Operation attempted with invalid resources: {error}"),
                );
            }
        }
    }

    fn use_offers(&mut self, ground: &mut Ground, offer_ids: &[OfferId]) {
        let offers: Vec<Offer> = offer_ids.iter().filter_map(|offer| self.remove_offer(offer)).collect();
        if let Some(framework) = self.frameworks.get_mut(&ground.framework_id) {
            framework.counters.offers_accepted += offers.len() as u64;
        }
        ground.remaining = offers.into_iter().map(|offer| Resources::from(offer.resources)).sum();
    }

    fn perform(&mut self, ground: &mut Ground, operation: Operation) {
        match operation.r#type() {
            Type::Launch => self.launch(ground, operation.launch.unwrap_or_default()),
            Type::LaunchGroup => self.launch_group(ground, operation.launch_group.unwrap_or_default()),
            Type::Unknown => {}
            _ => {
                let message = self.refusal_of(ground, &operation);
                self.drop_operation(&ground.framework_id, &operation, message);
            }
        }
    }
}
