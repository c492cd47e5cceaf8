//! How columns share the width of the screen, and the cells that many tables have.

use std::time::Duration;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::{
    mesos::time::Time,
    tui::{
        tables::{Scene, meaning::Sign},
        view::{
            bar::{self, Parts},
            text, units,
        },
    },
};

/// Blanks between two columns.
pub const GAP: u16 = 2;
/// From this width on a bar has its numbers beside it.
const WITH_NUMBERS: u16 = 17;
const NUMBERS: u16 = 10;

#[derive(Debug)]
pub struct Head {
    pub title: &'static str,
    pub width: Width,
    /// Where there is not enough room, columns of the highest go first; those of 0 stay. From `EASY` on they go
    /// before others get narrow.
    pub fold: u8,
    pub right: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Width {
    Fixed(u16),
    /// As wide as what was seen in it, within bounds.
    Fit {
        min: u16,
        max: u16,
    },
    /// Shares what the others leave; below `good` it is a pity.
    Fill {
        min: u16,
        good: u16,
        max: u16,
    },
}

const EASY: u8 = 4;
/// For longer texts than this no column goes.
const LONG: u16 = 24;

impl Width {
    fn min(self) -> u16 {
        match self {
            Self::Fixed(width) => width,
            Self::Fit { min, .. } | Self::Fill { min, .. } => min,
        }
    }

    fn good(self, seen: u16) -> u16 {
        match self {
            Self::Fixed(width) => width,
            Self::Fit { min, max } => seen.min(LONG).clamp(min, max),
            Self::Fill { good, .. } => good,
        }
    }
}

pub const fn left(title: &'static str, fold: u8, width: Width) -> Head {
    Head { title, width, fold, right: false }
}

pub const fn right(title: &'static str, fold: u8, width: u16) -> Head {
    Head { title, width: Width::Fixed(width), fold, right: true }
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub column: usize,
    pub x: u16,
    pub width: u16,
}

/// Which columns have room, and where; `seen` is how wide the texts of each are.
pub fn places(heads: &[&Head], seen: &[u16], room: u16) -> Vec<Place> {
    let seen = |at: usize| seen.get(at).copied().unwrap_or_default();
    let good: Vec<_> = heads.iter().enumerate().map(|(at, head)| head.width.good(seen(at))).collect();
    let mut widths: Vec<_> = heads.iter().map(|head| head.width.min()).collect();
    let mut shown: Vec<_> = (0..heads.len()).collect();
    fold(heads, &mut shown, &good, EASY, room);
    fold(heads, &mut shown, &widths, 1, room);
    let mut left = room.saturating_sub(total(&shown, &widths));
    for at in shown.iter().copied() {
        if let Width::Fit { min, max } = heads[at].width {
            let wanted = seen(at).clamp(min, max);
            let more = (wanted - min).min(left);
            widths[at] += more;
            left -= more;
        }
    }
    share(heads, &shown, &mut widths, left);
    let mut x = 0;
    let place = |column: usize| {
        let place = Place { column, x, width: widths[column] };
        x += widths[column] + GAP;
        place
    };
    shown.into_iter().map(place).collect()
}

/// Lets columns go until the rest has room in these widths, but for those that fold below `from`.
fn fold(heads: &[&Head], shown: &mut Vec<usize>, widths: &[u16], from: u8, room: u16) {
    while total(shown, widths) > room {
        let foldable = shown.iter().copied().filter(|at| heads[*at].fold >= from);
        let Some(last) = foldable.max_by_key(|at| heads[*at].fold) else { break };
        shown.retain(|at| *at != last);
    }
}

fn total(shown: &[usize], widths: &[u16]) -> u16 {
    shown.iter().map(|at| widths[*at] + GAP).sum::<u16>().saturating_sub(GAP)
}

/// Gives what is left to those that can grow, evenly.
fn share(heads: &[&Head], shown: &[usize], widths: &mut [u16], mut left: u16) {
    while left > 0 {
        let most = |at: usize| match heads[at].width {
            Width::Fill { max, .. } => max,
            _ => 0,
        };
        let smallest =
            shown.iter().copied().filter(|at| widths[*at] < most(*at)).min_by_key(|at| widths[*at]);
        let Some(smallest) = smallest else { break };
        widths[smallest] += 1;
        left -= 1;
    }
}

/// Text of the cluster.
pub fn plain(content: &str, width: u16) -> Line<'static> {
    styled(content, width, Style::new())
}

pub fn styled(content: &str, width: u16, style: Style) -> Line<'static> {
    Line::from(Span::styled(fitting(content, width), style))
}

fn fitting(content: &str, width: u16) -> String {
    let longest = usize::from(width) * 4 + 64;
    let end = content.char_indices().nth(longest).map_or(content.len(), |(at, _)| at);
    text::clip(&text::clean(&content[..end]), width.into()).into_owned()
}

/// `● running`
pub fn sign(sign: Sign, scene: &Scene<'_>, width: u16) -> Line<'static> {
    let word = format!("{} {}", sign.symbol, sign.word);
    styled(&word, width, sign.tone.style(scene.theme))
}

pub fn number(number: u64) -> Line<'static> {
    Line::from(units::short_count(number))
}

pub fn age(then: Option<Time>, scene: &Scene<'_>) -> Line<'static> {
    Line::from(units::since(scene.now, then))
}

/// `0.9 ms`, `12 ms`, `1.2 s`
pub fn round_trip(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        ..10.0 => format!("{ms:.1} ms"),
        ..1000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

/// What stands behind the id of the master in the ids that it gives: `S0`, `O17`, `0000`.
pub fn short_id(id: &str) -> &str {
    match id.split_at_checked(MASTER_ID) {
        Some((master, rest)) if is_uuid(master) => {
            rest.strip_prefix('-').filter(|own| !own.is_empty()).unwrap_or(id)
        }
        _ => id,
    }
}

/// How long a UUID is.
const MASTER_ID: usize = 36;

fn is_uuid(text: &str) -> bool {
    let is_dash = |at| matches!(at, 8 | 13 | 18 | 23);
    text.bytes()
        .enumerate()
        .all(|(at, byte)| if is_dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// A bar, with numbers beside it where there is room.
pub fn bar(parts: Parts, scene: &Scene<'_>, width: u16, written: fn(f64) -> String) -> Line<'static> {
    if width < WITH_NUMBERS {
        return Line::from(bar::spans(parts, width, scene.theme).to_vec());
    }
    let mut spans = bar::spans(parts, width - NUMBERS, scene.theme).to_vec();
    let numbers = format!(" {}/{}", written(parts.used), written(parts.total));
    spans.push(Span::raw(text::pad(&numbers, NUMBERS.into())));
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::{Head, Width, left, places, right, short_id};

    const HEADS: [Head; 5] = [
        left("id", 0, Width::Fit { min: 4, max: 10 }),
        right("age", 2, 6),
        left("bar", 1, Width::Fill { min: 6, good: 6, max: 12 }),
        left("message", 3, Width::Fill { min: 10, good: 20, max: u16::MAX }),
        left("easy", 4, Width::Fixed(3)),
    ];

    fn widths(room: u16) -> Vec<(usize, u16)> {
        let heads: Vec<_> = HEADS.iter().collect();
        places(&heads, &[7, 0, 0, 0, 0], room).iter().map(|place| (place.column, place.width)).collect()
    }

    #[test]
    fn columns_fold_and_grow_by_their_rules() {
        assert_eq!(widths(60), [(0, 7), (1, 6), (2, 12), (3, 24), (4, 3)]);
        assert_eq!(widths(45), [(0, 7), (1, 6), (2, 12), (3, 14)]);
        assert_eq!(widths(32), [(0, 4), (1, 6), (2, 6), (3, 10)]);
        assert_eq!(widths(31), [(0, 7), (1, 6), (2, 12)]);
        assert_eq!(widths(12), [(0, 4), (2, 6)]);
        assert_eq!(widths(3), [(0, 4)]);
    }

    #[test]
    fn short_ids() {
        let id = "bd5c4dd1-2f0e-4d8e-9b0a-6f1f8f3f2c11";
        assert_eq!(short_id(&format!("{id}-S0")), "S0");
        for whole in ["my-agent-S0", id, "a-task-with-a-very-long-name-of-its-own-7"] {
            assert_eq!(short_id(whole), whole);
        }
    }
}
