//! What keys, answers and changes do to a log.

use crate::{
    cluster::history::Weight,
    tui::{
        keys::Action,
        layer::{
            Layer,
            log::{Log, Stream},
            prompt::{Kind, Prompt},
        },
        message::{Effect, LogNews},
        model::Model,
        update::layer,
    },
};

/// Opens the log of the task of this id, or of the one under the cursor. There is one at a time.
pub(super) fn open(model: &mut Model, id: Option<String>) -> Vec<Effect> {
    let Some(id) = id.or_else(|| layer::task(model)) else {
        model.notify(Weight::Warning, "no task is chosen: :log TASK names one");
        return Vec::new();
    };
    let number = next_number(model);
    match Log::open(&model.cluster, &id, Stream::default(), number) {
        Ok(log) => {
            model.layers.retain(|layer| !matches!(layer, Layer::Log(_)));
            let file = log.file.clone();
            model.layers.push(Layer::Log(Box::new(log)));
            vec![Effect::OpenLog(file)]
        }
        Err(problem) => {
            model.notify(Weight::Warning, problem);
            Vec::new()
        }
    }
}

fn next_number(model: &mut Model) -> u64 {
    model.logs += 1;
    model.logs
}

/// The log that is open, also while something lies over it.
fn log(model: &mut Model) -> Option<&mut Log> {
    model.layers.iter_mut().find_map(|layer| match layer {
        Layer::Log(log) => Some(&mut **log),
        _ => None,
    })
}

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(open) = log(model) else { return Vec::new() };
    match action {
        Action::Search => {
            let before = open.search.as_ref().map_or_else(String::new, |search| search.text().to_owned());
            model.layers.push(Layer::Prompt(Box::new(Prompt::new(Kind::Search { before }))));
        }
        Action::NextMatch | Action::PreviousMatch => {
            open.stay();
            if !open.next_match(action == Action::NextMatch) {
                let why =
                    if open.search.is_some() { "no match" } else { "nothing is searched for: / begins" };
                model.notify(Weight::Info, why);
            }
        }
        Action::OtherStream => return other_stream(model),
        Action::Follow => open.window.toggle_follow(&open.buffer),
        Action::Wrap => open.window.toggle_wrap(&open.buffer),
        Action::First => {
            open.go_to_begin();
            return before(open, true);
        }
        Action::Up | Action::PageUp => {
            open.stay();
            open.window.step(&open.buffer, action);
            return before(open, true);
        }
        _ => {
            open.stay();
            open.window.step(&open.buffer, action);
        }
    }
    Vec::new()
}

/// The wheel.
pub(super) fn scroll(model: &mut Model, rows_down: isize) -> Vec<Effect> {
    let Some(open) = log(model) else { return Vec::new() };
    open.stay();
    open.window.scroll(&open.buffer, rows_down);
    before(open, rows_down < 0)
}

fn before(log: &mut Log, up: bool) -> Vec<Effect> {
    log.wants_before(up).map(|offset| Effect::LogBefore { offset }).into_iter().collect()
}

fn other_stream(model: &mut Model) -> Vec<Effect> {
    let number = next_number(model);
    let Some((task, stream)) = log(model).map(|log| (log.task.clone(), log.stream.other())) else {
        return Vec::new();
    };
    match Log::open(&model.cluster, &task, stream, number) {
        Ok(other) => reopen(model, other),
        Err(problem) => {
            model.notify(Weight::Warning, problem);
            Vec::new()
        }
    }
}

/// Turns the log that is open to another file.
fn reopen(model: &mut Model, other: Log) -> Vec<Effect> {
    let file = other.file.clone();
    if let Some(log) = log(model) {
        log.turn_to(other.file, other.stream);
    }
    vec![Effect::OpenLog(file)]
}

pub(super) fn news(model: &mut Model, number: u64, news: LogNews) -> Vec<Effect> {
    match log(model) {
        Some(log) if log.file.number == number => {
            log.news(news);
            before(log, false)
        }
        _ => Vec::new(),
    }
}

/// An agent that came back elsewhere is read from there.
pub(super) fn changed(model: &mut Model) -> Vec<Effect> {
    let number = model.logs + 1;
    let open = model.layers.iter().find_map(|layer| match layer {
        Layer::Log(log) => Some(log),
        _ => None,
    });
    let Some(other) = open.and_then(|log| {
        log.has_moved(&model.cluster).then(|| Log::open(&model.cluster, &log.task, log.stream, number).ok())
    }) else {
        return Vec::new();
    };
    model.logs = number;
    other.map_or_else(Vec::new, |other| reopen(model, other))
}

/// While a search is typed.
pub(super) fn look_for(model: &mut Model, text: &str) {
    if let Some(log) = log(model) {
        log.look_for(text);
    }
}
