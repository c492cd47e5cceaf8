//! Drawing the model: one file per pane, none of which changes anything.

use ratatui::{Frame, widgets::Paragraph};

use crate::tui::{layout, model::Model};

/// Draws the whole screen.
pub fn draw(frame: &mut Frame, model: &Model) {
    let Some(regions) = layout::regions(model.size) else {
        let text = format!("{}x{} is too small", model.size.width, model.size.height);
        frame.render_widget(Paragraph::new(text), frame.area());
        return;
    };
    frame.render_widget(Paragraph::new(model.lab.name.as_str()), regions.header);
    frame.render_widget(Paragraph::new(model.tab.title()), regions.tabs);
}
