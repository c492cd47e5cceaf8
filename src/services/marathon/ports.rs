//! Service ports: every port of an app that names none gets one that is free in the whole cluster, and keeps it.

use std::collections::BTreeSet;

use super::model::{AppDefinition, RootGroup};

/// The ports that are given out, `--local_port_min` to `--local_port_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl Default for PortRange {
    fn default() -> Self {
        Self { first: 10_000, last: 20_000 }
    }
}

/// Fills in what is 0 in the apps of `target`; an app that was there before keeps what it had.
///
/// # Errors
/// When the range has no free port left, in Marathon's words.
pub fn assign(range: PortRange, before: &RootGroup, target: &mut RootGroup) -> Result<(), String> {
    let used = target.apps.values().flat_map(AppDefinition::service_ports);
    let mut taken: BTreeSet<u16> = used.filter(|port| *port != 0).collect();
    for app in target.apps.values_mut().filter(|app| app.service_ports().contains(&0)) {
        let had = before.app(&app.id).map(AppDefinition::service_ports).unwrap_or_default();
        let own: BTreeSet<u16> = app.service_ports().into_iter().collect();
        let mut kept =
            had.into_iter().filter(|port| *port != 0 && !own.contains(port)).collect::<Vec<_>>().into_iter();
        for port in unassigned(app) {
            *port = match kept.next() {
                Some(port) => port,
                None => (range.first..=range.last).find(|port| !taken.contains(port)).ok_or_else(|| {
                    format!("All ports in the range [{}-{}) are already in use", range.first, range.last)
                })?,
            };
            taken.insert(*port);
        }
    }
    Ok(())
}

fn unassigned(app: &mut AppDefinition) -> Vec<&mut u16> {
    if app.is_on_host_network() {
        let definitions = app.port_definitions.iter_mut().flatten();
        definitions.map(|definition| &mut definition.port).filter(|port| **port == 0).collect()
    } else {
        let mappings = app.container.iter_mut().flat_map(|container| &mut container.port_mappings);
        mappings.map(|mapping| &mut mapping.service_port).filter(|port| **port == 0).collect()
    }
}
