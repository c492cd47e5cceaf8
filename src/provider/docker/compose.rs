//! A lab as a Compose file: the containers of its plan, for those who have Compose run them.
//!
//! What is text to Compose stands in lists as `NAME=VALUE`, so that no reader of YAML takes it for a number or a truth value.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_yaml_ng::{Error, Mapping, to_string, to_value};

use super::plan::{Mount, Plan, Service, Surroundings, wished_ports};
use crate::spec::{LabSpec, SpecLayer};

/// What Compose starts the scheduler under, where it is Marathon that usually runs it.
const SCHEDULER: &str = "scheduler";

/// The Compose file of a lab; Compose takes it from version 1.28 on, the second generation included.
///
/// # Errors
/// None that a lab is known to lead to.
pub fn file(spec: &LabSpec, around: &Surroundings) -> Result<String, Error> {
    let plan = Plan::of(spec, around);
    let beside = spec.marathon.then(|| scheduler(spec, around)).flatten();
    let file = File::of(&plan, beside.as_ref(), &spec.name)?;
    Ok(head(spec, &plan) + &to_string(&file)?)
}

/// A port for each service, without asking what is free: where the lab file takes any, the usual one.
pub fn ports(spec: &LabSpec) -> BTreeMap<String, u16> {
    let usual = wished_ports(&LabSpec { ports: SpecLayer::default().resolve().ports, ..spec.clone() });
    let named = wished_ports(spec).into_iter().zip(usual);
    named.map(|((name, wished), (_, usual))| (name, if wished == 0 { usual } else { wished })).collect()
}

/// As it is in a lab without Marathon.
fn scheduler(spec: &LabSpec, around: &Surroundings) -> Option<Service> {
    let alone = Plan::of(&LabSpec { marathon: false, ..spec.clone() }, around);
    alone.services.into_iter().find(|service| service.name == SCHEDULER)
}

fn head(spec: &LabSpec, plan: &Plan) -> String {
    let (name, flavor, project) = (&spec.name, spec.flavor.word(), &plan.project);
    let mut head = format!(
        "# The lab `{name}` in flavor {flavor}, as `mesoslab compose` of version {version} wrote it.\n\
         # Images named mesoslab/... are made here, not pulled: mesoslab build\n\
         # start it: docker compose -p {project} -f THIS_FILE up -d\n\
         # end it:   docker compose -p {project} -f THIS_FILE down          (with --volumes, its state too)\n\
         # Compose of the first generation is called docker-compose, in one word.\n",
        version = env!("CARGO_PKG_VERSION")
    );
    if spec.marathon {
        head += &format!(
            "# The scheduler is an app of Marathon in a lab that mesoslab starts. Compose starts it when it is asked to:\n\
             #   docker compose -p {project} -f THIS_FILE --profile {SCHEDULER} up -d\n"
        );
    }
    head
}

#[derive(Serialize)]
struct File {
    services: Mapping,
    networks: Mapping,
    volumes: Mapping,
}

impl File {
    fn of(plan: &Plan, beside: Option<&Service>, lab: &str) -> Result<Self, Error> {
        let labels = [format!("mesoslab.lab={lab}")];
        let mut file = Self { services: Mapping::new(), networks: Mapping::new(), volumes: Mapping::new() };
        let network = Named { name: &plan.network(), labels: &labels };
        file.networks.insert("default".into(), to_value(network)?);
        for service in plan.services.iter().chain(beside) {
            let profiles = if Some(service) == beside { vec![SCHEDULER] } else { Vec::new() };
            let entry = Entry { profiles, ..Entry::of(service, plan, &labels) };
            file.services.insert(service.name.as_str().into(), to_value(entry)?);
            for name in service.volumes() {
                file.volumes.insert(key(name, plan).into(), to_value(Named { name, labels: &labels })?);
            }
        }
        Ok(file)
    }
}

/// A network or a volume, under a name that does not depend on the project.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    labels: &'a [String],
}

/// A service, with the keys that Compose has for it.
#[derive(Serialize)]
struct Entry<'a> {
    image: &'a str,
    container_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    command: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    environment: Vec<String>,
    ports: [String; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    depends_on: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    privileged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'static str>,
    restart: &'static str,
    labels: &'a [String],
}

impl<'a> Entry<'a> {
    fn of(service: &'a Service, plan: &Plan, labels: &'a [String]) -> Self {
        let variable = |(name, value): (&String, &String)| literal(&format!("{name}={value}"));
        let port = service.port;
        Self {
            image: &service.image,
            container_name: plan.container(&service.name),
            profiles: Vec::new(),
            command: service.command.iter().map(|word| literal(word)).collect(),
            environment: service.environment.iter().map(variable).collect(),
            ports: [format!("127.0.0.1:{}:{}", port.host, port.container)],
            volumes: service.mounts.iter().map(|mount| literal(&place(mount, plan))).collect(),
            depends_on: &service.after,
            privileged: service.privileged.then_some(true),
            pid: service.host_pids.then_some("host"),
            restart: "unless-stopped",
            labels,
        }
    }
}

fn place(mount: &Mount, plan: &Plan) -> String {
    match mount {
        Mount::Volume { name, target } => format!("{}:{target}", key(name, plan)),
        Mount::Engine { source, target } => format!("{source}:{target}"),
    }
}

/// What a volume is called within the file.
fn key<'n>(name: &'n str, plan: &Plan) -> &'n str {
    let rest = name.strip_prefix(plan.project.as_str()).and_then(|rest| rest.strip_prefix('_'));
    rest.unwrap_or(name)
}

/// Compose puts variables where a `$` stands alone.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use serde_yaml_ng::Value;

    use super::*;
    use crate::provider::docker::images::Images;

    fn spec(text: &str) -> LabSpec {
        SpecLayer::parse("lab.toml", text, |_| Vec::new()).expect("valid").resolve()
    }

    fn around(spec: &LabSpec) -> Surroundings {
        Surroundings {
            images: Images::of(spec).references(),
            ports: ports(spec),
            volumes_dir: "/var/lib/docker/volumes".to_owned(),
            engine_socket: "/var/run/docker.sock".to_owned(),
        }
    }

    fn text(lab: &str) -> String {
        let spec = spec(lab);
        file(&spec, &around(&spec)).expect("YAML")
    }

    fn value(lab: &str) -> Value {
        serde_yaml_ng::from_str(&text(lab)).expect("YAML")
    }

    /// Without the version, which changes with every release.
    fn shown(lab: &str) -> String {
        text(lab).replace(env!("CARGO_PKG_VERSION"), "VERSION")
    }

    const AGENT: &str = "[[agents]]\nattributes = \"rack:a\"\n";

    #[test]
    fn the_file_of_a_lite_lab() {
        insta::assert_snapshot!(shown(&format!("{AGENT}[lab]\nname = \"mine\"\nflavor = \"lite\"\n")));
    }

    #[test]
    fn the_file_of_an_apache_lab_without_marathon() {
        insta::assert_snapshot!(shown(&format!("{AGENT}[lab]\nmarathon = false\nmasters = 3\n")));
    }

    #[test]
    fn it_has_what_the_plan_has() {
        for flavor in ["lite", "apache"] {
            let lab = format!("[[agents]]\ncount = 12\n[lab]\nflavor = \"{flavor}\"\nmarathon = false\n");
            let (spec, value) = (spec(&lab), value(&lab));
            let plan = Plan::of(&spec, &around(&spec));
            let services = value["services"].as_mapping().expect("services");
            let names: Vec<_> = services.keys().filter_map(Value::as_str).collect();
            assert_eq!(names, plan.services.iter().map(|service| &service.name).collect::<Vec<_>>());
            for service in &plan.services {
                let (entry, port) = (&services[service.name.as_str()], service.port);
                assert_eq!(entry["container_name"], plan.container(&service.name).as_str());
                assert_eq!(entry["ports"][0], format!("127.0.0.1:{}:{}", port.host, port.container));
                assert_eq!(entry["image"], service.image.as_str());
            }
            let volumes = value["volumes"].as_mapping().expect("volumes").values();
            let names: Vec<_> = volumes.filter_map(|volume| volume["name"].as_str()).collect();
            assert_eq!(names, plan.volumes());
        }
    }

    #[test]
    fn a_scheduler_that_marathon_runs_is_started_on_request() {
        let value = value("");
        assert_eq!(value["services"]["scheduler"]["profiles"][0], "scheduler");
        assert_eq!(value["services"]["marathon"].get("profiles"), None);
    }

    #[test]
    fn any_port_is_the_usual_one() {
        let ports = ports(&spec("[[agents]]\ncount = 2\n[ports]\nmaster = 0\nagents = 0\nregistry = 5001\n"));
        assert_eq!([ports["master"], ports["agent-2"], ports["registry"]], [5050, 5052, 5001]);
    }

    #[test]
    fn what_looks_like_a_variable_stays_text() {
        let lab = "[[agents]]\nattributes = \"price:$5\"\n[lab]\nflavor = \"apache\"\n";
        let value = value(lab);
        let environment = value["services"]["agent-1"]["environment"].as_sequence().expect("a list");
        assert!(environment.contains(&"MESOS_ATTRIBUTES=price:$$5".into()), "{environment:?}");
    }
}
