//! What is scheduled, and how far it has come.

use std::collections::BTreeMap;

use crate::{
    engine::master::{Machine, Master},
    mesos::v1::{
        AgentId, MachineInfo,
        machine_info::Mode,
        maintenance::{ClusterStatus, Schedule, cluster_status::DrainingMachine},
    },
};

/// GET_MAINTENANCE_SCHEDULE and `/maintenance/schedule`
pub fn schedule(master: &Master) -> Schedule {
    master.maintenance.schedule.clone().unwrap_or_default()
}

/// GET_MAINTENANCE_STATUS and `/maintenance/status`
pub fn status(master: &Master) -> ClusterStatus {
    let agents = master.agents_by_machine();
    let in_mode = |mode| master.maintenance.scheduled().filter(move |machine| machine.mode() == mode);
    ClusterStatus {
        draining_machines: in_mode(Mode::Draining)
            .map(|machine| draining(master, &agents, machine))
            .collect(),
        down_machines: in_mode(Mode::Down).map(|machine| machine.id.clone()).collect(),
    }
}

fn draining(
    master: &Master,
    agents: &BTreeMap<Machine, Vec<AgentId>>,
    machine: &MachineInfo,
) -> DrainingMachine {
    let agents = agents.get(&(&machine.id).into()).into_iter().flatten();
    let statuses = agents.flat_map(|agent| master.allocator().inverse_offer_statuses(agent));
    DrainingMachine { id: machine.id.clone(), statuses: statuses.cloned().collect() }
}
