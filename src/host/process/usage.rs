//! What containers use, summed over their process trees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::table::Table;
use crate::{
    engine::agent::view::{Measured, Usage},
    mesos::{time::Time, v1::ContainerId},
};

/// Measures containers by the processes that lead each; one whose processes are gone is left out.
pub fn measure(processes: &BTreeMap<ContainerId, Vec<u32>>, now: Time) -> Measured {
    let table = if processes.is_empty() { Table::default() } else { Table::read() };
    let of = |(container_id, leaders): (&ContainerId, &Vec<u32>)| {
        let roots = leaders.iter().filter_map(|pid| i32::try_from(*pid).ok());
        let all: BTreeSet<i32> = roots.flat_map(|root| table.tree(root)).collect();
        let used: Vec<Used> = all.into_iter().filter_map(used).collect();
        if used.is_empty() {
            return None;
        }
        let usage = Usage {
            measured_at: now,
            cpus_user_time_secs: used.iter().map(|process| process.user).sum(),
            cpus_system_time_secs: used.iter().map(|process| process.system).sum(),
            mem_rss_bytes: used.iter().map(|process| process.resident).sum(),
        };
        Some((container_id.clone(), usage))
    };
    processes.iter().filter_map(of).collect()
}

struct Used {
    user: f64,
    system: f64,
    resident: u64,
}

fn used(pid: i32) -> Option<Used> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields 14, 15 and 24 of `/proc/<pid>/stat`.
#[expect(clippy::cast_precision_loss, reason = "ticks of a process's life fit")]
fn parse(stat: &str) -> Option<Used> {
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    Some(Used {
        user: number(11)? as f64 / ticks_per_second,
        system: number(12)? as f64 / ticks_per_second,
        resident: number(21)?.saturating_mul(page),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields() {
        let stat = "7 (a b) S 1 7 7 0 -1 0 0 0 0 0 200 100 0 0 20 0 1 0 5 1000 3 18446744073709551615";
        let used = parse(stat).unwrap();
        assert!(used.user > used.system && used.system > 0.0);
        assert_eq!(used.resident, 3 * u64::try_from(rustix::param::page_size()).unwrap());
    }

    #[test]
    fn measures_itself() {
        let container_id = ContainerId { value: "c".to_owned(), parent: None };
        let processes = BTreeMap::from([(container_id.clone(), vec![std::process::id()])]);
        let measured = measure(&processes, Time::default());
        assert!(measured[&container_id].mem_rss_bytes > 0);
    }
}
