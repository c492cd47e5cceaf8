//! What is typed into prompts, and what it does while it is typed.

use crossterm::event::KeyEvent;

use crate::{
    cluster::history::Weight,
    tui::{
        keys::{self, Action, Chord},
        layer::{
            Layer,
            command::{self, Argument, Words},
            prompt::{Kind, Prompt},
        },
        message::Effect,
        model::Model,
        update::{
            self,
            layer::{command as commands, log, open, rows},
        },
    },
};

/// Of more tasks than this the ids are not completed: nobody looks through so many.
const COMPLETED: usize = 500;

/// Whether a line is being typed, which gets all keys as they are.
pub fn is_typing(model: &Model) -> bool {
    matches!(model.layers.last(), Some(Layer::Prompt(_)))
}

/// A key of the table does what it says there; any other is a character of the line.
pub fn typed(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let scopes = model.layers.last().map_or(&[][..], Layer::scopes);
    if let Some(action) = keys::action(scopes, event) {
        return update::act(model, action);
    }
    if let (Some(c), Some(prompt)) = (Chord::typed(event), top(model)) {
        prompt.line.insert(c);
        changed(model);
    }
    Vec::new()
}

pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(prompt) = top(model) {
        prompt.line.paste(text);
        changed(model);
    }
    Vec::new()
}

fn top(model: &mut Model) -> Option<&mut Prompt> {
    match model.layers.last_mut() {
        Some(Layer::Prompt(prompt)) => Some(prompt),
        _ => None,
    }
}

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Layer::Prompt(prompt)) = model.layers.last_mut() else { return Vec::new() };
    match action {
        Action::Accept => return accept(model),
        Action::Complete | Action::CompleteBack => {
            prompt.complete(action == Action::Complete);
        }
        Action::HistoryBack | Action::HistoryForward if prompt.kind == Kind::Command => {
            prompt.remember(&model.typed, action == Action::HistoryBack);
        }
        Action::Edit(edit) => {
            let empty = prompt.line.text().is_empty();
            prompt.line.edit(edit);
            if empty && edit == keys::Edit::DeleteBack {
                return super::close(model);
            }
            changed(model);
        }
        _ => {}
    }
    Vec::new()
}

/// The line is another: what it is about follows at once.
fn changed(model: &mut Model) {
    let Some(Layer::Prompt(mut prompt)) = model.layers.pop() else { return };
    match &prompt.kind {
        Kind::Command => prompt.changed(&words(model, prompt.line.before())),
        Kind::Filter { .. } => rows::set_filter(model, prompt.line.text()),
        Kind::Search { .. } => log::look_for(model, prompt.line.text()),
    }
    model.layers.push(Layer::Prompt(prompt));
}

/// A candidate was pointed at.
pub(super) fn choose(model: &mut Model, at: usize) {
    if let Some(prompt) = top(model) {
        prompt.choose(at);
    }
}

/// Of the words that complete a line, those it needs.
fn words(model: &Model, line: &str) -> Words {
    let mut words = Words::default();
    if let Some(part) = command::argument(line, Argument::Task) {
        let part = part.to_ascii_lowercase();
        let living = model.cluster.tasks.iter().filter(|task| !task.is_over());
        let fitting = living.filter(|task| holds(&task.id, &part)).take(COMPLETED);
        words.tasks = fitting.map(|task| task.id.clone()).collect();
        words.tasks.sort_unstable();
    }
    words.columns = rows::columns(model);
    words.groupings = rows::groupings(model);
    words
}

/// Whether `id` holds `part`, which is in lower case.
fn holds(id: &str, part: &str) -> bool {
    let part = part.as_bytes();
    part.is_empty() || id.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Prompt(prompt)) = model.layers.pop() else { return Vec::new() };
    if prompt.kind != Kind::Command {
        return Vec::new();
    }
    let line = prompt.line.text();
    model.typed.push(line);
    match command::parse(line) {
        Ok(Some(command)) => commands::run(model, command),
        Ok(None) => Vec::new(),
        Err(problem) => {
            model.notify(Weight::Warning, problem);
            Vec::new()
        }
    }
}

/// A prompt that was dropped leaves everything as it was before it.
pub(super) fn dropped(model: &mut Model, prompt: Prompt) -> Vec<Effect> {
    match prompt.kind {
        Kind::Command => {}
        Kind::Filter { before } => rows::set_filter(model, &before),
        Kind::Search { before } => log::look_for(model, &before),
    }
    Vec::new()
}

/// Begins to type a filter, where there are rows.
pub(super) fn filter(model: &mut Model) -> Vec<Effect> {
    if let Some(before) = rows::filter(model) {
        open(model, Layer::Prompt(Box::new(Prompt::new(Kind::Filter { before }))));
    } else {
        model.notify(Weight::Info, "there are no rows here to filter");
    }
    Vec::new()
}
