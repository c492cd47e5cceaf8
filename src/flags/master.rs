//! What the flags of `serve master` mean.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{Component, Problems, given::Flags, listen::Listen, logging::Logging, session_timeout};
use crate::{
    client::zookeeper::{UrlError, ZooKeeperUrl},
    engine::{allocator::parse_min_allocatable_resources, master::MasterConfig},
    mesos::{duration, roles},
};

/// A master as its command line wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterSetup {
    /// Address and port are those that others are told, as far as they are known before the socket is bound.
    pub config: MasterConfig,
    pub listen: Listen,
    pub registry: Registry,
    /// Where it contends with others.
    pub zookeeper: Option<ZooKeeperUrl>,
    pub session_timeout: Duration,
    pub logging: Logging,
}

/// Where the cluster is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registry {
    InMemory,
    /// In a file of this directory.
    WorkDir(PathBuf),
}

/// Reads the flags (without the program's name) and the environment.
///
/// # Errors
/// Everything that is wrong with them.
pub fn setup(argv: &[String], variables: &[(String, String)]) -> Result<MasterSetup, Problems> {
    let mut flags = Flags::read(Component::Master, argv, variables);
    let listen = Listen::of(&mut flags);
    let setup = MasterSetup {
        config: config(&mut flags, &listen),
        listen,
        registry: registry(&mut flags),
        zookeeper: zookeeper(&mut flags),
        session_timeout: session_timeout(&mut flags),
        logging: Logging::of(&mut flags, Component::Master),
    };
    check(&mut flags, &setup.config);
    flags.finish(setup)
}

/// The one place where flags become settings of the engine.
fn config(flags: &mut Flags, listen: &Listen) -> MasterConfig {
    let default = MasterConfig::default();
    let duration = |name, default| flags.duration(name).unwrap_or(default);
    let count = |name, default| flags.whole(name).unwrap_or(default);
    let config = MasterConfig {
        hostname: listen.hostname.clone(),
        ip: *listen.advertised().ip(),
        port: listen.advertised().port(),
        cluster: flags.text("cluster"),
        allocation_interval: duration("allocation_interval", default.allocation_interval),
        allocator_agent_recovery_factor: flags
            .number("allocator_agent_recovery_factor")
            .unwrap_or(default.allocator_agent_recovery_factor),
        allocator_recovery_timeout: duration(
            "allocator_recovery_timeout",
            default.allocator_recovery_timeout,
        ),
        offer_timeout: flags.duration("offer_timeout"),
        agent_ping_timeout: duration("agent_ping_timeout", default.agent_ping_timeout),
        max_agent_ping_timeouts: flags
            .whole("max_agent_ping_timeouts")
            .map_or(default.max_agent_ping_timeouts, saturated),
        agent_reregister_timeout: duration("agent_reregister_timeout", default.agent_reregister_timeout),
        registry_gc_interval: duration("registry_gc_interval", default.registry_gc_interval),
        registry_max_agent_age: duration("registry_max_agent_age", default.registry_max_agent_age),
        registry_max_agent_count: count("registry_max_agent_count", default.registry_max_agent_count),
        max_completed_frameworks: count("max_completed_frameworks", default.max_completed_frameworks),
        max_completed_tasks_per_framework: count(
            "max_completed_tasks_per_framework",
            default.max_completed_tasks_per_framework,
        ),
        max_unreachable_tasks_per_framework: count(
            "max_unreachable_tasks_per_framework",
            default.max_unreachable_tasks_per_framework,
        ),
        filter_gpu_resources: flags.is_set("filter_gpu_resources"),
        fair_sharing_excluded_resource_names: flags
            .list("fair_sharing_excluded_resource_names")
            .into_iter()
            .collect(),
        root_submissions: flags.is_set("root_submissions"),
        offer_freed_resources_at_once: flags.is_set("offer_freed_resources_at_once"),
        other_flags: flags.shown(),
        ..default
    };
    let roles = flags.parsed("roles", roles_of);
    MasterConfig {
        agent_removal_rate_limit: flags.parsed("agent_removal_rate_limit", rate),
        min_allocatable_resources: flags.parsed("min_allocatable_resources", quantities).unwrap_or_default(),
        weights: flags.parsed("weights", |text| weights(text, roles.as_deref())).unwrap_or_default(),
        roles,
        ..config
    }
}

fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What Mesos checks beyond the kinds of values.
fn check(flags: &mut Flags, config: &MasterConfig) {
    let pings = Duration::from_secs(1)..=Duration::from_secs(15 * 60);
    let positive = "must be longer than nothing";
    flags.check(
        "agent_ping_timeout",
        pings.contains(&config.agent_ping_timeout),
        "must lie between 1secs and 15mins",
    );
    flags.check("max_agent_ping_timeouts", config.max_agent_ping_timeouts > 0, "must be at least 1");
    flags.check("offer_timeout", config.offer_timeout != Some(Duration::ZERO), positive);
    flags.check("allocation_interval", config.allocation_interval > Duration::ZERO, positive);
}

fn zookeeper(flags: &mut Flags) -> Option<ZooKeeperUrl> {
    flags.parsed("zk", |text| text.parse().map_err(|error: UrlError| format!("cannot be read: {error}")))
}

fn registry(flags: &mut Flags) -> Registry {
    if flags.is_given("zk") {
        return Registry::InMemory;
    }
    let kind = flags.text("registry").unwrap_or_default();
    let work_dir = flags.text("work_dir").filter(|dir| !dir.is_empty());
    match (kind.as_str(), work_dir) {
        ("in_memory", _) => return Registry::InMemory,
        ("replicated_log" | "log_storage", Some(dir)) => return Registry::WorkDir(dir.into()),
        ("replicated_log" | "log_storage", None) => {
            flags.note("work_dir", "is required: the registry is kept there, unless --registry=in_memory");
        }
        (other, _) => flags.note("registry", format!("knows replicated_log and in_memory, not `{other}`")),
    }
    Registry::InMemory
}

fn roles_of(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = tokens(text, ',').map(str::to_owned).collect();
    names.iter().try_for_each(|role| roles::validate(role))?;
    Ok(names)
}

fn weights(text: &str, allowed: Option<&[String]>) -> Result<BTreeMap<String, f64>, String> {
    tokens(text, ',').map(|pair| weight(pair, allowed)).collect()
}

fn weight(pair: &str, allowed: Option<&[String]>) -> Result<(String, f64), String> {
    let Some((role, weight)) = pair.split_once('=') else {
        return Err(format!("is written as role=weight,role=weight, not `{pair}`"));
    };
    let is_allowed =
        role == roles::ANY || allowed.is_none_or(|roles| roles.iter().any(|known| known == role));
    if !is_allowed {
        return Err(format!("names the role `{role}`, which --roles does not"));
    }
    match weight.trim().parse::<f64>() {
        Ok(weight) if weight > 0.0 && weight.is_finite() => Ok((role.to_owned(), weight)),
        _ => Err(format!("wants positive weights, not `{pair}`")),
    }
}

fn quantities(text: &str) -> Result<String, String> {
    match parse_min_allocatable_resources(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("is written as cpus:0.01|mem:32, not `{text}`")),
    }
}

/// So many in so long: `1/10mins`.
fn rate(text: &str) -> Result<(u32, Duration), String> {
    let form = || format!("is written as number/duration, such as 1/10mins, not `{text}`");
    let (permits, per) = text.split_once('/').ok_or_else(form)?;
    let per = duration::parse(per.trim()).map_err(|error| format!("{}: {error}", form()))?;
    match permits.trim().parse() {
        Ok(permits) if permits > 0 && per > Duration::ZERO => Ok((permits, per)),
        _ => Err(form()),
    }
}

fn tokens(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(str::trim).filter(|part| !part.is_empty())
}
