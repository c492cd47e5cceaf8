//! A tab with rows.
//!
//! ```text
//! ─ Tasks (12 of 100,000) /web · by state ────────────── offers .▁▂ 3/s ─   title
//!   task        state          agent       age  message                    head, with ▲ or ▼ where it is sorted by
//! ▌ web.0.1a2b  ● running      agent-1    4m05s                         █  rows, the cursor, and how far down they are
//!   web.1.3456  ✗ failed       agent-2      30s  Command exited with …  │
//! ```

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line as Text, Span},
    widgets::Widget as _,
};

use crate::tui::{
    list::{Line, List, rank::Sort},
    model::{Model, Tab},
    tables::{
        self, Scene,
        columns::{self, Head, Place},
    },
    view::{
        empty,
        parts::{self, Part},
        spark::{Spark, Unit},
        text, units,
    },
};

/// The mark of the cursor and a blank, and at the other end the bar and a blank.
const MARK: u16 = 2;
const BAR: u16 = 2;
/// What the sparkline of the title gets, where there is room.
const SPARK: u16 = 24;

/// Where the parts of a table are.
#[derive(Clone, Copy, Debug)]
pub struct Areas {
    pub title: Rect,
    pub head: Rect,
    pub rows: Rect,
    /// The bar at the side.
    pub bar: Rect,
}

impl Areas {
    /// Where the first column begins.
    pub fn cells_x(&self) -> u16 {
        self.rows.x + MARK
    }
}

pub fn areas(body: Rect) -> Areas {
    let row = |at: u16| Rect { y: body.y + at.min(body.height), height: u16::from(at < body.height), ..body };
    let below = body.height.saturating_sub(2);
    let rows = Rect { y: body.y + 2.min(body.height), height: below, ..body };
    let bar = Rect { x: body.right().saturating_sub(1), width: 1.min(body.width), ..rows };
    Areas { title: row(0), head: row(1), rows: Rect { width: body.width.saturating_sub(1), ..rows }, bar }
}

/// Which columns are seen, and where, from [`Areas::cells_x`] on.
pub fn places(model: &Model, list: &List, areas: Areas) -> Vec<Place> {
    let heads = tables::heads(&model.cluster, model.tab);
    columns::places(&heads, &list.widths, (areas.rows.width + 1).saturating_sub(MARK + BAR))
}

pub fn draw(frame: &mut Frame, rect: Rect, model: &Model) {
    let Some(list) = model.list() else { return };
    let heads = tables::heads(&model.cluster, model.tab);
    let pane = Pane { model, list, heads, areas: areas(rect), places: places(model, list, areas(rect)) };
    let buffer = frame.buffer_mut();
    pane.title(buffer);
    pane.head(buffer);
    if list.lines().is_empty() {
        empty::draw(buffer, pane.areas.rows, model, list);
    } else {
        pane.rows(buffer);
        pane.bar(buffer);
    }
}

struct Pane<'a> {
    model: &'a Model,
    list: &'a List,
    heads: Vec<&'static Head>,
    areas: Areas,
    places: Vec<Place>,
}

impl Pane<'_> {
    fn title(&self, buffer: &mut Buffer) {
        let area = self.areas.title;
        let theme = &self.model.theme;
        buffer.set_string(area.x, area.y, "─".repeat(area.width.into()), theme.border);
        let spark = if self.model.tab == Tab::Offers { SPARK.min(area.width / 2) } else { 0 };
        let room = usize::from(area.width.saturating_sub(spark + 4));
        let mut line = parts::line(self.title_parts(), room, theme.dim);
        line.spans.insert(0, Span::raw(" "));
        line.push_span(" ");
        buffer.set_line(area.x + 1.min(area.width), area.y, &line, area.width.saturating_sub(2));
        if spark > 0 {
            self.spark(Rect { x: area.right() - spark, width: spark, ..area }, buffer);
        }
    }

    fn title_parts(&self) -> Vec<Part> {
        let theme = &self.model.theme;
        let mut parts = vec![Part::new(9, self.name(), theme.title)];
        let filter = self.list.filter();
        if !filter.is_empty() {
            parts.push(Part::new(8, format!("/{}", text::clean(filter.text())), theme.key));
        }
        if let Some(problem) = filter.problem() {
            parts.push(Part::new(7, format!("✗ {problem}"), theme.bad));
        }
        let groupings = tables::groupings(&self.model.cluster, self.model.tab);
        if let Some(grouping) = self.list.grouping().and_then(|at| groupings.get(at)) {
            parts.push(Part::new(6, *grouping, theme.dim));
        }
        if let Some(sort) = self.hidden_sort() {
            parts.push(Part::new(3, sort, theme.dim));
        }
        if !self.list.shows_ended() {
            parts.push(Part::new(5, "ended hidden", theme.dim));
        }
        if self.list.follows() && self.model.tab == Tab::Events {
            parts.push(Part::new(4, "following", theme.dim));
        }
        parts
    }

    /// `Tasks (12 of 100,000)`
    fn name(&self) -> String {
        let (shown, all) = self.list.counts();
        let [shown, all] = [shown, all].map(|count| units::count(count as u64));
        let title = self.model.tab.title();
        if shown == all { format!("{title} ({all})") } else { format!("{title} ({shown} of {all})") }
    }

    /// What it is sorted by when that column has no room.
    fn hidden_sort(&self) -> Option<String> {
        let sort = self.list.sort();
        let seen = self.places.iter().any(|place| place.column == sort.column);
        let head = self.heads.get(sort.column).filter(|_| !seen)?;
        Some(format!("sorted by {}{}", head.title, arrow(sort)))
    }

    fn spark(&self, area: Rect, buffer: &mut Buffer) {
        let theme = &self.model.theme;
        let numbers = &self.model.cluster.rates.offers;
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        buffer.set_string(inner.x, inner.y, " ".repeat(inner.width.into()), Style::new());
        let style = theme.info;
        let spark = Spark { label: "", label_width: 0, numbers, unit: Unit::PerSecond, style, theme };
        (&spark).render(inner, buffer);
    }

    fn head(&self, buffer: &mut Buffer) {
        for place in &self.places {
            let head = self.heads[place.column];
            let sorted = place.column == self.list.sort().column;
            let title = if sorted {
                format!("{}{}", head.title, arrow(self.list.sort()))
            } else {
                head.title.to_owned()
            };
            let theme = &self.model.theme;
            let style = if sorted { theme.title } else { theme.dim };
            self.cell(Text::styled(title, style), head, *place, self.areas.head.y, buffer);
        }
    }

    fn rows(&self, buffer: &mut Buffer) {
        let scene = Scene::of(self.model);
        let (top, lines) = self.list.seen();
        for (at, line) in lines.iter().enumerate().take(self.areas.rows.height.into()) {
            let area = Rect { y: self.areas.rows.y + at as u16, height: 1, ..self.areas.rows };
            let under_cursor = top + at == self.list.at();
            match line {
                Line::Head(group) => self.group(*group, area, buffer),
                Line::Row(key) => self.row(&scene, *key, area, under_cursor, buffer),
            }
            if under_cursor {
                let width = area.width.saturating_sub(BAR - 1);
                buffer.set_style(Rect { width, ..area }, self.model.theme.cursor);
                buffer.set_string(area.x, area.y, "▌", self.model.theme.key);
            }
        }
    }

    fn row(&self, scene: &Scene<'_>, key: u32, area: Rect, plain: bool, buffer: &mut Buffer) {
        let is_over = tables::is_over(scene.cluster, self.model.tab, key);
        let base = if is_over && !plain { scene.theme.dim } else { scene.theme.text };
        buffer.set_style(area, base);
        for place in &self.places {
            let cell = tables::cell(scene, self.model.tab, key, place.column, place.width);
            let mut cell = cell.unwrap_or_default();
            if plain {
                cell.spans.iter_mut().for_each(|span| span.style = Style::new());
            }
            self.cell(cell, self.heads[place.column], *place, area.y, buffer);
        }
    }

    /// `▾ running 5`
    fn group(&self, group: u32, area: Rect, buffer: &mut Buffer) {
        let Some(group) = self.list.groups().get(group as usize) else { return };
        let theme = &self.model.theme;
        let fold = if group.folded { "▸" } else { "▾" };
        let title = format!("{fold} {}", text::clean(&group.title));
        let count = format!("  {}", units::count(group.count as u64));
        let spans = vec![Span::styled(title, theme.title), Span::styled(count, theme.dim)];
        let room = area.width.saturating_sub(MARK);
        buffer.set_line(area.x + MARK, area.y, &parts::clipped(spans, room.into()), room);
    }

    fn cell(&self, line: Text<'static>, head: &Head, place: Place, y: u16, buffer: &mut Buffer) {
        let width = line.width().min(place.width.into()) as u16;
        let indent = if head.right { place.width - width } else { 0 };
        let x = self.areas.cells_x() + place.x + indent;
        let room = self.areas.rows.right().saturating_sub(x).min(place.width - indent);
        let style = line.style;
        let line = parts::clipped(line.spans, room.into()).style(style);
        buffer.set_line(x, y, &line, room);
    }

    /// How far down one is, when there is more than is seen.
    fn bar(&self, buffer: &mut Buffer) {
        let area = self.areas.bar;
        let (lines, height) = (self.list.lines().len(), usize::from(area.height));
        if lines <= height || height == 0 {
            return;
        }
        let size = (height * height / lines).max(1);
        let most = lines - height;
        let from = ((height - size) * self.list.top().min(most) + most / 2) / most;
        for at in 0..height {
            let on = (from..from + size).contains(&at);
            let (symbol, style) =
                if on { ("█", self.model.theme.dim) } else { ("│", self.model.theme.border) };
            buffer.set_string(area.x, area.y + at as u16, symbol, style);
        }
    }
}

fn arrow(sort: Sort) -> &'static str {
    if sort.reverse { "▼" } else { "▲" }
}
