//! The small endpoints: `/roles`, `/flags`, `/weights`, `/redirect`, `/__processes__` and the like.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    engine::{
        allocator::{Limits, Quantities},
        master::{
            Framework, Master,
            view::roles::{Role, subscribed_roles},
        },
    },
    mesos::v1,
};

/// Where the leading master is, `//host:port`, if there is one.
pub fn redirect_location(master: &Master) -> Option<String> {
    let leader = master.leader.as_ref()?;
    let ip = std::net::Ipv4Addr::from(leader.ip.to_le_bytes());
    let hostname = leader.hostname.clone().unwrap_or_else(|| ip.to_string());
    Some(format!("//{hostname}:{}", leader.port))
}

/// `/flags`
#[derive(Debug, Serialize)]
pub struct Flags {
    pub flags: BTreeMap<String, String>,
}

/// The capabilities of this master by name. The last one has none in the v1 API.
pub fn capability_names(info: &v1::MasterInfo) -> Vec<&'static str> {
    use v1::master_info::capability::Type;
    let name = |capability: &v1::master_info::Capability| {
        capability
            .r#type
            .and_then(|number| Type::try_from(number).ok())
            .map_or("QUOTA_V2", |kind| kind.as_str_name())
    };
    info.capabilities.iter().map(name).collect()
}

/// `/weights`
pub fn weights(master: &Master) -> Vec<Value> {
    master.weights.iter().map(|(role, weight)| json!({"role": role, "weight": weight})).collect()
}

/// `/__processes__`: the actors that have an endpoint.
pub fn processes() -> Vec<Value> {
    let ids = [
        "__processes__",
        "allocator",
        "files",
        "help",
        "logging",
        "master",
        "metrics",
        "profiler",
        "registrar(1)",
        "system",
        "version",
    ];
    ids.map(|id| json!({"events": [], "id": id})).into()
}

/// `/roles`
#[derive(Debug, Serialize)]
pub struct Roles<'a> {
    roles: Vec<RoleView<'a>>,
}

impl<'a> Roles<'a> {
    pub fn new(roles: &'a [Role]) -> Self {
        Self { roles: roles.iter().map(RoleView::from).collect() }
    }
}

#[derive(Debug, Serialize)]
struct RoleView<'a> {
    name: &'a str,
    weight: f64,
    quota: Quota<'a>,
    resources: Quantities,
    allocated: &'a Quantities,
    offered: &'a Quantities,
    reserved: &'a Quantities,
    frameworks: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Quota<'a> {
    role: &'a str,
    guarantee: &'a Quantities,
    limit: &'a Limits,
    consumed: &'a Quantities,
}

impl<'a> From<&'a Role> for RoleView<'a> {
    fn from(role: &'a Role) -> Self {
        let (guarantee, limit) = (&role.quota.guarantees, &role.quota.limits);
        Self {
            name: &role.name,
            weight: role.weight,
            quota: Quota { role: &role.name, guarantee, limit, consumed: &role.consumed },
            resources: role.in_use(),
            allocated: &role.allocated,
            offered: &role.offered,
            reserved: &role.reserved,
            frameworks: role.frameworks.iter().map(v1::FrameworkId::as_str).collect(),
        }
    }
}

/// `/allocator/offer_constraints_debug`
#[derive(Debug, Serialize)]
pub struct OfferConstraintsDebug<'a> {
    frameworks: BTreeMap<&'a str, Constraints<'a>>,
}

#[derive(Debug, Serialize)]
struct Constraints<'a> {
    suppressed_roles: Vec<&'a str>,
    excluded_by_attribute_constraints: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> OfferConstraintsDebug<'a> {
    pub fn new(master: &'a Master) -> Self {
        let excluded = |framework: &Framework, role: &str| {
            let agents = master.allocator().excluded(&framework.id, role);
            agents.into_iter().map(v1::AgentId::as_str).collect()
        };
        let frameworks = master.frameworks.values().map(|framework| {
            let constraints = Constraints {
                suppressed_roles: framework.suppressed_roles.iter().map(String::as_str).collect(),
                excluded_by_attribute_constraints: subscribed_roles(&framework.info)
                    .into_iter()
                    .map(|role| (role, excluded(framework, role)))
                    .collect(),
            };
            (framework.id.as_str(), constraints)
        });
        Self { frameworks: frameworks.collect() }
    }
}
