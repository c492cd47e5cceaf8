//! What keys, the mouse and answers do to the slider, and to what else stands at the top of the screen.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::tui::{keys::Action, message::Effect, model::Model};

/// Whether a number is being typed, which gets the keys it `takes`.
pub fn is_typing(_model: &Model) -> bool {
    false
}

pub fn takes(_event: KeyEvent) -> bool {
    false
}

pub fn typed(_model: &mut Model, _event: KeyEvent) -> Vec<Effect> {
    Vec::new()
}

pub fn act(_model: &mut Model, _action: Action) -> Vec<Effect> {
    Vec::new()
}

/// In the slider, or anywhere while its handle is dragged.
pub fn mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

/// In the row of tabs.
pub fn tabs_mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

/// In the body of the overview.
pub fn overview_mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

/// The cluster has changed: a forecast may be out of date.
pub fn changed(_model: &mut Model) -> Vec<Effect> {
    Vec::new()
}

pub fn next_theme(_model: &mut Model) {}
