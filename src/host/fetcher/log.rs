//! What the fetcher says in the sandbox' stderr, in the form of Mesos' log.

use std::{fs::File, io::Write, time::Duration};

use serde_json::{Value, json};

use super::Job;
use crate::{engine::agent::fetch::Uri, runtime::Clock};

/// The file that Mesos' lines name.
const SOURCE: &str = "fetcher.cpp:0";

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// The log of one fetch.
#[derive(Debug)]
pub struct Log {
    file: File,
    clock: Clock,
}

impl Log {
    pub fn new(file: File, clock: Clock) -> Self {
        Self { file, clock }
    }

    pub fn info(&mut self, text: &str) {
        self.line('I', text);
    }

    pub fn warning(&mut self, text: &str) {
        self.line('W', text);
    }

    pub fn error(&mut self, text: &str) {
        self.line('E', text);
    }

    /// A log that cannot be written is no reason to fetch nothing.
    fn line(&mut self, severity: char, text: &str) {
        let now = Duration::from_secs_f64(self.clock.now().as_secs_f64());
        let line = format!("{}] {text}\n", prefix(severity, now, std::process::id()));
        let _unwritten = self.file.write_all(line.as_bytes());
    }
}

/// `I0102 03:04:05.000006    7 fetcher.cpp:0`, in UTC.
fn prefix(severity: char, since_epoch: Duration, pid: u32) -> String {
    let seconds = since_epoch.as_secs();
    let (month, day) = month_and_day(seconds / SECONDS_PER_DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = since_epoch.subsec_micros();
    format!("{severity}{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06} {pid:>5} {SOURCE}")
}

/// Month and day of the month of a day since 1970.
fn month_and_day(days: u64) -> (u64, u64) {
    let (mut year, mut rest) = (1970, days);
    while rest >= length_of_year(year) {
        rest -= length_of_year(year);
        year += 1;
    }
    let february = length_of_year(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (month, rest + 1)
}

fn length_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

/// What Mesos gives its fetcher, as it prints it. `actions` are those of the URIs.
pub fn fetcher_info(job: &Job, cache_directory: &str, actions: &[&str], stall: Duration) -> String {
    let items: Vec<Value> = job
        .uris
        .iter()
        .zip(actions)
        .map(|(uri, action)| json!({"action": action, "uri": shown(uri)}))
        .collect();
    let mut info = json!({
        "cache_directory": cache_directory,
        "items": items,
        "sandbox_directory": job.directory,
        "stall_timeout": {"nanoseconds": u64::try_from(stall.as_nanos()).unwrap_or(u64::MAX)},
    });
    if let Some(account) = &job.account {
        info["user"] = json!(account.name);
    }
    info.to_string().replace('/', "\\/")
}

fn shown(uri: &Uri) -> Value {
    let mut shown = json!({"cache": uri.cache, "executable": uri.executable, "extract": uri.extract});
    if let Some(file) = &uri.output_file {
        shown["output_file"] = json!(file);
    }
    shown["value"] = json!(uri.value);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_as_those_of_mesos() {
        let day = |days: u64| Duration::from_secs(days * SECONDS_PER_DAY);
        assert_eq!(
            prefix('I', Duration::from_micros(11_045_000_006), 7),
            "I0101 03:04:05.000006     7 fetcher.cpp:0"
        );
        assert_eq!(month_and_day(0), (1, 1));
        assert_eq!(month_and_day(59), (3, 1), "1970 is no leap year");
        assert_eq!(month_and_day(730 + 59), (2, 29), "1972 is one");
        assert_eq!(month_and_day(364), (12, 31));
        assert!(prefix('E', day(19_782), 12345).starts_with("E0229 00:00:00.000000 12345 "), "2024-02-29");
    }

    #[test]
    fn tells_what_is_to_be_fetched() {
        let uri = Uri {
            value: "file:///a".to_owned(),
            executable: false,
            extract: true,
            cache: false,
            output_file: Some("b".to_owned()),
        };
        let job = Job { uris: vec![uri], directory: "/s".to_owned(), ..Job::default() };
        let info = fetcher_info(&job, "/c", &["BYPASS_CACHE"], Duration::from_secs(60));
        assert_eq!(
            info,
            r#"{"cache_directory":"\/c","items":[{"action":"BYPASS_CACHE","uri":{"cache":false,"executable":false,"extract":true,"output_file":"b","value":"file:\/\/\/a"}}],"sandbox_directory":"\/s","stall_timeout":{"nanoseconds":60000000000}}"#
        );
    }
}
