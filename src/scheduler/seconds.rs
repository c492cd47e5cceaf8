//! A length of time in a configuration: a number of seconds, or Mesos' form (`500ms`, `3secs`, `2mins`).

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de};

/// Seconds; written as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
pub struct Seconds(pub f64);

const UNITS: [(&str, f64); 11] = [
    ("ms", 0.001),
    ("secs", 1.0),
    ("sec", 1.0),
    ("mins", 60.0),
    ("min", 60.0),
    ("hrs", 3600.0),
    ("days", 86_400.0),
    ("weeks", 604_800.0),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

const CENTURY: f64 = 100.0 * 365.0 * 86_400.0;

impl Seconds {
    pub fn is_sane(self) -> bool {
        (0.0..=CENTURY).contains(&self.0)
    }

    /// As a duration; what is not sane is cut to the sane range.
    pub fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0.clamp(0.0, CENTURY)).unwrap_or_default()
    }

    /// Reads `2.5`, `500ms`, `3secs`, `2mins`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Self(seconds));
        }
        let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
        let number: f64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        Some(Self(number * factor))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", (self.0 * 1000.0).round() / 1000.0)
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl de::Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds or a duration such as `500ms` or `3secs`")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Seconds, E> {
        Ok(Seconds(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Seconds, E> {
        Ok(Seconds(value as f64))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Seconds, E> {
        Ok(Seconds(value as f64))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Seconds, E> {
        Seconds::parse(value).ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::Seconds;

    #[test]
    fn reads_numbers_and_units() {
        for (text, seconds) in [
            ("2.5", 2.5),
            ("500ms", 0.5),
            ("3secs", 3.0),
            ("3s", 3.0),
            ("2 mins", 120.0),
            ("1weeks", 604_800.0),
        ] {
            assert_eq!(Seconds::parse(text), Some(Seconds(seconds)), "{text}");
        }
        assert_eq!(Seconds::parse("soon"), None);
        assert!(!Seconds(-1.0).is_sane() && !Seconds(f64::NAN).is_sane());
    }
}
