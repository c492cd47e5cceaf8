//! What a definition of the right form has to keep to, in Marathon's sentences.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::Members;
use crate::services::marathon::{
    model::{
        AppDefinition, AppId, Constraint, Engine, HealthCheck, HealthProtocol, NetworkMode, Operator, Ports,
        SEGMENT_PATTERN,
    },
    problem::Detail,
};

const RESERVED: [&str; 5] = ["restart", "tasks", "versions", ".", ".."];
const OPERATORS: [&str; 7] = ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"];
const SINGLE_INSTANCE: &str = "MARATHON_SINGLE_INSTANCE_APP";

/// An id as it was written, seen from a group.
pub fn id(text: &str, base: &AppId) -> Vec<Detail> {
    let wrong = |error: String| vec![Detail::new("/id", error)];
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return wrong("Path must contain at least one path element".to_owned());
    }
    if !parts.iter().all(|part| is_segment(part)) {
        return wrong(format!("must fully match regular expression '{SEGMENT_PATTERN}'"));
    }
    if parts.last().is_some_and(|last| RESERVED.contains(last)) {
        let words = RESERVED.join(", ");
        return wrong(format!("must not end with any of the following reserved keywords: {words}"));
    }
    if !base.join(text).is_below(base) {
        return wrong(format!("Identifier is not child of '{base}'"));
    }
    Vec::new()
}

/// Letters, digits and inner dashes, in parts between dots.
fn is_segment(text: &str) -> bool {
    let part = |part: &str| {
        let all = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        !part.is_empty() && all && !part.starts_with('-') && !part.ends_with('-')
    };
    matches!(text, "." | "..") || text.split('.').all(part)
}

/// What must be said before the members can be read as a definition.
pub fn members(members: &Members, features: &[String]) -> Vec<Detail> {
    let mut wrong = Vec::new();
    let object = |name: &str| members.get(name).and_then(Value::as_object);
    if object("secrets").is_some_and(|secrets| !secrets.is_empty()) {
        wrong.push(Detail::new("/secrets", not_enabled("secrets")));
    }
    if object("env").is_some_and(|env| env.values().any(|value| !value.is_string())) {
        let rule = "use of secret-references in the environment requires the secrets feature to be enabled";
        wrong.push(Detail::new("/env", rule));
    }
    if object("env").is_some_and(|env| env.contains_key("")) {
        wrong.push(Detail::new("/env(0)", "must not be empty"));
    }
    if members.get("gpus").and_then(Value::as_f64).is_some_and(|gpus| gpus > 0.0)
        && !features.iter().any(|feature| feature == "gpu_resources")
    {
        wrong.push(Detail::new("/", not_enabled("gpu_resources")));
    }
    if members.get("executor").and_then(Value::as_str).is_some_and(|text| !matches!(text, "" | "//cmd")) {
        wrong.push(Detail::new("/executor", "custom executors are not supported"));
    }
    if members.get("unreachableStrategy").is_some_and(|strategy| !is_unreachable_strategy(strategy)) {
        wrong.push(Detail::new("/unreachableStrategy", "error.unknown.enum.literal"));
    }
    constraints(members, &mut wrong);
    container(members, &mut wrong);
    wrong
}

fn not_enabled(feature: &str) -> String {
    format!("Feature {feature} is not enabled. Enable with --enable_features {feature})")
}

fn is_unreachable_strategy(value: &Value) -> bool {
    match value {
        Value::String(word) => word == "disabled",
        Value::Object(object) => ["inactiveAfterSeconds", "expungeAfterSeconds"]
            .iter()
            .all(|name| object.get(*name).is_none_or(Value::is_u64)),
        _ => false,
    }
}

fn constraints(members: &Members, wrong: &mut Vec<Detail>) {
    let constraints = members.get("constraints").and_then(Value::as_array);
    for (index, constraint) in constraints.into_iter().flatten().enumerate() {
        let parts: Vec<&str> =
            constraint.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let error = match parts[..] {
            [field, operator] | [field, operator, _] => {
                let known = OPERATORS.contains(&operator);
                match (field.is_empty(), known) {
                    (true, _) => "illegal constraint specification",
                    (false, true) => continue,
                    (false, false) => {
                        "operator must be one of the following UNIQUE, CLUSTER, GROUP_BY, LIKE, MAX_PER, UNLIKE or IS"
                    }
                }
            }
            _ => "Each constraint must have either 2 or 3 fields",
        };
        wrong.push(Detail::new(format!("/constraints({index})"), error));
    }
}

fn container(members: &Members, wrong: &mut Vec<Detail>) {
    let Some(container) = members.get("container") else { return };
    if container["type"] == "DOCKER" && container.get("docker").is_none() {
        wrong.push(Detail::new("/container/docker", "not defined"));
    }
    for name in ["pullConfig", "credential"] {
        if container["docker"].get(name).is_some() {
            wrong.push(Detail::new(format!("/container/docker/{name}"), "is not supported"));
        }
    }
    let volumes = container.get("volumes").and_then(Value::as_array);
    for (index, volume) in volumes.into_iter().flatten().enumerate() {
        let path = format!("/container/volumes({index})");
        let kind = ["persistent", "external", "secret"].into_iter().find(|kind| volume.get(kind).is_some());
        match kind {
            Some(kind) => wrong.push(Detail::new(path, format!("{kind} volumes are not supported"))),
            None => {
                for name in ["containerPath", "hostPath"] {
                    let text = volume.get(name).and_then(Value::as_str).unwrap_or_default();
                    if text.is_empty() {
                        wrong.push(Detail::new(format!("{path}/{name}"), "must not be empty"));
                    }
                }
                if volume.get("mode").is_none() {
                    wrong.push(Detail::new(format!("{path}/mode"), "error.path.missing"));
                }
            }
        }
    }
}

/// What a definition that could be read still has to keep to.
pub fn app(app: &AppDefinition, role: &str) -> Vec<Detail> {
    let mut wrong = Vec::new();
    let mut rule = |path: &str, holds: bool, error: &str| {
        if !holds {
            wrong.push(Detail::new(path, error));
        }
    };
    let container = app.container.as_ref();
    let (cmd, args) = (app.cmd.is_some(), !app.args.is_empty());
    rule(
        "/",
        cmd != args || !cmd && container.is_some(),
        "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.",
    );
    rule("/", app.cmd.as_ref().is_none_or(|cmd| cmd.len() > 1), "must not be an empty string");
    let mapped = container.is_some_and(|container| !container.port_mappings.is_empty());
    rule("/", !(app.is_on_host_network() && mapped), "portMappings are not allowed with host-networking");
    let is_docker = container.is_some_and(|container| container.engine == Engine::Docker);
    rule("/", app.gpus == 0 || !is_docker, "GPU resources only work with the Mesos containerizer");
    let of_mesos =
        app.health_checks.iter().filter(|check| check.protocol.is_mesos() && check.command.is_none());
    rule("/", of_mesos.count() <= 1, "AppDefinition can contain at most one Mesos health check");
    rule("/readinessChecks", app.readiness_checks.len() <= 1, "got more than 1 readiness check");
    let single = app.labels.get(SINGLE_INSTANCE).is_some_and(|value| value == "true");
    rule("/", !single || app.instances <= 1, "Single instance app may only have one instance");
    roles(app, role, &mut wrong);
    networks(app, is_docker, &mut wrong);
    ports(app, &mut wrong);
    for (index, check) in app.health_checks.iter().enumerate() {
        health_check(app, check, is_docker, index, &mut wrong);
    }
    for (index, constraint) in app.constraints.iter().enumerate() {
        let error = constraint_error(constraint);
        wrong.extend(error.map(|error| Detail::new(format!("/constraints({index})"), error)));
    }
    for (index, artifact) in app.fetch.iter().enumerate() {
        if artifact.uri.is_empty()
            || artifact.uri.contains([' ', '\n', '"', '<', '>', '\\', '^', '`', '{', '|', '}'])
        {
            wrong.push(Detail::new(format!("/fetch({index})/uri"), "URI has invalid syntax."));
        }
    }
    wrong
}

fn roles(app: &AppDefinition, default: &str, wrong: &mut Vec<Detail>) {
    let group = app.id.segments().next().filter(|_| app.id.segments().count() > 1);
    let valid: BTreeSet<&str> = group.into_iter().chain([default]).collect();
    if !valid.contains(app.role.as_str()) {
        let words: Vec<&str> = valid.into_iter().collect();
        wrong.push(Detail::new("/role", format!("got {}, expected one of: {}", app.role, words.join(", "))));
    }
    let accepted: BTreeSet<&str> = ["*", app.role.as_str()].into_iter().collect();
    if !app.accepted_resource_roles.iter().all(|role| accepted.contains(role.as_str())) {
        let words: Vec<&str> = accepted.into_iter().collect();
        let rule = format!("acceptedResourceRoles can only contain {}", words.join(" and "));
        wrong.push(Detail::new("/acceptedResourceRoles", rule));
    }
}

fn networks(app: &AppDefinition, is_docker: bool, wrong: &mut Vec<Detail>) {
    let count = |mode: NetworkMode| app.networks.iter().filter(|network| network.mode == mode).count();
    let (host, bridge, named) =
        (count(NetworkMode::Host), count(NetworkMode::Bridge), count(NetworkMode::Container));
    if host > 1 || bridge > 1 || [host, bridge, named].iter().filter(|count| **count > 0).count() > 1 {
        let rule = "may only specify a single host network, bridge network, or 1-to-N container networks";
        wrong.push(Detail::new("/networks", rule));
    }
    if is_docker && named > 1 {
        let rule = "may only specify a single container network when using the Docker container engine";
        wrong.push(Detail::new("/", rule));
    }
}

fn ports(app: &AppDefinition, wrong: &mut Vec<Detail>) {
    let (path, names): (&str, Vec<&String>) = match app.ports() {
        Ports::Definitions(list) => {
            ("/portDefinitions", list.iter().filter_map(|p| p.name.as_ref()).collect())
        }
        Ports::Mappings(list) => {
            ("/container/portMappings", list.iter().filter_map(|p| p.name.as_ref()).collect())
        }
    };
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        wrong.push(Detail::new(path, "Port names must be unique."));
    }
    if let Ports::Definitions(definitions) = app.ports() {
        let fixed: Vec<u16> = definitions.iter().map(|port| port.port).filter(|port| *port != 0).collect();
        if fixed.iter().collect::<BTreeSet<_>>().len() < fixed.len() {
            wrong.push(Detail::new(path, "Ports must be unique."));
        }
    }
}

fn health_check(
    app: &AppDefinition,
    check: &HealthCheck,
    is_docker: bool,
    index: usize,
    wrong: &mut Vec<Detail>,
) {
    let path = format!("/healthChecks({index})");
    let ports = match app.ports() {
        Ports::Definitions(list) => list.len(),
        Ports::Mappings(list) => list.len(),
    };
    let addressed = match check.port_index {
        Some(index) => index < ports,
        None => check.port.is_some() || ports == 1,
    };
    if check.command.is_none() && !check.protocol.is_mesos() && !addressed {
        let rule = "Health check port indices must address an element of the ports array or container port mappings.";
        wrong.push(Detail::new(&path, rule));
    }
    if check.protocol == HealthProtocol::Command && check.command.is_none() {
        wrong.push(Detail::new(format!("{path}/command"), "error.path.missing"));
    }
    let by_executor = check.protocol.is_mesos() && check.protocol != HealthProtocol::Command;
    if check.ip_protocol != "IPv4" && !(by_executor && is_docker) {
        let rule = "IPv6 can only be used for container type DOCKER and Mesos http/https/tcp health checks";
        wrong.push(Detail::new(path, rule));
    }
}

fn constraint_error(constraint: &Constraint) -> Option<&'static str> {
    let value = constraint.value.as_deref();
    match constraint.operator {
        Operator::Unique => value.map(|_| "UNIQUE does not accept a value"),
        Operator::Cluster => None,
        Operator::GroupBy => value
            .is_some_and(|value| value.parse::<i32>().is_err())
            .then_some("GROUP BY must define an integer value or else no value at all"),
        Operator::MaxPer => value
            .is_none_or(|value| value.parse::<i32>().is_err())
            .then_some("MAX_PER requires an integer value"),
        Operator::Like | Operator::Unlike => match value {
            None => Some("LIKE and UNLIKE require a non-empty, regular expression value"),
            Some(value) => Regex::new(value).is_err().then_some("is not a valid regular expression"),
        },
        Operator::Is => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_/.-".contains(c);
            (!value.unwrap_or_default().chars().all(plain)).then_some(
                "IS only supports Mesos text and float values (see http://mesos.apache.org/documentation/latest/attributes-resources/)",
            )
        }
    }
}
