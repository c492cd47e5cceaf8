//! The reading calls of the operator API (`POST /api/v1` on the master).

mod cluster;
mod json;

pub use cluster::{agent, agents, executors, framework, framework_event, frameworks, state, tasks};
pub use json::{event_to_json, response_to_json};

use super::{flags, maintenance, metrics, quota, roles};
use crate::{
    engine::{
        legacy::{Build, System},
        master::Master,
    },
    mesos::{
        time::Time,
        v1::{
            Flag, Metric, WeightInfo,
            master::{Call, Response, call::Type as CallType, response},
        },
    },
};

/// The answer to a reading call; `None` for a call that changes something, streams, or needs files.
pub fn respond(master: &Master, now: Time, system: &System, call: &Call) -> Option<Response> {
    Some(match call.r#type() {
        CallType::GetHealth => health(),
        CallType::GetFlags => get_flags(master),
        CallType::GetVersion => version(),
        CallType::GetMetrics => get_metrics(master, now, system),
        CallType::GetLoggingLevel => logging_level(0),
        CallType::GetState => typed(response::Type::GetState, |r| r.get_state = Some(state(master))),
        CallType::GetAgents => typed(response::Type::GetAgents, |r| r.get_agents = Some(agents(master))),
        CallType::GetFrameworks => {
            typed(response::Type::GetFrameworks, |r| r.get_frameworks = Some(frameworks(master)))
        }
        CallType::GetExecutors => {
            typed(response::Type::GetExecutors, |r| r.get_executors = Some(executors(master)))
        }
        CallType::GetOperations => operations(),
        CallType::GetTasks => typed(response::Type::GetTasks, |r| r.get_tasks = Some(tasks(master))),
        CallType::GetRoles => get_roles(master),
        CallType::GetWeights => weights(master),
        CallType::GetMaster => get_master(master),
        CallType::GetMaintenanceStatus => maintenance_status(master),
        CallType::GetMaintenanceSchedule => maintenance_schedule(master),
        CallType::GetQuota => typed(response::Type::GetQuota, |r| {
            r.get_quota = Some(response::GetQuota { status: quota::status(master) })
        }),
        _ => return None,
    })
}

fn typed(kind: response::Type, fill: impl FnOnce(&mut Response)) -> Response {
    let mut response = Response { r#type: Some(kind.into()), ..Default::default() };
    fill(&mut response);
    response
}

fn health() -> Response {
    typed(response::Type::GetHealth, |r| r.get_health = Some(response::GetHealth { healthy: true }))
}

fn get_flags(master: &Master) -> Response {
    let flags = flags::all(&master.config);
    let flags = flags.into_iter().map(|(name, value)| Flag { name, value: Some(value) }).collect();
    typed(response::Type::GetFlags, |r| r.get_flags = Some(response::GetFlags { flags }))
}

fn version() -> Response {
    let version_info = Build::CURRENT.to_v1();
    typed(response::Type::GetVersion, |r| r.get_version = Some(response::GetVersion { version_info }))
}

fn get_metrics(master: &Master, now: Time, system: &System) -> Response {
    let metrics = metrics::snapshot(master, now, system);
    let metrics = metrics.into_iter().map(|(name, value)| Metric { name, value: Some(value) }).collect();
    typed(response::Type::GetMetrics, |r| r.get_metrics = Some(response::GetMetrics { metrics }))
}

/// GET_LOGGING_LEVEL: the level of the verbose log, which the process has and not the engine.
pub fn logging_level(level: u32) -> Response {
    let level = response::GetLoggingLevel { level };
    typed(response::Type::GetLoggingLevel, |r| r.get_logging_level = Some(level))
}

fn operations() -> Response {
    let operations = response::GetOperations::default();
    typed(response::Type::GetOperations, |r| r.get_operations = Some(operations))
}

fn get_roles(master: &Master) -> Response {
    let roles = roles::all(master).iter().map(roles::Role::to_v1).collect();
    typed(response::Type::GetRoles, |r| r.get_roles = Some(response::GetRoles { roles }))
}

/// No `get_weights` at all when there are none.
fn weights(master: &Master) -> Response {
    let infos = master.weights.iter().map(|(role, &weight)| WeightInfo { weight, role: Some(role.clone()) });
    let weight_infos: Vec<_> = infos.collect();
    let weights = (!weight_infos.is_empty()).then_some(response::GetWeights { weight_infos });
    typed(response::Type::GetWeights, |r| r.get_weights = weights)
}

fn get_master(master: &Master) -> Response {
    let get_master = response::GetMaster {
        master_info: Some(master.info.clone()),
        start_time: Some(master.started_at.as_secs_f64()),
        elected_time: master.elected_at.map(|at| at.as_secs_f64()),
    };
    typed(response::Type::GetMaster, |r| r.get_master = Some(get_master))
}

fn maintenance_status(master: &Master) -> Response {
    let status = response::GetMaintenanceStatus { status: maintenance::status(master) };
    typed(response::Type::GetMaintenanceStatus, |r| r.get_maintenance_status = Some(status))
}

fn maintenance_schedule(master: &Master) -> Response {
    let schedule = response::GetMaintenanceSchedule { schedule: maintenance::schedule(master) };
    typed(response::Type::GetMaintenanceSchedule, |r| r.get_maintenance_schedule = Some(schedule))
}
