//! What is scheduled, and how far it has come.

use crate::{
    engine::master::Master,
    mesos::v1::{
        MachineInfo,
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
    let in_mode = |mode| master.maintenance.scheduled().filter(move |machine| machine.mode() == mode);
    ClusterStatus {
        draining_machines: in_mode(Mode::Draining).map(|machine| draining(master, machine)).collect(),
        down_machines: in_mode(Mode::Down).map(|machine| machine.id.clone()).collect(),
    }
}

fn draining(master: &Master, machine: &MachineInfo) -> DrainingMachine {
    let agents = master.agents_on(&machine.id);
    let statuses = agents.iter().flat_map(|agent| master.allocator().inverse_offer_statuses(agent));
    DrainingMachine { id: machine.id.clone(), statuses: statuses.cloned().collect() }
}
