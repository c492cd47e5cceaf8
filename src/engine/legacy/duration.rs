//! Durations as Mesos prints them in its flags: `15secs`, `10mins`, `2weeks`.

use std::{fmt, time::Duration};

const UNITS: [(&str, u128); 8] = [
    ("weeks", 7 * 24 * 3600 * 1_000_000_000),
    ("days", 24 * 3600 * 1_000_000_000),
    ("hrs", 3600 * 1_000_000_000),
    ("mins", 60 * 1_000_000_000),
    ("secs", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1000),
    ("ns", 1),
];

/// A duration in the largest unit it reaches, or in the next smaller one where only that gives a whole number.
#[derive(Clone, Copy, Debug)]
pub struct DurationText(pub Duration);

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let at = UNITS.iter().position(|&(_, unit)| nanos >= unit).unwrap_or(UNITS.len() - 1);
        let whole = |&(_, unit): &(&str, u128)| nanos.is_multiple_of(unit);
        let smaller = UNITS.get(at + 1).filter(|unit| !whole(&UNITS[at]) && whole(unit));
        let (name, unit) = smaller.unwrap_or(&UNITS[at]);
        #[expect(clippy::cast_precision_loss, reason = "durations of flags are far below 2^53 ns")]
        let count = nanos as f64 / *unit as f64;
        write!(f, "{count}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_the_flags_of_mesos() {
        let text = |duration| DurationText(duration).to_string();
        assert_eq!(text(Duration::from_secs(15)), "15secs");
        assert_eq!(text(Duration::from_secs(75)), "75secs");
        assert_eq!(text(Duration::from_secs(600)), "10mins");
        assert_eq!(text(Duration::from_secs(14 * 24 * 3600)), "2weeks");
        assert_eq!(text(Duration::from_secs(10 * 24 * 3600)), "10days");
        assert_eq!(text(Duration::from_millis(1500)), "1500ms");
        assert_eq!(text(Duration::ZERO), "0ns");
    }
}
