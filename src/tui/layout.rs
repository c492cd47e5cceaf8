//! Where everything is. The views draw there, and what the mouse points at is looked up there.
//!
//! ```text
//! ┌───────────────────────────────────────────────────┐
//! │ identity: lab, master, links       2 rows; 1 from 140 columns on, and below 22 rows
//! │ gauges: cpus, mem, disk, ports     2 rows; 1 from 160 columns on, and below 22 rows; none below 14
//! │ ─────────────────────────────────  only from 36 rows on
//! │ slider: the track; the numbers     2 rows; 1 below 20
//! ├ tabs ─────────────────────────────  1 row
//! │ body                               all that is left; a draft's preview lies over its top
//! │ footer: keys, notice, prompt       1 row
//! └───────────────────────────────────────────────────┘
//! ```
//!
//! What folds away, in this order, as the screen gets lower: the rule, the second row of the slider (its numbers move
//! beside the track), the second rows of identity and gauges, the gauges. Slider, tabs, body and footer always stay.

use ratatui::layout::{Constraint, Layout, Position, Rect, Size};

/// Below this nothing useful can be shown; the screen says so.
pub const SMALLEST: Size = Size { width: 40, height: 10 };
/// The word before the track, and a blank.
const TRACK_LABEL: u16 = 7;
/// The widest preview.
const PREVIEW_WIDTH: u16 = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// Identity and gauges.
    pub header: Rect,
    pub identity: Rect,
    /// Of no height where they are folded away.
    pub gauges: Rect,
    /// Of no height where it is folded away.
    pub rule: Rect,
    pub slider: Rect,
    pub tabs: Rect,
    pub body: Rect,
    pub footer: Rect,
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    Header,
    Slider,
    Tabs,
    Body,
    Footer,
}

impl Regions {
    pub fn at(&self, position: Position) -> Option<Region> {
        let parts = [
            (self.header, Region::Header),
            (self.slider, Region::Slider),
            (self.tabs, Region::Tabs),
            (self.body, Region::Body),
            (self.footer, Region::Footer),
        ];
        parts.into_iter().find(|(rect, _)| rect.contains(position)).map(|(_, region)| region)
    }
}

/// Where the parts of the screen are; `None` when it is too small for any.
pub fn regions(size: Size) -> Option<Regions> {
    if size.width < SMALLEST.width || size.height < SMALLEST.height {
        return None;
    }
    let low = size.height < 22;
    let identity = if low || size.width >= 140 { 1 } else { 2 };
    let gauges = match size.height {
        ..14 => 0,
        _ if low || size.width >= 160 => 1,
        _ => 2,
    };
    let rule = u16::from(size.height >= 36);
    let slider = if size.height < 20 { 1 } else { 2 };
    let rows = [identity, gauges, rule, slider, 1].map(Constraint::Length).into_iter();
    let rows = rows.chain([Constraint::Fill(1), Constraint::Length(1)]);
    let screen = Rect::from((Position::ORIGIN, size));
    let [identity, gauges, rule, slider, tabs, body, footer] = Layout::vertical(rows).areas(screen);
    Some(Regions { header: identity.union(gauges), identity, gauges, rule, slider, tabs, body, footer })
}

/// Where the four gauges are: side by side, or two by two.
pub fn gauges(area: Rect) -> [Rect; 4] {
    let area = inner(area);
    if area.height < 2 {
        return Layout::horizontal([Constraint::Fill(1); 4]).spacing(2).areas(area);
    }
    let rows = Layout::vertical([Constraint::Length(1); 2]).areas::<2>(area);
    let [[a, b], [c, d]] = rows.map(|row| Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(row));
    [a, b, c, d]
}

/// The parts of the slider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SliderParts {
    pub label: Rect,
    pub track: Rect,
    /// How many there are, and how many fit.
    pub value: Rect,
    /// What they do: under the track, or behind the value where there is but one row.
    pub status: Rect,
}

pub fn slider(area: Rect) -> SliderParts {
    let area = inner(area);
    let [label, rest] =
        Layout::horizontal([Constraint::Length(TRACK_LABEL), Constraint::Fill(1)]).areas(area);
    let (first, second) = (Rect { height: rest.height.min(1), ..rest }, rest.y + 1);
    let label = Rect { height: first.height, ..label };
    if area.height > 1 {
        let value = if area.width < 80 { 16 } else { 24 };
        let [track, value] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(value)]).areas(first);
        return SliderParts { label, track, value, status: Rect { y: second, height: 1, ..rest } };
    }
    let words = [Constraint::Fill(2), Constraint::Length(11), Constraint::Fill(3)];
    let [track, value, status] = Layout::horizontal(words).spacing(1).areas(first);
    SliderParts { label, track, value, status }
}

/// Where the preview of a draft lies, when it has so many lines within its border.
pub fn preview(body: Rect, lines: usize) -> Rect {
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2).min(body.height);
    Rect { width: body.width.min(PREVIEW_WIDTH), height, ..body }
}

/// How many lines a preview can have.
pub fn preview_room(body: Rect) -> usize {
    usize::from(body.height.saturating_sub(2))
}

/// Without the column of air at either side.
pub fn inner(area: Rect) -> Rect {
    Rect { x: area.x + area.width.min(1), width: area.width.saturating_sub(2), ..area }
}

/// What a pane wants of a column of panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// With less it is folded away.
    pub least: u16,
    /// More is of no use.
    pub most: u16,
    /// Panes of a higher rank are folded away later and grow earlier.
    pub rank: u8,
}

/// How many rows each pane of a column gets, nought for those that are folded away.
pub fn stack<const N: usize>(height: u16, needs: [Need; N]) -> [u16; N] {
    let mut order: Vec<usize> = (0..N).collect();
    order.sort_by_key(|at| std::cmp::Reverse(needs[*at].rank));
    let mut rows = [0; N];
    let mut left = height;
    for at in &order {
        let least = needs[*at].least.min(needs[*at].most);
        if least > left {
            break;
        }
        rows[*at] = least;
        left -= least;
    }
    for at in order.into_iter().filter(|at| rows[*at] > 0).collect::<Vec<_>>() {
        let more = (needs[at].most - rows[at]).min(left);
        rows[at] += more;
        left -= more;
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
    use ratatui::layout::{Position, Size};

    use super::{Need, Region, SMALLEST, gauges, preview, regions, slider, stack};

    fn heights(width: u16, height: u16) -> [u16; 7] {
        let regions = regions(Size { width, height }).unwrap();
        let parts = [regions.identity, regions.gauges, regions.rule, regions.slider, regions.tabs];
        let [identity, gauges, rule, slider, tabs] = parts.map(|rect| rect.height);
        [identity, gauges, rule, slider, tabs, regions.body.height, regions.footer.height]
    }

    #[test]
    fn panes_fold_in_the_stated_order() {
        assert_eq!(heights(100, 40), [2, 2, 1, 2, 1, 31, 1]);
        assert_eq!(heights(100, 30), [2, 2, 0, 2, 1, 22, 1]);
        assert_eq!(heights(100, 21), [1, 1, 0, 2, 1, 15, 1]);
        assert_eq!(heights(60, 16), [1, 1, 0, 1, 1, 11, 1]);
        assert_eq!(heights(40, 10), [1, 0, 0, 1, 1, 6, 1]);
        assert_eq!(heights(200, 60), [1, 1, 1, 2, 1, 53, 1]);
        assert_eq!(regions(Size { width: 39, height: 10 }), None);
        assert_eq!(regions(Size { width: 40, height: 9 }), None);
    }

    #[test]
    fn what_is_dear_stays_and_grows_first() {
        let needs = [(2, 4, 3), (2, 9, 1), (3, 5, 2)].map(|(least, most, rank)| Need { least, most, rank });
        assert_eq!(stack(1, needs), [0, 0, 0]);
        assert_eq!(stack(4, needs), [4, 0, 0]);
        assert_eq!(stack(5, needs), [2, 0, 3]);
        assert_eq!(stack(8, needs), [3, 2, 3]);
        assert_eq!(stack(40, needs), [4, 9, 5]);
    }

    proptest! {
        #[test]
        fn parts_fill_the_screen_and_do_not_overlap(width in SMALLEST.width..300, height in SMALLEST.height..100) {
            let regions = regions(Size { width, height }).unwrap();
            let parts = [regions.header, regions.rule, regions.slider, regions.tabs, regions.body, regions.footer];
            prop_assert_eq!(parts.iter().map(|part| part.area()).sum::<u32>(), u32::from(width) * u32::from(height));
            for (at, part) in parts.iter().enumerate() {
                prop_assert!(parts[at + 1..].iter().all(|other| !part.intersects(*other)));
            }
            let within = slider(regions.slider);
            prop_assert!(within.track.width >= 5 && within.status.width >= 5, "{within:?}");
            prop_assert_eq!(regions.at(Position::new(within.track.x, within.track.y)), Some(Region::Slider));
            prop_assert!(gauges(regions.gauges).iter().all(|gauge| regions.header.union(*gauge) == regions.header));
            prop_assert!(regions.body.union(preview(regions.body, 500)) == regions.body);
        }
    }
}
