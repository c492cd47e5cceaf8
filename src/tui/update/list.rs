//! What keys and the mouse do to the tabs with rows.

use crossterm::event::MouseEvent;

use crate::tui::{keys::Action, message::Effect, model::Model};

/// Brings the lines of the tab that is shown up to date.
pub fn refresh(_model: &mut Model) {}

pub fn act(_model: &mut Model, _action: Action) {}

/// Folds or unfolds the group under the cursor; false when there is none.
pub fn toggle_group(_model: &mut Model) -> bool {
    false
}

/// In the body of a tab with rows.
pub fn mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}
