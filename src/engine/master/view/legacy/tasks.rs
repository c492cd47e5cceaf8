//! `/tasks`: tasks of all frameworks, newest first unless asked otherwise, a page at a time.

use std::cmp::Ordering;

use serde::Serialize;

use super::{Query, selects, summary::all_tasks};
use crate::{
    engine::{legacy::Task, master::Master},
    mesos::v1,
};

const DEFAULT_LIMIT: u64 = 100;

#[derive(Debug, Serialize)]
pub struct Tasks<'a> {
    tasks: Vec<Task<'a>>,
}

impl<'a> Tasks<'a> {
    pub fn new(master: &'a Master, query: &Query) -> Self {
        let mut tasks = selected(master, query);
        let ascending = query.get("order").is_some_and(|order| order == "asc");
        tasks.sort_by(|a, b| if ascending { by_first_update(a, b) } else { by_first_update(b, a) });
        let tasks = page(&tasks, query).iter().copied().map(Task::from).collect();
        Self { tasks }
    }
}

fn selected<'a>(master: &'a Master, query: &Query) -> Vec<&'a v1::Task> {
    let frameworks = master.frameworks.values().chain(&master.completed_frameworks);
    let frameworks = frameworks.filter(|framework| selects(query, "framework_id", framework.id.as_str()));
    let tasks = frameworks.flat_map(all_tasks);
    tasks.filter(|task| selects(query, "task_id", task.task_id.as_str())).collect()
}

/// A task without updates comes before all others.
fn by_first_update(a: &v1::Task, b: &v1::Task) -> Ordering {
    let first = |task: &v1::Task| task.statuses.first().map(v1::TaskStatus::timestamp);
    first(a).partial_cmp(&first(b)).unwrap_or(Ordering::Equal)
}

/// `limit` tasks from `offset` on. What is no number counts as not given; a negative one wraps around as in Mesos, so
/// that `limit=-1` means all.
fn page<'s, 'a>(tasks: &'s [&'a v1::Task], query: &Query) -> &'s [&'a v1::Task] {
    let number = |parameter: &str| query.get(parameter).and_then(|text| numify(text));
    let offset = number("offset").unwrap_or(0);
    let end = offset.wrapping_add(number("limit").unwrap_or(DEFAULT_LIMIT));
    let position = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    tasks.get(position(offset)..position(end).min(tasks.len())).unwrap_or_default()
}

/// A 32-bit number, decimal or hexadecimal, as Mesos reads it and then widens it.
fn numify(text: &str) -> Option<u64> {
    let hexadecimal = |digits: &str| i32::from_str_radix(digits, 16).ok();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => hexadecimal(digits).map(|number| if negative { -number } else { number }),
        None => text.parse::<i32>().ok(),
    };
    number.map(|number| i64::from(number).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_leniently() {
        assert_eq!(numify("2"), Some(2));
        assert_eq!(numify("+2"), Some(2));
        assert_eq!(numify("0x10"), Some(16));
        assert_eq!(numify("-1"), Some(u64::MAX));
        assert_eq!(numify("abc"), None);
        assert_eq!(numify(""), None);
        assert_eq!(numify("1.5"), None);
    }
}
