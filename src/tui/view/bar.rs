//! The bar of a resource: what is used, offered and free, told apart without colour. `▓▓▓▒▒░░░`

use ratatui::text::Span;

use crate::tui::theme::Theme;

/// How much of a whole is used and how much is offered; the rest is free.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    pub used: f64,
    pub offered: f64,
    pub total: f64,
}

impl Parts {
    pub fn free(&self) -> f64 {
        (self.total - self.used - self.offered).max(0.0)
    }
}

/// The bar in `width` cells. Whatever is not nothing has a cell, as far as there are cells.
pub fn spans(parts: Parts, width: u16, theme: &Theme) -> [Span<'static>; 3] {
    let [used, offered, free] = cells(parts, width.into());
    [
        Span::styled("▓".repeat(used), theme.used),
        Span::styled("▒".repeat(offered), theme.offered),
        Span::styled("░".repeat(free), theme.free),
    ]
}

fn cells(parts: Parts, width: usize) -> [usize; 3] {
    if parts.total <= 0.0 {
        return [0, 0, width];
    }
    let amounts = [parts.used, parts.offered, parts.free()];
    let mut cells = amounts.map(|amount| share(amount / parts.total, width));
    while cells.iter().sum::<usize>() > width {
        let largest = largest(cells);
        cells[largest] -= 1;
    }
    let left = width - cells.iter().sum::<usize>();
    let rest = if parts.free() > 0.0 { 2 } else { largest(cells) };
    cells[rest] += left;
    cells
}

fn share(part: f64, width: usize) -> usize {
    if part <= 0.0 { 0 } else { ((part * width as f64).round() as usize).clamp(1, width.max(1)) }
}

fn largest(cells: [usize; 3]) -> usize {
    (0..3).max_by_key(|at| cells[*at]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Parts, cells};

    #[test]
    fn what_is_not_nothing_is_seen() {
        assert_eq!(cells(Parts { used: 0.5, offered: 3.5, total: 12.0 }, 8), [1, 2, 5]);
        assert_eq!(cells(Parts { used: 0.001, offered: 0.001, total: 12.0 }, 8), [1, 1, 6]);
        assert_eq!(cells(Parts { used: 12.0, offered: 0.0, total: 12.0 }, 8), [8, 0, 0]);
        assert_eq!(cells(Parts::default(), 8), [0, 0, 8]);
    }

    proptest! {
        #[test]
        fn a_bar_is_as_wide_as_its_place(
            used in 0.0..20.0, offered in 0.0..20.0, total in 0.0..20.0, width in 0_usize..30
        ) {
            let cells = cells(Parts { used, offered, total }, width);
            prop_assert_eq!(cells.iter().sum::<usize>(), width);
            if width > 2 && used + offered < total && used > 0.0 && offered > 0.0 {
                prop_assert!(cells.iter().all(|cells| *cells > 0));
            }
        }
    }
}
