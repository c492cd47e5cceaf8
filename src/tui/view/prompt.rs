//! The line that is typed, in the place of the footer, and above it what it may become.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Clear,
};

use crate::tui::{
    layer::{place, prompt::Prompt},
    model::Model,
    view::text,
};

pub fn draw(frame: &mut Frame, area: Rect, model: &Model, prompt: &Prompt) {
    let theme = &model.theme;
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, theme.text);
    let rows = usize::from(area.height.saturating_sub(1));
    let first = place::first_candidate(prompt, rows);
    let count = prompt.candidates.len();
    for (number, y) in area.rows().take(rows).enumerate() {
        let at = first + number;
        let Some(word) = prompt.candidates.get(at) else { break };
        let more = if number + 1 == rows && at + 1 < count {
            format!("  and {} more", count - at - 1)
        } else {
            String::new()
        };
        let line =
            Line::from(vec![Span::styled(format!("  {word}"), theme.key), Span::styled(more, theme.dim)]);
        frame.render_widget(line, y);
        if prompt.chosen == Some(at) {
            frame.buffer_mut().set_style(y, theme.cursor);
        }
    }
    let bottom = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    line(frame, bottom, model, prompt);
}

fn line(frame: &mut Frame, area: Rect, model: &Model, prompt: &Prompt) {
    let sign = prompt.sign();
    let used = text::width(sign);
    let room = usize::from(area.width).saturating_sub(used + 1).max(1);
    let before = tail(prompt.line.before(), room);
    let column = used + text::width(before);
    let spans = vec![
        Span::styled(sign, model.theme.key),
        Span::styled(before.to_owned(), model.theme.text),
        Span::styled(prompt.line.after().to_owned(), model.theme.text),
    ];
    frame.render_widget(Line::from(spans), area);
    let x = area.x + u16::try_from(column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    frame.set_cursor_position(Position::new(x, area.y));
}

/// Its end, in at most `cells` cells.
fn tail(text: &str, cells: usize) -> &str {
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut ends = starts.map(|at| &text[at..]);
    ends.find(|end| text::width(end) <= cells).unwrap_or_default()
}
