//! The frame of what lies over a tab: a border with words in it, over whatever was there.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear},
};

use crate::tui::{layer::place, theme::Theme, view::text};

/// What stands in the border.
#[derive(Debug, Default)]
pub struct Words<'a> {
    pub title: &'a str,
    /// At the top right.
    pub right: String,
    /// At the bottom left, with its style.
    pub bottom: Option<(Style, String)>,
    /// At the bottom right.
    pub bottom_right: String,
}

/// Draws it, and gives the room inside.
pub fn draw(frame: &mut Frame, area: Rect, theme: &Theme, words: Words<'_>) -> Rect {
    let room = usize::from(area.width).saturating_sub(4);
    let right = text::clip(&words.right, room / 2);
    let title = text::clip(words.title, room.saturating_sub(text::width(&right) + 3));
    let bottom_right = text::clip(&words.bottom_right, room / 2);
    let bottom_room = room.saturating_sub(text::width(&bottom_right) + 3);
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border)
        .style(theme.text)
        .title_top(framed(&title, theme.title));
    if !right.is_empty() {
        block = block.title_top(framed(&right, theme.dim).right_aligned());
    }
    if let Some((style, told)) = &words.bottom {
        block = block.title_bottom(framed(&text::clip(told, bottom_room), *style));
    }
    if !bottom_right.is_empty() {
        block = block.title_bottom(framed(&bottom_right, theme.dim).right_aligned());
    }
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    place::inner(area)
}

fn framed(text: &str, style: Style) -> Line<'static> {
    Line::from(Span::styled(format!(" {text} "), style))
}
