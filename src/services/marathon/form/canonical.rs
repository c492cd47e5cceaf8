//! Old forms of members to the present ones, and the defaults that depend on other members.

use serde_json::{Map, Value, json};

use super::{Members, Reader};
use crate::services::marathon::problem::Problem;

/// Words that are read in any case, and written in one.
const WORDS: [(&str, &[&str]); 2] =
    [("killSelection", &["YOUNGEST_FIRST", "OLDEST_FIRST"]), ("type", &["MESOS", "DOCKER"])];

/// The members of an update in the present forms.
///
/// # Errors
/// When old and new forms of the same thing come together.
pub fn update(mut members: Members) -> Result<Members, Problem> {
    artifacts(&mut members)?;
    networks(&mut members)?;
    ports(&mut members)?;
    words(&mut members);
    container_mappings(&mut members)?;
    Ok(members)
}

/// The members of a definition in the present forms, with defaults.
///
/// # Errors
/// As [`update`], and when a network has no name.
pub fn app(members: Members, reader: &Reader) -> Result<Members, Problem> {
    let mut members = update(members)?;
    for (name, value) in
        [("residency", false), ("check", true), ("resourceLimits", true), ("executorResources", true)]
    {
        if members.remove(name).is_some() && value {
            return Err(Problem::invalid(&format!("/{name}"), "is not supported"));
        }
    }
    members.entry("role").or_insert_with(|| reader.role.as_str().into());
    network_names(&mut members, reader)?;
    if is_host(&members) {
        members.entry("portDefinitions").or_insert_with(|| json!([{"name": "default"}]));
        if let Some(Value::Object(container)) = members.get_mut("container")
            && container.get("portMappings").is_some_and(|mappings| *mappings == json!([]))
        {
            container.remove("portMappings");
        }
    } else {
        container_ports(&mut members);
    }
    health_checks(&mut members);
    Ok(members)
}

fn list<'a>(members: &'a Members, name: &str) -> &'a [Value] {
    members.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_host(members: &Members) -> bool {
    list(members, "networks").iter().all(|network| network["mode"] == "host")
}

fn words(members: &mut Members) {
    let upper = |object: &mut Members| {
        for (name, words) in WORDS {
            let word = object.get(name).and_then(Value::as_str);
            let known = word.and_then(|word| words.iter().find(|known| known.eq_ignore_ascii_case(word)));
            if let Some(known) = known {
                object.insert(name.to_owned(), (*known).into());
            }
        }
    };
    upper(members);
    if let Some(Value::Object(container)) = members.get_mut("container") {
        upper(container);
        container.entry("type").or_insert_with(|| "DOCKER".into());
    }
}

fn artifacts(members: &mut Members) -> Result<(), Problem> {
    let uris = members.remove("uris");
    let uris = uris.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if uris.is_empty() {
        return Ok(());
    }
    if !list(members, "fetch").is_empty() {
        return Err(Problem::invalid("/uris", "may not be set in conjunction with fetch"));
    }
    let fetch =
        uris.iter().map(|uri| json!({"uri": uri, "extract": is_archive(uri.as_str().unwrap_or_default())}));
    members.insert("fetch".to_owned(), fetch.collect());
    Ok(())
}

/// What the fetcher unpacks.
fn is_archive(uri: &str) -> bool {
    [".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip"].iter().any(|end| uri.ends_with(end))
}

fn networks(members: &mut Members) -> Result<(), Problem> {
    let address = members.remove("ipAddress");
    let old = docker(members).and_then(|docker| docker.remove("network"));
    if address.is_none() && old.is_none() {
        return Ok(());
    }
    if !list(members, "networks").is_empty() {
        let rule = match old {
            Some(_) => "must not specify both container.docker.network and networks",
            None => "must not specify both networks and ipAddress",
        };
        return Err(Problem::invalid("/", rule));
    }
    let mode = match old.as_ref().and_then(Value::as_str).map(str::to_ascii_uppercase).as_deref() {
        Some("HOST") => "host",
        Some("BRIDGE") => "container/bridge",
        Some("USER") | None => "container",
        Some(other) => {
            return Err(Problem::Unprocessable(format!("unsupported docker network type {other}")));
        }
    };
    let mut network = json!({"mode": mode});
    for (from, to) in [("networkName", "name"), ("labels", "labels")] {
        let value = address.as_ref().and_then(|address| address.get(from));
        if let Some(value) = value.filter(|_| mode == "container" || to == "labels") {
            network[to] = value.clone();
        }
    }
    members.insert("networks".to_owned(), json!([network]));
    if address.is_some() {
        members.entry("container").or_insert_with(|| json!({"type": "MESOS"}));
    }
    Ok(())
}

fn docker(members: &mut Members) -> Option<&mut Map<String, Value>> {
    members.get_mut("container")?.get_mut("docker")?.as_object_mut()
}

fn ports(members: &mut Members) -> Result<(), Problem> {
    let Some(Value::Array(ports)) = members.remove("ports") else { return Ok(()) };
    let definitions: Vec<Value> = ports.iter().map(|port| json!({"port": port})).collect();
    if let Some(Value::Array(given)) = members.get("portDefinitions") {
        let same = given.len() == ports.len()
            && given.iter().zip(&ports).all(|(given, port)| given.get("port").unwrap_or(&json!(0)) == port);
        if !same {
            return Err(Problem::invalid("/", "cannot specify both ports and port definitions"));
        }
        return Ok(());
    }
    members.insert("portDefinitions".to_owned(), definitions.into());
    Ok(())
}

/// `container.docker.portMappings` to `container.portMappings`.
fn container_mappings(members: &mut Members) -> Result<(), Problem> {
    let Some(old) = docker(members).and_then(|docker| docker.remove("portMappings")) else { return Ok(()) };
    let Some(Value::Object(container)) = members.get_mut("container") else { return Ok(()) };
    if container.get("portMappings").is_some() && old != json!([]) {
        let text = "cannot specify both portMappings and docker.portMappings";
        return Err(Problem::Unprocessable(text.to_owned()));
    }
    container.entry("portMappings").or_insert(old);
    Ok(())
}

fn network_names(members: &mut Members, reader: &Reader) -> Result<(), Problem> {
    let networks = members.entry("networks").or_insert_with(|| json!([]));
    let Value::Array(networks) = networks else { return Ok(()) };
    if networks.is_empty() {
        networks.push(json!({"mode": "host"}));
    }
    for network in networks {
        if network.get("mode").is_none() {
            network["mode"] = "container".into();
        }
        if network["mode"] == "container" && network.get("name").is_none() {
            let Some(name) = &reader.default_network else {
                let rule = "Network name must be specified when container network is selected";
                return Err(Problem::invalid("/networks", rule));
            };
            network["name"] = name.as_str().into();
        }
    }
    Ok(())
}

/// Off the host's network: one mapping if none is given, as many as there were ports, and host ports on bridges.
fn container_ports(members: &mut Members) {
    let bridged = list(members, "networks").iter().any(|network| network["mode"] == "container/bridge");
    let wanted = list(members, "portDefinitions").len();
    members.remove("portDefinitions");
    members.insert("requirePorts".to_owned(), false.into());
    let container = members.entry("container").or_insert_with(|| json!({"type": "MESOS"}));
    let Value::Object(container) = container else { return };
    let mappings = container.entry("portMappings").or_insert_with(|| json!([{"name": "default"}]));
    let Value::Array(mappings) = mappings else { return };
    while mappings.len() < wanted {
        mappings.push(json!({}));
    }
    for mapping in mappings.iter_mut().filter(|_| bridged) {
        if mapping.get("hostPort").is_none() {
            mapping["hostPort"] = 0.into();
        }
    }
}

fn health_checks(members: &mut Members) {
    let Some(Value::Array(checks)) = members.get_mut("healthChecks") else { return };
    for check in checks {
        let protocol = check.get("protocol").and_then(Value::as_str).unwrap_or("HTTP").to_ascii_uppercase();
        if protocol != "COMMAND" && check.get("port").is_none() && check.get("portIndex").is_none() {
            check["portIndex"] = 0.into();
        }
        check["protocol"] = protocol.into();
    }
}
