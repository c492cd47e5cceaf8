//! The tasks: those that live, and behind them those that have ended.

use ratatui::text::Line;

use crate::{
    cluster::task::Task,
    mesos::time::Time,
    tui::{
        list::rank::Rank,
        tables::{
            Column, Grouping, Scene, Table,
            columns::{Width, age, left, number, plain, right, sign, styled},
            meaning,
        },
    },
};

pub static TABLE: Table<Task> = Table {
    columns: &[
        Column {
            head: left("task", 0, Width::Fit { min: 12, max: 48 }),
            cell: |task, _, width| plain(&task.id, width),
            rank: Some(|task| Rank::Text(&task.id)),
        },
        Column {
            head: left("name", 7, Width::Fit { min: 6, max: 24 }),
            cell: |task, _, width| plain(&task.name, width),
            rank: Some(|task| Rank::Text(&task.name)),
        },
        Column {
            head: left("framework", 8, Width::Fit { min: 10, max: 20 }),
            cell: |task, _, width| plain(&task.framework, width),
            rank: Some(|task| Rank::Text(&task.framework)),
        },
        Column {
            head: left("state", 0, Width::Fixed(13)),
            cell: |task, scene, width| sign(meaning::task(task.state), scene, width),
            rank: Some(|task| Rank::Number(meaning::task_rank(task.state).into())),
        },
        Column {
            head: left("agent", 3, Width::Fit { min: 8, max: 30 }),
            cell: |task, _, width| plain(&task.agent, width),
            rank: Some(|task| Rank::Text(&task.agent)),
        },
        Column {
            head: right("age", 1, 6),
            cell: |task, scene, _| age(moment(task), scene),
            rank: Some(|task| Rank::age(moment(task))),
        },
        Column {
            head: right("restarts", 5, 9),
            cell: restarts,
            rank: Some(|task| {
                task.ours.as_ref().map_or(Rank::Nothing, |ours| Rank::Number(ours.restarts.into()))
            }),
        },
        Column {
            head: left("health", 6, Width::Fixed(7)),
            cell: |task, scene, width| sign(meaning::healthy(task.healthy), scene, width),
            rank: Some(|task| {
                task.healthy.map_or(Rank::Nothing, |healthy| Rank::Number(u8::from(healthy).into()))
            }),
        },
        Column {
            head: left("message", 2, Width::Fill { min: 8, good: 28, max: u16::MAX }),
            cell: |task, _, width| plain(&task.message, width),
            rank: Some(
                |task| {
                    if task.message.is_empty() { Rank::Nothing } else { Rank::Text(&task.message) }
                },
            ),
        },
    ],
    groupings: &[
        Grouping {
            name: "by state",
            group: |task| (meaning::task_rank(task.state), meaning::task(task.state).word),
        },
        Grouping { name: "by agent", group: |task| (0, &task.agent) },
    ],
    id: |task| task.row(),
    order: |task| task.order,
    is_over: Task::is_over,
    texts: |task, take| {
        take(&task.id)
            || take(&task.name)
            || take(meaning::task(task.state).word)
            || take(&task.agent)
            || take(&task.framework)
            || take(&task.message)
    },
};

/// When it started; of one that is over, when it ended.
fn moment(task: &Task) -> Option<Time> {
    if task.is_over() { task.since } else { task.started.or(task.since) }
}

fn restarts(task: &Task, scene: &Scene<'_>, width: u16) -> Line<'static> {
    match task.ours.as_ref().map(|ours| ours.restarts) {
        None => styled("-", width, scene.theme.dim),
        Some(0) => styled("0", width, scene.theme.dim),
        Some(restarts) => number(restarts.into()),
    }
}
