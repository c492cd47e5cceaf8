//! Drawing the model: one file per pane, none of which changes anything.

pub mod bar;
mod detail;
mod empty;
mod explain;
pub mod footer;
mod header;
mod help;
mod layers;
mod link;
mod log;
pub mod overview;
mod pane;
pub mod parts;
pub mod preview;
mod prompt;
mod question;
mod slider;
pub mod spark;
pub mod table;
pub mod tabs;
pub mod text;
mod trouble;
pub mod units;

use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Paragraph, Wrap},
};

use crate::tui::{
    layout,
    model::{Model, Tab},
};

/// Draws the whole screen: the panes, then what lies over them.
pub fn draw(frame: &mut Frame, model: &Model) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, model.theme.text);
    let Some(regions) = layout::regions(area.as_size()) else {
        let (least, width, height) = (layout::SMALLEST, area.width, area.height);
        let text = format!("{width}x{height} is too small: {}x{} is enough", least.width, least.height);
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
        return;
    };
    header::draw(frame, &regions, model);
    slider::draw(frame, regions.slider, model);
    tabs::draw(frame, regions.tabs, model);
    body(frame, regions.body, model);
    preview::draw(frame, regions.body, model);
    footer::draw(frame, regions.footer, model);
    layers::draw(frame, model);
}

fn body(frame: &mut Frame, rect: Rect, model: &Model) {
    match model.tab {
        Tab::Overview => overview::draw(frame, rect, model),
        Tab::Offers | Tab::Tasks | Tab::Agents | Tab::Frameworks | Tab::Components | Tab::Events => {
            table::draw(frame, rect, model);
        }
    }
}
