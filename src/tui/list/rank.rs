//! In which order rows stand, as numbers that are compared without looking at the rows.

use std::{cmp::Ordering, iter};

/// What a column is sorted by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rank<'a> {
    Number(f64),
    /// Numbers within it count as numbers: `web.9` comes before `web.10`.
    Text(&'a str),
    /// Texts, those of a lower kind first.
    Kind(u8, &'a str),
    /// Nobody knows; stands last, whichever way round.
    Nothing,
}

/// Which column, and which way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    pub column: usize,
    pub reverse: bool,
}

/// How many bytes of a text fit in a packed rank.
const BYTES: usize = 15;
const BELOW: u128 = (1 << (8 * BYTES)) - 1;

impl<'a> Rank<'a> {
    pub fn time(time: Option<crate::mesos::time::Time>) -> Self {
        time.map_or(Self::Nothing, |time| Self::Number(time.as_secs_f64()))
    }

    /// As the above, the newest first.
    pub fn age(time: Option<crate::mesos::time::Time>) -> Self {
        time.map_or(Self::Nothing, |time| Self::Number(-time.as_secs_f64()))
    }

    /// One number for rows that stand `standing`th among all: smaller is earlier. Texts that begin alike may have the
    /// same; then [`Rank::compare`] decides.
    pub fn pack(self, standing: u8, reverse: bool) -> u128 {
        let (missing, low) = match self {
            Self::Number(number) => (0, u128::from(bits(number)) << (8 * (BYTES - 8))),
            Self::Text(text) => (0, beginning(text)),
            Self::Kind(kind, text) => (0, u128::from(kind) << (8 * (BYTES - 1)) | beginning(text) >> 8),
            Self::Nothing => (1, 0),
        };
        let low = if reverse { !low & BELOW } else { low };
        (u128::from(standing) << 1 | missing) << (8 * BYTES) | low
    }

    /// Whether rows of this packed rank are of the same rank: nothing was cut off.
    pub fn is_whole(packed: u128, reverse: bool) -> bool {
        packed as u8 == if reverse { u8::MAX } else { 0 }
    }

    /// For ranks that are packed alike.
    pub fn compare(self, other: Self, reverse: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Text(a) | Self::Kind(_, a), Self::Text(b) | Self::Kind(_, b)) => {
                natural(a).cmp(natural(b))
            }
            _ => Ordering::Equal,
        };
        if reverse { order.reverse() } else { order }
    }
}

/// Of any two numbers the smaller has the smaller bits.
fn bits(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn beginning(text: &str) -> u128 {
    let bytes = natural(text).chain(iter::repeat(0)).take(BYTES);
    bytes.fold(0, |packed, byte| packed << 8 | u128::from(byte))
}

/// Bytes that stand in the order in which people expect texts to: regardless of case, numbers by their size (up to
/// nine digits; before each stands how many it has).
pub fn natural(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut bytes = text.as_bytes();
    let mut in_number = false;
    iter::from_fn(move || {
        let (first, rest) = bytes.split_first()?;
        if first.is_ascii_digit() && !in_number {
            in_number = true;
            let digits = bytes.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
            return Some(b'0' + digits as u8);
        }
        in_number = first.is_ascii_digit();
        bytes = rest;
        Some(first.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{Rank, natural};

    #[test]
    fn numbers_in_texts_count_as_numbers() {
        let mut ids = ["web.10", "Web.2", "web.1", "web", "db.100000", "db.99"];
        ids.sort_by(|a, b| natural(a).cmp(natural(b)));
        assert_eq!(ids, ["db.99", "db.100000", "web", "web.1", "Web.2", "web.10"]);
    }

    #[test]
    fn what_is_missing_and_what_stands_later_stays_behind() {
        let small = Rank::Number(-2.5);
        let ranks = [small, Rank::Number(1.0), Rank::Nothing];
        assert!(ranks.map(|rank| rank.pack(0, false)).is_sorted());
        assert!([ranks[1], ranks[0], ranks[2]].map(|rank| rank.pack(0, true)).is_sorted());
        assert!(Rank::Nothing.pack(0, true) < small.pack(1, true));
    }

    proptest! {
        #[test]
        fn packing_keeps_the_order(a in "[a-c0-9.]{0,20}", b in "[a-c0-9.]{0,20}", x in any::<i32>(), y in any::<i32>(), reverse: bool) {
            let packed = |rank: Rank| rank.pack(0, reverse);
            let numbers = [x, y].map(|number| packed(Rank::Number(f64::from(number))));
            let expected = if reverse { y.cmp(&x) } else { x.cmp(&y) };
            prop_assert_eq!(numbers[0].cmp(&numbers[1]), expected);
            let (a, b) = (Rank::Text(&a), Rank::Text(&b));
            let order = a.compare(b, reverse);
            prop_assert_eq!(packed(a).cmp(&packed(b)).then(order), order);
            let same = packed(a) == packed(b) && Rank::is_whole(packed(a), reverse);
            prop_assert!(!same || order.is_eq());
        }
    }
}
