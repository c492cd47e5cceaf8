//! The mechanism of every tab with rows: which rows are shown, in which order, where the cursor is and what is seen.
//!
//! The cursor stays on its row, whatever moves around it; when the row goes, it steps to a neighbour. A list can also
//! stay at one of its ends: it `follow`s what comes there while the cursor is at that end.

pub mod filter;
pub mod order;
pub mod rank;

use std::collections::HashMap;

use crate::{
    cluster::rows::{Key, Rows},
    tui::{
        list::{
            filter::Filter,
            order::{Group, Order, Wish},
            rank::Sort,
        },
        tables::Table,
    },
};

/// How many lines are seen above and below the cursor, if there are any.
const CONTEXT: usize = 2;
/// How far from the cursor a neighbour is looked for when its row has gone.
const NEAR: usize = 100;

/// One line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// The head of a group: one of [`List::groups`].
    Head(u32),
    Row(Key),
}

impl Line {
    pub fn key(self) -> Option<Key> {
        match self {
            Self::Head(_) => None,
            Self::Row(key) => Some(key),
        }
    }
}

/// What the cursor is on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cursor {
    /// A key may be given to another row; the id tells. Rows without ids have an empty one, and keys of their own.
    Row {
        key: Key,
        id: String,
    },
    Head(u32),
}

/// An end at which new rows appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Top,
    Bottom,
}

#[derive(Debug)]
pub struct List {
    order: Order,
    wish: Wish,
    home: Sort,
    show_ended: bool,
    edge: Option<Edge>,
    following: bool,
    lines: Vec<Line>,
    /// How many rows are let through, and how many there are.
    counts: (usize, usize),
    cursor: Option<Cursor>,
    /// The line of the cursor.
    at: usize,
    top: usize,
    /// How many lines are seen.
    height: usize,
    /// What was wanted has changed in a way that only moves lines.
    stale: bool,
    /// Per column the widest text that was seen.
    pub(super) widths: Vec<u16>,
    /// The bar at the side is held by the mouse.
    pub(super) dragging: bool,
}

impl List {
    /// Sorted by a column; at an `edge` it follows what comes.
    pub fn new(column: usize, reverse: bool, edge: Option<Edge>) -> Self {
        let home = Sort { column, reverse };
        Self {
            order: Order::default(),
            wish: Wish { sort: home, ..Wish::default() },
            home,
            show_ended: true,
            edge,
            following: edge.is_some(),
            lines: Vec::new(),
            counts: (0, 0),
            cursor: None,
            at: 0,
            top: 0,
            height: 0,
            stale: false,
            widths: Vec::new(),
            dragging: false,
        }
    }

    /// Brings the lines up to date and the cursor into sight.
    pub fn refresh<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>, height: usize) {
        let changed = self.order.refresh(rows, table, &self.wish);
        if changed || std::mem::take(&mut self.stale) {
            let mut before = std::mem::take(&mut self.lines);
            let shown = self.order.lines(self.show_ended, &mut self.lines);
            self.counts = (shown, rows.len());
            self.keep_cursor(rows, table, &before);
            before.clear();
        }
        self.height = height;
        if self.follows() {
            self.at = self.edge_line();
        }
        self.put_cursor(self.at, |key| rows.get(key).map(|row| (table.id)(row).to_owned()));
        self.scroll(0);
    }

    /// Finds the line of the cursor again.
    fn keep_cursor<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>, before: &[Line]) {
        let line = match &self.cursor {
            Some(Cursor::Row { key, id }) if id.is_empty() => Some(Line::Row(*key)),
            Some(Cursor::Row { key, id }) => {
                let same = rows.get(*key).is_some_and(|row| (table.id)(row) == id);
                if same { Some(Line::Row(*key)) } else { rows.find_key(id).map(Line::Row) }
            }
            Some(Cursor::Head(group)) => Some(Line::Head(*group)),
            None => None,
        };
        let found = line.and_then(|line| self.lines.iter().position(|other| *other == line));
        let at = found.or_else(|| self.neighbour(before)).unwrap_or(self.at);
        if self.top > 0 && found.is_some() {
            self.top = (self.top + at).saturating_sub(self.at);
        }
        self.at = at;
    }

    /// Where the nearest line is that was there before: one that followed, else one that came before.
    fn neighbour(&self, before: &[Line]) -> Option<usize> {
        let at = self.at.min(before.len());
        let after = before[at..].iter().take(NEAR);
        let near = after.chain(before[..at].iter().rev().take(NEAR));
        let ranks: HashMap<_, _> = near.enumerate().map(|(rank, line)| (*line, rank)).collect();
        let lines = self.lines.iter().enumerate();
        let known = lines.filter_map(|(at, line)| ranks.get(line).map(|rank| (*rank, at)));
        known.min().map(|(_, at)| at)
    }

    fn put_cursor(&mut self, at: usize, id: impl FnOnce(Key) -> Option<String>) {
        self.at = at.min(self.lines.len().saturating_sub(1));
        self.cursor = match self.lines.get(self.at) {
            None => None,
            Some(Line::Head(group)) => Some(Cursor::Head(*group)),
            Some(Line::Row(key)) => Some(Cursor::Row { key: *key, id: id(*key).unwrap_or_default() }),
        };
    }

    /// Brings the cursor into sight, with so many lines around it; without need nothing moves.
    fn scroll(&mut self, context: usize) {
        let last = self.lines.len().saturating_sub(self.height);
        let lowest = (self.at + context + 1).saturating_sub(self.height);
        self.top = self.top.clamp(lowest, self.at.saturating_sub(context).max(lowest)).min(last);
    }
}

/// What is shown.
impl List {
    fn context(&self) -> usize {
        CONTEXT.min(self.height.saturating_sub(1) / 2)
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines that are seen, and where the first of them is.
    pub fn seen(&self) -> (usize, &[Line]) {
        let top = self.top.min(self.lines.len());
        (top, &self.lines[top..self.lines.len().min(top + self.height)])
    }

    pub fn groups(&self) -> &[Group] {
        self.order.groups()
    }

    /// How many rows are let through, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        self.counts
    }

    /// The line under the cursor.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The row under the cursor and its id, which is empty where rows have none.
    pub fn row(&self) -> Option<(Key, &str)> {
        match &self.cursor {
            Some(Cursor::Row { key, id }) => Some((*key, id)),
            _ => None,
        }
    }

    pub fn sort(&self) -> Sort {
        self.wish.sort
    }

    pub fn grouping(&self) -> Option<usize> {
        self.wish.grouping
    }

    pub fn filter(&self) -> &Filter {
        &self.wish.filter
    }

    pub fn shows_ended(&self) -> bool {
        self.show_ended
    }

    /// Whether the cursor stays at the end where rows appear.
    pub fn follows(&self) -> bool {
        self.following && self.wish.sort == self.home && self.wish.grouping.is_none()
    }

    fn edge_line(&self) -> usize {
        match self.edge {
            Some(Edge::Bottom) => self.lines.len().saturating_sub(1),
            _ => 0,
        }
    }
}

/// What is wanted. All of it shows after the next `refresh`.
impl List {
    pub fn set_filter(&mut self, text: &str) {
        self.wish.filter.set(text);
    }

    /// By `column`; the other way round when it is by that one already.
    pub fn sort_by(&mut self, column: usize) {
        let Sort { column: before, reverse } = self.wish.sort;
        self.wish.sort = Sort { column, reverse: column == before && !reverse };
    }

    pub fn reverse(&mut self) {
        self.wish.sort.reverse = !self.wish.sort.reverse;
    }

    pub fn group_by(&mut self, grouping: Option<usize>) {
        self.wish.grouping = grouping;
        if let Some(Cursor::Head(_)) = self.cursor {
            self.cursor = None;
        }
    }

    pub fn show_ended(&mut self, show: bool) {
        self.show_ended = show;
        self.stale = true;
    }

    /// Folds or unfolds the group whose head the cursor is on; false when it is on none.
    pub fn toggle_group(&mut self) -> bool {
        let Some(Cursor::Head(group)) = self.cursor else { return false };
        if let Some(group) = self.order.group_mut(group) {
            group.folded = !group.folded;
        }
        self.stale = true;
        true
    }

    /// Follows, or stays where it is.
    pub fn toggle_follow(&mut self) {
        self.following = !self.follows();
        if self.following {
            self.wish.sort = self.home;
            self.wish.grouping = None;
        }
    }

    /// The cursor to a line; `id` names its row.
    pub fn go(&mut self, at: usize, id: impl FnOnce(Key) -> Option<String>) {
        self.put_cursor(at, id);
        self.scroll(self.context());
        self.following = self.edge.is_some() && self.at == self.edge_line();
    }

    /// By so many lines: what is seen moves, and the cursor with it only as far as it must.
    pub fn roll_to(&mut self, top: usize, id: impl FnOnce(Key) -> Option<String>) {
        self.top = top.min(self.lines.len().saturating_sub(self.height));
        let context = self.context();
        let first = if self.top == 0 { 0 } else { self.top + context };
        let bottom = self.top + self.height;
        let last = if bottom >= self.lines.len() { self.lines.len() } else { bottom - context };
        let at = self.at.clamp(first, last.saturating_sub(1).max(first));
        self.go(at, id);
    }

    pub fn top(&self) -> usize {
        self.top
    }

    pub fn height(&self) -> usize {
        self.height
    }
}
