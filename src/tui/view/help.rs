//! The help, from the tables of keys and commands.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use crate::tui::{
    layer::help::{self, Cell, Help, KEYS},
    model::Model,
    theme::Theme,
    view::{pane, text},
};

pub fn draw(frame: &mut Frame, area: Rect, model: &Model, help: &Help) {
    let theme = &model.theme;
    let title = format!("mesoslab {}", env!("CARGO_PKG_VERSION"));
    let inner = crate::tui::layer::place::inner(area);
    let rows = help::rows(inner.width);
    let last = (help.top + usize::from(inner.height)).min(rows.len());
    let right = format!("{}-{last}/{}", help.top + 1, rows.len());
    let bottom = (last < rows.len()).then(|| (theme.dim, "j scrolls".to_owned()));
    let words = pane::Words { title: &title, right, bottom, ..pane::Words::default() };
    let inside = pane::draw(frame, area, theme, words);
    for (y, row) in inside.rows().zip(rows.iter().skip(help.top)) {
        let columns = Layout::horizontal(row.iter().map(|_| Constraint::Fill(1))).split(y);
        for (cell, column) in row.iter().zip(columns.iter()) {
            frame.render_widget(line(cell, theme), *column);
        }
    }
}

fn line(cell: &Cell, theme: &Theme) -> Line<'static> {
    match cell {
        Cell::Head(title) => Line::styled(*title, theme.title),
        Cell::Line { keys, text } => Line::from(vec![
            Span::styled(format!(" {}", text::pad(keys, KEYS)), theme.key),
            Span::styled(text.clone(), theme.text),
        ]),
        Cell::Space => Line::default(),
    }
}
