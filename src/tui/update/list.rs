//! What keys and the mouse do to the tabs with rows.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::tui::{
    keys::Action,
    layout,
    list::{List, rank::Sort},
    message::Effect,
    model::Model,
    tables::{self, Scene},
    view::table::{self, Areas},
};

/// How many lines the wheel goes.
const WHEEL: usize = 3;

/// Brings the lines of the tab that is shown up to date.
pub fn refresh(model: &mut Model) {
    let height = areas(model).map_or(0, |areas| areas.rows.height);
    let scene = Scene { now: model.shown_at(), theme: &model.theme, cluster: &model.cluster };
    if let Some(list) = model.lists.of_mut(model.tab) {
        tables::refresh(scene.cluster, model.tab, list, height.into());
        tables::measure(&scene, model.tab, list);
    }
}

pub fn act(model: &mut Model, action: Action) {
    use Action as A;
    let Some(list) = model.list() else { return };
    let (at, last) = (list.at(), list.lines().len().saturating_sub(1));
    let page = list.height().saturating_sub(1).max(1);
    match action {
        A::Up => go(model, at.saturating_sub(1)),
        A::Down => go(model, at + 1),
        A::PageUp => page_up(model, page),
        A::PageDown => page_down(model, page),
        A::First => go(model, 0),
        A::Last => go(model, last),
        A::Sort => sort_by_next(model),
        A::Reverse => change(model, List::reverse),
        A::Group => group_by_next(model),
        A::ShowEnded => change(model, |list| list.show_ended(!list.shows_ended())),
        A::Follow => change(model, List::toggle_follow),
        A::Back => change(model, |list| list.set_filter("")),
        _ => {}
    }
}

/// Shows only what `text` lets through, in the tab that is shown.
pub fn filter(model: &mut Model, text: &str) {
    change(model, |list| list.set_filter(text));
}

/// Folds or unfolds the group under the cursor; false when there is none.
pub fn toggle_group(model: &mut Model) -> bool {
    model.lists.of_mut(model.tab).is_some_and(List::toggle_group)
}

/// In the body of a tab with rows.
pub fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let Some(areas) = areas(model) else { return Vec::new() };
    let Some(list) = model.list() else { return Vec::new() };
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollDown => roll_to(model, list.top() + WHEEL),
        MouseEventKind::ScrollUp => roll_to(model, list.top().saturating_sub(WHEEL)),
        MouseEventKind::Down(MouseButton::Left) if areas.bar.contains(at) => {
            change(model, |list| list.dragging = true);
            drag(model, areas, at);
        }
        MouseEventKind::Drag(MouseButton::Left) if list.dragging => drag(model, areas, at),
        MouseEventKind::Up(_) => change(model, |list| list.dragging = false),
        MouseEventKind::Down(MouseButton::Left) if areas.head.contains(at) => click_head(model, areas, at),
        MouseEventKind::Down(MouseButton::Left) if areas.rows.contains(at) => {
            return click_row(model, usize::from(at.y - areas.rows.y));
        }
        _ => {}
    }
    Vec::new()
}

fn areas(model: &Model) -> Option<Areas> {
    layout::regions(model.size).map(|regions| table::areas(regions.body))
}

fn change(model: &mut Model, change: impl FnOnce(&mut List)) {
    if let Some(list) = model.lists.of_mut(model.tab) {
        change(list);
    }
}

fn go(model: &mut Model, at: usize) {
    let (cluster, tab) = (&model.cluster, model.tab);
    if let Some(list) = model.lists.of_mut(tab) {
        list.go(at, |key| tables::id(cluster, tab, key));
    }
}

fn roll_to(model: &mut Model, top: usize) {
    let (cluster, tab) = (&model.cluster, model.tab);
    if let Some(list) = model.lists.of_mut(tab) {
        list.roll_to(top, |key| tables::id(cluster, tab, key));
    }
}

/// The cursor keeps its place on the screen, until the list ends.
fn page_down(model: &mut Model, page: usize) {
    let Some(list) = model.list() else { return };
    let at = list.at() + page;
    roll_to(model, list.top() + page);
    go(model, model.list().map_or(at, |list| at.max(list.at())));
}

fn page_up(model: &mut Model, page: usize) {
    let Some(list) = model.list() else { return };
    let at = list.at().saturating_sub(page);
    roll_to(model, list.top().saturating_sub(page));
    go(model, model.list().map_or(at, |list| at.min(list.at())));
}

/// By the next of the columns that are seen.
fn sort_by_next(model: &mut Model) {
    let Some(list) = model.list() else { return };
    let Sort { column, .. } = list.sort();
    let sortable = tables::sortable(&model.cluster, model.tab);
    let seen = areas(model).map(|areas| table::places(model, list, areas)).unwrap_or_default();
    let columns: Vec<_> = seen.iter().map(|place| place.column).filter(|at| sortable[*at]).collect();
    let next = columns.iter().copied().find(|at| *at > column).or(columns.first().copied());
    if let Some(next) = next.filter(|next| *next != column) {
        change(model, |list| list.sort_by(next));
    }
}

fn group_by_next(model: &mut Model) {
    let count = tables::groupings(&model.cluster, model.tab).len();
    change(model, |list| {
        let next = list.grouping().map_or(0, |at| at + 1);
        list.group_by((next < count).then_some(next));
    });
}

fn click_head(model: &mut Model, areas: Areas, at: Position) {
    let Some(list) = model.list() else { return };
    let places = table::places(model, list, areas);
    let x = at.x.saturating_sub(areas.cells_x());
    let hit = places.iter().find(|place| (place.x..place.x + place.width + 1).contains(&x));
    let sortable = tables::sortable(&model.cluster, model.tab);
    if let Some(place) = hit.filter(|place| sortable[place.column]) {
        change(model, |list| list.sort_by(place.column));
    }
}

/// Selects a row; what is selected already is opened, and a group is folded.
fn click_row(model: &mut Model, line: usize) -> Vec<Effect> {
    let Some(list) = model.list() else { return Vec::new() };
    let (top, seen) = list.seen();
    if line >= seen.len() {
        return Vec::new();
    }
    let is_head = seen[line].key().is_none();
    let was_there = list.at() == top + line;
    go(model, top + line);
    if is_head || was_there { super::act(model, Action::Open) } else { Vec::new() }
}

fn drag(model: &mut Model, areas: Areas, at: Position) {
    let Some(list) = model.list() else { return };
    let span = usize::from(areas.bar.height.saturating_sub(1)).max(1);
    let part = usize::from(at.y.saturating_sub(areas.bar.y)).min(span);
    let most = list.lines().len().saturating_sub(list.height());
    roll_to(model, (most * part + span / 2) / span);
}
