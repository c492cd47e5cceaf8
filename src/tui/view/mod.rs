//! Drawing the model: one file per pane, none of which changes anything.

pub mod bar;
mod empty;
pub mod parts;
pub mod spark;
pub mod table;
pub mod text;
pub mod units;

use ratatui::{Frame, layout::Rect, widgets::Paragraph};

use crate::tui::{
    layout,
    model::{Model, Tab},
};

/// Draws the whole screen: the panes, then what lies over them.
pub fn draw(frame: &mut Frame, model: &Model) {
    let Some(regions) = layout::regions(model.size) else {
        let text = format!("{}x{} is too small", model.size.width, model.size.height);
        frame.render_widget(Paragraph::new(text), frame.area());
        return;
    };
    frame.render_widget(Paragraph::new(model.lab.name.as_str()), regions.header);
    frame.render_widget(Paragraph::new(model.tab.title()), regions.tabs);
    body(frame, regions.body, model);
}

fn body(frame: &mut Frame, rect: Rect, model: &Model) {
    match model.tab {
        Tab::Overview => {}
        Tab::Offers | Tab::Tasks | Tab::Agents | Tab::Frameworks | Tab::Components | Tab::Events => {
            table::draw(frame, rect, model);
        }
    }
}
