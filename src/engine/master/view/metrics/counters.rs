//! What has been counted since the start.

use super::Metrics;
use crate::engine::master::Counters;

macro_rules! named {
    ($counters:expr, $($field:ident)*) => {
        vec![$((stringify!($field), as_f64($counters.$field))),*]
    };
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
pub(super) fn as_f64(count: u64) -> f64 {
    count as f64
}

/// Things that Mesos counts and that cannot happen here.
const NEVER: [&str; 8] = [
    "event_queue_dispatches",
    "event_queue_http_requests",
    "event_queue_messages",
    "invalid_operation_status_updates",
    "slave_shutdowns_canceled",
    "slave_shutdowns_completed",
    "slave_shutdowns_scheduled",
    "valid_operation_status_updates",
];

/// The counters of `master/`.
pub fn of_master(counters: &Counters) -> Vec<(&'static str, f64)> {
    let mut all = named!(counters,
        tasks_finished tasks_failed tasks_killed tasks_lost tasks_error tasks_dropped tasks_gone
        tasks_gone_by_operator dropped_messages http_cache_hits
        messages_register_framework messages_reregister_framework messages_unregister_framework
        messages_deactivate_framework messages_kill_task messages_status_update_acknowledgement
        messages_resource_request messages_launch_tasks messages_decline_offers messages_revive_offers
        messages_suppress_offers messages_reconcile_operations messages_reconcile_tasks
        messages_framework_to_executor messages_operation_status_update_acknowledgement
        messages_executor_to_framework messages_register_slave messages_reregister_slave
        messages_unregister_slave messages_status_update messages_operation_status_update
        messages_exited_executor messages_update_slave messages_authenticate
        valid_framework_to_executor_messages invalid_framework_to_executor_messages
        valid_executor_to_framework_messages invalid_executor_to_framework_messages
        valid_status_updates invalid_status_updates
        valid_status_update_acknowledgements invalid_status_update_acknowledgements
        valid_operation_status_update_acknowledgements invalid_operation_status_update_acknowledgements
        slave_registrations slave_reregistrations slave_removals recovery_slave_removals
        slave_unreachable_scheduled slave_unreachable_completed slave_unreachable_canceled
    );
    all.extend([
        ("slave_removals/reason_unhealthy", as_f64(counters.slave_removals_reason_unhealthy)),
        ("slave_removals/reason_unregistered", as_f64(counters.slave_removals_reason_unregistered)),
        ("slave_removals/reason_registered", as_f64(counters.slave_removals_reason_registered)),
    ]);
    all.extend(NEVER.map(|name| (name, 0.0)));
    all
}

/// `master/task_failed/source_executor/reason_command_executor_failed` and the like, as far as they occurred.
pub fn task_states(counters: &Counters) -> Metrics {
    let named = counters.tasks_states.iter().map(|((state, source, reason), &count)| {
        let words = [state.as_str_name(), source.as_str_name(), &old_word(reason.as_str_name())].join("/");
        (format!("master/{}", words.to_lowercase()), as_f64(count))
    });
    named.collect()
}

/// Metrics are named after the older messages.
fn old_word(reason: &str) -> String {
    reason.replace("AGENT", "SLAVE")
}

/// Operations by kind and state: there are none here.
pub fn operations() -> Metrics {
    const KINDS: [&str; 9] = [
        "",
        "create/",
        "create_disk/",
        "destroy/",
        "destroy_disk/",
        "grow_volume/",
        "reserve/",
        "shrink_volume/",
        "unreserve/",
    ];
    const STATES: [&str; 9] = [
        "dropped",
        "error",
        "failed",
        "finished",
        "gone_by_operator",
        "pending",
        "recovering",
        "total",
        "unreachable",
    ];
    let names =
        KINDS.into_iter().flat_map(|kind| STATES.map(|state| format!("master/operations/{kind}{state}")));
    names.map(|name| (name, 0.0)).collect()
}
