//! `/state`: the whole cluster at once.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    agents::{RecoveredSlave, Slave},
    frameworks::Full,
};
use crate::{
    engine::{
        legacy::{Build, Domain, StateBuild},
        master::{
            Master,
            view::{flags, legacy::plain::capability_names},
        },
    },
    mesos::v1,
};

#[derive(Debug, Serialize)]
pub struct State<'a> {
    #[serde(flatten)]
    build: StateBuild,
    start_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    elected_time: Option<f64>,
    id: &'a str,
    pid: &'a str,
    hostname: &'a str,
    capabilities: Vec<&'static str>,
    activated_slaves: f64,
    deactivated_slaves: f64,
    unreachable_slaves: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader_info: Option<LeaderInfo<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    flags: BTreeMap<String, String>,
    slaves: Vec<Slave<'a>>,
    recovered_slaves: Vec<RecoveredSlave<'a>>,
    frameworks: Vec<Full<'a>>,
    completed_frameworks: Vec<Full<'a>>,
    orphan_tasks: [(); 0],
    unregistered_frameworks: [(); 0],
}

impl<'a> State<'a> {
    pub fn new(master: &'a Master) -> Self {
        let info = &master.info;
        let active = master.agents.values().filter(|agent| agent.active).count();
        let framework = |known| Full::new(master, known);
        Self {
            build: Build::CURRENT.into(),
            start_time: master.started_at.as_secs_f64(),
            elected_time: master.elected_at.map(|at| at.as_secs_f64()),
            id: &info.id,
            pid: info.pid(),
            hostname: info.hostname(),
            capabilities: capability_names(info),
            activated_slaves: as_f64(active),
            deactivated_slaves: as_f64(master.agents.len() - active),
            unreachable_slaves: as_f64(master.unreachable_agents.len()),
            domain: info.domain.as_ref().map(Domain::from),
            leader: master.leader.as_ref().map(v1::MasterInfo::pid),
            leader_info: master.leader.as_ref().map(LeaderInfo::from),
            cluster: master.config.cluster.as_deref(),
            flags: flags::all(&master.config),
            slaves: master.agents.values().map(Slave::from).collect(),
            recovered_slaves: master.recovered_agents.values().map(RecoveredSlave::from).collect(),
            frameworks: master.frameworks.values().map(framework).collect(),
            completed_frameworks: master.completed_frameworks.iter().map(framework).collect(),
            orphan_tasks: [],
            unregistered_frameworks: [],
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Mesos shows these counts as doubles")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[derive(Debug, Serialize)]
struct LeaderInfo<'a> {
    id: &'a str,
    pid: &'a str,
    port: u32,
    hostname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain<'a>>,
}

impl<'a> From<&'a v1::MasterInfo> for LeaderInfo<'a> {
    fn from(info: &'a v1::MasterInfo) -> Self {
        let domain = info.domain.as_ref().map(Domain::from);
        Self { id: &info.id, pid: info.pid(), port: info.port, hostname: info.hostname(), domain }
    }
}
