//! What each tab with rows shows: its columns, their order and what a filter looks at. One file per tab.

pub mod agents;
pub mod columns;
pub mod components;
pub mod events;
pub mod frameworks;
pub mod meaning;
pub mod offers;
pub mod tasks;

use ratatui::text::Line;

use crate::{
    cluster::{
        ClusterView,
        rows::{Key, Rows as _},
    },
    mesos::time::Time,
    tui::{
        list::{List, rank::Rank},
        model::{Model, Tab},
        tables::columns::{Head, Width},
        theme::Theme,
    },
};

/// What a tab shows of rows of one kind.
pub struct Table<R: 'static> {
    pub columns: &'static [Column<R>],
    /// Ways to put rows together, which follow each other.
    pub groupings: &'static [Grouping<R>],
    /// Empty where rows have none.
    pub id: fn(&R) -> &str,
    /// In which order rows came to be known.
    pub order: fn(&R) -> u64,
    /// Rows that are over stand behind those that are not.
    pub is_over: fn(&R) -> bool,
    /// Hands out the texts that a filter looks at, until one is taken.
    pub texts: fn(&R, Take<'_>) -> bool,
}

/// Is handed texts, and says whether it has found what it looks for.
pub type Take<'a> = &'a mut dyn FnMut(&str) -> bool;

pub struct Column<R: 'static> {
    pub head: Head,
    /// In so many cells; what is longer is cut.
    pub cell: fn(&R, &Scene<'_>, u16) -> Line<'static>,
    /// None: it cannot be sorted by this.
    pub rank: Option<fn(&R) -> Rank<'_>>,
}

pub struct Grouping<R: 'static> {
    /// `by state`
    pub name: &'static str,
    /// In which order the group stands, and its title.
    pub group: fn(&R) -> (u8, &str),
}

/// What a cell may look at besides its row.
pub struct Scene<'a> {
    pub now: Time,
    pub theme: &'a Theme,
    pub cluster: &'a ClusterView,
}

impl<'a> Scene<'a> {
    pub fn of(model: &'a Model) -> Self {
        Self { now: model.shown_at(), theme: &model.theme, cluster: &model.cluster }
    }
}

/// `$body` with the rows and the table of a tab; none for the overview.
macro_rules! of_tab {
    ($cluster:expr, $tab:expr, $rows:ident, $table:ident => $body:expr) => {
        match $tab {
            Tab::Overview => None,
            Tab::Offers => Some(of_tab!(@ &$cluster.offers, &offers::TABLE, $rows, $table => $body)),
            Tab::Tasks => Some(of_tab!(@ &$cluster.tasks, &tasks::TABLE, $rows, $table => $body)),
            Tab::Agents => Some(of_tab!(@ &$cluster.agents, &agents::TABLE, $rows, $table => $body)),
            Tab::Frameworks => Some(of_tab!(@ &$cluster.frameworks, &frameworks::TABLE, $rows, $table => $body)),
            Tab::Components => Some(of_tab!(@ &$cluster.components, &components::TABLE, $rows, $table => $body)),
            Tab::Events => Some(of_tab!(@ &$cluster.history, &events::TABLE, $rows, $table => $body)),
        }
    };
    (@ $of:expr, $shown:expr, $rows:ident, $table:ident => $body:expr) => {{
        let ($rows, $table) = ($of, $shown);
        $body
    }};
}

/// Brings the list of a tab up to date, with so many lines seen.
pub fn refresh(cluster: &ClusterView, tab: Tab, list: &mut List, height: usize) {
    of_tab!(cluster, tab, rows, table => list.refresh(rows, table, height));
}

/// Remembers how wide the texts are that are seen, so that columns do not jump while one scrolls.
pub fn measure(scene: &Scene<'_>, tab: Tab, list: &mut List) {
    of_tab!(scene.cluster, tab, rows, table => {
        let mut widths = std::mem::take(&mut list.widths);
        widths.resize(table.columns.len(), 0);
        let (_, lines) = list.seen();
        for row in lines.iter().filter_map(|line| rows.get(line.key()?)) {
            for (column, width) in table.columns.iter().zip(&mut widths) {
                if let Width::Fit { max, .. } = column.head.width {
                    *width = (*width).max((column.cell)(row, scene, max).width() as u16);
                }
            }
        }
        list.widths = widths;
    });
}

/// One cell of a row.
pub fn cell(scene: &Scene<'_>, tab: Tab, key: Key, column: usize, width: u16) -> Option<Line<'static>> {
    of_tab!(scene.cluster, tab, rows, table => {
        let column = table.columns.get(column)?;
        rows.get(key).map(|row| (column.cell)(row, scene, width))
    })?
}

/// Whether a row is over, and of less interest.
pub fn is_over(cluster: &ClusterView, tab: Tab, key: Key) -> bool {
    of_tab!(cluster, tab, rows, table => rows.get(key).is_some_and(table.is_over)).unwrap_or_default()
}

/// The id of a row; empty for an event.
pub fn id(cluster: &ClusterView, tab: Tab, key: Key) -> Option<String> {
    of_tab!(cluster, tab, rows, table => rows.get(key).map(|row| (table.id)(row).to_owned()))?
}

/// What the groupings of a tab are called.
pub fn groupings(cluster: &ClusterView, tab: Tab) -> Vec<&'static str> {
    of_tab!(cluster, tab, _rows, table => table.groupings.iter().map(|grouping| grouping.name).collect())
        .unwrap_or_default()
}

/// Columns that can be sorted by.
pub fn sortable(cluster: &ClusterView, tab: Tab) -> Vec<bool> {
    of_tab!(cluster, tab, _rows, table => table.columns.iter().map(|column| column.rank.is_some()).collect())
        .unwrap_or_default()
}

pub fn heads(cluster: &ClusterView, tab: Tab) -> Vec<&'static Head> {
    of_tab!(cluster, tab, _rows, table => table.columns.iter().map(|column| &column.head).collect())
        .unwrap_or_default()
}
