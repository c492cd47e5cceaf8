//! Durations in queries, `5secs`: only checked here, with Mesos' texts, as nothing waits for them.

const UNITS: [&str; 8] = ["ns", "us", "ms", "secs", "mins", "hrs", "days", "weeks"];

/// What is wrong with a duration.
pub fn check(text: &str) -> Result<(), String> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let Some(end) = text.find(|c| !is_number(c)) else {
        return Err(format!("Invalid duration '{text}'"));
    };
    let (number, unit) = text.split_at(end);
    if number.parse::<f64>().is_err() {
        return Err(format!("Failed to convert '{number}' to number"));
    }
    if !UNITS.contains(&unit) {
        return Err(format!(
            "Unknown duration unit '{unit}'; supported units are 'ns', 'us', 'ms', 'secs', 'mins', 'hrs', \
             'days', and 'weeks'"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(check("5secs"), Ok(()));
        assert_eq!(check("0.5mins"), Ok(()));
        assert_eq!(check("abc").unwrap_err(), "Failed to convert '' to number");
        assert_eq!(check("15").unwrap_err(), "Invalid duration '15'");
        assert!(check("5s").unwrap_err().starts_with("Unknown duration unit 's'"));
    }
}
