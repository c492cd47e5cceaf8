//! Every row of a table in its order, kept from one picture to the next: only what has changed is looked at again.

use std::{cmp::Ordering, collections::HashMap};

use crate::{
    cluster::rows::{Key, Rows},
    tui::{
        list::{
            Line,
            filter::Filter,
            rank::{Rank, Sort, natural},
        },
        tables::Table,
    },
};

/// What is wanted of the rows.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub sort: Sort,
    /// One of the table's; none when there are no groups.
    pub grouping: Option<usize>,
    pub filter: Filter,
}

#[derive(Debug, Default)]
pub struct Order {
    entries: Vec<Entry>,
    /// Keeps its memory from one merge to the next.
    spare: Vec<Entry>,
    groups: Groups,
    /// What the entries were made from.
    version: Option<u64>,
    wish: Wish,
}

/// One row, with all that its place depends on.
#[derive(Clone, Copy, Debug)]
struct Entry {
    rank: u128,
    /// For rows of the same rank.
    order: u32,
    key: Key,
    group: u32,
    matches: bool,
    over: bool,
}

/// Rows that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    pub title: String,
    rank: u8,
    /// How many of its rows are let through.
    pub count: usize,
    pub folded: bool,
}

#[derive(Debug, Default)]
struct Groups {
    all: Vec<Group>,
    by_title: HashMap<String, u32>,
}

impl Order {
    /// Follows the rows and the wish; false when there was nothing to do.
    pub fn refresh<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>, wish: &Wish) -> bool {
        let sorted_otherwise = self.wish.sort != wish.sort;
        let grouped_otherwise = self.wish.grouping != wish.grouping;
        let filtered_otherwise = !self.wish.filter.same(&wish.filter);
        let version = self.version.replace(rows.version());
        let otherwise = sorted_otherwise || grouped_otherwise || filtered_otherwise;
        if !otherwise && version == self.version {
            return false;
        }
        let before = std::mem::replace(&mut self.wish, wish.clone());
        if grouped_otherwise {
            self.groups = Groups::default();
        }
        let changed = version.and_then(|version| rows.changed_since(version));
        let Some(changed) = changed.map(Vec::from_iter) else {
            self.rebuild(rows, table);
            return true;
        };
        if filtered_otherwise {
            self.filter(rows, table, &before.filter);
        }
        if grouped_otherwise {
            self.group_anew(rows, table);
        }
        if sorted_otherwise {
            self.sort(rows, table);
        }
        self.merge(rows, table, changed);
        true
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups.all
    }

    pub fn group_mut(&mut self, at: u32) -> Option<&mut Group> {
        self.groups.all.get_mut(at as usize)
    }

    /// What is shown, and how many rows are let through.
    pub fn lines(&mut self, show_ended: bool, lines: &mut Vec<Line>) -> usize {
        lines.clear();
        let shown = |entry: &&Entry| entry.matches && (show_ended || !entry.over);
        if self.wish.grouping.is_none() {
            lines.extend(self.entries.iter().filter(shown).map(|entry| Line::Row(entry.key)));
            return lines.len();
        }
        self.groups.count(self.entries.iter().filter(shown));
        let mut places = self.groups.place(lines);
        for entry in self.entries.iter().filter(shown) {
            if let Some(place) = &mut places[entry.group as usize] {
                lines[*place] = Line::Row(entry.key);
                *place += 1;
            }
        }
        self.groups.all.iter().map(|group| group.count).sum()
    }

    /// Everything anew; the order before is mostly the order after, which makes sorting cheap.
    fn rebuild<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>) {
        let known = Keys::new(self.entries.iter().map(|entry| entry.key));
        let before = std::mem::take(&mut self.entries);
        let mut entries = std::mem::take(&mut self.spare);
        entries.clear();
        entries.reserve(rows.len());
        entries.extend(before.iter().filter_map(|entry| self.entry(rows, table, entry.key)));
        let new = rows.keys().filter(|key| !known.contains(*key));
        entries.extend(new.filter_map(|key| self.entry(rows, table, key)));
        entries.sort_by(|a, b| self.compare(rows, table, a, b));
        (self.entries, self.spare) = (entries, before);
    }

    fn group_anew<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>) {
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            entry.group = rows.get(entry.key).map_or(0, |row| self.group(table, row));
        }
        self.entries = entries;
    }

    /// For another order.
    fn sort<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain_mut(|entry| {
            let row = rows.get(entry.key);
            if let Some(row) = row {
                entry.rank = self.rank(table, row);
            }
            row.is_some()
        });
        entries.sort_by(|a, b| self.compare(rows, table, a, b));
        self.entries = entries;
    }

    /// Takes out what has changed and puts it back in its place.
    fn merge<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>, mut changed: Vec<Key>) {
        if changed.is_empty() {
            return;
        }
        changed.sort_unstable();
        changed.dedup();
        let keys = Keys::new(changed.iter().copied());
        let mut fresh: Vec<_> = changed.iter().filter_map(|key| self.entry(rows, table, *key)).collect();
        fresh.sort_by(|a, b| self.compare(rows, table, a, b));
        let mut merged = std::mem::take(&mut self.spare);
        merged.clear();
        merged.reserve(self.entries.len() + fresh.len());
        let mut fresh = fresh.into_iter().peekable();
        for entry in self.entries.iter().filter(|entry| !keys.contains(entry.key)) {
            while let Some(next) = fresh.next_if(|next| self.compare(rows, table, next, entry).is_lt()) {
                merged.push(next);
            }
            merged.push(*entry);
        }
        merged.extend(fresh);
        self.spare = std::mem::replace(&mut self.entries, merged);
    }

    /// Looks again at the rows that may be let through now; those that are gone are left to `merge`.
    fn filter<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>, before: &Filter) {
        let filter = &self.wish.filter;
        let narrows = filter.narrows(before);
        for entry in self.entries.iter_mut().filter(|entry| !narrows || entry.matches) {
            let row = rows.get(entry.key);
            entry.matches = row.is_some_and(|row| filter.lets_through(|take| (table.texts)(row, take)));
        }
    }

    fn entry<T: Rows>(&mut self, rows: &T, table: &Table<T::Row>, key: Key) -> Option<Entry> {
        let row = rows.get(key)?;
        Some(Entry {
            rank: self.rank(table, row),
            order: (table.order)(row) as u32,
            key,
            group: self.group(table, row),
            matches: self.wish.filter.lets_through(|take| (table.texts)(row, take)),
            over: (table.is_over)(row),
        })
    }

    fn rank<R>(&self, table: &Table<R>, row: &R) -> u128 {
        let sort = self.wish.sort;
        rank(table, sort, row).pack((table.is_over)(row).into(), sort.reverse)
    }

    fn group<R>(&mut self, table: &Table<R>, row: &R) -> u32 {
        let Some(grouping) = self.wish.grouping.and_then(|at| table.groupings.get(at)) else { return 0 };
        let (rank, title) = (grouping.group)(row);
        self.groups.find(rank, title)
    }

    fn compare<T: Rows>(&self, rows: &T, table: &Table<T::Row>, a: &Entry, b: &Entry) -> Ordering {
        let sort = self.wish.sort;
        let texts = || match (rows.get(a.key), rows.get(b.key)) {
            (Some(a), Some(b)) => rank(table, sort, a).compare(rank(table, sort, b), sort.reverse),
            _ => Ordering::Equal,
        };
        let texts = || if Rank::is_whole(a.rank, sort.reverse) { Ordering::Equal } else { texts() };
        a.rank.cmp(&b.rank).then_with(texts).then(a.order.cmp(&b.order)).then(a.key.cmp(&b.key))
    }
}

fn rank<'a, R>(table: &Table<R>, sort: Sort, row: &'a R) -> Rank<'a> {
    let by = table.columns.get(sort.column).and_then(|column| column.rank);
    by.map_or(Rank::Nothing, |by| by(row))
}

impl Groups {
    fn find(&mut self, rank: u8, title: &str) -> u32 {
        if let Some(at) = self.by_title.get(title) {
            return *at;
        }
        let at = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Group { title: title.to_owned(), rank, count: 0, folded: false });
        self.by_title.insert(title.to_owned(), at);
        at
    }

    fn count<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        self.all.iter_mut().for_each(|group| group.count = 0);
        for entry in entries {
            self.all[entry.group as usize].count += 1;
        }
    }

    /// Puts the heads in their places; where the first row of each group goes, none for a folded one.
    fn place(&self, lines: &mut Vec<Line>) -> Vec<Option<usize>> {
        let mut order: Vec<_> = (0..self.all.len()).filter(|at| self.all[*at].count > 0).collect();
        order.sort_by(|a, b| {
            let [a, b] = [a, b].map(|at| &self.all[*at]);
            a.rank.cmp(&b.rank).then_with(|| natural(&a.title).cmp(natural(&b.title)))
        });
        let mut places = vec![None; self.all.len()];
        for at in order {
            let head = Line::Head(u32::try_from(at).unwrap_or(u32::MAX));
            lines.push(head);
            if !self.all[at].folded {
                places[at] = Some(lines.len());
                lines.resize(lines.len() + self.all[at].count, head);
            }
        }
        places
    }
}

/// A set of keys, a bit for each between the smallest and the largest.
struct Keys {
    first: Key,
    bits: Vec<u64>,
}

impl Keys {
    fn new(keys: impl Iterator<Item = Key> + Clone) -> Self {
        let first = keys.clone().min().unwrap_or_default();
        let last = keys.clone().max().unwrap_or_default();
        let mut bits = vec![0_u64; (last - first) as usize / 64 + 1];
        for key in keys {
            bits[(key - first) as usize / 64] |= 1 << ((key - first) % 64);
        }
        Self { first, bits }
    }

    fn contains(&self, key: Key) -> bool {
        let Some(at) = key.checked_sub(self.first) else { return false };
        self.bits.get(at as usize / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }
}
