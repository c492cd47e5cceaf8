//! Which part of a log is seen. It stays with its lines, whatever comes before or after them, or at the end.

use std::ops::Range;

use ratatui::layout::Size;

use crate::tui::{
    keys::Action,
    layer::{
        log::buffer::{Buffer, Number},
        scroll,
    },
    view::text,
};

/// How far a step to the side goes.
const ASIDE: usize = 8;

#[derive(Clone, Debug)]
pub struct Window {
    /// Stays at the end.
    pub follow: bool,
    /// Breaks long lines.
    pub wrap: bool,
    /// The columns that are left out at the left, while lines are not broken.
    pub left: usize,
    /// The line that was gone to, until it is left.
    pub mark: Option<Number>,
    /// The first row that is seen, while it does not follow.
    top: Place,
    size: Size,
}

/// A row: which one of which line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    line: Number,
    row: usize,
}

/// A row that is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub line: Number,
    /// Of its line, in bytes.
    pub range: Range<usize>,
}

impl Default for Window {
    fn default() -> Self {
        Self { follow: true, wrap: true, left: 0, mark: None, top: Place::default(), size: Size::new(80, 20) }
    }
}

impl Window {
    /// How large it is; before anything else, and whenever that changes.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    pub fn restart(&mut self) {
        (self.top, self.left, self.follow, self.mark) = (Place::default(), 0, true, None);
    }

    fn height(&self) -> usize {
        usize::from(self.size.height).max(1)
    }

    fn width(&self) -> usize {
        usize::from(self.size.width).max(1)
    }

    fn rows(&self, buffer: &Buffer, line: Number) -> usize {
        if self.wrap { buffer.get(line).map_or(1, |text| broken(text, self.width()).len()) } else { 1 }
    }

    /// The row that stands first: that which was chosen as far as it is still there, or that from which the end is seen.
    fn begin(&self, buffer: &Buffer) -> Place {
        let lowest = self.lowest(buffer);
        if self.follow {
            return lowest;
        }
        let first = Place { line: buffer.first(), row: 0 };
        self.top.min(lowest).max(first)
    }

    /// From there on the last row is seen at the bottom.
    fn lowest(&self, buffer: &Buffer) -> Place {
        let mut place = Place { line: buffer.end(), row: 0 };
        let mut rows = 0;
        while rows < self.height() && place.line > buffer.first() {
            place.line -= 1;
            rows += self.rows(buffer, place.line);
        }
        Place { row: rows.saturating_sub(self.height()), ..place }
    }

    fn up(&self, buffer: &Buffer, from: Place, rows: usize) -> Place {
        let mut place = from;
        let mut left = rows;
        while left > place.row {
            left -= place.row + 1;
            if place.line <= buffer.first() {
                return Place { line: buffer.first(), row: 0 };
            }
            place.line -= 1;
            place.row = self.rows(buffer, place.line) - 1;
        }
        Place { row: place.row - left, ..place }
    }

    fn down(&self, buffer: &Buffer, from: Place, rows: usize) -> Place {
        let mut place = from;
        let mut left = rows;
        while place.line < buffer.end() {
            let rest = self.rows(buffer, place.line).saturating_sub(place.row + 1);
            if left <= rest {
                return Place { row: place.row + left, ..place };
            }
            left -= rest + 1;
            place = Place { line: place.line + 1, row: 0 };
        }
        place
    }

    /// Goes by rows; upwards it stops following, at the end it follows again.
    pub fn scroll(&mut self, buffer: &Buffer, rows_down: isize) {
        let from = self.begin(buffer);
        let rows = rows_down.unsigned_abs();
        self.mark = None;
        if rows_down < 0 {
            self.top = self.up(buffer, from, rows);
            self.follow = self.follow && self.top == from;
        } else {
            self.top = self.down(buffer, from, rows);
            self.follow |= self.top >= self.lowest(buffer);
        }
    }

    pub fn step(&mut self, buffer: &Buffer, action: Action) {
        let page = scroll::page(self.size.height).cast_signed();
        match action {
            Action::Up => self.scroll(buffer, -1),
            Action::Down => self.scroll(buffer, 1),
            Action::PageUp => self.scroll(buffer, -page),
            Action::PageDown => self.scroll(buffer, page),
            Action::First => self.to_first(buffer),
            Action::Last => (self.follow, self.mark) = (true, None),
            Action::Left => self.left = self.left.saturating_sub(ASIDE),
            Action::Right if !self.wrap => self.left = (self.left + ASIDE).min(self.widest(buffer)),
            _ => {}
        }
    }

    /// How far there is anything to the right, of what is seen.
    fn widest(&self, buffer: &Buffer) -> usize {
        let seen = self.seen(buffer);
        let widths = seen.iter().filter_map(|row| buffer.get(row.line)).map(text::width);
        widths.max().unwrap_or_default().saturating_sub(self.width())
    }

    pub fn to_first(&mut self, buffer: &Buffer) {
        self.top = Place { line: buffer.first(), row: 0 };
        (self.follow, self.mark) = (false, None);
    }

    pub fn is_at_first(&self, buffer: &Buffer) -> bool {
        self.begin(buffer) <= Place { line: buffer.first(), row: 0 }
    }

    pub fn toggle_follow(&mut self, buffer: &Buffer) {
        self.top = self.begin(buffer);
        self.follow = !self.follow;
    }

    pub fn toggle_wrap(&mut self, buffer: &Buffer) {
        self.top = Place { row: 0, ..self.begin(buffer) };
        (self.wrap, self.left) = (!self.wrap, 0);
    }

    /// The line that stands first.
    pub fn first(&self, buffer: &Buffer) -> Number {
        self.begin(buffer).line
    }

    /// The line that was gone to, else the one from which the next match is looked for.
    pub fn place(&self, buffer: &Buffer) -> Number {
        match self.mark {
            Some(line) => line,
            None if self.follow => buffer.end(),
            None => self.first(buffer),
        }
    }

    /// Goes to a line, and to the column in it.
    pub fn show(&mut self, buffer: &Buffer, line: Number, column: usize) {
        let row = if self.wrap { column / self.width() } else { 0 };
        let place = Place { line, row: row.min(self.rows(buffer, line) - 1) };
        self.top = self.up(buffer, place, self.height() / 3);
        (self.follow, self.mark) = (false, Some(line));
        if !self.wrap && !(self.left..self.left + self.width()).contains(&column) {
            self.left = column.saturating_sub(self.width() / 3);
        }
    }

    /// The rows that are seen, from the top.
    pub fn seen(&self, buffer: &Buffer) -> Vec<Row> {
        let begin = self.begin(buffer);
        let mut rows = Vec::new();
        let mut skip = begin.row;
        for line in begin.line..buffer.end() {
            let Some(text) = buffer.get(line) else { break };
            let ranges = if self.wrap { broken(text, self.width()) } else { vec![self.slice(text)] };
            rows.extend(ranges.into_iter().skip(skip).map(|range| Row { line, range }));
            skip = 0;
            if rows.len() >= self.height() {
                break;
            }
        }
        rows.truncate(self.height());
        rows
    }

    fn slice(&self, line: &str) -> Range<usize> {
        let begin = if self.left == 0 { 0 } else { text::cut(line, self.left) };
        begin..begin + text::cut(&line[begin..], self.width())
    }
}

/// Where a line is broken; at least one row.
fn broken(line: &str, width: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut begin = 0;
    loop {
        let end = begin + text::cut(&line[begin..], width);
        ranges.push(begin..end);
        if end >= line.len() {
            return ranges;
        }
        begin = end;
    }
}
