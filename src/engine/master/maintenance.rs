//! Maintenance as operators schedule, begin and end it.

use std::collections::BTreeMap;

use super::{Master, Reply, loss::Removal, machines::Machine, validation::maintenance as validation};
use crate::{
    engine::wire::ToAgent,
    mesos::{
        json,
        v1::{AgentId, MachineId, Unavailability, machine_info::Mode, maintenance::Schedule},
    },
};

pub(super) const DOWN: &str = "Operator initiated 'Machine DOWN'";

impl Master {
    pub(super) fn update_maintenance_schedule(&mut self, schedule: Schedule) -> Reply {
        if let Err(error) = validation::schedule(&schedule, &self.maintenance) {
            return Reply::BadRequest(error);
        }
        let windows = &schedule.windows;
        let wanted: BTreeMap<Machine, (MachineId, Unavailability)> = windows
            .iter()
            .flat_map(|window| window.machine_ids.iter().map(|id| (id, window.unavailability)))
            .map(|(id, when)| (id.into(), (id.clone(), when)))
            .collect();
        let gone = self.maintenance.machines.iter().filter(|(machine, _)| !wanted.contains_key(*machine));
        let gone: Vec<MachineId> = gone.map(|(_, info)| info.id.clone()).collect();
        let agents = self.agents_by_machine();
        let agents_of = |id: &MachineId| agents.get(&id.into()).map(Vec::as_slice).unwrap_or_default();
        for id in &gone {
            self.maintenance.entry(id).mode = Some(Mode::Up.into());
            self.update_unavailability(id, agents_of(id), None);
        }
        for (id, when) in wanted.values() {
            let machine = self.maintenance.entry(id);
            if machine.mode() == Mode::Up {
                machine.mode = Some(Mode::Draining.into());
            }
            self.update_unavailability(id, agents_of(id), Some(*when));
        }
        self.maintenance.was_used |= !wanted.is_empty();
        self.maintenance.schedule = Some(schedule);
        self.register_maintenance();
        Reply::Ok
    }

    /// Everybody is to know at once: offers are taken back and made anew.
    fn update_unavailability(
        &mut self,
        id: &MachineId,
        agents: &[AgentId],
        unavailability: Option<Unavailability>,
    ) {
        self.maintenance.entry(id).unavailability = unavailability;
        for agent in agents {
            self.rescind_offers_on(agent);
            self.rescind_inverse_offers_on(agent);
            self.allocator.update_unavailability(agent, unavailability.is_some());
        }
    }

    pub(super) fn start_maintenance(&mut self, ids: &[MachineId]) -> Reply {
        if let Err(error) = self.check_mode(ids, Mode::Draining, "down") {
            return Reply::BadRequest(error);
        }
        let agents = self.agents_by_machine();
        for id in ids {
            for agent in agents.get(&id.into()).into_iter().flatten() {
                self.tell(agent, ToAgent::Shutdown { message: DOWN.into() });
                self.remove_agent(agent, Removal::MachineDown);
            }
            self.maintenance.entry(id).mode = Some(Mode::Down.into());
        }
        self.register_maintenance();
        Reply::Ok
    }

    pub(super) fn stop_maintenance(&mut self, ids: &[MachineId]) -> Reply {
        if let Err(error) = self.check_mode(ids, Mode::Down, "up") {
            return Reply::BadRequest(error);
        }
        for id in ids {
            let machine = self.maintenance.entry(id);
            machine.mode = Some(Mode::Up.into());
            machine.unavailability = None;
        }
        self.maintenance.unschedule(ids);
        self.register_maintenance();
        Reply::Ok
    }

    fn check_mode(&self, ids: &[MachineId], mode: Mode, way: &str) -> Result<(), String> {
        validation::machines(ids)?;
        for id in ids {
            let name = json::to_json_string(id);
            let Some(machine) = self.maintenance.machine(id) else {
                return Err(format!("Machine '{name}' is not part of a maintenance schedule"));
            };
            if machine.mode() != mode {
                let mode = mode.as_str_name();
                return Err(format!("Machine '{name}' is not in {mode} mode and cannot be brought {way}"));
            }
        }
        Ok(())
    }
}
