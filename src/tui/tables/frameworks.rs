//! All frameworks of the cluster.

use ratatui::text::{Line, Span};

use crate::{
    cluster::framework::{Framework, FrameworkState},
    tui::{
        list::rank::Rank,
        tables::{
            Column, Scene, Table,
            columns::{Width, age, left, number, plain, right, short_id, sign},
            meaning,
        },
        view::{
            bar::{self, Parts},
            units,
        },
    },
};

/// ` 100%`
const PERCENT: u16 = 5;

pub static TABLE: Table<Framework> = Table {
    columns: &[
        Column {
            head: left("framework", 0, Width::Fit { min: 10, max: 30 }),
            cell: name,
            rank: Some(|framework| Rank::Text(&framework.name)),
        },
        Column {
            head: left("id", 5, Width::Fit { min: 5, max: 14 }),
            cell: |framework, _, width| plain(short_id(&framework.id), width),
            rank: Some(|framework| Rank::Text(short_id(&framework.id))),
        },
        Column {
            head: left("state", 0, Width::Fixed(14)),
            cell: |framework, scene, width| sign(meaning::framework(framework.state), scene, width),
            rank: Some(|framework| Rank::Number(framework.state as u8 as f64)),
        },
        Column {
            head: left("roles", 3, Width::Fit { min: 6, max: 30 }),
            cell: |framework, _, width| plain(&framework.roles.join(", "), width),
            rank: Some(|framework| framework.roles.first().map_or(Rank::Nothing, |role| Rank::Text(role))),
        },
        Column {
            head: left("user", 6, Width::Fit { min: 5, max: 12 }),
            cell: |framework, _, width| plain(&framework.user, width),
            rank: Some(|framework| Rank::Text(&framework.user)),
        },
        Column {
            head: left("share", 1, Width::Fill { min: 11, good: 16, max: 30 }),
            cell: share,
            rank: Some(|framework| Rank::Number(framework.share)),
        },
        Column {
            head: right("tasks", 0, 6),
            cell: |framework, _, _| number(framework.tasks as u64),
            rank: Some(|framework| Rank::Number(framework.tasks as f64)),
        },
        Column {
            head: right("offers", 2, 7),
            cell: |framework, _, _| number(framework.offers as u64),
            rank: Some(|framework| Rank::Number(framework.offers as f64)),
        },
        Column {
            head: right("age", 4, 6),
            cell: |framework, scene, _| age(framework.registered, scene),
            rank: Some(|framework| Rank::age(framework.registered)),
        },
    ],
    groupings: &[],
    id: |framework| &framework.id,
    order: |_| 0,
    is_over: |framework| framework.state == FrameworkState::Completed,
    texts: |framework, take| {
        [&*framework.id, &framework.name, &framework.user, meaning::framework(framework.state).word]
            .into_iter()
            .any(&mut *take)
            || framework.roles.iter().any(|role| take(role))
    },
};

/// Our own is marked with a star.
fn name(framework: &Framework, scene: &Scene<'_>, width: u16) -> Line<'static> {
    let mut line = plain(&framework.name, width);
    if framework.ours {
        line = plain(&framework.name, width.saturating_sub(2));
        line.push_span(Span::styled(" ★", scene.theme.key));
    }
    line
}

/// Its dominant share.
fn share(framework: &Framework, scene: &Scene<'_>, width: u16) -> Line<'static> {
    let parts = Parts { used: framework.share, offered: 0.0, total: 1.0 };
    let mut spans = bar::spans(parts, width.saturating_sub(PERCENT), scene.theme).to_vec();
    spans.push(Span::raw(format!(" {:>4}", units::percent(framework.share, 1.0))));
    Line::from(spans)
}
