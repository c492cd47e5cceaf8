//! What keys, the mouse and answers do to what lies over a tab.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::tui::{
    keys::{Action, Scope},
    layer::Layer,
    message::{Answer, Effect},
    model::Model,
};

/// Where keys are looked up while `layer` is on top.
pub fn scopes(layer: &Layer) -> &'static [Scope] {
    match layer {
        Layer::Help { .. } => &[Scope::Help, Scope::Pane, Scope::Everywhere, Scope::Always],
    }
}

/// Whether a line is being typed, which gets all keys as they are.
pub fn is_typing(_model: &Model) -> bool {
    false
}

pub fn typed(_model: &mut Model, _event: KeyEvent) -> Vec<Effect> {
    Vec::new()
}

pub fn paste(_model: &mut Model, _text: &str) -> Vec<Effect> {
    Vec::new()
}

pub fn act(_model: &mut Model, _action: Action) -> Vec<Effect> {
    Vec::new()
}

/// While a layer is open, wherever the mouse is.
pub fn mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

/// In the footer, while no layer is open.
pub fn footer_mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

pub fn answer(_model: &mut Model, _answer: Answer) -> Vec<Effect> {
    Vec::new()
}
