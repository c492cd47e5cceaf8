//! The one place where flags become settings of the engine's agents: what all of them share, and where each one is.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddrV4,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value as Json;

use super::OneAgent;
use crate::{
    engine::agent::{AgentConfig, docker::DockerConfig, fetch::FetchConfig},
    flags::{given::Flags, listen::Listen, machine::Machine},
    mesos::{
        attributes, json,
        resources::Resources,
        v1::{AgentInfo, Attribute, DomainInfo},
    },
    spec::{MAX_AGENTS, ports_of_agent},
};

/// What Mesos gives an agent whose `--resources` name no ports.
const PORTS: &str = "[31000-32000]";

const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// How many agents one process may hold.
const MOST_AGENTS: u16 = 2000;

/// The ports of tasks that many agents share out.
const PORT_POOL: Range<u16> = 31_000..61_000;

/// Where one of the agents is.
struct Place {
    port: u16,
    work_dir: PathBuf,
    /// What tells it from the others; none when it is alone.
    name: Option<String>,
    /// What it gets when `--resources` name no ports.
    ports: String,
}

/// The agents; none when their flags are wrong.
pub fn agents(flags: &mut Flags, listen: &Listen, work_dir: &Path, machine: &Machine) -> Vec<OneAgent> {
    let places = places(flags, listen, work_dir);
    let template = template(flags, listen);
    let resources: Vec<_> =
        places.iter().map_while(|place| resources(flags, machine, &place.ports)).collect();
    let agents = places.into_iter().zip(resources);
    agents.map(|(place, resources)| agent(&template, listen, place, &resources)).collect()
}

fn places(flags: &mut Flags, listen: &Listen, work_dir: &Path) -> Vec<Place> {
    let count = flags.whole::<u16>("count").filter(|count| (1..=MOST_AGENTS).contains(count));
    flags.check("count", count.is_some(), &format!("must be from 1 to {MOST_AGENTS}"));
    let (count, first) = (count.unwrap_or(1), listen.address.port());
    flags.check("count", first.checked_add(count - 1).is_some(), "goes beyond port 65535");
    let own_port = count == 1 || listen.advertise_port.is_none();
    flags.check("advertise_port", own_port, "goes with one agent only");
    if count == 1 {
        return vec![Place {
            port: first,
            work_dir: work_dir.to_owned(),
            name: None,
            ports: PORTS.to_owned(),
        }];
    }
    (0..count).map(|index| place(first, index, count, work_dir)).collect()
}

/// One of several: ports of its own, as many as the agents of a lab have, or a fair share of what there is.
fn place(first: u16, index: u16, count: u16, work_dir: &Path) -> Place {
    let share = u64::from((PORT_POOL.end - PORT_POOL.start) / count);
    let (begin, end) = match usize::from(count) <= MAX_AGENTS {
        true => ports_of_agent(index.into()),
        false => {
            let begin = u64::from(PORT_POOL.start) + u64::from(index) * share;
            (begin, begin + share - 1)
        }
    };
    let name = format!("agent-{}", index + 1);
    Place {
        port: if first == 0 { 0 } else { first.saturating_add(index) },
        work_dir: work_dir.join(&name),
        name: Some(name),
        ports: format!("[{begin}-{end}]"),
    }
}

/// What all of them share.
fn template(flags: &mut Flags, listen: &Listen) -> AgentConfig {
    let info = AgentInfo {
        hostname: listen.hostname.clone(),
        attributes: flags.parsed("attributes", read_attributes).unwrap_or_default(),
        domain: domain(flags),
        ..AgentInfo::default()
    };
    let default = AgentConfig::new(info, "");
    let backoff = flags.duration("registration_backoff_factor").unwrap_or_default();
    flags.check("registration_backoff_factor", backoff <= LONGEST_BACKOFF, "must be at most 1mins");
    AgentConfig {
        ip: (*listen.advertised().ip()).into(),
        checkpoints: true,
        registration_backoff_factor: backoff,
        recovery_timeout: flags.duration("recovery_timeout").unwrap_or(default.recovery_timeout),
        docker: docker(flags),
        switch_user: flags.is_set("switch_user"),
        fetch: fetch(flags),
        executor_environment: environment(flags).unwrap_or_default(),
        executor_registration_timeout: flags
            .duration("executor_registration_timeout")
            .unwrap_or(default.executor_registration_timeout),
        executor_reregistration_timeout: flags
            .duration("executor_reregistration_timeout")
            .unwrap_or(default.executor_reregistration_timeout),
        executor_shutdown_grace_period: flags
            .duration("executor_shutdown_grace_period")
            .unwrap_or(default.executor_shutdown_grace_period),
        max_completed_executors_per_framework: flags
            .whole("max_completed_executors_per_framework")
            .unwrap_or(default.max_completed_executors_per_framework),
        launcher_dir: flags.text("launcher_dir").unwrap_or_default(),
        flags: flags.shown(),
        ..default
    }
}

/// How files of tasks are fetched.
fn fetch(flags: &Flags) -> FetchConfig {
    let default = FetchConfig::default();
    FetchConfig {
        cache_dir: flags.text("fetcher_cache_dir").filter(|directory| !directory.is_empty()),
        cache_size: flags.bytes("fetcher_cache_size").unwrap_or(default.cache_size),
        stall_timeout: flags.duration("fetcher_stall_timeout").unwrap_or(default.stall_timeout),
        frameworks_home: flags.text("frameworks_home").unwrap_or_default(),
    }
}

/// How tasks with images run, where `--containerizers` say that they do.
fn docker(flags: &mut Flags) -> Option<DockerConfig> {
    let containerizers = flags.text("containerizers").unwrap_or_default();
    let names: Vec<&str> = containerizers.split(',').map(str::trim).collect();
    flags.check("containerizers", names.contains(&"mesos"), "must hold mesos: it runs tasks without images");
    let default = DockerConfig::default();
    let config = DockerConfig {
        socket: flags.text("docker_socket"),
        sandbox_directory: flags.text("sandbox_directory").unwrap_or(default.sandbox_directory),
        stop_timeout: flags.duration("docker_stop_timeout").filter(|timeout| !timeout.is_zero()),
        remove_delay: flags.duration("docker_remove_delay").unwrap_or(default.remove_delay),
        kill_orphans: flags.is_set("docker_kill_orphans"),
        cpu_quota: flags.is_set("cgroups_enable_cfs"),
        own_container: flags.text("docker_container"),
    };
    names.contains(&"docker").then_some(config)
}

fn agent(template: &AgentConfig, listen: &Listen, place: Place, resources: &Resources) -> OneAgent {
    let mut config = template.clone();
    config.info.resources = resources.to_protos();
    config.info.port = Some(listen.advertise_port.unwrap_or(place.port).into());
    config.work_dir = place.work_dir.display().to_string();
    if let (Some(directory), Some(name)) = (&mut config.fetch.cache_dir, &place.name) {
        *directory = format!("{directory}/{name}");
    }
    let cache = config.fetch.cache_dir.clone().unwrap_or_else(|| format!("{}/fetch", config.work_dir));
    config.flags.insert("fetcher_cache_dir".to_owned(), cache);
    config.flags.insert("port".to_owned(), place.port.to_string());
    config.flags.insert("work_dir".to_owned(), config.work_dir.clone());
    OneAgent { address: SocketAddrV4::new(*listen.address.ip(), place.port), config }
}

fn read_attributes(text: &str) -> Result<Vec<Attribute>, String> {
    attributes::parse(text).map_err(|error| format!("cannot be read: {error}"))
}

fn domain(flags: &mut Flags) -> Option<DomainInfo> {
    let domain: Result<DomainInfo, _> = json::from_value(&flags.json("domain")?);
    let domain = domain.map_err(|error| format!("cannot be read: {error}")).and_then(|domain| {
        let has_place = domain.fault_domain.is_some();
        has_place.then_some(domain).ok_or_else(|| "must hold `fault_domain`".to_owned())
    });
    flags.noted("domain", domain)
}

/// What `--resources` name, and what the machine has of the others.
fn resources(flags: &mut Flags, machine: &Machine, ports: &str) -> Option<Resources> {
    let text = flags.text("resources").unwrap_or_default();
    let role = flags.text("default_role").unwrap_or_default();
    let all = all_resources(&text, &role, machine, ports);
    flags.noted("resources", all.map_err(|error| format!("cannot be read: {error}")))
}

fn all_resources(text: &str, role: &str, machine: &Machine, ports: &str) -> Result<Resources, String> {
    let mut all = Resources::parse(text, role).map_err(|error| error.to_string())?;
    let named = names(text);
    let mut missing: Vec<String> = ["cpus", "mem", "disk"]
        .into_iter()
        .filter(|name| !named.contains(*name))
        .filter_map(|name| Some(format!("{name}:{}", machine.default_of(name)?)))
        .collect();
    if !named.contains("ports") {
        missing.push(format!("ports:{ports}"));
    }
    all += Resources::parse(&missing.join(";"), role).map_err(|error| error.to_string())?;
    Ok(all)
}

/// The resources that a text names, with an amount of nothing too.
fn names(text: &str) -> BTreeSet<String> {
    match json::parse(text) {
        Ok(Json::Array(resources)) => {
            resources.iter().filter_map(|resource| Some(resource["name"].as_str()?.to_owned())).collect()
        }
        _ => text
            .split(';')
            .filter_map(|part| part.split([':', '(']).next())
            .map(|name| name.trim().to_owned())
            .collect(),
    }
}

fn environment(flags: &mut Flags) -> Option<BTreeMap<String, String>> {
    let variables = flags.json("executor_environment_variables")?;
    let texts = serde_json::from_value(variables).map_err(|_| "may hold texts only".to_owned());
    flags.noted("executor_environment_variables", texts)
}
