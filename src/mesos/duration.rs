//! Durations as Mesos reads them in flags and queries: `500ms`, `10secs`, `1.5mins`, `2weeks`.

use std::time::Duration;

/// Each unit with its nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("secs", 1e9),
    ("mins", 60e9),
    ("hrs", 3600e9),
    ("days", 86_400e9),
    ("weeks", 604_800e9),
];

/// Mesos counts nanoseconds in 64 bits with a sign.
const LONGEST: f64 = i64::MAX as f64;

/// Reads a number with a unit.
///
/// # Errors
/// Mesos' own text.
pub fn parse(text: &str) -> Result<Duration, String> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let Some(end) = text.find(|c| !is_number(c)) else {
        return Err(format!("Invalid duration '{text}'"));
    };
    let (number, unit) = text.split_at(end);
    let count: f64 = number.parse().map_err(|_| format!("Failed to convert '{number}' to number"))?;
    let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!(
            "Unknown duration unit '{unit}'; supported units are 'ns', 'us', 'ms', 'secs', 'mins', 'hrs', \
             'days', and 'weeks'"
        ));
    };
    whole(count * nanoseconds)
}

fn whole(nanoseconds: f64) -> Result<Duration, String> {
    if nanoseconds > LONGEST {
        return Err(
            "Argument out of the range that a Duration can represent due to int64_t's size limit".into()
        );
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and i64::MAX")]
    Ok(Duration::from_nanos(nanoseconds as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        for (text, duration) in [
            ("7ns", Duration::from_nanos(7)),
            ("500ms", Duration::from_millis(500)),
            ("5secs", Duration::from_secs(5)),
            ("0.5mins", Duration::from_secs(30)),
            ("2weeks", Duration::from_secs(14 * 24 * 3600)),
        ] {
            assert_eq!(parse(text), Ok(duration), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(parse("abc").unwrap_err(), "Failed to convert '' to number");
        assert_eq!(parse("1.2.3secs").unwrap_err(), "Failed to convert '1.2.3' to number");
        assert_eq!(parse("15").unwrap_err(), "Invalid duration '15'");
        assert!(parse("5s").unwrap_err().starts_with("Unknown duration unit 's'"));
        assert!(parse("-5secs").is_err());
        assert!(parse("99999999weeks").unwrap_err().starts_with("Argument out of the range"));
    }
}
