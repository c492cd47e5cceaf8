//! One line made of parts, the least important of which stay away when it is narrow.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::tui::view::text;

/// What stands between two parts.
pub const BETWEEN: &str = " · ";

/// What is left of a part that is cut has at least so many cells.
const SHORTEST: usize = 12;

/// One part: some text, and how dear it is.
#[derive(Clone, Debug)]
pub struct Part {
    pub spans: Vec<Span<'static>>,
    /// Parts of a higher rank stay longer; equal ones leave from the right.
    pub rank: u8,
    /// Its end may be cut off before it has to leave.
    pub elastic: bool,
}

impl Part {
    pub fn new(rank: u8, text: impl Into<String>, style: Style) -> Self {
        Self::of(rank, vec![Span::styled(text.into(), style)])
    }

    pub fn of(rank: u8, spans: Vec<Span<'static>>) -> Self {
        Self { spans, rank, elastic: false }
    }

    pub fn elastic(self) -> Self {
        Self { elastic: true, ..self }
    }

    fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }
}

/// The parts that have room, in their order; the dearest is clipped when it has no room alone.
pub fn line(parts: Vec<Part>, width: usize, between: Style) -> Line<'static> {
    let mut parts: Vec<_> = parts.into_iter().filter(|part| part.width() > 0).collect();
    while parts.len() > 1 && total(&parts) > width {
        let least = (0..parts.len()).rev().min_by_key(|at| parts[*at].rank).unwrap_or_default();
        let others = total(&parts) - parts[least].width();
        if parts[least].elastic && others + SHORTEST <= width {
            parts[least].spans = clipped(std::mem::take(&mut parts[least].spans), width - others).spans;
        } else {
            parts.remove(least);
        }
    }
    let mut spans = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::styled(BETWEEN, between));
        }
        spans.extend(part.spans);
    }
    clipped(spans, width)
}

/// How wide all parts are side by side.
pub fn total(parts: &[Part]) -> usize {
    let between = parts.len().saturating_sub(1) * text::width(BETWEEN);
    parts.iter().map(Part::width).sum::<usize>() + between
}

/// The line, cut off where its place ends.
pub fn clipped(spans: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let mut left = width;
    let mut kept = Vec::new();
    for span in spans {
        let content = text::clip(&span.content, left).into_owned();
        let cut = content != span.content;
        left -= text::width(&content);
        kept.push(Span::styled(content, span.style));
        if cut {
            break;
        }
    }
    Line::from(kept)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::{Part, line};

    #[test]
    fn the_least_important_leave_first() {
        let parts = || [(3, "target 7"), (2, "running 5"), (1, "failed 1"), (1, "waiting 1")];
        let written = |width| {
            let parts = parts().map(|(rank, text)| Part::new(rank, text, Style::new())).into();
            line(parts, width, Style::new()).to_string()
        };
        assert_eq!(written(44), "target 7 · running 5 · failed 1 · waiting 1");
        assert_eq!(written(42), "target 7 · running 5 · failed 1");
        assert_eq!(written(20), "target 7 · running 5");
        assert_eq!(written(12), "target 7");
        assert_eq!(written(5), "targ…");
        assert_eq!(written(0), "");
    }

    #[test]
    fn an_elastic_part_is_cut_before_it_leaves() {
        let written = |width| {
            let part = |rank, text: &str| Part::new(rank, text, Style::new());
            let parts =
                vec![part(9, "12"), part(8, "off: the scheduler is stopped").elastic(), part(7, "target 7")];
            line(parts, width, Style::new()).to_string()
        };
        assert_eq!(written(45), "12 · off: the scheduler is stopped · target 7");
        assert_eq!(written(34), "12 · off: the scheduler is stopped");
        assert_eq!(written(20), "12 · off: the sched…");
        assert_eq!(written(10), "12");
    }
}
