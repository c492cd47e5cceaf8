//! The agents, with bars of what is used, offered and free.

use ratatui::text::Line;

use crate::{
    cluster::{agent::Agent, component::Component},
    scheduler::quantities::Quantities,
    tui::{
        list::rank::Rank,
        tables::{
            Column, Scene, Table,
            columns::{self, Head, Width, left, number, plain, right, short_id, sign, styled},
            meaning,
        },
        view::{bar::Parts, units},
    },
};

pub static TABLE: Table<Agent> = Table {
    columns: &[
        Column {
            head: left("agent", 0, Width::Fit { min: 8, max: 30 }),
            cell: |agent, _, width| plain(&agent.name, width),
            rank: Some(|agent| Rank::Text(&agent.name)),
        },
        Column {
            head: left("id", 7, Width::Fit { min: 3, max: 12 }),
            cell: |agent, _, width| plain(short_id(&agent.id), width),
            rank: Some(|agent| Rank::Text(short_id(&agent.id))),
        },
        Column {
            head: left("state", 0, Width::Fixed(13)),
            cell: |agent, scene, width| sign(meaning::agent(agent.state), scene, width),
            rank: Some(|agent| Rank::Number(agent.state as u8 as f64)),
        },
        Column {
            head: right("tasks", 2, 6),
            cell: |agent, _, _| number(agent.tasks as u64),
            rank: Some(|agent| Rank::Number(agent.tasks as f64)),
        },
        Column {
            head: gauge("cpus", 0),
            cell: |agent, scene, width| bar(agent, |of| of.cpus, scene, width, units::amount),
            rank: Some(|agent| used(agent, |of| of.cpus)),
        },
        Column {
            head: gauge("mem", 1),
            cell: |agent, scene, width| bar(agent, |of| of.mem, scene, width, units::short_megabytes),
            rank: Some(|agent| used(agent, |of| of.mem)),
        },
        Column {
            head: gauge("disk", 4),
            cell: |agent, scene, width| bar(agent, |of| of.disk, scene, width, units::short_megabytes),
            rank: Some(|agent| used(agent, |of| of.disk)),
        },
        Column {
            head: gauge("ports", 5),
            cell: |agent, scene, width| bar(agent, |of| of.ports as f64, scene, width, units::amount),
            rank: Some(|agent| used(agent, |of| of.ports as f64)),
        },
        Column {
            head: left("attributes", 6, Width::Fill { min: 14, good: 14, max: u16::MAX }),
            cell: |agent, _, width| plain(&agent.attributes, width),
            rank: Some(|agent| Rank::Text(&agent.attributes)),
        },
        Column { head: right("ping", 3, 6), cell: ping, rank: None },
    ],
    groupings: &[],
    id: |agent| &agent.id,
    order: |_| 0,
    is_over: |_| false,
    texts: |agent, take| {
        [
            &*agent.id,
            &agent.name,
            &agent.hostname,
            &agent.attributes,
            meaning::agent(agent.state).word,
            &agent.url,
        ]
        .into_iter()
        .any(take)
    },
};

const fn gauge(title: &'static str, fold: u8) -> Head {
    left(title, fold, Width::Fill { min: 6, good: 8, max: 22 })
}

fn bar(
    agent: &Agent,
    of: fn(&Quantities) -> f64,
    scene: &Scene<'_>,
    width: u16,
    written: fn(f64) -> String,
) -> Line<'static> {
    let parts = Parts { used: of(&agent.used), offered: of(&agent.offered), total: of(&agent.total) };
    columns::bar(parts, scene, width, written)
}

/// By the used part of what there is.
fn used(agent: &Agent, of: fn(&Quantities) -> f64) -> Rank<'static> {
    let total = of(&agent.total);
    if total > 0.0 { Rank::Number(of(&agent.used) / total) } else { Rank::Nothing }
}

/// When it last answered.
fn ping(agent: &Agent, scene: &Scene<'_>, width: u16) -> Line<'static> {
    let components = &scene.cluster.components;
    let is_it = |component: &&Component| component.url == agent.url;
    let named = components.find(&agent.name).filter(is_it);
    match named.or_else(|| components.iter().find(is_it)).and_then(|component| component.last_ping) {
        Some(at) => columns::age(Some(at), scene),
        None => styled("-", width, scene.theme.dim),
    }
}
