//! All about one thing.
//!
//! ```text
//! ╭ task web.2.9c5a ──────────────────────── 3/24 ╮
//! │ id         web.2.9c5a                          │
//! │ state      ● running for 3m05s                 │
//! │ agent      agent-3 →                           │
//! │                                                │
//! │ status history                                 │
//! │   12:00:01  ● running  from the executor       │
//! ╰ gone since 12:04:05: as it was last known ─────╯
//! ```

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use crate::tui::{
    layer::detail::{Detail, Entry, Kind, Row},
    model::Model,
    theme::Theme,
    view::{pane, text, units},
};

/// Behind what Enter opens.
const OPENS: &str = " →";

pub fn draw(frame: &mut Frame, area: Rect, model: &Model, detail: &Detail) {
    let theme = &model.theme;
    let gone = detail
        .gone
        .map(|at| (theme.warning, format!("▲ gone since {}: as it was last known", units::clock(at))));
    let right = format!("{}/{}", detail.cursor + 1, detail.entries.len());
    let words = pane::Words { title: &detail.title, right, bottom: gone, ..pane::Words::default() };
    let inside = pane::draw(frame, area, theme, words);
    let rows = detail.rows(inside.width);
    let names = detail.name_width();
    for (y, row) in inside.rows().zip(rows.iter().skip(detail.top)) {
        let Some(entry) = detail.entries.get(row.entry) else { continue };
        frame.render_widget(line(row, entry, names, theme), y);
        if row.entry == detail.cursor {
            frame.buffer_mut().set_style(y, theme.cursor);
        }
    }
}

fn line(row: &Row, entry: &Entry, names: usize, theme: &Theme) -> Line<'static> {
    let style = entry.tone.style(theme);
    let mut spans = match entry.kind {
        Kind::Field => {
            let name = if row.first { entry.name } else { "" };
            vec![Span::styled(text::pad(name, names + 2), theme.dim), Span::styled(row.text.clone(), style)]
        }
        Kind::Head => vec![Span::styled(row.text.clone(), theme.title)],
        Kind::Line => vec![Span::raw("  "), Span::styled(row.text.clone(), style)],
        Kind::Space => Vec::new(),
    };
    if entry.link.is_some() && row.first {
        spans.push(Span::styled(OPENS, theme.key));
    }
    Line::from(spans)
}
