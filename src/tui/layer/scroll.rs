//! What keys do to a position in a list, for all layers.

use crate::tui::keys::Action;

/// How far a page goes in a window of that height: two rows stay, to find the place again.
pub fn page(height: u16) -> usize {
    usize::from(height).saturating_sub(2).max(1)
}

/// Where `action` leads from `at`; never behind `last`.
pub fn step(at: usize, action: Action, last: usize, page: usize) -> usize {
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at.saturating_add(1),
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at.saturating_add(page),
        Action::First => 0,
        Action::Last => last,
        _ => at,
    };
    to.min(last)
}
