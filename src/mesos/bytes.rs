//! Sizes as Mesos reads and prints them in flags: `512B`, `4KB`, `2GB`.

const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];

/// Reads a whole number with a unit, in small or capital letters.
///
/// # Errors
/// Mesos' own text.
pub fn parse(text: &str) -> Result<u64, String> {
    let Some(end) = text.find(|c: char| !c.is_ascii_digit()) else {
        return Err(format!("Invalid bytes '{text}'"));
    };
    let (number, unit) = text.split_at(end);
    if unit.starts_with('.') {
        return Err(format!("Fractional bytes '{text}'"));
    }
    let not_a_number = || format!("Failed to convert '{number}' to number");
    let count: u64 = number.parse().map_err(|_| not_a_number())?;
    let unit = unit.to_uppercase();
    let Some(power) = UNITS.iter().position(|name| *name == unit) else {
        return Err(format!("Unknown bytes unit '{unit}'"));
    };
    count.checked_mul(1 << (10 * power)).ok_or_else(not_a_number)
}

/// In the largest unit that gives a whole number.
pub fn text(bytes: u64) -> String {
    let largest = (1..UNITS.len()).rev().find(|power| bytes != 0 && bytes.is_multiple_of(1 << (10 * power)));
    let power = largest.unwrap_or_default();
    format!("{}{}", bytes >> (10 * power), UNITS[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_they_print() {
        for (read, printed) in [("4096B", "4KB"), ("2gb", "2GB"), ("1500B", "1500B"), ("0MB", "0B")] {
            assert_eq!(text(parse(read).unwrap()), printed);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (read, error) in [
            ("12", "Invalid bytes '12'"),
            ("1.5GB", "Fractional bytes '1.5GB'"),
            ("MB", "Failed to convert '' to number"),
            ("1PB", "Unknown bytes unit 'PB'"),
        ] {
            assert_eq!(parse(read).unwrap_err(), error);
        }
    }
}
