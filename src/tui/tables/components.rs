//! The parts of the lab, and how each of them does.

use ratatui::text::Line;

use crate::{
    cluster::component::{Component, Container, Health},
    tui::{
        list::rank::Rank,
        tables::{
            Column, Scene, Table,
            columns::{Width, age, left, number, plain, right, round_trip, sign, styled},
            meaning,
        },
    },
};

pub static TABLE: Table<Component> = Table {
    columns: &[
        Column {
            head: left("component", 0, Width::Fit { min: 10, max: 30 }),
            cell: |component, _, width| plain(&component.name, width),
            rank: Some(|component| Rank::Kind(component.kind as u8, &component.name)),
        },
        Column {
            head: left("health", 0, Width::Fixed(10)),
            cell: |component, scene, width| sign(meaning::component(component.health), scene, width),
            rank: Some(|component| Rank::Number(component.health as u8 as f64)),
        },
        Column {
            head: left("state", 0, Width::Fill { min: 16, good: 26, max: u16::MAX }),
            cell: |component, _, width| plain(&component.state, width),
            rank: Some(|component| Rank::Text(&component.state)),
        },
        Column {
            head: left("url", 3, Width::Fit { min: 16, max: 40 }),
            cell: |component, _, width| plain(&component.url, width),
            rank: Some(|component| Rank::Text(&component.url)),
        },
        Column {
            head: left("version", 5, Width::Fit { min: 8, max: 14 }),
            cell: |component, _, width| plain(&component.version, width),
            rank: Some(|component| Rank::Text(&component.version)),
        },
        Column {
            head: right("restarts", 4, 9),
            cell: |component, _, _| number(component.restarts.into()),
            rank: Some(|component| Rank::Number(component.restarts.into())),
        },
        Column {
            head: right("cores", 6, 6),
            cell: |component, _, width| {
                plain(&used(component, |it| Some(format!("{:.2}", it.cores?))), width)
            },
            rank: Some(|component| amount(component, |it| it.cores)),
        },
        Column {
            head: right("memory", 6, 9),
            cell: |component, _, width| plain(&used(component, |it| Some(bytes(it.memory?))), width),
            rank: Some(|component| amount(component, |it| Some(it.memory? as f64))),
        },
        Column {
            head: right("uptime", 8, 7),
            cell: uptime,
            rank: Some(|component| Rank::age(component.started)),
        },
        Column {
            head: right("ping", 7, 6),
            cell: |component, scene, _| age(component.last_ping, scene),
            rank: Some(|component| Rank::age(component.last_ping)),
        },
        Column {
            head: right("trip", 9, 7),
            cell: |component, _, width| {
                plain(&component.round_trip.map_or_else(|| "-".to_owned(), round_trip), width)
            },
            rank: Some(|component| {
                component.round_trip.map_or(Rank::Nothing, |trip| Rank::Number(trip.as_secs_f64()))
            }),
        },
    ],
    groupings: &[],
    id: |component| &component.name,
    order: |_| 0,
    is_over: |_| false,
    texts: |component, take| {
        let word = meaning::component(component.health).word;
        [&*component.name, &component.url, &component.state, &component.version, word].into_iter().any(take)
    },
};

/// What its container uses, or a dash where it is in none.
fn used(component: &Component, of: impl Fn(&Container) -> Option<String>) -> String {
    component.container.as_ref().and_then(of).unwrap_or_else(|| "-".to_owned())
}

fn amount(component: &Component, of: impl Fn(&Container) -> Option<f64>) -> Rank<'_> {
    component.container.as_ref().and_then(of).map_or(Rank::Nothing, Rank::Number)
}

fn bytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn uptime(component: &Component, scene: &Scene<'_>, width: u16) -> Line<'static> {
    match component.health {
        Health::Ready | Health::Degraded => age(component.started, scene),
        Health::Down | Health::Stopped | Health::Unknown => styled("-", width, scene.theme.dim),
    }
}
