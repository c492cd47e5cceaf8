//! Values of resources and attributes: scalars in steps of a thousandth, ranges, sets and texts, with the arithmetic,
//! the flag syntax and the printed form that Mesos gives them (`src/v1/values.cpp`).

use std::{collections::BTreeSet, fmt, num::FpCategory};

use crate::mesos::v1::{
    Value,
    value::{Range, Ranges, Scalar, Set, Text, Type},
};

/// A scalar as whole thousandths, rounded half away from zero: the unit in which Mesos computes and compares.
pub fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

/// The inverse of [`thousandths`], free of the noise of a division by 1000.
pub fn from_thousandths(thousandths: i64) -> f64 {
    (thousandths / 1000) as f64 + (thousandths % 1000) as f64 / 1000.0
}

impl Scalar {
    pub fn thousandths(&self) -> i64 {
        thousandths(self.value)
    }
}

impl Ranges {
    /// How many values the ranges hold, those that overlap counted twice.
    pub fn count(&self) -> u64 {
        self.range.iter().map(|range| range.end.saturating_sub(range.begin).saturating_add(1)).sum()
    }

    pub fn contains(&self, value: u64) -> bool {
        self.range.iter().any(|range| (range.begin..=range.end).contains(&value))
    }

    /// Sorts the ranges and joins those that touch or overlap.
    pub fn coalesce(&mut self) {
        self.range.sort_by_key(|range| (range.begin, range.end));
        self.range.dedup_by(|next, last| {
            let joined = next.begin <= last.end.saturating_add(1);
            if joined {
                last.end = last.end.max(next.end);
            }
            joined
        });
    }

    pub fn add(&mut self, other: &Self) {
        self.range.extend_from_slice(&other.range);
        self.coalesce();
    }

    pub fn subtract(&mut self, other: &Self) {
        if self.range.is_empty() || other.range.is_empty() {
            return;
        }
        self.range.sort_by_key(|range| range.begin);
        let cuts = other.clone().coalesced();
        self.range =
            self.range.iter().flat_map(|range| without(*range, cuts.reaching(range.begin))).collect();
    }

    /// Whether each value of `self` is one of `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        let other = other.clone().coalesced();
        self.clone()
            .coalesced()
            .range
            .iter()
            .all(|range| other.reaching(range.begin).first().is_some_and(|outer| outer.contains(range)))
    }

    /// Whether both hold the same values, however cut.
    pub fn same(&self, other: &Self) -> bool {
        self == other || self.clone().coalesced() == other.clone().coalesced()
    }

    fn coalesced(mut self) -> Self {
        self.coalesce();
        self
    }

    /// Of ranges that are sorted and apart, those that end at `value` or behind it.
    fn reaching(&self, value: u64) -> &[Range] {
        &self.range[self.range.partition_point(|range| range.end < value)..]
    }
}

impl Range {
    fn contains(&self, other: &Self) -> bool {
        other.begin >= self.begin && other.end <= self.end
    }
}

/// What is left of `range` after taking out `cuts`, which are sorted and apart and end behind its begin.
fn without(range: Range, cuts: &[Range]) -> Vec<Range> {
    let mut left = Vec::new();
    let mut begin = range.begin;
    for cut in cuts.iter().take_while(|cut| cut.begin <= range.end) {
        if begin < cut.begin {
            left.push(Range { begin, end: cut.begin - 1 });
        }
        if cut.end >= range.end {
            return left;
        }
        begin = cut.end + 1;
    }
    left.push(Range { begin, end: range.end });
    left
}

impl Set {
    pub fn add(&mut self, other: &Self) {
        let mut own: BTreeSet<_> = self.item.iter().cloned().collect();
        self.item.extend(other.item.iter().filter(|item| own.insert((*item).clone())).cloned());
    }

    pub fn subtract(&mut self, other: &Self) {
        let mut cuts: BTreeSet<_> = other.item.iter().collect();
        self.item.retain(|item| !cuts.remove(item));
    }

    pub fn is_within(&self, other: &Self) -> bool {
        let others: BTreeSet<_> = other.item.iter().collect();
        self.item.len() <= other.item.len() && self.item.iter().all(|item| others.contains(item))
    }

    pub fn same(&self, other: &Self) -> bool {
        self.item.len() == other.item.len() && self.is_within(other)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&general(from_thousandths(self.thousandths())))
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> =
            self.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
        write!(f, "[{}]", ranges.join(", "))
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.item.join(", "))
    }
}

/// A number with at most 15 significant digits, as C's `%.15g` prints it.
fn general(value: f64) -> String {
    let rounded = format!("{value:.14e}");
    let Some((mantissa, exponent)) = rounded.split_once('e') else { return rounded };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let shortened = |digits: &str| {
        let trimmed = if digits.contains('.') { digits.trim_end_matches('0') } else { digits };
        trimmed.trim_end_matches('.').to_owned()
    };
    match exponent {
        -4..15 => shortened(&format!("{value:.*}", usize::try_from(14 - exponent).unwrap_or_default())),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", shortened(mantissa), exponent.abs())
        }
    }
}

/// Reads a value of the flag syntax: `4.5`, `[1-3,7-9]`, `{a,b}`; everything else is a text.
///
/// # Errors
/// Mesos' own text.
pub fn parse(text: &str) -> Result<Value, String> {
    let text = text.replace(' ', "");
    if text.is_empty() {
        return Err("Expecting non-empty string".into());
    }
    if [('{', '}'), ('[', ']'), ('(', ')')].iter().any(|&(open, close)| !balanced(&text, open, close)) {
        return Err("Mismatched brackets".into());
    }
    match (text.find('['), text.find('{')) {
        (Some(0), _) => parse_ranges(&text).map(Value::of_ranges),
        (Some(_), _) => Err("Unexpected '[' found".into()),
        (None, Some(0)) => Ok(Value::of_set(tokenize(&text, "{},\n"))),
        (None, Some(_)) => Err("Unexpected '{' found".into()),
        (None, None) => parse_scalar(&text),
    }
}

fn balanced(text: &str, open: char, close: char) -> bool {
    let mut depth = 0_i64;
    for c in text.chars() {
        depth += i64::from(c == open) - i64::from(c == close);
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn parse_ranges(text: &str) -> Result<Ranges, String> {
    let tokens = tokenize(text, "[]-,\n");
    if !tokens.len().is_multiple_of(2) {
        return Err("Expecting one or more \"ranges\"".into());
    }
    let mut ranges = Ranges::default();
    for pair in tokens.chunks_exact(2) {
        let (Some(begin), Some(end)) = (parse_u64(pair[0]), parse_u64(pair[1])) else {
            return Err(format!("Expecting non-negative integers in '{}'", pair[0]));
        };
        ranges.range.push(Range { begin, end });
    }
    ranges.coalesce();
    Ok(ranges)
}

fn parse_u64(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn parse_scalar(text: &str) -> Result<Value, String> {
    let Ok(value) = text.parse::<f64>() else {
        return Ok(Value::of_text(text));
    };
    let reason = match value.classify() {
        FpCategory::Infinite => "Infinite values not supported",
        FpCategory::Nan => "NaN not supported",
        FpCategory::Subnormal => "Subnormal values not supported",
        FpCategory::Normal if value < 0.0 => "Negative values not supported",
        FpCategory::Normal | FpCategory::Zero => return Ok(Value::of_scalar(value)),
    };
    Err(format!("Invalid scalar value '{text}':{reason}"))
}

/// Splits at any of `delimiters` and drops what is empty.
pub(super) fn tokenize<'a>(text: &'a str, delimiters: &str) -> Vec<&'a str> {
    text.split(|c| delimiters.contains(c)).filter(|token| !token.is_empty()).collect()
}

impl Value {
    fn of(r#type: Type) -> Self {
        Self { r#type: r#type.into(), scalar: None, ranges: None, set: None, text: None }
    }

    fn of_scalar(value: f64) -> Self {
        Self { scalar: Some(Scalar { value }), ..Self::of(Type::Scalar) }
    }

    fn of_ranges(ranges: Ranges) -> Self {
        Self { ranges: Some(ranges), ..Self::of(Type::Ranges) }
    }

    fn of_set(items: Vec<&str>) -> Self {
        let item = items.into_iter().map(str::to_owned).collect();
        Self { set: Some(Set { item }), ..Self::of(Type::Set) }
    }

    fn of_text(value: &str) -> Self {
        Self { text: Some(Text { value: value.to_owned() }), ..Self::of(Type::Text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(pairs: &[(u64, u64)]) -> Ranges {
        Ranges { range: pairs.iter().map(|&(begin, end)| Range { begin, end }).collect() }
    }

    #[test]
    fn scalars_live_in_thousandths() {
        assert_eq!(thousandths(0.1 + 0.2), 300);
        assert_eq!(thousandths(0.0004), 0);
        assert_eq!(thousandths(0.0005), 1);
        assert_eq!(thousandths(-0.0005), -1);
        assert_eq!(from_thousandths(1001), 1.001);
    }

    #[test]
    fn prints_like_percent_15_g() {
        for (value, text) in [
            (4.0, "4"),
            (0.1, "0.1"),
            (0.0, "0"),
            (1024.0, "1024"),
            (2.345, "2.345"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e15, "1e+15"),
            (1.5e15, "1.5e+15"),
        ] {
            assert_eq!(Scalar { value }.to_string(), text);
        }
    }

    #[test]
    fn ranges_join_and_part() {
        let mut value = ranges(&[(5, 9), (1, 2), (3, 4), (20, 30), (8, 12)]);
        value.coalesce();
        assert_eq!(value, ranges(&[(1, 12), (20, 30)]));
        value.subtract(&ranges(&[(0, 1), (5, 6), (12, 25)]));
        assert_eq!(value, ranges(&[(2, 4), (7, 11), (26, 30)]));
        value.subtract(&ranges(&[(0, u64::MAX)]));
        assert_eq!(value, ranges(&[]));
    }

    /// Comparing each with each takes minutes here.
    #[test]
    fn large_values_take_no_longer_than_to_sort_them() {
        let pairs: Vec<_> = (0..200_000).map(|n| (3 * n, 3 * n + 1)).collect();
        let mut many = ranges(&pairs);
        assert!(many.is_within(&many.clone()));
        many.subtract(&ranges(&pairs[1..]));
        assert_eq!(many, ranges(&[(0, 1)]));
        let items = |range: std::ops::Range<u32>| Set { item: range.map(|n| n.to_string()).collect() };
        let mut set = items(0..100_000);
        set.add(&items(50_000..150_000));
        assert!(items(0..150_000).same(&set) && items(0..1).is_within(&set));
        set.subtract(&items(1..150_000));
        assert_eq!(set, items(0..1));
    }

    #[test]
    fn reads_the_flag_syntax() {
        assert_eq!(parse(" 4.5 ").unwrap().scalar, Some(Scalar { value: 4.5 }));
        assert_eq!(parse("[3-4, 1-2]").unwrap().ranges, Some(ranges(&[(1, 4)])));
        assert_eq!(parse("{a, b}").unwrap().set.unwrap().item, ["a", "b"]);
        assert_eq!(parse("rack-1").unwrap().text.unwrap().value, "rack-1");
    }

    #[test]
    fn says_what_is_wrong_with_a_value() {
        for (text, error) in [
            ("", "Expecting non-empty string"),
            ("[1-2", "Mismatched brackets"),
            ("[1-2-3]", "Expecting one or more \"ranges\""),
            ("[a-b]", "Expecting non-negative integers in 'a'"),
            ("x[1-2]", "Unexpected '[' found"),
            ("x{a}", "Unexpected '{' found"),
            ("-1", "Invalid scalar value '-1':Negative values not supported"),
            ("inf", "Invalid scalar value 'inf':Infinite values not supported"),
            ("nan", "Invalid scalar value 'nan':NaN not supported"),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
    }

    fn any_ranges() -> impl Strategy<Value = Ranges> {
        let pair = (0..60_u64, 0..6_u64).prop_map(|(begin, length)| Range { begin, end: begin + length });
        prop::collection::vec(pair, 0..6).prop_map(|range| Ranges { range })
    }

    proptest! {
        #[test]
        fn ranges_are_sets_of_numbers(a in any_ranges(), b in any_ranges()) {
            let (mut sum, mut difference) = (a.clone(), a.clone());
            sum.add(&b);
            difference.subtract(&b);
            for n in 0..70 {
                prop_assert_eq!(sum.contains(n), a.contains(n) || b.contains(n));
                prop_assert_eq!(difference.contains(n), a.contains(n) && !b.contains(n));
            }
            prop_assert_eq!(a.is_within(&b), (0..70).all(|n| !a.contains(n) || b.contains(n)));
            prop_assert!(a.is_within(&sum) && b.is_within(&sum));
        }
    }
}
