//! Rows that are found by key in constant time: a table of what is there by id, and a ring of what happened.

use std::collections::{HashMap, VecDeque};

use slab::Slab;

/// Where a row is; it stays there while the row is known.
pub type Key = u32;

/// What a list on the screen reads.
pub trait Rows {
    type Row;

    /// Grows with every change.
    fn version(&self) -> u64;
    fn len(&self) -> usize;
    fn get(&self, key: Key) -> Option<&Self::Row>;
    /// All keys, in no particular order for a table, oldest first for a ring.
    fn keys(&self) -> impl Iterator<Item = Key>;
    /// The rows that came, changed or went since `version`, some of them more than once; none when too much has happened
    /// since to tell: then all may have changed.
    fn changed_since(&self, version: u64) -> Option<impl Iterator<Item = Key>>;
    /// Where the row of this id is, if rows have ids.
    fn find_key(&self, id: &str) -> Option<Key>;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How many changes of a table are remembered one by one.
const REMEMBERED: usize = 16_384;

/// Rows by id.
#[derive(Clone, Debug)]
pub struct Table<T> {
    rows: Slab<T>,
    ids: HashMap<String, Key>,
    version: u64,
    /// The keys of the last changes, one per version.
    changed: VecDeque<Key>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Slab::new(), ids: HashMap::new(), version: 0, changed: VecDeque::new() }
    }
}

impl<T> Table<T> {
    /// Adds a row, or replaces that of the same id in its place.
    pub fn put(&mut self, id: &str, row: T) -> Key {
        if let Some(key) = self.key(id) {
            self.touch(key);
            self.rows[key as usize] = row;
            return key;
        }
        let key = Key::try_from(self.rows.insert(row)).unwrap_or(Key::MAX);
        self.touch(key);
        self.ids.insert(id.to_owned(), key);
        key
    }

    /// Makes room for so many rows in all.
    pub fn reserve(&mut self, rows: usize) {
        let more = rows.saturating_sub(self.rows.len());
        self.rows.reserve(more);
        self.ids.reserve(more);
    }

    fn touch(&mut self, key: Key) {
        self.version += 1;
        if self.changed.len() >= REMEMBERED {
            self.changed.pop_front();
        }
        self.changed.push_back(key);
    }

    fn touch_all(&mut self) {
        self.version += 1;
        self.changed.clear();
    }

    pub fn key(&self, id: &str) -> Option<Key> {
        self.ids.get(id).copied()
    }

    pub fn find(&self, id: &str) -> Option<&T> {
        self.get(self.key(id)?)
    }

    /// For a change of one row.
    pub fn find_mut(&mut self, id: &str) -> Option<&mut T> {
        self.get_mut(self.key(id)?)
    }

    /// For a change of one row.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.touch(key);
        self.rows.get_mut(key as usize)
    }

    pub fn remove(&mut self, id: &str) -> Option<T> {
        let key = self.ids.remove(id)?;
        self.touch(key);
        self.rows.try_remove(key as usize)
    }

    pub fn clear(&mut self) {
        self.touch_all();
        self.rows.clear();
        self.ids.clear();
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|(_, row)| row)
    }

    /// For a change of many rows.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.touch_all();
        self.rows.iter_mut().map(|(_, row)| row)
    }
}

impl<T> Rows for Table<T> {
    type Row = T;

    fn version(&self) -> u64 {
        self.version
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn get(&self, key: Key) -> Option<&T> {
        self.rows.get(key as usize)
    }

    fn keys(&self) -> impl Iterator<Item = Key> {
        self.rows.iter().map(|(key, _)| Key::try_from(key).unwrap_or(Key::MAX))
    }

    fn changed_since(&self, version: u64) -> Option<impl Iterator<Item = Key>> {
        let news = usize::try_from(self.version.checked_sub(version)?).ok()?;
        let known = self.changed.len().checked_sub(news)?;
        Some(self.changed.range(known..).copied())
    }

    fn find_key(&self, id: &str) -> Option<Key> {
        self.key(id)
    }
}

/// The last rows that came, each with a key that is never used again.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    rows: VecDeque<T>,
    first: Key,
    limit: usize,
    version: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl<T> Ring<T> {
    pub fn new(limit: usize) -> Self {
        Self { rows: VecDeque::new(), first: 0, limit, version: 0 }
    }

    /// Adds a row at the end; the oldest goes when there are too many.
    pub fn push(&mut self, row: T) -> Key {
        self.version += 1;
        if self.rows.len() >= self.limit {
            self.rows.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        self.rows.push_back(row);
        self.first.wrapping_add(Key::try_from(self.rows.len() - 1).unwrap_or(Key::MAX))
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.iter()
    }
}

impl<T> Rows for Ring<T> {
    type Row = T;

    fn version(&self) -> u64 {
        self.version
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn get(&self, key: Key) -> Option<&T> {
        self.rows.get(key.wrapping_sub(self.first) as usize)
    }

    fn keys(&self) -> impl Iterator<Item = Key> {
        (0..self.rows.len()).map(|at| self.first.wrapping_add(Key::try_from(at).unwrap_or(Key::MAX)))
    }

    /// The newest, and as many that may have gone for them.
    fn changed_since(&self, version: u64) -> Option<impl Iterator<Item = Key>> {
        let news = Key::try_from(self.version.checked_sub(version)?).ok()?;
        let len = Key::try_from(self.rows.len()).ok()?;
        let kept = len.checked_sub(news)?;
        let back = |by| move |at| self.first.wrapping_add(at).wrapping_sub(by);
        Some((0..news).map(back(news)).chain((kept..len).map(back(0))))
    }

    fn find_key(&self, _id: &str) -> Option<Key> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Ring, Rows, Table};

    #[test]
    fn a_table_keeps_the_place_of_a_row() {
        let mut table = Table::default();
        let a = table.put("a", 1);
        let b = table.put("b", 2);
        assert_eq!(table.put("a", 3), a);
        assert_eq!((table.get(a), table.find("b"), table.len()), (Some(&3), Some(&2), 2));
        table.remove("a");
        assert_eq!((table.get(a), table.key("b")), (None, Some(b)));
    }

    #[test]
    fn a_table_tells_which_rows_have_changed() {
        let mut table = Table::default();
        let a = table.put("a", 1);
        let before = table.version();
        let b = table.put("b", 2);
        table.remove("a");
        assert_eq!(table.changed_since(before).unwrap().collect::<Vec<_>>(), [b, a]);
        assert_eq!(table.changed_since(table.version()).unwrap().count(), 0);
        table.iter_mut().for_each(|row| *row += 1);
        assert!(table.changed_since(before).is_none(), "all may have changed");
        let before = table.version();
        for _ in 0..=super::REMEMBERED {
            table.put("b", 3);
        }
        assert!(table.changed_since(before).is_none(), "too much to tell");
    }

    #[test]
    fn a_ring_forgets_the_oldest() {
        let mut ring = Ring::new(2);
        let keys: Vec<_> = [10, 20, 30].into_iter().map(|row| ring.push(row)).collect();
        assert_eq!(
            keys.iter().map(|key| ring.get(*key).copied()).collect::<Vec<_>>(),
            [None, Some(20), Some(30)]
        );
        assert_eq!(ring.keys().collect::<Vec<_>>(), keys[1..]);
    }
}
