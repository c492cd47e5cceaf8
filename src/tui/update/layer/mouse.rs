//! What the mouse does to what lies over a tab, and in the footer.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::tui::{
    layer::{Layer, help, place},
    layout,
    message::Effect,
    model::Model,
    update::{
        self,
        layer::{close, inner, last_top, log, prompt},
    },
    view::footer,
};

/// How many rows the wheel goes.
const WHEEL: isize = 3;

/// While a layer is open; whether what lies below gets the event too: a click outside a pane closes it, and does what it
/// points at.
pub fn mouse(model: &mut Model, event: MouseEvent) -> (Vec<Effect>, bool) {
    let at = Position::new(event.column, event.row);
    let Some(layer) = model.layers.last() else { return (Vec::new(), true) };
    let Some(area) = place::area(model.size, layer) else { return (Vec::new(), false) };
    if area.contains(at) {
        return (inside(model, event, at), false);
    }
    let is_pane = matches!(layer, Layer::Detail(_) | Layer::Log(_) | Layer::Explain(_));
    if layout::regions(model.size).is_some_and(|regions| regions.footer.contains(at)) {
        return (footer_mouse(model, event), false);
    }
    match event.kind {
        MouseEventKind::Down(_) => (close(model), is_pane),
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => (Vec::new(), is_pane),
        _ => (Vec::new(), false),
    }
}

fn inside(model: &mut Model, event: MouseEvent, at: Position) -> Vec<Effect> {
    match event.kind {
        MouseEventKind::ScrollDown => wheel(model, WHEEL),
        MouseEventKind::ScrollUp => wheel(model, -WHEEL),
        MouseEventKind::Down(MouseButton::Left) => click(model, at),
        _ => Vec::new(),
    }
}

fn wheel(model: &mut Model, rows_down: isize) -> Vec<Effect> {
    let Some(size) = inner(model) else { return Vec::new() };
    let scrolled = |top: usize, rows: usize| top.saturating_add_signed(rows_down).min(last_top(rows, size));
    match model.layers.last_mut() {
        Some(Layer::Detail(detail)) => detail.wheel(rows_down, size),
        Some(Layer::Log(_)) => return log::scroll(model, rows_down),
        Some(Layer::Explain(explanation)) => {
            explanation.top = scrolled(explanation.top, explanation.rows(size.width).len());
        }
        Some(Layer::Help(help)) => help.top = scrolled(help.top, help::rows(size.width).len()),
        Some(Layer::Question(_) | Layer::Prompt(_)) | None => {}
    }
    Vec::new()
}

fn click(model: &mut Model, at: Position) -> Vec<Effect> {
    let screen = model.size;
    let Some(layer) = model.layers.last_mut() else { return Vec::new() };
    let Some(area) = place::area(screen, layer) else { return Vec::new() };
    let inside = place::inner(area);
    match layer {
        Layer::Detail(detail) if inside.contains(at) => {
            let row = detail.top + usize::from(at.y - inside.y);
            let Some(entry) = detail.rows(inside.width).get(row).map(|row| row.entry) else {
                return Vec::new();
            };
            let again = std::mem::replace(&mut detail.cursor, entry) == entry;
            if again {
                super::detail(model);
            }
        }
        Layer::Question(_) => {
            let hit = place::buttons(area).into_iter().find(|(button, _)| button.contains(at));
            return hit.map_or_else(Vec::new, |(_, action)| update::act(model, action));
        }
        Layer::Prompt(shown) => {
            let rows = usize::from(area.height.saturating_sub(1));
            let row = usize::from(at.y - area.y);
            if row < rows {
                let candidate = place::first_candidate(shown, rows) + row;
                prompt::choose(model, candidate);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// A click on a key does what the key does; one on a notice takes it away.
pub fn footer_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    if event.kind != MouseEventKind::Down(MouseButton::Left) {
        return Vec::new();
    }
    if model.notice.take().is_some() {
        return Vec::new();
    }
    footer::hit(model, event.column).map_or_else(Vec::new, |action| update::act(model, action))
}
