//! Where layers lie: over the body, or in the middle of the screen.

use ratatui::layout::{Margin, Rect, Size};

use crate::tui::{
    keys::Action,
    layer::{Layer, prompt::Prompt},
    layout,
    view::text,
};

const HELP: u16 = 140;
const QUESTION: u16 = 64;
/// How many candidates of a prompt are seen.
pub const CANDIDATES: u16 = 8;

/// What the layer covers; none when nothing can be shown at all.
pub fn area(size: Size, layer: &Layer) -> Option<Rect> {
    let regions = layout::regions(size)?;
    let above_footer = Rect { height: regions.footer.y, ..Rect::from((regions.header.as_position(), size)) };
    Some(match layer {
        Layer::Detail(_) | Layer::Log(_) | Layer::Explain(_) => regions.body,
        Layer::Help(_) => middle(above_footer, HELP, u16::MAX),
        Layer::Question(question) => {
            let width = QUESTION.min(above_footer.width);
            let rows: usize = question.text().iter().map(|line| text::wrap(line, room(width)).len()).sum();
            middle(above_footer, QUESTION, rows as u16 + 4)
        }
        Layer::Prompt(prompt) => {
            let count = u16::try_from(prompt.candidates.len()).unwrap_or(u16::MAX).min(CANDIDATES);
            let rows = count.min(regions.body.height);
            Rect { y: regions.footer.y - rows, height: rows + 1, ..regions.footer }
        }
    })
}

/// Where Yes and No of a question are, for the mouse.
pub fn buttons(area: Rect) -> [(Rect, Action); 2] {
    let y = area.bottom().saturating_sub(2);
    let button = |x: u16, width: u16, action| (Rect { x: area.x + x, y, width, height: 1 }, action);
    [button(2, 7, Action::Yes), button(11, 6, Action::No)]
}

/// The candidate that stands first when `rows` are seen: the chosen one is among them.
pub fn first_candidate(prompt: &Prompt, rows: usize) -> usize {
    prompt.chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(rows))
}

/// What is inside its border.
pub fn inner(area: Rect) -> Rect {
    area.inner(Margin::new(1, 1))
}

/// How many columns there are for text in a box of that width.
pub fn room(width: u16) -> usize {
    usize::from(width).saturating_sub(4)
}

/// A box of at most that size in the middle of `rect`.
fn middle(rect: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(rect.width), height.min(rect.height));
    Rect { x: rect.x + (rect.width - width) / 2, y: rect.y + (rect.height - height) / 2, width, height }
}
