//! What operators settle in random histories: quotas and maintenance, and what schedulers say to inverse offers.

use super::history::World;
use crate::{
    engine::master::{Input, Output},
    mesos::v1::{
        DurationInfo, Filters, MachineId, OfferId, TimeInfo, Unavailability,
        maintenance::{Schedule, Window},
        master::{self, call::Type},
        quota::QuotaConfig,
        scheduler::{Call, call},
        value::Scalar,
    },
};

impl World {
    pub fn settle(&mut self, who: usize, a: u8, b: u8) -> Option<Output> {
        match a % 4 {
            0 => self.quota(b),
            1 => self.maintain(b),
            _ => self.answer_inverse_offers(who, b),
        }
    }

    fn operator(&mut self, kind: Type, call: master::Call) -> Option<Output> {
        let call = master::Call { r#type: Some(kind.into()), ..call };
        self.input(Input::Operator(Box::new(call)))
    }

    fn quota(&mut self, b: u8) -> Option<Output> {
        let cpus = |value: u8| [("cpus".to_owned(), Scalar { value: f64::from(value) })].into();
        let (guarantees, limits) = match b % 4 {
            0 => (Default::default(), Default::default()),
            1 => (cpus(b % 8), Default::default()),
            2 => (Default::default(), cpus(b % 8)),
            _ => (cpus(b % 8), cpus(b % 16)),
        };
        let role = if b & 16 == 0 { "dev" } else { "ops" };
        let config = QuotaConfig { role: role.into(), guarantees, limits };
        let update_quota =
            Some(master::call::UpdateQuota { force: Some(b & 32 == 0), quota_configs: vec![config] });
        self.operator(Type::UpdateQuota, master::Call { update_quota, ..Default::default() })
    }

    /// Agents of the histories are all on one machine.
    fn maintain(&mut self, b: u8) -> Option<Output> {
        let id = |name: &str| MachineId { hostname: Some(name.into()), ip: Some("127.0.0.1".into()) };
        let machines = vec![if b & 4 == 0 { id("localhost") } else { id("elsewhere") }];
        match b % 4 {
            0 => {
                let start_maintenance = Some(master::call::StartMaintenance { machines });
                self.operator(
                    Type::StartMaintenance,
                    master::Call { start_maintenance, ..Default::default() },
                )
            }
            1 => {
                let stop_maintenance = Some(master::call::StopMaintenance { machines });
                self.operator(Type::StopMaintenance, master::Call { stop_maintenance, ..Default::default() })
            }
            _ => {
                let unavailability = Unavailability {
                    start: TimeInfo { nanoseconds: i64::from(b) },
                    duration: Some(DurationInfo { nanoseconds: 1 }),
                };
                let window = Window { machine_ids: machines, unavailability };
                let schedule = Schedule { windows: if b & 8 == 0 { vec![window] } else { Vec::new() } };
                let update_maintenance_schedule = Some(master::call::UpdateMaintenanceSchedule { schedule });
                let call = master::Call { update_maintenance_schedule, ..Default::default() };
                self.operator(Type::UpdateMaintenanceSchedule, call)
            }
        }
    }

    fn answer_inverse_offers(&mut self, who: usize, b: u8) -> Option<Output> {
        let inverse_offer_ids: Vec<OfferId> = self.master.inverse_offers.keys().cloned().collect();
        let filters = (b & 1 == 0).then(|| Filters { refuse_seconds: Some(f64::from(b % 8)) });
        let call = match b & 2 {
            0 => Call {
                r#type: Some(call::Type::AcceptInverseOffers.into()),
                accept_inverse_offers: Some(call::AcceptInverseOffers { inverse_offer_ids, filters }),
                ..Call::default()
            },
            _ => Call {
                r#type: Some(call::Type::DeclineInverseOffers.into()),
                decline_inverse_offers: Some(call::DeclineInverseOffers { inverse_offer_ids, filters }),
                ..Call::default()
            },
        };
        self.call(who, call)
    }
}
