//! The mouse: what it points at gets its events, and what was grabbed keeps them until the button is released.

use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::tui::{
    layout::{self, Region},
    message::Effect,
    model::{Model, Tab},
    update::{layer, list, slider},
};

pub fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    if !model.layers.is_empty() {
        model.grabbed = None;
        let (mut effects, passes) = layer::mouse(model, event);
        if passes {
            effects.extend(below(model, event));
        }
        return effects;
    }
    below(model, event)
}

/// On the tab and what stands around it.
fn below(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    if model.grabbed.is_none()
        && let Some(effects) = slider::preview_mouse(model, event)
    {
        return effects;
    }
    let region = match event.kind {
        MouseEventKind::Drag(_) => model.grabbed,
        MouseEventKind::Up(_) => model.grabbed.take(),
        MouseEventKind::Moved => None,
        _ => pointed_at(model, event),
    };
    if matches!(event.kind, MouseEventKind::Down(_)) {
        model.grabbed = region;
    }
    match region {
        Some(Region::Header) | None => Vec::new(),
        Some(Region::Slider) => slider::mouse(model, event),
        Some(Region::Tabs) => slider::tabs_mouse(model, event),
        Some(Region::Body) if model.tab == Tab::Overview => slider::overview_mouse(model, event),
        Some(Region::Body) => list::mouse(model, event),
        Some(Region::Footer) => layer::footer_mouse(model, event),
    }
}

fn pointed_at(model: &Model, event: MouseEvent) -> Option<Region> {
    layout::regions(model.size)?.at(Position::new(event.column, event.row))
}
