//! The machines that agents run on, and which of them are to be maintained when.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agent, Master};
use crate::{
    engine::wire::AgentRegistration,
    mesos::v1::{AgentId, MachineId, MachineInfo, Unavailability, machine_info::Mode, maintenance::Schedule},
};

/// What tells machines apart: a hostname in any case, and an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    hostname: Option<String>,
    ip: Option<String>,
}

impl From<&MachineId> for Machine {
    fn from(id: &MachineId) -> Self {
        Self { hostname: id.hostname.as_ref().map(|name| name.to_lowercase()), ip: id.ip.clone() }
    }
}

/// Which machines there are, and the schedule of their maintenance.
#[derive(Clone, Debug, Default)]
pub struct Maintenance {
    /// As it was given last, without the machines that are up again.
    pub schedule: Option<Schedule>,
    /// Also those that are up, as far as an agent was ever there.
    pub machines: BTreeMap<Machine, MachineInfo>,
    /// Some machine was not up once.
    pub was_used: bool,
}

impl Maintenance {
    pub fn machine(&self, id: &MachineId) -> Option<&MachineInfo> {
        self.machines.get(&id.into())
    }

    pub fn mode(&self, id: &MachineId) -> Mode {
        self.machine(id).map_or(Mode::Up, MachineInfo::mode)
    }

    pub fn unavailability(&self, id: &MachineId) -> Option<&Unavailability> {
        self.machine(id)?.unavailability.as_ref()
    }

    /// The machines that are not up.
    pub fn scheduled(&self) -> impl Iterator<Item = &MachineInfo> {
        self.machines.values().filter(|machine| machine.mode() != Mode::Up)
    }

    pub(super) fn entry(&mut self, id: &MachineId) -> &mut MachineInfo {
        let new = || MachineInfo { id: id.clone(), mode: None, unavailability: None };
        self.machines.entry(id.into()).or_insert_with(new)
    }

    /// Strikes machines from the schedule, with windows that are empty then, and a schedule without windows.
    pub(super) fn unschedule(&mut self, ids: &[MachineId]) {
        let up: BTreeSet<Machine> = ids.iter().map(Machine::from).collect();
        let Some(schedule) = &mut self.schedule else { return };
        schedule.windows.retain_mut(|window| {
            window.machine_ids.retain(|id| !up.contains(&id.into()));
            !window.machine_ids.is_empty()
        });
        if schedule.windows.is_empty() {
            self.schedule = None;
        }
    }
}

/// The machine of an agent at `pid`, `slave(1)@127.0.0.1:5051`.
fn machine_at(hostname: &str, pid: &str) -> MachineId {
    let ip = pid.rsplit_once('@').and_then(|(_, at)| at.rsplit_once(':')).map(|(ip, _)| ip.to_owned());
    MachineId { hostname: Some(hostname.to_owned()), ip }
}

impl Agent {
    pub fn machine_id(&self) -> MachineId {
        machine_at(&self.info.hostname, &self.pid)
    }
}

impl Master {
    /// The registered agents.
    pub fn agents_by_machine(&self) -> BTreeMap<Machine, Vec<AgentId>> {
        let mut machines = BTreeMap::<Machine, Vec<AgentId>>::new();
        for agent in self.agents.values() {
            machines.entry((&agent.machine_id()).into()).or_default().push(agent.id.clone());
        }
        machines
    }

    /// Whether an agent that wants to register is on a machine where none may be.
    pub(super) fn is_on_machine_down(&self, registration: &AgentRegistration) -> bool {
        let machine = machine_at(&registration.info.hostname, &registration.pid);
        self.maintenance.mode(&machine) == Mode::Down
    }
}
