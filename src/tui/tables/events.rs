//! All that happened, the newest last.

use crate::{
    cluster::history::Happening,
    tui::{
        list::rank::Rank,
        tables::{
            Column, Table,
            columns::{Width, age, left, plain, right, sign},
            meaning,
        },
    },
};

/// The column by which events are sorted at first, the newest at the bottom.
pub const AGE: usize = 0;

pub static TABLE: Table<Happening> = Table {
    columns: &[
        Column {
            head: right("age", 0, 6),
            cell: |happening, scene, _| age(Some(happening.at), scene),
            rank: Some(|happening| Rank::age(Some(happening.at))),
        },
        Column {
            head: left("kind", 0, Width::Fixed(12)),
            cell: |happening, scene, width| {
                sign(meaning::happening(happening.kind, happening.weight), scene, width)
            },
            rank: Some(|happening| Rank::Text(meaning::happening(happening.kind, happening.weight).word)),
        },
        Column {
            head: left("what", 0, Width::Fill { min: 16, good: 30, max: u16::MAX }),
            cell: |happening, _, width| plain(&happening.text, width),
            rank: Some(|happening| Rank::Text(&happening.text)),
        },
    ],
    groupings: &[],
    id: |_| "",
    order: |_| 0,
    is_over: |_| false,
    texts: |happening, take| {
        let word = meaning::happening(happening.kind, happening.weight).word;
        [word, &happening.subject, &happening.text].into_iter().any(take)
    },
};
