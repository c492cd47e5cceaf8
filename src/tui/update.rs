//! What every message does to the model, and what it wants done: no IO, no clock.

use crossterm::event::KeyEvent;

use crate::{
    mesos::time::Time,
    tui::{
        keys::{self, Action, Scope},
        message::{Effect, Msg},
        model::Model,
    },
};

/// Takes in one message.
pub fn update(model: &mut Model, now: Time, msg: Msg) -> Vec<Effect> {
    model.now = model.now.max(now);
    match msg {
        Msg::Key(event) => key(model, event),
        Msg::Resize(size) => {
            model.size = size;
            Vec::new()
        }
        Msg::Changes(changes) => {
            for change in changes {
                model.cluster.apply(now, change);
            }
            Vec::new()
        }
        Msg::Tick => {
            model.cluster.rates.advance(now);
            if model.notice.as_ref().is_some_and(|notice| notice.until <= now) {
                model.notice = None;
            }
            Vec::new()
        }
        Msg::Mouse(_) | Msg::Paste(_) | Msg::Answer(_) => Vec::new(),
    }
}

fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    match keys::action(&[Scope::Everywhere], event) {
        Some(action) => act(model, action),
        None => Vec::new(),
    }
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Tab(tab) => model.tab = tab,
        Action::NextTab => model.tab = model.tab.step(1),
        Action::PreviousTab => model.tab = model.tab.step(-1),
        _ => {}
    }
    Vec::new()
}

/// When [`Msg::Tick`] is wanted: what is shown changes by itself then (an age, a countdown, a notice that goes).
pub fn next_tick(model: &Model) -> Option<Time> {
    Some(model.now + std::time::Duration::from_secs(1))
}
