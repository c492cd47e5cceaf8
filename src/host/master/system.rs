//! What `/system/stats.json` says of this machine, read from `/proc`; zeros where there is none.

use std::{fs, thread::available_parallelism};

use crate::engine::legacy::System;

pub fn read() -> System {
    let [load_1min, load_5min, load_15min] = loads(&fs::read_to_string("/proc/loadavg").unwrap_or_default());
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    System {
        load_15min,
        load_1min,
        load_5min,
        cpus_total: available_parallelism().map_or(1, |cpus| u64::try_from(cpus.get()).unwrap_or(u64::MAX)),
        mem_free_bytes: memory(&meminfo, "MemFree:"),
        mem_total_bytes: memory(&meminfo, "MemTotal:"),
    }
}

fn loads(loadavg: &str) -> [f64; 3] {
    let mut loads = loadavg.split_whitespace().map(|load| load.parse().unwrap_or_default());
    [(); 3].map(|()| loads.next().unwrap_or_default())
}

/// A line of `/proc/meminfo` in bytes.
fn memory(meminfo: &str, name: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kibibytes = line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "parsed, not computed")]
    fn reads_proc() {
        assert_eq!(loads("0.10 0.24 0.50 1/100 42\n"), [0.10, 0.24, 0.50]);
        assert_eq!(loads(""), [0.0; 3]);
        let meminfo = "MemTotal:       24683120 kB\nMemFree:        23919384 kB\n";
        assert_eq!(memory(meminfo, "MemFree:"), 23_919_384 * 1024);
        assert_eq!(memory(meminfo, "Nothing:"), 0);
    }
}
