//! What keys, the mouse and answers do to the slider, and to what else stands at the top of the screen.
//!
//! ```text
//! key, mouse ─> draft ─> Effect::Forecast ─> preview ─> Enter ─> Effect::Scale ─> Answer::Scaled: the draft goes
//! ```
//!
//! A draft is kept whatever happens to the cluster; its forecast is asked for again when the cluster has changed.
//! One question is under way at a time.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::{
    cluster::{Change, history::Weight, rows::Rows as _},
    mesos::time::Time,
    scheduler::{
        api::{self, ConfigView},
        forecast::Forecast,
    },
    spec::MAX_TASKS,
    tui::{
        keys::Action,
        layout::{self, Region},
        message::Effect,
        model::Model,
        slider::{Asked, Draft, Seen, Track, off, target},
        view::{overview, preview, tabs, units},
    },
};

/// How soon the forecast of a draft is made again when the cluster has changed.
const DRAFT_PACE: Duration = Duration::from_millis(250);
/// How soon it is found out again how many tasks fit.
const PACE: Duration = Duration::from_secs(1);
/// An answer that has not come by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many tasks a step with Shift is.
const LEAP: i64 = 10;

/// A digit begins a new number, or goes on with the one that is being typed; Backspace takes one away.
fn edit(model: &mut Model, digit: Option<u8>) -> Vec<Effect> {
    let target = target(&model.cluster).unwrap_or_default();
    let Some(draft) = &mut model.slider.draft else { return Vec::new() };
    let begun = draft.typing || digit.is_some();
    let mut digits = if begun { draft.typed.clone() } else { draft.wanted.to_string() };
    match digit {
        Some(digit) => digits.push(char::from(b'0' + digit.min(9))),
        None => drop(digits.pop()),
    }
    let wanted = if digits.is_empty() { Ok(target) } else { digits.parse() };
    match wanted {
        Ok(wanted) if wanted <= MAX_TASKS => {
            let typed = if digits.is_empty() { digits } else { wanted.to_string() };
            *draft = Draft { wanted, typed, typing: true, forecast: draft.forecast.take() };
        }
        _ => model.notify(Weight::Warning, format!("at most {} tasks", units::count(MAX_TASKS))),
    }
    ask(model)
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Slide(steps) => slide(model, steps),
        Action::TypeNumber => type_number(model),
        Action::Digit(digit) => edit(model, Some(digit)),
        Action::Backspace => edit(model, None),
        Action::Commit => commit(model),
        Action::Back => {
            model.slider.draft = None;
            ask(model)
        }
        _ => Vec::new(),
    }
}

fn slide(model: &mut Model, steps: i64) -> Vec<Effect> {
    let handle = model.slider.handle(&model.cluster).unwrap_or_default();
    propose(model, handle.saturating_add_signed(steps).min(MAX_TASKS))
}

fn type_number(model: &mut Model) -> Vec<Effect> {
    let Some(handle) = model.slider.handle(&model.cluster) else { return refuse(model) };
    let effects = propose(model, handle);
    if let Some(draft) = &mut model.slider.draft {
        draft.typing = true;
    }
    effects
}

/// Looks at another number; a draft that is there already goes on whatever the scheduler does.
pub fn propose(model: &mut Model, wanted: u64) -> Vec<Effect> {
    if model.slider.draft.is_none() && off(&model.cluster).is_some() {
        return refuse(model);
    }
    let forecast = model.slider.draft.take().and_then(|draft| draft.forecast);
    model.slider.draft = Some(Draft { wanted, forecast, ..Draft::default() });
    ask(model)
}

fn refuse(model: &mut Model) -> Vec<Effect> {
    let why = off(&model.cluster).unwrap_or_else(|| "nothing is known of the scheduler".to_owned());
    model.notify(Weight::Warning, format!("the slider is off: {why}"));
    Vec::new()
}

fn commit(model: &mut Model) -> Vec<Effect> {
    let Some(wanted) = model.slider.draft.as_ref().map(|draft| draft.wanted) else { return Vec::new() };
    if target(&model.cluster) == Some(wanted) {
        model.slider.draft = None;
        model.notify(Weight::Info, format!("{} wanted already", are(wanted)));
        return ask(model);
    }
    scale(model, wanted)
}

/// Asks the scheduler for so many tasks, unless changes are refused.
pub fn scale(model: &mut Model, wanted: u64) -> Vec<Effect> {
    if model.read_only {
        model.notify(Weight::Warning, "read-only: nothing is changed");
        return Vec::new();
    }
    if off(&model.cluster).is_some() {
        return refuse(model);
    }
    if model.slider.committing == Some(wanted) {
        return Vec::new();
    }
    model.slider.committing = Some(wanted);
    vec![Effect::Scale(wanted)]
}

/// What became of [`Effect::Scale`]. The draft stays when it was refused, and when it is of another number by now.
pub fn scaled(model: &mut Model, wanted: u64, result: Result<Box<ConfigView>, String>) -> Vec<Effect> {
    model.slider.committing.take_if(|committing| *committing == wanted);
    match result {
        Ok(config) => {
            if model.pause.is_none() {
                let now = model.now;
                model.cluster.apply(now, Change::Scheduler(Box::new(api::Event::Config(config))));
            }
            model.slider.draft.take_if(|draft| draft.wanted == wanted);
            model.notify(Weight::Good, format!("{} wanted now", are(wanted)));
        }
        Err(problem) => model.notify(Weight::Bad, problem),
    }
    ask(model)
}

fn are(tasks: u64) -> String {
    let verb = if tasks == 1 { "is" } else { "are" };
    format!("{} {verb}", units::counted(tasks, "task"))
}

/// The answer to a question; one to an older question than the last is of no use.
pub fn forecast(model: &mut Model, number: u64, forecast: Forecast) -> Vec<Effect> {
    if number != model.slider.asked {
        return Vec::new();
    }
    let slider = &mut model.slider;
    slider.fits = Some(forecast.fits);
    if let Some(question) = &mut slider.question {
        question.answered = true;
    }
    if target(&model.cluster) == Some(forecast.wanted) {
        slider.standing = Some(forecast.clone());
    }
    if let Some(draft) = slider.draft.as_mut().filter(|draft| draft.wanted == forecast.wanted) {
        draft.forecast = Some(forecast);
    }
    ask(model)
}

/// The cluster has changed, or time has passed: a forecast may be out of date.
pub fn changed(model: &mut Model) -> Vec<Effect> {
    ask(model)
}

/// Lets the scale of the track follow; a handle that nothing holds any more is let go.
pub fn settle(model: &mut Model) {
    model.slider.dragging &= model.grabbed == Some(Region::Slider);
    model.slider.settle(&model.cluster);
}

/// When the next question is to be asked; none while nothing is to be asked.
pub fn due(model: &Model) -> Option<Time> {
    let agents_unknown = model.cluster.agents.len() == 0 && !model.cluster.master_link.is_up();
    if off(&model.cluster).is_some() || agents_unknown {
        return None;
    }
    let wanted = model.slider.handle(&model.cluster)?;
    let Some(last) = &model.slider.question else { return Some(model.now) };
    let waiting = if last.answered { last.at } else { last.at + PATIENCE };
    if last.wanted != wanted && model.slider.draft.is_some() {
        return Some(waiting.max(last.at));
    }
    if last.answered && last.wanted == wanted && last.seen == Seen::of(&model.cluster) {
        return None;
    }
    let pace = if model.slider.draft.is_some() { DRAFT_PACE } else { PACE };
    Some(waiting.max(last.at + pace))
}

fn ask(model: &mut Model) -> Vec<Effect> {
    if due(model).is_none_or(|due| due > model.now) {
        return Vec::new();
    }
    let Some(wanted) = model.slider.handle(&model.cluster) else { return Vec::new() };
    let Some(question) = model.cluster.forecast_question(wanted) else { return Vec::new() };
    model.slider.asked += 1;
    let seen = Seen::of(&model.cluster);
    model.slider.question = Some(Asked { at: model.now, wanted, seen, answered: false });
    vec![Effect::Forecast { number: model.slider.asked, question: Box::new(question) }]
}

/// In the slider, or anywhere while its handle is dragged.
pub fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let steps = if event.modifiers.contains(KeyModifiers::SHIFT) { LEAP } else { 1 };
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => grab(model, event),
        MouseEventKind::Drag(MouseButton::Left) if model.slider.dragging => drag(model, event.column),
        MouseEventKind::Up(MouseButton::Left) => release(model),
        MouseEventKind::ScrollUp | MouseEventKind::ScrollRight => slide(model, steps),
        MouseEventKind::ScrollDown | MouseEventKind::ScrollLeft => slide(model, -steps),
        _ => Vec::new(),
    }
}

/// Takes hold of the handle, which comes to the mouse if it was elsewhere on the track.
fn grab(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let area = track_area(model);
    let near = Rect { x: area.x.saturating_sub(1), width: area.width + 2, ..area };
    if !near.contains(Position::new(event.column, event.row)) {
        return Vec::new();
    }
    let Some(handle) = model.slider.handle(&model.cluster) else { return refuse(model) };
    let on_handle = track(model, area).cell(handle) == event.column.saturating_sub(area.x);
    let effects = if on_handle { Vec::new() } else { drag(model, event.column) };
    model.slider.dragging = on_handle || model.slider.draft.is_some();
    effects
}

fn drag(model: &mut Model, column: u16) -> Vec<Effect> {
    let area = track_area(model);
    let track = track(model, area);
    let cell = column.saturating_sub(area.x).min(area.width.saturating_sub(1));
    let stays = model.slider.handle(&model.cluster).is_some_and(|handle| track.cell(handle) == cell);
    if stays { Vec::new() } else { propose(model, track.number(cell).min(MAX_TASKS)) }
}

/// A handle that was put back where it was leaves no draft.
fn release(model: &mut Model) -> Vec<Effect> {
    let dragged = std::mem::take(&mut model.slider.dragging);
    let target = target(&model.cluster);
    if dragged {
        model.slider.draft.take_if(|draft| Some(draft.wanted) == target);
    }
    ask(model)
}

fn track_area(model: &Model) -> Rect {
    layout::regions(model.size).map(|regions| layout::slider(regions.slider).track).unwrap_or_default()
}

fn track(model: &Model, area: Rect) -> Track {
    Track { end: model.slider.end, cells: area.width }
}

/// On the preview of a draft: its words for Enter and Esc can be clicked. `None` when it is not there.
pub fn preview_mouse(model: &mut Model, event: MouseEvent) -> Option<Vec<Effect>> {
    let regions = layout::regions(model.size)?;
    let preview = preview::Preview::of(model, regions.body)?;
    let at = Position::new(event.column, event.row);
    if !preview.area.contains(at) {
        return None;
    }
    if event.kind != MouseEventKind::Down(MouseButton::Left) {
        return Some(Vec::new());
    }
    let button = preview.buttons().into_iter().find(|button| button.area.contains(at));
    Some(button.map(|button| act(model, button.action)).unwrap_or_default())
}

/// In the row of tabs.
pub fn tabs_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let Some(regions) = layout::regions(model.size) else { return Vec::new() };
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            let at = Position::new(event.column, event.row);
            let labels = tabs::labels(regions.tabs, model);
            if let Some(label) = labels.into_iter().find(|label| label.area.contains(at)) {
                model.tab = label.tab;
            }
        }
        MouseEventKind::ScrollDown => model.tab = model.tab.step(1),
        MouseEventKind::ScrollUp => model.tab = model.tab.step(-1),
        _ => {}
    }
    Vec::new()
}

/// In the body of the overview: a pane leads to the tab that tells more.
pub fn overview_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let Some(regions) = layout::regions(model.size) else { return Vec::new() };
    if event.kind == MouseEventKind::Down(MouseButton::Left) {
        let at = Position::new(event.column, event.row);
        if let Some(tab) = overview::pointed_at(regions.body, model, at) {
            model.tab = tab;
        }
    }
    Vec::new()
}

pub fn next_theme(model: &mut Model) {
    model.theme = model.theme.next();
    let name = model.theme.name.clone();
    model.notify(Weight::Info, format!("theme {name}"));
}
