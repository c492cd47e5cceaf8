//! The environment of a task: what Marathon says about the app and the task, the ports, and what the user has set,
//! which wins.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;

use crate::services::marathon::model::{AppDefinition, Container, Ports};

const LONGEST: usize = 512;
const LABEL_PREFIX: &str = "MARATHON_APP_LABEL_";

/// All variables by name. `host_ports` has one entry for each port of the app.
pub fn variables(
    app: &AppDefinition,
    task_id: &str,
    host: &str,
    host_ports: &[Option<u32>],
    prefix: &str,
    rng: &mut impl Rng,
) -> BTreeMap<String, String> {
    let mut env = about_app(app, task_id);
    let mut located = port_variables(&requests(app), host_ports, rng);
    located.insert("HOST".to_owned(), host.to_owned());
    env.extend(located.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
    env.extend(app.env.clone());
    env
}

fn about_app(app: &AppDefinition, task_id: &str) -> BTreeMap<String, String> {
    let mut env: BTreeMap<_, _> = [
        ("MESOS_TASK_ID", task_id.to_owned()),
        ("MARATHON_APP_ID", app.id.to_string()),
        ("MARATHON_APP_VERSION", app.version.to_string()),
        ("MARATHON_APP_RESOURCE_CPUS", java_double(app.cpus)),
        ("MARATHON_APP_RESOURCE_MEM", java_double(app.mem)),
        ("MARATHON_APP_RESOURCE_DISK", java_double(app.disk)),
        ("MARATHON_APP_RESOURCE_GPUS", app.gpus.to_string()),
        ("MARATHON_APP_ENFORCE_GROUP_ROLE", "FALSE".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(image) = docker_image(app.container.as_ref()) {
        env.insert("MARATHON_APP_DOCKER_IMAGE".to_owned(), image.to_owned());
    }
    env.extend(label_variables(&app.labels));
    env
}

fn docker_image(container: Option<&Container>) -> Option<&str> {
    Some(&container?.docker.as_ref()?.image)
}

/// `MARATHON_APP_LABELS` has the names as they are in the variables; what is too long is left out.
fn label_variables(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let fits = |(name, value): &(&String, &String)| {
        name.len() < LONGEST - LABEL_PREFIX.len() && value.len() < LONGEST
    };
    let known: BTreeMap<_, _> =
        labels.iter().filter(fits).map(|(name, value)| (word(name), value.clone())).collect();
    let names = known.keys().cloned().collect::<Vec<_>>().join(" ");
    let values = known.into_iter().map(|(name, value)| (format!("{LABEL_PREFIX}{name}"), value));
    values.chain([("MARATHON_APP_LABELS".to_owned(), names)]).collect()
}

/// Upper case, each run of other signs an underscore.
fn word(name: &str) -> String {
    let mut word = String::new();
    let mut in_gap = false;
    for c in name.chars() {
        let is_plain = c.is_ascii_alphanumeric() || c == '_';
        if is_plain {
            word.push(c.to_ascii_uppercase());
        } else if !in_gap {
            word.push('_');
        }
        in_gap = !is_plain;
    }
    word
}

/// What the app calls a port: its name, and its number there; 0 when it has none.
struct Request<'a> {
    name: Option<&'a str>,
    port: u32,
}

fn requests(app: &AppDefinition) -> Vec<Request<'_>> {
    match app.ports() {
        Ports::Definitions(definitions) => definitions
            .iter()
            .map(|port| Request { name: port.name.as_deref(), port: port.port.into() })
            .collect(),
        Ports::Mappings(mappings) => mappings
            .iter()
            .map(|port| Request { name: port.name.as_deref(), port: port.container_port.into() })
            .collect(),
    }
}

/// `PORT0`..., `PORT_<number>`, `PORT_<NAME>`, `PORT` and `PORTS`. A container port that nobody has named is made up.
fn port_variables(
    requests: &[Request<'_>],
    host_ports: &[Option<u32>],
    rng: &mut impl Rng,
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut taken: BTreeSet<u32> =
        requests.iter().map(|request| request.port).chain(host_ports.iter().flatten().copied()).collect();
    let (mut assigned, mut made_up) = (Vec::new(), Vec::new());
    for (index, (request, host_port)) in requests.iter().zip(host_ports).enumerate() {
        let effective = match (host_port, request.port) {
            (Some(port), _) => {
                assigned.push(*port);
                *port
            }
            (None, 0) => {
                let port = unused_port(&mut taken, rng);
                made_up.push(port);
                port
            }
            (None, port) => port,
        };
        let number = if request.port == 0 { effective } else { request.port };
        env.insert(format!("PORT{index}"), effective.to_string());
        env.insert(format!("PORT_{number}"), effective.to_string());
        if let Some(name) = request.name {
            env.insert(format!("PORT_{}", name.to_uppercase()), effective.to_string());
        }
    }
    assigned.extend(made_up);
    if let Some(first) = assigned.first() {
        env.insert("PORT".to_owned(), first.to_string());
    }
    if !host_ports.is_empty() {
        let all: Vec<_> = assigned.iter().map(u32::to_string).collect();
        env.insert("PORTS".to_owned(), all.join(","));
    }
    env
}

fn unused_port(taken: &mut BTreeSet<u32>, rng: &mut impl Rng) -> u32 {
    loop {
        let port = rng.random_range(1025..=65535);
        if taken.insert(port) {
            return port;
        }
    }
}

/// As Java prints a `double`: `1.0`, `0.1`, `1.0E-4`, `1.0E7`.
fn java_double(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    fn ports(requests: &[(Option<&str>, u32)], given: &[Option<u32>]) -> BTreeMap<String, String> {
        let requests: Vec<_> = requests.iter().map(|&(name, port)| Request { name, port }).collect();
        port_variables(&requests, given, &mut SmallRng::seed_from_u64(1))
    }

    fn pairs(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn ports_go_by_index_number_and_name() {
        let env = ports(&[(Some("http"), 10_000), (None, 0)], &[Some(31_000), Some(31_001)]);
        let wanted = pairs(&[
            ("PORT", "31000"),
            ("PORT0", "31000"),
            ("PORT1", "31001"),
            ("PORTS", "31000,31001"),
            ("PORT_10000", "31000"),
            ("PORT_31001", "31001"),
            ("PORT_HTTP", "31000"),
        ]);
        assert_eq!(env, wanted);
        assert!(ports(&[], &[]).is_empty());
    }

    #[test]
    fn a_port_of_the_container_alone_is_its_own_number() {
        let env = ports(&[(Some("admin"), 8080)], &[None]);
        let wanted =
            pairs(&[("PORT0", "8080"), ("PORT_8080", "8080"), ("PORT_ADMIN", "8080"), ("PORTS", "")]);
        assert_eq!(env, wanted);
    }

    #[test]
    fn a_container_port_that_is_left_open_is_made_up() {
        let env = ports(&[(Some("any"), 0)], &[None]);
        let port: u32 = env["PORT0"].parse().unwrap();
        assert!(port > 1024);
        for name in ["PORT", "PORTS", "PORT_ANY", &format!("PORT_{port}")] {
            assert_eq!(env[name], port.to_string(), "{name}");
        }
    }

    #[test]
    fn labels_become_words_and_long_ones_are_left_out() {
        let long = "x".repeat(LONGEST);
        let labels = pairs(&[("a.b-:c", "1"), ("ok", &long), (&long, "2"), ("snake_case", "3")]);
        let wanted = pairs(&[
            ("MARATHON_APP_LABELS", "A_B_C SNAKE_CASE"),
            ("MARATHON_APP_LABEL_A_B_C", "1"),
            ("MARATHON_APP_LABEL_SNAKE_CASE", "3"),
        ]);
        assert_eq!(label_variables(&labels), wanted);
        assert_eq!(label_variables(&BTreeMap::new()), pairs(&[("MARATHON_APP_LABELS", "")]));
    }

    #[test]
    fn numbers_look_as_in_java() {
        for (value, text) in
            [(1.0, "1.0"), (0.1, "0.1"), (0.0, "0.0"), (128.0, "128.0"), (1e-4, "1.0E-4"), (1.5e7, "1.5E7")]
        {
            assert_eq!(java_double(value), text);
        }
    }
}
