//! What keys, answers and time do to what lies over a tab.

mod command;
mod log;
mod mouse;
mod prompt;
mod rows;
mod shell;
#[cfg(test)]
mod tests;

use ratatui::layout::Size;

use crate::{
    cluster::{history::Weight, rows::Rows as _},
    mesos::time::Time,
    scheduler::api::{Counts, Explain, Phase},
    tui::{
        keys::{Action, Scope},
        layer::{
            Layer,
            detail::Detail,
            explain::Explanation,
            help::{self, Help},
            place,
            prompt::{Kind, Prompt},
            question::Question,
            scroll,
        },
        message::{Answer, Effect},
        model::{Model, Selected},
        update::slider,
    },
};

pub use mouse::{footer_mouse, mouse};
pub use prompt::{is_typing, paste, typed};

/// Where keys are looked up while `layer` is on top.
pub fn scopes(layer: &Layer) -> &'static [Scope] {
    layer.scopes()
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Help => help(model),
        Action::Command => open(model, Layer::Prompt(Box::new(Prompt::new(Kind::Command)))),
        Action::Filter => return prompt::filter(model),
        Action::Save => return vec![Effect::Save],
        Action::Explain => return explain(model),
        Action::Copy => return copy(model),
        Action::Kill => kill(model, None),
        Action::Log => return log::open(model, None),
        Action::Shell => return shell::open(model),
        Action::Open => detail(model),
        Action::Back | Action::No => return close(model),
        Action::Yes => return yes(model),
        _ => return within(model, action),
    }
    Vec::new()
}

/// What a key does to the topmost layer itself.
fn within(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(size) = inner(model) else { return Vec::new() };
    match model.layers.last_mut() {
        Some(Layer::Detail(detail)) => detail.step(action, size),
        Some(Layer::Explain(explanation)) => {
            let last = last_top(explanation.rows(size.width).len(), size);
            explanation.top = scroll::step(explanation.top, action, last, scroll::page(size.height));
        }
        Some(Layer::Help(help)) => {
            let last = last_top(help::rows(size.width).len(), size);
            help.top = scroll::step(help.top, action, last, scroll::page(size.height));
        }
        Some(Layer::Log(_)) => return log::act(model, action),
        Some(Layer::Prompt(_)) => return prompt::act(model, action),
        Some(Layer::Question(_)) | None => {}
    }
    Vec::new()
}

/// The room inside the topmost layer.
fn inner(model: &Model) -> Option<Size> {
    let area = place::area(model.size, model.layers.last()?)?;
    Some(place::inner(area).as_size())
}

fn last_top(rows: usize, size: Size) -> usize {
    rows.saturating_sub(usize::from(size.height))
}

fn open(model: &mut Model, layer: Layer) {
    model.layers.push(layer);
}

/// The topmost layer goes; a prompt leaves everything as it was before it.
fn close(model: &mut Model) -> Vec<Effect> {
    match model.layers.pop() {
        Some(Layer::Log(_)) => vec![Effect::CloseLog],
        Some(Layer::Prompt(prompt)) => prompt::dropped(model, *prompt),
        _ => Vec::new(),
    }
}

/// All layers go: what comes now is about the tab.
pub fn close_all(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while !model.layers.is_empty() {
        effects.extend(close(model));
    }
    effects
}

fn help(model: &mut Model) {
    if !matches!(model.layers.last(), Some(Layer::Help(_))) {
        open(model, Layer::Help(Help::default()));
    }
}

/// All about what a line of a detail names, or about the row under the cursor.
fn detail(model: &mut Model) {
    let subject = match model.layers.last() {
        Some(Layer::Detail(detail)) => detail.link().cloned(),
        Some(_) => None,
        None => model.selected(),
    };
    if let Some(detail) = subject.and_then(|subject| Detail::open(subject, &model.cluster, model.shown_at()))
    {
        open(model, Layer::Detail(Box::new(detail)));
    }
}

/// The task that a key is about: of the topmost layer, or under the cursor.
fn task(model: &Model) -> Option<String> {
    match model.layers.last() {
        Some(Layer::Detail(detail)) => detail.task().map(str::to_owned),
        Some(Layer::Log(log)) => Some(log.task.clone()),
        Some(_) => None,
        None => match model.selected() {
            Some(Selected::Task(id)) => Some(id),
            _ => None,
        },
    }
}

/// Asks whether a task is to be killed: that of this id, or the one under the cursor.
fn kill(model: &mut Model, id: Option<String>) {
    let Some(id) = id.or_else(|| task(model)) else {
        return model.notify(Weight::Warning, "no task is chosen: :kill TASK names one");
    };
    match killable(model, &id) {
        Err(why) => model.notify(Weight::Warning, why),
        Ok(task) => open(model, Layer::Question(Question::Kill { task })),
    }
}

/// The id of a task of ours; else why it cannot be killed from here.
fn killable(model: &Model, row: &str) -> Result<String, String> {
    if model.read_only {
        return Err("read-only: nothing is changed".to_owned());
    }
    let task = model.cluster.tasks.find(row).ok_or_else(|| format!("there is no task {row}"))?;
    let id = &task.id;
    if task.is_over() {
        return Err(format!("task {id} has ended already"));
    }
    if task.ours.is_none() {
        let owner = &task.framework;
        return Err(format!("task {id} is {owner}'s, not ours: only its own scheduler can kill it"));
    }
    Ok(id.clone())
}

fn yes(model: &mut Model) -> Vec<Effect> {
    match model.layers.pop() {
        Some(Layer::Question(question)) => vec![question.yes()],
        other => {
            model.layers.extend(other);
            Vec::new()
        }
    }
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let subject = match model.layers.last() {
        Some(Layer::Detail(detail)) => Some(detail.subject.clone()),
        Some(Layer::Log(log)) => Some(Selected::Task(log.task.clone())),
        Some(_) => None,
        None => model.selected(),
    };
    let Some(text) = subject.and_then(|subject| copied(model, subject)) else { return Vec::new() };
    model.notify(Weight::Good, format!("copied {text}"));
    vec![Effect::Copy(text)]
}

/// The id; of an event, which has none, its text.
fn copied(model: &Model, subject: Selected) -> Option<String> {
    match subject {
        Selected::Task(row) => Some(model.cluster.tasks.find(&row).map_or(row, |task| task.id.clone())),
        Selected::Agent(id) | Selected::Framework(id) | Selected::Offer(id) | Selected::Component(id) => {
            Some(id)
        }
        Selected::Event(key) => model.cluster.history.get(key).map(|event| event.text.clone()),
    }
}

fn explain(model: &mut Model) -> Vec<Effect> {
    if matches!(model.layers.last(), Some(Layer::Explain(_))) {
        return Vec::new();
    }
    let explanation = Explanation::open(model.now, scheduler_state(model));
    open(model, Layer::Explain(Box::new(explanation)));
    vec![Effect::Explain]
}

/// What an explanation depends on.
fn scheduler_state(model: &Model) -> Option<(Counts, Phase)> {
    model.cluster.scheduler.as_ref().map(|scheduler| (scheduler.state.counts, scheduler.state.phase))
}

/// The cluster has changed, or time has passed: what is looked at may have to be asked for again.
pub fn changed(model: &mut Model) -> Vec<Effect> {
    let (now, state) = (model.now, scheduler_state(model));
    let mut effects = Vec::new();
    for layer in &mut model.layers {
        if let Layer::Explain(explanation) = layer
            && explanation.asks(now, state)
        {
            effects.push(Effect::Explain);
        }
    }
    effects.extend(log::changed(model));
    effects
}

/// When [`changed`] wants to be called though nothing changes.
pub fn next_tick(model: &Model) -> Option<Time> {
    let due = |layer: &Layer| match layer {
        Layer::Explain(explanation) => Some(explanation.due()),
        _ => None,
    };
    let layers = model.layers.iter().filter_map(due);
    layers.chain(model.notice.as_ref().map(|notice| notice.until)).min()
}

pub fn answer(model: &mut Model, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Scaled { wanted, result } => return slider::scaled(model, wanted, result),
        Answer::Forecast { number, forecast } => return slider::forecast(model, number, *forecast),
        Answer::Killed { task, result: Ok(()) } => {
            model
                .notify(Weight::Good, format!("task {task} gets TERM, then KILL; its place is filled again"));
        }
        Answer::Killed { task, result: Err(problem) } => {
            model.notify(Weight::Bad, format!("task {task} was not killed: {problem}"));
        }
        Answer::Explain(answer) => explained(model, answer),
        Answer::Shell { task, result } => shell::ended(model, &task, result),
        Answer::Log { number, news } => return log::news(model, number, news),
        Answer::Saved(Ok(path)) => model.notify(Weight::Good, format!("saved to {path}")),
        Answer::Saved(Err(problem)) => model.notify(Weight::Bad, format!("not saved: {problem}")),
    }
    Vec::new()
}

fn explained(model: &mut Model, answer: Result<Box<Explain>, String>) {
    let now = model.now;
    let mut explanations = model.layers.iter_mut().filter_map(|layer| match layer {
        Layer::Explain(explanation) => Some(explanation),
        _ => None,
    });
    if let Some(explanation) = explanations.next() {
        explanation.answer(now, answer);
    }
}

/// Brings the layers up to date with the cluster and the size of the screen, before a picture.
pub fn settle(model: &mut Model) {
    let now = model.shown_at();
    let (screen, cluster) = (model.size, &model.cluster);
    for layer in &mut model.layers {
        let Some(area) = place::area(screen, layer) else { return };
        let size = place::inner(area).as_size();
        match layer {
            Layer::Detail(detail) => {
                detail.refresh(cluster, now);
                detail.reveal(size);
            }
            Layer::Log(log) => log.window.resize(size),
            Layer::Explain(explanation) => {
                explanation.top = explanation.top.min(last_top(explanation.rows(size.width).len(), size));
            }
            Layer::Help(help) => help.top = help.top.min(last_top(help::rows(size.width).len(), size)),
            Layer::Question(_) | Layer::Prompt(_) => {}
        }
    }
}
