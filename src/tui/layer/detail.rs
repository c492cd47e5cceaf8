//! All about one thing: its fields, kept up to date while it is there, and as they were last known when it is gone.

mod entries;
mod tasks;

use ratatui::layout::Size;

use crate::{
    cluster::{ClusterView, rows::Rows as _},
    mesos::time::Time,
    tui::{keys::Action, layer::scroll, model::Selected, tables::meaning::Tone, view::text},
};

/// The names of fields are not wider than this.
const WIDEST_NAME: usize = 16;
/// From here on it takes a while to look through all tasks.
const MANY: usize = 5_000;

#[derive(Debug)]
pub struct Detail {
    pub subject: Selected,
    pub title: String,
    pub entries: Vec<Entry>,
    /// Since when the cluster has not known it.
    pub gone: Option<Time>,
    /// The entry that keys are about.
    pub cursor: usize,
    /// The row that stands first.
    pub top: usize,
    seen: Seen,
}

/// What the entries were made from: when nothing of it has changed they are as they would be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    versions: [u64; 6],
    second: u64,
}

impl Seen {
    fn of(cluster: &ClusterView, now: Time) -> Self {
        let versions = [
            cluster.tasks.version(),
            cluster.agents.version(),
            cluster.frameworks.version(),
            cluster.offers.version(),
            cluster.components.version(),
            cluster.history.version(),
        ];
        Self { versions, second: now.as_secs_f64() as u64 }
    }
}

/// A field, a head, or a line of a list below a head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    /// Of a field.
    pub name: &'static str,
    pub text: String,
    pub tone: Tone,
    /// What it names and Enter opens.
    pub link: Option<Selected>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Field,
    Head,
    Line,
    Space,
}

/// One row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub entry: usize,
    /// The first of its entry.
    pub first: bool,
    pub text: String,
}

impl Detail {
    /// None when the cluster does not know it.
    pub fn open(subject: Selected, cluster: &ClusterView, now: Time) -> Option<Self> {
        let (title, entries) = entries::of(&subject, cluster, now)?;
        Some(Self { subject, title, entries, gone: None, cursor: 0, top: 0, seen: Seen::of(cluster, now) })
    }

    /// Takes over what has changed. Gone things keep their last fields.
    pub fn refresh(&mut self, cluster: &ClusterView, now: Time) {
        let seen = Seen::of(cluster, now);
        let is_soon = seen.second == self.seen.second;
        if seen == self.seen || (is_soon && self.is_costly(cluster)) {
            return;
        }
        self.seen = seen;
        match entries::of(&self.subject, cluster, now) {
            Some((title, entries)) => {
                self.cursor = self.cursor_in(&entries);
                (self.title, self.entries, self.gone) = (title, entries, None);
            }
            None if self.gone.is_none() => self.gone = Some(now),
            None => {}
        }
    }

    /// Whether all tasks are looked through for it, and they are many: once a second will do.
    fn is_costly(&self, cluster: &ClusterView) -> bool {
        let lists_tasks = matches!(self.subject, Selected::Agent(_) | Selected::Framework(_));
        lists_tasks && cluster.tasks.len() > MANY
    }

    /// The cursor stays with what a line names, or in its place.
    fn cursor_in(&self, entries: &[Entry]) -> usize {
        let link = self.entries.get(self.cursor).and_then(|entry| entry.link.as_ref());
        let same = link.and_then(|link| entries.iter().position(|entry| entry.link.as_ref() == Some(link)));
        same.unwrap_or(self.cursor).min(entries.len().saturating_sub(1))
    }

    pub fn step(&mut self, action: Action, size: Size) {
        let page = scroll::page(size.height);
        let last = self.entries.len().saturating_sub(1);
        self.cursor = scroll::step(self.cursor, action, last, page);
        self.skip_spaces(matches!(action, Action::Up | Action::PageUp | Action::First));
    }

    fn skip_spaces(&mut self, up: bool) {
        if self.entries.get(self.cursor).is_some_and(|entry| entry.kind == Kind::Space) {
            self.cursor = if up { self.cursor.saturating_sub(1) } else { self.cursor + 1 };
        }
    }

    /// Brings the cursor into a window of `size`.
    pub fn reveal(&mut self, size: Size) {
        let rows = self.rows(size.width);
        let height = usize::from(size.height).max(1);
        let first = rows.iter().position(|row| row.entry == self.cursor).unwrap_or_default();
        let last = rows.iter().rposition(|row| row.entry == self.cursor).unwrap_or_default();
        let lowest = (last + 1).saturating_sub(height).min(first);
        let most = rows.len().saturating_sub(height);
        self.top = self.top.clamp(lowest, first).min(most.max(lowest));
    }

    /// Moves the window, and the cursor with it when it would be left behind.
    pub fn wheel(&mut self, rows_down: isize, size: Size) {
        let rows = self.rows(size.width);
        let height = usize::from(size.height).max(1);
        let top = self.top.saturating_add_signed(rows_down).min(rows.len().saturating_sub(height));
        self.top = top;
        let mut seen = rows.iter().skip(top).take(height).map(|row| row.entry);
        let (first, last) = (seen.clone().next().unwrap_or_default(), seen.next_back().unwrap_or_default());
        self.cursor = self.cursor.clamp(first, last);
        self.skip_spaces(rows_down > 0);
    }

    /// How wide the names of its fields are.
    pub fn name_width(&self) -> usize {
        let names = self.entries.iter().map(|entry| text::width(entry.name));
        names.max().unwrap_or_default().min(WIDEST_NAME)
    }

    /// The entries broken to `width` columns.
    pub fn rows(&self, width: u16) -> Vec<Row> {
        let names = self.name_width() + 2;
        let mut rows = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let used = if entry.kind == Kind::Field { names } else { 2 };
            let room = usize::from(width).saturating_sub(used).max(1);
            for (number, text) in text::wrap(&entry.text, room).into_iter().enumerate() {
                rows.push(Row { entry: at, first: number == 0, text });
            }
        }
        rows
    }

    /// What Enter opens.
    pub fn link(&self) -> Option<&Selected> {
        self.entries.get(self.cursor)?.link.as_ref()
    }

    /// The task that `l` and `x` are about: it itself, or the one under the cursor.
    pub fn task(&self) -> Option<&str> {
        [Some(&self.subject), self.link()].into_iter().flatten().find_map(|named| match named {
            Selected::Task(id) => Some(id.as_str()),
            _ => None,
        })
    }
}
