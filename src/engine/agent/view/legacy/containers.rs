//! `/containers` and `/monitor/statistics`. Keys in the order of the alphabet.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Query;
use crate::{
    engine::{
        agent::{
            Executor,
            view::{containers as running, usage, v1::Source},
        },
        legacy::sorted,
    },
    mesos::json,
};

/// One container.
#[derive(Debug, Serialize)]
pub struct Container<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<&'a str>,
    executor_id: &'a str,
    executor_name: &'a str,
    framework_id: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Value>,
}

/// Containers of executors, all or the one of `container_id`.
pub fn containers<'a>(source: Source<'a>, query: &Query) -> Vec<Container<'a>> {
    let wanted = query.get("container_id");
    let selected =
        running(source.agent).filter(|executor| wanted.is_none_or(|id| executor.container_id.as_str() == id));
    selected.map(|executor| container(source, executor)).collect()
}

fn container<'a>(source: Source<'a>, executor: &'a Executor) -> Container<'a> {
    Container {
        container_id: Some(executor.container_id.as_str()),
        executor_id: executor.info.executor_id.as_str(),
        executor_name: executor.info.name(),
        framework_id: executor.info.framework_id.as_ref().map_or("", |id| id.as_str()),
        source: executor.info.source(),
        statistics: usage::of(executor, source.measured, source.now)
            .map(|used| sorted(json::to_json(&usage::statistics(executor, &used)))),
        status: Some(sorted(json::to_json(&usage::status(executor)))),
    }
}

/// Containers that were measured, without status.
pub fn statistics(source: Source<'_>) -> Vec<Container<'_>> {
    let all = containers(source, &BTreeMap::new()).into_iter();
    let measured = all.filter(|container| container.statistics.is_some());
    measured.map(|container| Container { container_id: None, status: None, ..container }).collect()
}
