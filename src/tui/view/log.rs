//! A log: its lines, what is looked for in them, and in the border how it stands.
//!
//! ```text
//! ╭ log web.2.9c5a · stdout ──────── follow · wrap · 101/120+ ╮
//! │ request 17 took 3 ms                                      │
//! ╰ the task has ended: failed ────────── /took · match 3/17 ─╯
//! ```

use std::ops::Range;

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

use crate::tui::{
    layer::log::{Log, search::Search, window::Row},
    model::Model,
    theme::Theme,
    view::{
        pane,
        text::{self, clean},
    },
};

pub fn draw(frame: &mut Frame, area: Rect, model: &Model, log: &Log) {
    let theme = &model.theme;
    let title = format!("log {} · {}", clean(&log.task), log.stream.name());
    let told = log.words(&model.cluster);
    let told = told.map(|(tone, words)| (tone.style(theme), clean(&words).into_owned()));
    let words = pane::Words {
        title: &title,
        right: right(log),
        bottom: told.clone().filter(|_| !log.buffer.is_empty()),
        bottom_right: log.search.as_ref().map(|search| looked_for(search, log)).unwrap_or_default(),
    };
    let inside = pane::draw(frame, area, theme, words);
    if let Some((style, words)) = told.filter(|_| log.buffer.is_empty()) {
        for (y, row) in inside.rows().zip(text::wrap(&words, inside.width.into())) {
            frame.render_widget(Line::styled(row, style), y);
        }
    }
    for (y, row) in inside.rows().zip(log.window.seen(&log.buffer)) {
        frame.render_widget(line(&row, log, theme), y);
    }
}

fn right(log: &Log) -> String {
    let window = &log.window;
    let aside = format!("from column {}", window.left + 1);
    let words = [(window.follow, "follow"), (window.wrap, "wrap"), (window.left > 0, aside.as_str())];
    let mut shown: Vec<_> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
    let position = log.position();
    shown.push(&position);
    shown.join(" · ")
}

fn looked_for(search: &Search, log: &Log) -> String {
    format!("/{} · {}", text::clip(&clean(search.text()), 16), search.count(log.window.mark))
}

fn line(row: &Row, log: &Log, theme: &Theme) -> Line<'static> {
    let Some(text) = log.buffer.get(row.line) else { return Line::default() };
    let found = log.search.as_ref().map(|search| search.ranges(text)).unwrap_or_default();
    let here = log.window.mark == Some(row.line);
    let mark = theme.warning.add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
    let mark = if here { mark.add_modifier(Modifier::REVERSED) } else { mark };
    Line::from(highlighted(text, &row.range, &found, mark))
}

/// The part of `text` in `range`, with what was `found` marked.
fn highlighted(text: &str, range: &Range<usize>, found: &[Range<usize>], mark: Style) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut at = range.start;
    for found in found {
        let (begin, end) = (found.start.clamp(at, range.end), found.end.clamp(at, range.end));
        if begin < end {
            spans.push(Span::raw(text[at..begin].to_owned()));
            spans.push(Span::styled(text[begin..end].to_owned(), mark));
            at = end;
        }
    }
    spans.push(Span::raw(text[at..range.end].to_owned()));
    spans
}
