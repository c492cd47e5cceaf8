//! `/frameworks`, and a framework as `/state` and `/state-summary` show it too.

use serde::Serialize;

use super::{Query, selects};
use crate::{
    engine::{
        legacy::{Executor, Labels, Resources, Task},
        master::{
            Framework, Master,
            view::{framework_offered, framework_used},
        },
    },
    mesos::{
        json,
        time::Time,
        v1::{self, framework_info::capability::Type as Capability},
    },
};

/// A framework without its tasks.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    id: &'a str,
    name: &'a str,
    used_resources: Resources,
    offered_resources: Resources,
    capabilities: Vec<&'static str>,
    hostname: &'a str,
    webui_url: &'a str,
    active: bool,
    connected: bool,
    recovered: bool,
}

impl<'a> Summary<'a> {
    pub fn new(master: &Master, framework: &'a Framework) -> Self {
        let info = &framework.info;
        Self {
            id: framework.id.as_str(),
            name: &info.name,
            used_resources: framework_used(framework).iter().collect(),
            offered_resources: framework_offered(master, framework).iter().collect(),
            capabilities: info
                .capabilities
                .iter()
                .map(|capability| capability.r#type().as_str_name())
                .collect(),
            hostname: info.hostname(),
            webui_url: info.webui_url(),
            active: framework.active,
            connected: framework.connected(),
            recovered: framework.recovered(),
        }
    }
}

/// A framework with everything that belongs to it.
#[derive(Debug, Serialize)]
pub struct Full<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    user: &'a str,
    failover_timeout: f64,
    checkpoint: bool,
    registered_time: f64,
    unregistered_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    reregistered_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    tasks: Vec<Task<'a>>,
    unreachable_tasks: Vec<Task<'a>>,
    completed_tasks: Vec<Task<'a>>,
    offers: Vec<Offer<'a>>,
    executors: Vec<Executor<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels<'a>>,
    offer_constraints: serde_json::Value,
}

impl<'a> Full<'a> {
    pub fn new(master: &'a Master, framework: &'a Framework) -> Self {
        let info = &framework.info;
        let again = framework.reregistered_at != framework.registered_at;
        let (roles, role) = roles_or_role(info);
        let held = framework_used(framework);
        let offered = framework_offered(master, framework);
        Self {
            summary: Summary::new(master, framework),
            user: &info.user,
            failover_timeout: info.failover_timeout(),
            checkpoint: info.checkpoint(),
            registered_time: framework.registered_at.as_secs_f64(),
            unregistered_time: framework.unregistered_at.map_or(0.0, Time::as_secs_f64),
            principal: info.principal.as_deref(),
            resources: held.iter().chain(offered.iter()).collect(),
            reregistered_time: again.then(|| framework.reregistered_at.as_secs_f64()),
            roles,
            role,
            tasks: framework.tasks.values().map(Task::from).collect(),
            unreachable_tasks: framework.unreachable_tasks.iter().map(Task::from).collect(),
            completed_tasks: framework.completed_tasks.iter().map(Task::from).collect(),
            offers: framework.offers.iter().filter_map(|id| master.offers.get(id)).map(Offer::from).collect(),
            executors: executors(framework),
            labels: info.labels.as_ref().map(Labels::from),
            offer_constraints: constraints(&framework.offer_constraints),
        }
    }
}

fn constraints(constraints: &v1::scheduler::OfferConstraints) -> serde_json::Value {
    serde_json::from_str(&json::to_json_string(constraints)).unwrap_or_default()
}

fn roles_or_role(info: &v1::FrameworkInfo) -> (Option<&[String]>, Option<&str>) {
    if info.capabilities.iter().any(|capability| capability.r#type() == Capability::MultiRole) {
        (Some(&info.roles), None)
    } else {
        (None, Some(info.role()))
    }
}

fn executors(framework: &Framework) -> Vec<Executor<'_>> {
    let by_agent = framework.executors.iter();
    by_agent
        .flat_map(|(agent, known)| known.values().map(|executor| Executor::new(executor, agent)))
        .collect()
}

#[derive(Debug, Serialize)]
struct Offer<'a> {
    id: &'a str,
    framework_id: &'a str,
    allocation_info: AllocationInfo<'a>,
    slave_id: &'a str,
    resources: Resources,
}

#[derive(Debug, Serialize)]
struct AllocationInfo<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

impl<'a> From<&'a v1::Offer> for Offer<'a> {
    fn from(offer: &'a v1::Offer) -> Self {
        let allocation = offer.allocation_info.as_ref();
        Self {
            id: offer.id.as_str(),
            framework_id: offer.framework_id.as_str(),
            allocation_info: AllocationInfo { role: allocation.and_then(|info| info.role.as_deref()) },
            slave_id: offer.agent_id.as_str(),
            resources: offer.resources.iter().collect(),
        }
    }
}

/// `/frameworks`, all or the one of `framework_id`.
#[derive(Debug, Serialize)]
pub struct Frameworks<'a> {
    frameworks: Vec<Full<'a>>,
    completed_frameworks: Vec<Full<'a>>,
    unregistered_frameworks: [(); 0],
}

impl<'a> Frameworks<'a> {
    pub fn new(master: &'a Master, query: &Query) -> Self {
        let wanted = |framework: &&'a Framework| selects(query, "framework_id", framework.id.as_str());
        let full = |framework| Full::new(master, framework);
        Self {
            frameworks: master.frameworks.values().filter(wanted).map(full).collect(),
            completed_frameworks: master.completed_frameworks.iter().filter(wanted).map(full).collect(),
            unregistered_frameworks: [],
        }
    }
}
