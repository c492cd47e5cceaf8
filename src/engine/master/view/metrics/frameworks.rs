//! What is counted for each framework: `master/frameworks/<name>/<id>/...`.

use std::fmt::Write;

use super::{Metrics, count, counters::as_f64};
use crate::{
    engine::master::{Framework, view::roles::subscribed_roles},
    mesos::v1::{
        TaskState, offer,
        scheduler::{call, event},
    },
};

const ACTIVE: [TaskState; 6] = [
    TaskState::TaskStaging,
    TaskState::TaskStarting,
    TaskState::TaskRunning,
    TaskState::TaskKilling,
    TaskState::TaskUnreachable,
    TaskState::TaskUnknown,
];

const TERMINAL: [TaskState; 8] = [
    TaskState::TaskFinished,
    TaskState::TaskFailed,
    TaskState::TaskKilled,
    TaskState::TaskError,
    TaskState::TaskLost,
    TaskState::TaskDropped,
    TaskState::TaskGone,
    TaskState::TaskGoneByOperator,
];

/// All metrics of one framework.
pub fn of_framework(framework: &Framework) -> Metrics {
    let prefix = format!("master/frameworks/{}/{}/", encoded(&framework.info.name), framework.id);
    let named = plain(framework).into_iter().chain(calls(framework)).chain(events(framework));
    let named = named.chain(operations(framework)).chain(tasks(framework)).chain(suppressed(framework));
    named.map(|(name, value)| (format!("{prefix}{name}"), value)).collect()
}

type Named = (String, f64);

fn plain(framework: &Framework) -> Vec<Named> {
    let counters = &framework.counters;
    let named = [
        ("subscribed", f64::from(u8::from(framework.connected()))),
        ("offers/sent", as_f64(counters.offers_sent)),
        ("offers/accepted", as_f64(counters.offers_accepted)),
        ("offers/declined", as_f64(counters.offers_declined)),
        ("offers/rescinded", as_f64(counters.offers_rescinded)),
    ];
    named.map(|(name, value)| (name.to_owned(), value)).into()
}

fn calls(framework: &Framework) -> Vec<Named> {
    let counts = &framework.counters.calls;
    let kinds = (1..=i32::from(u8::MAX)).filter_map(|number| call::Type::try_from(number).ok());
    let named = kinds.map(|kind| (kind.as_str_name(), counts.get(&kind).copied().unwrap_or_default()));
    with_total("calls", named)
}

fn events(framework: &Framework) -> Vec<Named> {
    let counts = &framework.counters.events;
    let kinds = (1..=i32::from(u8::MAX)).filter_map(|number| event::Type::try_from(number).ok());
    let named = kinds.map(|kind| (kind.as_str_name(), counts.get(&kind).copied().unwrap_or_default()));
    with_total("events", named)
}

fn operations(framework: &Framework) -> Vec<Named> {
    let counts = &framework.counters.operations;
    let kinds = (1..=i32::from(u8::MAX)).filter_map(|number| offer::operation::Type::try_from(number).ok());
    let named = kinds.map(|kind| (kind.as_str_name(), counts.get(&kind.into()).copied().unwrap_or_default()));
    with_total("operations", named)
}

fn with_total<'a>(what: &str, named: impl Iterator<Item = (&'a str, u64)> + Clone) -> Vec<Named> {
    let total = named.clone().map(|(_, count)| count).sum();
    let each = named.map(|(name, count)| (format!("{what}/{}", name.to_lowercase()), as_f64(count)));
    each.chain([(what.to_owned(), as_f64(total))]).collect()
}

fn tasks(framework: &Framework) -> Vec<Named> {
    let known = || framework.tasks.values().chain(&framework.unreachable_tasks);
    let active = ACTIVE.into_iter().map(|state| {
        let name = state.as_str_name().to_lowercase();
        (format!("tasks/active/{name}"), count(known(), |task| task.state() == state))
    });
    let terminal = TERMINAL.into_iter().map(|state| {
        let ended = framework.counters.terminal_tasks.get(&state).copied().unwrap_or_default();
        (format!("tasks/terminal/{}", state.as_str_name().to_lowercase()), as_f64(ended))
    });
    active.chain(terminal).collect()
}

fn suppressed(framework: &Framework) -> Vec<Named> {
    let roles = subscribed_roles(&framework.info).into_iter();
    let named = roles.map(|role| {
        let suppressed = framework.suppressed_roles.contains(role);
        (format!("roles/{role}/suppressed"), f64::from(u8::from(suppressed)))
    });
    named.collect()
}

/// A name within a metric's name: percent-encoded as in a URL.
fn encoded(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        if byte.is_ascii_control() && byte != 0x7f
            || !byte.is_ascii()
            || b"$&+,/:;=?@ \"<>#%{}|\\^~[]`".contains(&byte)
        {
            _ = write!(text, "%{byte:02X}");
        } else {
            text.push(byte.into());
        }
        text
    })
}
