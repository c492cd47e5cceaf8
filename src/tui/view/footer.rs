//! The last row: what was done just now, else the keys of what lies on top, from the table; clicking one presses it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use crate::tui::{
    keys::{Action, Binding},
    layer::Layer,
    model::Model,
    tables::meaning,
    update,
    view::text::{self, clean},
};

/// Between two keys.
const GAP: usize = 2;

pub fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    let theme = &model.theme;
    let marks = marks(model);
    let room = area.width.saturating_sub(text::width(&marks) as u16);
    if let Some(notice) = &model.notice {
        let sign = meaning::weight(notice.weight);
        let words = format!("{} {}", sign.symbol, clean(&notice.text));
        let style = sign.tone.style(theme);
        frame.render_widget(Line::styled(text::clip(&words, room.into()).into_owned(), style), area);
    } else {
        for key in keys(model, room) {
            let spans =
                vec![Span::styled(key.key, theme.key), Span::styled(format!(" {}", key.word), theme.dim)];
            let place = Rect { x: area.x + key.x, width: key.width, ..area };
            frame.render_widget(Line::from(spans), place.intersection(area));
        }
    }
    let right = Rect { x: area.x + room, width: area.width - room, ..area };
    frame.render_widget(Line::styled(marks, theme.warning), right);
}

/// What holds all the time, at the right.
fn marks(model: &Model) -> String {
    let held = model.pause.as_ref().map(|pause| format!(" paused, {} held", pause.held.len()));
    let read_only = model.read_only.then(|| " read-only".to_owned());
    [held, read_only].into_iter().flatten().collect()
}

/// What a click there does.
pub fn hit(model: &Model, column: u16) -> Option<Action> {
    let room = model.size.width.saturating_sub(text::width(&marks(model)) as u16);
    let keys = keys(model, room);
    keys.into_iter().find(|key| (key.x..key.x + key.width).contains(&column)).map(|key| key.action)
}

/// A key as it stands in the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    x: u16,
    width: u16,
    key: String,
    word: &'static str,
    action: Action,
}

/// The keys that do something now and have room, in the order of the table; the ways out and to the help always have.
fn keys(model: &Model, width: u16) -> Vec<Shown> {
    let scopes = update::scopes(model);
    let all: Vec<_> = scopes.iter().flat_map(|scope| scope.bindings()).collect();
    let is_first = |at: usize| all[..at].iter().all(|before| !before.keys.contains(&all[at].keys[0]));
    let bindings = (0..all.len()).filter(|at| is_first(*at)).map(|at| all[at]);
    let bindings = bindings.filter(|binding| does(model, binding));
    let (help, others): (Vec<_>, Vec<_>) =
        bindings.partition(|binding| matches!(binding.action, Action::Help | Action::Back | Action::Quit));
    let help: Vec<_> = help.into_iter().map(shown).collect();
    let reserved: usize = help.iter().map(|key| usize::from(key.width) + GAP).sum();
    let mut room = usize::from(width).saturating_sub(reserved);
    let fitting = others.into_iter().map(shown).take_while(|key| {
        let needs = usize::from(key.width) + GAP;
        let fits = needs <= room;
        room = room.saturating_sub(needs);
        fits
    });
    let mut x = 0;
    let mut keys: Vec<_> = fitting.collect();
    keys.extend(help);
    for key in &mut keys {
        key.x = x;
        x += key.width + GAP as u16;
    }
    keys
}

/// Whether it is worth its place now.
fn does(model: &Model, binding: &Binding) -> bool {
    let applies = match (binding.action, model.layers.last()) {
        (Action::Kill | Action::Shell, _) if model.read_only => false,
        (Action::Kill | Action::Log | Action::Shell, Some(Layer::Detail(detail))) => detail.task().is_some(),
        (Action::Open, Some(Layer::Detail(detail))) => detail.link().is_some(),
        (Action::NextMatch, Some(Layer::Log(log))) => log.search.is_some(),
        _ => true,
    };
    applies && !binding.short.is_empty()
}

fn shown(binding: &'static Binding) -> Shown {
    let key = binding.keys.first().map(ToString::to_string).unwrap_or_default();
    let width = (text::width(&key) + 1 + text::width(binding.short)) as u16;
    Shown { x: 0, width, key, word: binding.short, action: binding.action }
}
