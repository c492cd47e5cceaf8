//! Why tasks are not running, in the scheduler's words.

use ratatui::{Frame, layout::Rect, text::Line};

use crate::tui::{
    layer::explain::Explanation,
    model::Model,
    view::{pane, text::clean, units},
};

pub fn draw(frame: &mut Frame, area: Rect, model: &Model, explanation: &Explanation) {
    let theme = &model.theme;
    let right = explanation.at.map(|at| format!("as of {}", units::clock(at))).unwrap_or_default();
    let problem = explanation.problem.as_ref();
    let bottom = problem.map(|problem| (theme.bad, format!("✗ {}; asking again", clean(problem))));
    let words = pane::Words { title: "why tasks are not running", right, bottom, ..pane::Words::default() };
    let inside = pane::draw(frame, area, theme, words);
    let rows = explanation.rows(inside.width);
    if rows.is_empty() {
        let told = if problem.is_some() { "The scheduler did not answer." } else { "asking the scheduler" };
        frame.render_widget(Line::styled(told, theme.dim), inside);
    }
    for (y, (is_head, row)) in inside.rows().zip(rows.into_iter().skip(explanation.top)) {
        frame.render_widget(Line::styled(row, if is_head { theme.title } else { theme.text }), y);
    }
}
