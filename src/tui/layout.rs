//! Where everything is. The views draw there, and what the mouse points at is looked up there.
//!
//! ```text
//! ┌ header: lab, master, connection, gauges ─────────┐  3 rows; 1 below 20 rows
//! ├ slider ──────────────────────────────────────────┤  3 rows; 1 below 24 rows
//! ├ tabs ────────────────────────────────────────────┤  1 row
//! │ body                                             │  all that is left
//! ├ footer: keys, notice, prompt ────────────────────┤  1 row
//! └──────────────────────────────────────────────────┘
//! ```

use ratatui::layout::{Constraint, Layout, Position, Rect, Size};

/// Below this nothing useful can be shown; the screen says so.
pub const SMALLEST: Size = Size { width: 40, height: 10 };

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    pub header: Rect,
    pub slider: Rect,
    pub tabs: Rect,
    pub body: Rect,
    pub footer: Rect,
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    Header,
    Slider,
    Tabs,
    Body,
    Footer,
}

impl Regions {
    pub fn at(&self, position: Position) -> Option<Region> {
        let parts = [
            (self.header, Region::Header),
            (self.slider, Region::Slider),
            (self.tabs, Region::Tabs),
            (self.body, Region::Body),
            (self.footer, Region::Footer),
        ];
        parts.into_iter().find(|(rect, _)| rect.contains(position)).map(|(_, region)| region)
    }
}

/// Where the parts of the screen are; `None` when it is too small for any.
pub fn regions(size: Size) -> Option<Regions> {
    if size.width < SMALLEST.width || size.height < SMALLEST.height {
        return None;
    }
    let header = if size.height < 20 { 1 } else { 3 };
    let slider = if size.height < 24 { 1 } else { 3 };
    let rows = [header, slider, 1].map(Constraint::Length).into_iter();
    let rows = rows.chain([Constraint::Fill(1), Constraint::Length(1)]);
    let [header, slider, tabs, body, footer] =
        Layout::vertical(rows).areas(Rect::from((Position::ORIGIN, size)));
    Some(Regions { header, slider, tabs, body, footer })
}
