//! A tab with rows.

use ratatui::{Frame, layout::Rect};

use crate::tui::model::Model;

pub fn draw(frame: &mut Frame, rect: Rect, model: &Model) {
    let _ = (frame, rect, model);
}
