//! What every message does to the model, and what it wants done: no IO, no clock.
//!
//! A key goes to the line that is being typed, if one is. Else it is looked up in the scopes of what lies on top,
//! and the action goes to the part of the screen it belongs to: `layer`, `slider` or `list`. The mouse likewise, by
//! where it points.

mod layer;
pub mod list;
mod mouse;
mod slider;

use std::time::Duration;

use crossterm::event::KeyEvent;

use crate::{
    cluster::{Change, history::Weight},
    mesos::time::Time,
    tui::{
        keys::{self, Action, Scope},
        message::{Effect, Msg},
        model::{Model, Pause, Tab},
    },
};

/// More than this is not held back by a pause.
const MOST_HELD: usize = 50_000;

/// Takes in one message. Before the next picture the model wants to be [`settle`]d.
pub fn update(model: &mut Model, now: Time, msg: Msg) -> Vec<Effect> {
    model.now = model.now.max(now);
    match msg {
        Msg::Key(event) => key(model, event),
        Msg::Mouse(event) => mouse::mouse(model, event),
        Msg::Paste(text) => layer::paste(model, &text),
        Msg::Resize(size) => {
            model.size = size;
            Vec::new()
        }
        Msg::Changes(changes) => take_in(model, changes),
        Msg::Tick => tick(model),
        Msg::Answer(answer) => layer::answer(model, answer),
    }
}

/// Brings what is shown up to date with the cluster; once per picture, however many messages came before it.
pub fn settle(model: &mut Model) {
    slider::settle(model);
    list::refresh(model);
    layer::settle(model);
}

/// When [`Msg::Tick`] is wanted: what is shown changes by itself then (an age, a countdown, a notice that goes).
pub fn next_tick(model: &Model) -> Option<Time> {
    let second = model.now + Duration::from_secs(1);
    let wanted = [slider::due(model), layer::next_tick(model)].into_iter().flatten();
    Some(wanted.fold(second, Time::min))
}

fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    if layer::is_typing(model) {
        return layer::typed(model, event);
    }
    match keys::action(&scopes(model), event) {
        Some(action) => act(model, action),
        None => Vec::new(),
    }
}

/// Where keys are looked up, the nearest first.
pub fn scopes(model: &Model) -> Vec<Scope> {
    if let Some(top) = model.layers.last() {
        return layer::scopes(top).to_vec();
    }
    let draft = model.slider.draft.is_some().then_some(Scope::Draft);
    let tab: &[Scope] = match model.tab {
        Tab::Overview => &[],
        Tab::Tasks => &[Scope::Tasks, Scope::List],
        Tab::Events => &[Scope::Events, Scope::List],
        Tab::Offers | Tab::Agents | Tab::Frameworks | Tab::Components => &[Scope::List],
    };
    let all = [Scope::Tabs, Scope::Everywhere, Scope::Always];
    draft.into_iter().chain(tab.iter().copied()).chain(all).collect()
}

/// Does what a key, a click or a command asks for.
fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    use Action as A;
    match action {
        A::Quit => return vec![Effect::Quit],
        A::Suspend => return vec![Effect::Suspend],
        A::Pause => pause(model),
        A::NextTheme => slider::next_theme(model),
        A::Help | A::Command | A::Copy | A::Kill | A::Log | A::Shell | A::Explain | A::Save | A::Filter => {
            return layer::act(model, action);
        }
        _ if !model.layers.is_empty() => return layer::act(model, action),
        A::Tab(tab) => go_to(model, tab),
        A::NextTab => go_to(model, model.tab.step(1)),
        A::PreviousTab => go_to(model, model.tab.step(-1)),
        A::Back => return back(model),
        A::Slide(_) | A::TypeNumber | A::Digit(_) | A::Backspace | A::Commit => {
            return slider::act(model, action);
        }
        A::Open if list::toggle_group(model) => {}
        A::Open => return layer::act(model, action),
        _ => list::act(model, action),
    }
    Vec::new()
}

/// Another tab; what lay over the one before goes with it.
fn go_to(model: &mut Model, tab: Tab) {
    model.tab = tab;
}

/// Away with a draft, or with a filter. Never quits.
fn back(model: &mut Model) -> Vec<Effect> {
    if model.slider.draft.is_some() {
        return slider::act(model, Action::Back);
    }
    list::act(model, Action::Back);
    Vec::new()
}

fn take_in(model: &mut Model, changes: Vec<Change>) -> Vec<Effect> {
    let now = model.now;
    match &mut model.pause {
        Some(pause) => {
            pause.held.extend(changes.into_iter().map(|change| (now, change)));
            if pause.held.len() > MOST_HELD {
                resume(model);
                model.notify(Weight::Warning, "too much has happened to hold it back: going on");
            }
        }
        None => changes.into_iter().for_each(|change| model.cluster.apply(now, change)),
    }
    consequences(model)
}

/// What follows when the cluster has changed, or time has passed.
fn consequences(model: &mut Model) -> Vec<Effect> {
    let mut effects = slider::changed(model);
    effects.extend(layer::changed(model));
    effects
}

fn pause(model: &mut Model) {
    if model.pause.is_some() {
        resume(model);
    } else {
        model.pause = Some(Pause { since: model.now, held: Vec::new() });
    }
}

/// Everything that was held back happens now, with the time at which it came.
fn resume(model: &mut Model) {
    let held = model.pause.take().map(|pause| pause.held).unwrap_or_default();
    for (at, change) in held {
        model.cluster.apply(at, change);
    }
    model.cluster.rates.advance(model.now);
}

fn tick(model: &mut Model) -> Vec<Effect> {
    if model.pause.is_none() {
        model.cluster.rates.advance(model.now);
    }
    if model.notice.as_ref().is_some_and(|notice| notice.until <= model.now) {
        model.notice = None;
    }
    consequences(model)
}
