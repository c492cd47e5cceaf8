//! What a master counts, under Mesos' metric names: the field `x` is `master/x`. Gauges are not here: the views
//! read them off the state.

use std::collections::BTreeMap;

use crate::mesos::v1::{
    TaskState, scheduler,
    task_status::{Reason, Source},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub tasks_finished: u64,
    pub tasks_failed: u64,
    pub tasks_killed: u64,
    pub tasks_lost: u64,
    pub tasks_error: u64,
    pub tasks_dropped: u64,
    pub tasks_gone: u64,
    pub tasks_gone_by_operator: u64,
    /// `master/task_failed/source_executor/reason_command_executor_failed` and the like.
    pub tasks_states: BTreeMap<(TaskState, Source, Reason), u64>,
    pub dropped_messages: u64,
    pub http_cache_hits: u64,
    pub messages_register_framework: u64,
    pub messages_reregister_framework: u64,
    pub messages_unregister_framework: u64,
    pub messages_deactivate_framework: u64,
    pub messages_kill_task: u64,
    pub messages_status_update_acknowledgement: u64,
    pub messages_resource_request: u64,
    pub messages_launch_tasks: u64,
    pub messages_decline_offers: u64,
    pub messages_revive_offers: u64,
    pub messages_suppress_offers: u64,
    pub messages_reconcile_operations: u64,
    pub messages_reconcile_tasks: u64,
    pub messages_framework_to_executor: u64,
    pub messages_operation_status_update_acknowledgement: u64,
    pub messages_executor_to_framework: u64,
    pub messages_register_slave: u64,
    pub messages_reregister_slave: u64,
    pub messages_unregister_slave: u64,
    pub messages_status_update: u64,
    pub messages_operation_status_update: u64,
    pub messages_exited_executor: u64,
    pub messages_update_slave: u64,
    pub messages_authenticate: u64,
    pub valid_framework_to_executor_messages: u64,
    pub invalid_framework_to_executor_messages: u64,
    pub valid_executor_to_framework_messages: u64,
    pub invalid_executor_to_framework_messages: u64,
    pub valid_status_updates: u64,
    pub invalid_status_updates: u64,
    pub valid_status_update_acknowledgements: u64,
    pub invalid_status_update_acknowledgements: u64,
    pub valid_operation_status_update_acknowledgements: u64,
    pub invalid_operation_status_update_acknowledgements: u64,
    pub slave_registrations: u64,
    pub slave_reregistrations: u64,
    pub slave_removals: u64,
    /// `master/slave_removals/reason_unhealthy`.
    pub slave_removals_reason_unhealthy: u64,
    /// `master/slave_removals/reason_unregistered`.
    pub slave_removals_reason_unregistered: u64,
    /// `master/slave_removals/reason_registered`.
    pub slave_removals_reason_registered: u64,
    pub recovery_slave_removals: u64,
    pub slave_unreachable_scheduled: u64,
    pub slave_unreachable_completed: u64,
    pub slave_unreachable_canceled: u64,
}

/// Counters of one framework: `master/frameworks/<name>/<id>/x`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameworkCounters {
    pub calls: BTreeMap<scheduler::call::Type, u64>,
    pub events: BTreeMap<scheduler::event::Type, u64>,
    /// `events/update/<state>`.
    pub updates: BTreeMap<TaskState, u64>,
    pub offers_sent: u64,
    pub offers_accepted: u64,
    pub offers_declined: u64,
    pub offers_rescinded: u64,
    /// `tasks/terminal/<state>`; the active ones are counted from the tasks.
    pub terminal_tasks: BTreeMap<TaskState, u64>,
    /// Operations by the number of `Offer.Operation.Type`.
    pub operations: BTreeMap<i32, u64>,
}
