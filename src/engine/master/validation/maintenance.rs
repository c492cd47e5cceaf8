//! Whether a schedule or a list of machines makes sense, with Mesos' texts (`src/master/maintenance.cpp`).

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::{Checked, ensure};
use crate::{
    engine::master::machines::{Machine, Maintenance},
    mesos::{
        json,
        v1::{MachineId, Unavailability, machine_info::Mode, maintenance::Schedule},
    },
};

/// Checks a schedule that is to take the place of another one.
///
/// # Errors
/// Mesos' text for the first thing wrong.
pub fn schedule(schedule: &Schedule, known: &Maintenance) -> Checked {
    let mut seen = BTreeSet::new();
    for window in &schedule.windows {
        ensure(!window.machine_ids.is_empty(), "List of machines in the maintenance window is empty")?;
        unavailability(&window.unavailability)?;
        window.machine_ids.iter().try_for_each(|id| once(id, &mut seen))?;
    }
    let down = known.machines.iter().filter(|(_, info)| info.mode() == Mode::Down);
    let mut forgotten = down.filter(|(machine, _)| !seen.contains(*machine));
    forgotten.next().map_or(Ok(()), |(_, info)| {
        let name = json::to_json_string(&info.id);
        Err(format!("Machine '{name}' is deactivated and cannot be removed from the schedule"))
    })
}

/// Checks the machines that are to go down or up.
///
/// # Errors
/// Mesos' text for the first thing wrong.
pub fn machines(ids: &[MachineId]) -> Checked {
    ensure(!ids.is_empty(), "List of machines is empty")?;
    let mut seen = BTreeSet::new();
    ids.iter().try_for_each(|id| once(id, &mut seen))
}

fn unavailability(unavailability: &Unavailability) -> Checked {
    let is_negative = unavailability.duration.is_some_and(|duration| duration.nanoseconds < 0);
    ensure(!is_negative, "Unavailability 'duration' is negative")
}

fn once(id: &MachineId, seen: &mut BTreeSet<Machine>) -> Checked {
    let ip = id.ip();
    ensure(!id.hostname().is_empty() || !ip.is_empty(), "Both 'hostname' and 'ip' for a machine are empty")?;
    ensure(ip.is_empty() || ip.parse::<Ipv4Addr>().is_ok(), format!("Failed to parse IPv4: {ip}"))?;
    let name = json::to_json_string(id);
    ensure(seen.insert(id.into()), format!("Machine '{name}' appears more than once in the schedule"))
}
