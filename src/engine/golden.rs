//! Recorded answers of Apache Mesos, for tests.

use std::{fs, path::Path};

use serde_json::Value;

/// The body of a recorded response, `05-master-legacy/16-GET-state`.
pub fn body(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.resp.raw"));
    let raw = fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let head = raw.windows(4).position(|window| window == b"\r\n\r\n");
    head.map_or_else(Vec::new, |head| raw[head + 4..].to_vec())
}

/// The events of a recorded JSON stream, one record in each chunk.
pub fn events(name: &str) -> Vec<Value> {
    let stream = String::from_utf8_lossy(&body(name)).into_owned();
    let records = stream.split("\r\n").filter_map(|chunk| chunk.split_once('\n'));
    records.filter_map(|(_, record)| serde_json::from_str(record).ok()).collect()
}

/// The same as JSON.
pub fn json(name: &str) -> Value {
    serde_json::from_slice(&body(name)).unwrap_or_else(|error| panic!("{name} is not JSON: {error}"))
}

/// The same as text, with doubles in our digits: Mesos prints the same number with another last digit at times.
pub fn text(name: &str) -> String {
    json(name).to_string()
}

/// Fails at the first byte that differs, and shows what is around it.
#[track_caller]
pub fn assert_recorded(actual: &str, name: &str) {
    let recorded = text(name);
    if actual != recorded {
        let at = actual.bytes().zip(recorded.bytes()).position(|(a, b)| a != b).unwrap_or(0);
        let from = at.saturating_sub(60);
        let part = |text: &str| text.get(from..(at + 160).min(text.len())).unwrap_or_default().to_owned();
        panic!("{name} differs at byte {at}:\n ours: {}\nMesos: {}", part(actual), part(&recorded));
    }
}
