//! What lies over the tab, the lowest first.

use ratatui::Frame;

use crate::tui::{
    layer::{Layer, place},
    model::Model,
    view::{detail, explain, help, log, prompt, question},
};

pub fn draw(frame: &mut Frame, model: &Model) {
    for layer in &model.layers {
        let Some(area) = place::area(model.size, layer) else { return };
        match layer {
            Layer::Detail(shown) => detail::draw(frame, area, model, shown),
            Layer::Log(shown) => log::draw(frame, area, model, shown),
            Layer::Explain(shown) => explain::draw(frame, area, model, shown),
            Layer::Help(shown) => help::draw(frame, area, model, shown),
            Layer::Question(shown) => question::draw(frame, area, model, shown),
            Layer::Prompt(shown) => prompt::draw(frame, area, model, shown),
        }
    }
}
