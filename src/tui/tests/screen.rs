//! The whole screen in memory.

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};

use crate::tui::{model::Model, update::settle, view};

/// What is on the screen, cell by cell.
pub fn buffer(model: &mut Model, width: u16, height: u16) -> Buffer {
    model.size = Size { width, height };
    settle(model);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(frame, model)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of the screen as text, without blanks at their ends.
pub fn rows(model: &mut Model, width: u16, height: u16) -> Vec<String> {
    let buffer = buffer(model, width, height);
    let row = |y| {
        let mut row = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += (crate::tui::view::text::width(symbol) as u16).max(1);
        }
        row.trim_end().to_owned()
    };
    (0..height).map(row).collect()
}

pub fn text(model: &mut Model, width: u16, height: u16) -> String {
    rows(model, width, height).join("\n")
}
