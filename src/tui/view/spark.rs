//! The one sparkline: the newest number at the right end, scaled to the largest that is seen.
//!
//! ```text
//! running ·····▁▂▂▃▃▅▅▇▇████ 5 now · 0 to 5          one row
//!
//! running 5 now · 0 to 5                             more rows
//!              ▂▂▇▇██ 5
//! .....▁▁▄▄▇▇████████ 0
//! ```
//!
//! A dot at the bottom is a second with nothing in it; a blank one is older than this screen.

use std::collections::VecDeque;

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Span, widgets::Widget};

use crate::tui::{
    theme::Theme,
    view::{parts::clipped, text, units},
};

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const NOTHING: &str = ".";
/// Cells for all numbers beside a graph, for the newest alone, and the fewest for a graph beside all of them.
const WORDS: u16 = 25;
const NEWEST: u16 = 6;
const GRAPH: u16 = 12;

/// What the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many there are: `5 now`.
    Level,
    /// How many came in each second: `2/s`.
    PerSecond,
}

#[derive(Debug)]
pub struct Spark<'a> {
    pub label: &'a str,
    /// Cells kept for the label, so that several stand in line.
    pub label_width: u16,
    /// Oldest first.
    pub numbers: &'a VecDeque<u64>,
    pub unit: Unit,
    pub style: Style,
    pub theme: &'a Theme,
}

impl Widget for &Spark<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        match area.height {
            0 => {}
            1 => self.row(area, buffer),
            _ => self.block(area, buffer),
        }
    }
}

impl Spark<'_> {
    /// Label, graph and numbers in one row.
    fn row(&self, area: Rect, buffer: &mut Buffer) {
        let label = self.label_width.max(text::width(self.label) as u16);
        let narrow = area.width < label + GRAPH + WORDS + 2;
        let (value, value_width) = if narrow { (self.newest(), NEWEST) } else { (self.words(), WORDS) };
        let value_width = if label == 0 { text::width(&value) as u16 } else { value_width };
        let graph = area.width.saturating_sub(label + value_width + 2);
        buffer.set_stringn(area.x, area.y, self.label, area.width.into(), self.theme.text);
        let at = area.x + label + 1;
        let place = Rect { x: at, width: graph, height: 1, ..area }.intersection(area);
        self.graph(place, self.scale(graph), buffer);
        let value_at = (at + graph + 1).min(area.right());
        let room = area.right() - value_at;
        buffer.set_stringn(value_at, area.y, &value, room.into(), self.theme.dim);
    }

    /// A line of words above, the scale at the right.
    fn block(&self, area: Rect, buffer: &mut Buffer) {
        let head = vec![
            Span::styled(format!("{} ", self.label), self.theme.text),
            Span::styled(self.words(), self.theme.dim),
        ];
        buffer.set_line(area.x, area.y, &clipped(head, area.width.into()), area.width);
        let scale = self.scale(area.width);
        let top = units::short_count(scale);
        let gutter = (top.len() as u16 + 1).min(area.width);
        let graph = Rect { y: area.y + 1, height: area.height - 1, width: area.width - gutter, ..area };
        self.graph(graph, scale, buffer);
        let x = graph.right() + 1;
        let room = usize::from(area.right().saturating_sub(x));
        if room > 0 {
            buffer.set_stringn(x, graph.y, top, room, self.theme.dim);
            if graph.height > 1 {
                buffer.set_stringn(x, graph.bottom() - 1, "0", room, self.theme.dim);
            }
        }
    }

    fn graph(&self, area: Rect, scale: u64, buffer: &mut Buffer) {
        let scale = scale.max(1);
        let levels = u64::from(area.height) * LEVELS.len() as u64;
        let shown = self.newest_numbers(area.width);
        for (back, number) in shown.enumerate() {
            let x = area.right() - 1 - back as u16;
            let level = (u128::from(number) * u128::from(levels)).div_ceil(scale.into()) as u64;
            self.column(x, level, area, buffer);
        }
    }

    fn column(&self, x: u16, level: u64, area: Rect, buffer: &mut Buffer) {
        if level == 0 {
            buffer.set_string(x, area.bottom() - 1, NOTHING, self.theme.dim);
        }
        for up in 0..area.height {
            let rest = level.saturating_sub(u64::from(up) * LEVELS.len() as u64);
            let Some(at) = rest.min(LEVELS.len() as u64).checked_sub(1) else { break };
            buffer.set_string(x, area.bottom() - 1 - up, LEVELS[at as usize], self.style);
        }
    }

    /// From the newest back, as many as there are cells.
    fn newest_numbers(&self, width: u16) -> impl Iterator<Item = u64> {
        self.numbers.iter().rev().take(width.into()).copied()
    }

    fn scale(&self, width: u16) -> u64 {
        self.newest_numbers(width).max().unwrap_or_default()
    }

    fn newest(&self) -> String {
        let newest = units::short_count(self.numbers.back().copied().unwrap_or_default());
        match self.unit {
            Unit::Level => newest,
            Unit::PerSecond => format!("{newest}/s"),
        }
    }

    /// `5 now · 0 to 7`, `2/s · max 3 · 14 in 5m00s`.
    fn words(&self) -> String {
        let bounds = |number: Option<&u64>| units::short_count(number.copied().unwrap_or_default());
        let most = bounds(self.numbers.iter().max());
        match self.unit {
            Unit::Level => {
                format!("{} now · {} to {most}", self.newest(), bounds(self.numbers.iter().min()))
            }
            Unit::PerSecond => {
                let sum = units::short_count(self.numbers.iter().sum());
                format!("{} · max {most} · {sum} in all", self.newest())
            }
        }
    }
}
