//! How ages, amounts, counts and moments are written, in every pane the same.

use std::time::Duration;

use crate::mesos::time::Time;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Megabytes per step of `MB`, `GB`, `TB`.
const STEP: f64 = 1024.0;

/// `12s`, `4m05s`, `3h07m`, `2d04h`: at most six characters below 100 days.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m{:02}s", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => format!("{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
        _ if seconds < 100 * DAY => format!("{}d{:02}h", seconds / DAY, seconds % DAY / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

/// How long ago it was, as an [`age`]; `-` when nobody knows.
pub fn since(now: Time, then: Option<Time>) -> String {
    then.map_or_else(|| "-".to_owned(), |then| age(now.since(then)))
}

/// How long until then, in whole seconds: `3 s`; `now` once it has come.
pub fn until(now: Time, then: Time) -> String {
    match then.since(now).as_millis().div_ceil(1000) {
        0 => "now".to_owned(),
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => age(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))),
    }
}

/// A pace: `1 s`, `250 ms`.
pub fn pace(every: Duration) -> String {
    if every.subsec_millis() == 0 {
        format!("{} s", every.as_secs())
    } else {
        format!("{} ms", every.as_millis())
    }
}

/// A number without the noughts at its end, to two decimals: `0.5`, `12`, `3.25`.
pub fn amount(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Megabytes for people: `512 MB`, `1.5 GB`, `24 TB`.
pub fn megabytes(mb: f64) -> String {
    let (value, unit) = scaled(mb);
    format!("{value} {unit}B")
}

/// The same where there is little room: `512M`, `1.5G`.
pub fn short_megabytes(mb: f64) -> String {
    let (value, unit) = scaled(mb);
    format!("{value}{unit}")
}

fn scaled(mb: f64) -> (String, char) {
    let (mut value, mut units) = (mb, "MGTP".chars());
    let mut unit = units.next().unwrap_or('M');
    while value >= STEP {
        let Some(larger) = units.next() else { break };
        (value, unit) = (value / STEP, larger);
    }
    let text = if value >= 100.0 { format!("{value:.0}") } else { amount((value * 10.0).round() / 10.0) };
    (text, unit)
}

/// All digits, in groups of three: `100,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// At most five characters: `9999`, `12.3k`, `4.3M`.
pub fn short_count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..100_000 => format!("{}k", amount((number / 100) as f64 / 10.0)),
        100_000..1_000_000 => format!("{}k", number / 1000),
        1_000_000..100_000_000 => format!("{}M", amount((number / 100_000) as f64 / 10.0)),
        100_000_000..1_000_000_000 => format!("{}M", number / 1_000_000),
        _ => format!("{}G", amount((number / 100_000_000) as f64 / 10.0)),
    }
}

/// `42%` of a whole; `-` of nothing.
pub fn percent(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{:.0}%", 100.0 * part / whole) } else { "-".to_owned() }
}

/// `1 task`, `5 tasks`.
pub fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// Names in the order in which people count: `agent-2` before `agent-10`.
pub fn natural(name: &str) -> (String, u64, String) {
    let head = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[head.len()..].parse().unwrap_or_default();
    (head.to_owned(), number, name.to_owned())
}

/// The time of day, UTC: `12:04:05`.
pub fn clock(at: Time) -> String {
    let seconds = at.as_secs_f64() as u64 % DAY;
    format!("{:02}:{:02}:{:02}", seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        age, amount, clock, count, megabytes, natural, pace, percent, short_count, short_megabytes, until,
    };
    use crate::mesos::time::Time;

    fn at(seconds: f64) -> Time {
        Time::from_epoch(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn ages() {
        let written: Vec<_> = [0, 59, 60, 3599, 3600, 86_399, 86_400, 100 * 86_400]
            .map(|seconds| age(Duration::from_secs(seconds)))
            .into();
        assert_eq!(written, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "100d"]);
    }

    #[test]
    fn a_countdown_never_says_zero_before_it_is_over() {
        let now = at(100.0);
        assert_eq!(
            [100.0, 100.2, 103.0, 400.0].map(|then| until(now, at(then))),
            ["now", "1 s", "3 s", "5m00s"]
        );
        assert_eq!([1000, 250, 1500].map(|ms| pace(Duration::from_millis(ms))), ["1 s", "250 ms", "1500 ms"]);
    }

    #[test]
    fn amounts() {
        assert_eq!([0.0, 0.5, 12.0, 3.254].map(amount), ["0", "0.5", "12", "3.25"]);
        assert_eq!(
            [32.0, 1000.0, 1536.0, 10_240.0, 200_000.0, 3e6].map(megabytes),
            ["32 MB", "1000 MB", "1.5 GB", "10 GB", "195 GB", "2.9 TB"]
        );
        assert_eq!(short_megabytes(1536.0), "1.5G");
        assert_eq!([(1.0, 3.0), (0.0, 0.0)].map(|(part, whole)| percent(part, whole)), ["33%", "-"]);
    }

    #[test]
    fn counts() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let numbers = [9999, 12_345, 100_000, 999_999, 4_294_967, 429_496_729, u64::from(u32::MAX)];
        assert_eq!(numbers.map(short_count), ["9999", "12.3k", "100k", "999k", "4.2M", "429M", "4.2G"]);
    }

    #[test]
    fn names_are_counted() {
        let mut names = ["agent-10", "agent-2", "agent", "b"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["agent", "agent-2", "agent-10", "b"]);
    }

    #[test]
    fn the_time_of_day() {
        assert_eq!(clock(at(1_700_000_000.9)), "22:13:20");
    }
}
