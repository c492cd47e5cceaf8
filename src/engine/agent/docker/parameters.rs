//! Docker parameters of a task: options of `docker run`, by their names, as the fields of the engine's API that they mean.

use std::collections::HashMap;

use bollard::models::{DeviceMapping, HostConfigLogConfig, ResourcesUlimits, RestartPolicy};

use super::{Draft, network::LOOPBACK};

/// What is done with one option.
type Apply = fn(&mut Draft, &str) -> Result<(), String>;

/// Every option that is known. What can be given several times adds up, of the others the last one wins.
const OPTIONS: &[(&str, Apply)] = &[
    ("publish", publish),
    ("p", publish),
    ("expose", |draft, value| {
        let port = if value.contains('/') { value.to_owned() } else { format!("{value}/tcp") };
        push(&mut draft.body.exposed_ports, &port)
    }),
    ("network", |draft, value| network(draft, value)),
    ("net", |draft, value| network(draft, value)),
    ("network-alias", alias),
    ("net-alias", alias),
    ("ip", |draft, value| set(&mut draft.network.address, value)),
    ("hostname", |draft, value| set(&mut draft.body.hostname, value)),
    ("h", |draft, value| set(&mut draft.body.hostname, value)),
    ("domainname", |draft, value| set(&mut draft.body.domainname, value)),
    ("add-host", |draft, value| push(&mut draft.host.extra_hosts, value)),
    ("dns", |draft, value| push(&mut draft.host.dns, value)),
    ("dns-search", |draft, value| push(&mut draft.host.dns_search, value)),
    ("dns-opt", |draft, value| push(&mut draft.host.dns_options, value)),
    ("dns-option", |draft, value| push(&mut draft.host.dns_options, value)),
    ("link", |draft, value| push(&mut draft.host.links, value)),
    ("env", env),
    ("e", env),
    ("label", label),
    ("l", label),
    ("volume", |draft, value| volume(draft, value)),
    ("v", |draft, value| volume(draft, value)),
    ("volumes-from", |draft, value| push(&mut draft.host.volumes_from, value)),
    ("volume-driver", |draft, value| set(&mut draft.host.volume_driver, value)),
    ("tmpfs", |draft, value| {
        let (path, options) = value.split_once(':').unwrap_or((value, ""));
        insert(&mut draft.host.tmpfs, path, options)
    }),
    ("device", device),
    ("workdir", |draft, value| set(&mut draft.body.working_dir, value)),
    ("w", |draft, value| set(&mut draft.body.working_dir, value)),
    ("user", |draft, value| set(&mut draft.body.user, value)),
    ("u", |draft, value| set(&mut draft.body.user, value)),
    ("group-add", |draft, value| push(&mut draft.host.group_add, value)),
    ("entrypoint", entrypoint),
    ("init", |draft, value| switch(&mut draft.host.init, value)),
    ("stop-signal", |draft, value| set(&mut draft.body.stop_signal, value)),
    ("tty", |draft, value| no_terminal(draft, value)),
    ("t", |draft, value| no_terminal(draft, value)),
    ("interactive", |draft, value| switch(&mut draft.body.open_stdin, value)),
    ("i", |draft, value| switch(&mut draft.body.open_stdin, value)),
    ("privileged", |draft, value| switch(&mut draft.host.privileged, value)),
    ("read-only", |draft, value| switch(&mut draft.host.readonly_rootfs, value)),
    ("cap-add", |draft, value| push(&mut draft.host.cap_add, value)),
    ("cap-drop", |draft, value| push(&mut draft.host.cap_drop, value)),
    ("security-opt", |draft, value| push(&mut draft.host.security_opt, value)),
    ("sysctl", |draft, value| {
        let (name, value) = pair(value)?;
        insert(&mut draft.host.sysctls, name, value)
    }),
    ("ipc", |draft, value| set(&mut draft.host.ipc_mode, value)),
    ("pid", |draft, value| set(&mut draft.host.pid_mode, value)),
    ("uts", |draft, value| set(&mut draft.host.uts_mode, value)),
    ("userns", |draft, value| set(&mut draft.host.userns_mode, value)),
    ("runtime", |draft, value| set(&mut draft.host.runtime, value)),
    ("cgroup-parent", |draft, value| set(&mut draft.host.cgroup_parent, value)),
    ("ulimit", ulimit),
    ("memory", |draft, value| amount(&mut draft.host.memory, value)),
    ("m", |draft, value| amount(&mut draft.host.memory, value)),
    ("memory-reservation", |draft, value| amount(&mut draft.host.memory_reservation, value)),
    ("memory-swap", |draft, value| amount(&mut draft.host.memory_swap, value)),
    ("memory-swappiness", |draft, value| whole(&mut draft.host.memory_swappiness, value)),
    ("shm-size", |draft, value| amount(&mut draft.host.shm_size, value)),
    ("cpus", cpus),
    ("cpu-shares", |draft, value| whole(&mut draft.host.cpu_shares, value)),
    ("cpu-period", |draft, value| whole(&mut draft.host.cpu_period, value)),
    ("cpu-quota", |draft, value| whole(&mut draft.host.cpu_quota, value)),
    ("cpuset-cpus", |draft, value| set(&mut draft.host.cpuset_cpus, value)),
    ("cpuset-mems", |draft, value| set(&mut draft.host.cpuset_mems, value)),
    ("pids-limit", |draft, value| whole(&mut draft.host.pids_limit, value)),
    ("oom-kill-disable", |draft, value| switch(&mut draft.host.oom_kill_disable, value)),
    ("oom-score-adj", |draft, value| whole(&mut draft.host.oom_score_adj, value)),
    ("log-driver", |draft, value| set(&mut log(draft).typ, value)),
    ("log-opt", |draft, value| {
        let (name, value) = pair(value)?;
        insert(&mut log(draft).config, name, value)
    }),
    ("restart", |draft, value| restart(draft, value)),
    ("rm", |_, value| value.parse::<bool>().map(drop).map_err(|_| wants("true or false", value))),
];

/// # Errors
/// When the option is not known, or its value cannot be read: in a sentence.
pub(super) fn apply(draft: &mut Draft, key: &str, value: &str) -> Result<(), String> {
    let known = OPTIONS.iter().find(|(name, _)| *name == key);
    let Some((_, apply)) = known else {
        return Err(format!("The docker parameter '{key}' is not supported by this agent"));
    };
    apply(draft, value).map_err(|reason| format!("The docker parameter '{key}' {reason}"))
}

fn wants(what: &str, value: &str) -> String {
    format!("wants {what}, not '{value}'")
}

fn set(field: &mut Option<String>, value: &str) -> Result<(), String> {
    *field = Some(value.to_owned());
    Ok(())
}

fn push(field: &mut Option<Vec<String>>, value: &str) -> Result<(), String> {
    field.get_or_insert_default().push(value.to_owned());
    Ok(())
}

fn insert(field: &mut Option<HashMap<String, String>>, name: &str, value: &str) -> Result<(), String> {
    field.get_or_insert_default().insert(name.to_owned(), value.to_owned());
    Ok(())
}

/// Without a value a switch is on.
fn switch(field: &mut Option<bool>, value: &str) -> Result<(), String> {
    let on =
        if value.is_empty() { true } else { value.parse().map_err(|_| wants("true or false", value))? };
    *field = Some(on);
    Ok(())
}

fn whole(field: &mut Option<i64>, value: &str) -> Result<(), String> {
    *field = Some(value.parse().map_err(|_| wants("a whole number", value))?);
    Ok(())
}

/// `512m`, `1g`, `-1`.
fn amount(field: &mut Option<i64>, value: &str) -> Result<(), String> {
    *field = Some(bytes(value).ok_or_else(|| wants("an amount such as 512m", value))?);
    Ok(())
}

fn bytes(text: &str) -> Option<i64> {
    let text = text.trim().to_lowercase();
    let text = text.strip_suffix('b').unwrap_or(&text);
    let units = [('k', 10), ('m', 20), ('g', 30), ('t', 40)];
    let unit = units.into_iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, bits)));
    let (number, bits) = unit.unwrap_or((text, 0));
    number.parse::<i64>().ok()?.checked_mul(1 << bits)
}

fn pair(value: &str) -> Result<(&str, &str), String> {
    value.split_once('=').ok_or_else(|| wants("NAME=VALUE", value))
}

fn env(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (name, value) = pair(value)?;
    draft.environment.insert(name.to_owned(), value.to_owned());
    Ok(())
}

/// Labels by which the agent knows its own containers are not for tasks to change.
fn label(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (name, value) = value.split_once('=').unwrap_or((value, ""));
    if !name.starts_with("mesoslab.") {
        draft.labels.insert(name.to_owned(), value.to_owned());
    }
    Ok(())
}

fn network(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.network.rename(value);
    Ok(())
}

fn alias(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.network.aliases.push(value.to_owned());
    Ok(())
}

/// `[127.0.0.1:][PORT:]PORT[/PROTOCOL]`.
fn publish(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (ports, protocol) = value.rsplit_once('/').unwrap_or((value, "tcp"));
    let mut parts = ports.rsplit(':');
    let (inner, outer) = (parts.next().unwrap_or_default(), parts.next().filter(|port| !port.is_empty()));
    let address: Vec<&str> = parts.collect();
    if !matches!(address.as_slice(), [] | [LOOPBACK | "localhost"]) {
        return Err(format!("publishes on {LOOPBACK} only, not on '{value}'"));
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if !is_port(inner) || outer.is_some_and(|port| !is_port(port)) {
        return Err(wants("[127.0.0.1:][PORT:]PORT[/PROTOCOL]", value));
    }
    draft.network.publish(&format!("{inner}/{}", protocol.to_lowercase()), outer.map(str::to_owned));
    Ok(())
}

/// `SOURCE:TARGET[:MODE]`; a target alone is a volume without a name.
fn volume(draft: &mut Draft, value: &str) -> Result<(), String> {
    if value.contains(':') {
        draft.volumes.binds.push(value.to_owned());
        return Ok(());
    }
    push(&mut draft.body.volumes, value)
}

fn device(draft: &mut Draft, value: &str) -> Result<(), String> {
    let mut parts = value.split(':');
    let host = parts.next().unwrap_or_default().to_owned();
    let device = DeviceMapping {
        path_in_container: Some(parts.next().map_or_else(|| host.clone(), str::to_owned)),
        path_on_host: Some(host),
        cgroup_permissions: Some(parts.next().unwrap_or("rwm").to_owned()),
    };
    draft.host.devices.get_or_insert_default().push(device);
    Ok(())
}

/// As with `docker run`, the command of the image goes with its entry point.
fn entrypoint(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.body.entrypoint = Some(vec![value.to_owned()]);
    draft.body.cmd.get_or_insert_default();
    Ok(())
}

/// What a terminal prints is one stream, and tasks have two.
fn no_terminal(_: &mut Draft, value: &str) -> Result<(), String> {
    if value == "false" {
        Ok(())
    } else {
        Err("is not supported by this agent: tasks have no terminal".to_owned())
    }
}

/// `NAME=SOFT[:HARD]`.
fn ulimit(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (name, limits) = pair(value)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let number = |text: &str| text.parse::<i64>().map_err(|_| wants("NAME=SOFT[:HARD]", value));
    let limit = ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(number(soft)?),
        hard: Some(number(hard)?),
    };
    draft.host.ulimits.get_or_insert_default().push(limit);
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "nanoseconds are whole")]
fn cpus(draft: &mut Draft, value: &str) -> Result<(), String> {
    let cpus: f64 = value.parse().map_err(|_| wants("a number", value))?;
    draft.host.nano_cpus = Some((cpus * 1e9) as i64);
    Ok(())
}

fn log(draft: &mut Draft) -> &mut HostConfigLogConfig {
    draft.host.log_config.get_or_insert_default()
}

/// Whether a task runs again is for its framework to say.
fn restart(draft: &mut Draft, value: &str) -> Result<(), String> {
    if value != "no" {
        return Err("is not supported by this agent: frameworks restart their tasks".to_owned());
    }
    draft.host.restart_policy = Some(RestartPolicy::default());
    Ok(())
}
