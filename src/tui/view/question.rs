//! A question, with what would happen, and its two answers.

use ratatui::{Frame, layout::Rect, text::Line};

use crate::tui::{
    keys::Action,
    layer::{place, question::Question},
    model::Model,
    view::{
        pane,
        text::{self, clean},
    },
};

pub fn draw(frame: &mut Frame, area: Rect, model: &Model, question: &Question) {
    let theme = &model.theme;
    let words = pane::Words { title: "sure?", ..pane::Words::default() };
    let inside = pane::draw(frame, area, theme, words);
    let room = place::room(area.width);
    let [asked, told] = question.text().map(|line| text::wrap(&clean(&line), room));
    let lines = asked.iter().map(|row| (row, theme.title)).chain(told.iter().map(|row| (row, theme.text)));
    for (y, (row, style)) in inside.rows().zip(lines) {
        let y = Rect { x: y.x + 1, width: y.width.saturating_sub(2), ..y };
        frame.render_widget(Line::styled(row.clone(), style), y);
    }
    for (button, action) in place::buttons(area) {
        let (word, style) =
            if action == Action::Yes { (" y yes ", theme.bad) } else { (" n no ", theme.key) };
        let style = style.add_modifier(ratatui::style::Modifier::REVERSED);
        frame.render_widget(Line::styled(word, style), button.intersection(area));
    }
}
