//! Which containers a lab is made of, without asking an engine: the same lab gives the same plan, byte by byte.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    provider::master_name,
    scheduler::Options,
    spec::{AgentSpec, Flavor, LabSpec},
};

/// Networks that containers of a lab come from: all private ones, since the engine picks one of them.
const PRIVATE: &str = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16";

/// Where masters and agents of the lite flavor, and the registry, keep their things in their containers.
const WORK_DIR: &str = "/var/lib/mesos";
const DATA_DIR: &str = "/data";

/// Where engines listen for those who are on the same machine, and for the agents that run containers.
const ENGINE_SOCKET: &str = "/var/run/docker.sock";

/// What the containers of one lab are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The compose project: `mesoslab-NAME`.
    pub project: String,
    /// In the order of their dependencies.
    pub services: Vec<Service>,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Also its name in the lab's network: `zookeeper`, `master`, `agent-1`.
    pub name: String,
    pub image: String,
    /// Arguments for the image's entry point.
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub port: Published,
    pub mounts: Vec<Mount>,
    /// The services that are started before it.
    pub after: Vec<String>,
    pub privileged: bool,
    /// It sees the processes of the machine.
    pub host_pids: bool,
    /// Its first process is the engine's own, which looks after orphans.
    pub init: bool,
}

/// A port of a container that answers on the machine's 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub host: u16,
    pub container: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Mount {
    /// A volume of the lab, by its whole name.
    Volume { name: String, target: String },
    /// The engine's socket.
    Engine { source: String, target: String },
}

/// What a plan depends on beside the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// By component: `zookeeper`, `exhibitor`, `master`, `agent`, `marathon`, `registry`, `framework`.
    pub images: BTreeMap<String, String>,
    /// On the machine, by service; also the ports in the containers of masters and agents, so that they are the same
    /// wherever they are seen from.
    pub ports: BTreeMap<String, u16>,
    /// Where the engine keeps its volumes: `/var/lib/docker/volumes`.
    pub volumes_dir: String,
    /// The engine's socket on the machine.
    pub engine_socket: String,
}

impl Surroundings {
    fn image(&self, component: &str) -> String {
        self.images.get(component).cloned().unwrap_or_else(|| format!("mesoslab/{component}"))
    }

    fn port(&self, service: &str) -> u16 {
        self.ports.get(service).copied().unwrap_or_default()
    }
}

/// The service that runs the scheduler where no Marathon does.
pub const SCHEDULER: &str = "scheduler";

/// Whether the service of this name is an agent.
pub fn is_agent(service: &str) -> bool {
    service.starts_with("agent-")
}

/// What an agent is known by to its masters.
pub fn hostname(agent: &AgentSpec) -> &str {
    if agent.hostname == "localhost" { &agent.name } else { &agent.hostname }
}

/// The project of a lab.
pub fn project(lab: &str) -> String {
    format!("mesoslab-{lab}")
}

/// The services of a lab that have a port, with the port that each tries first.
pub fn wished_ports(spec: &LabSpec) -> Vec<(String, u16)> {
    let ports = &spec.ports;
    let masters = (0..spec.masters).map(|at| (master_name(at, spec.masters), ports.of_master(at)));
    let agents = spec.agents.iter().zip(0_u16..).map(|(agent, at)| {
        (agent.name.clone(), if ports.agents == 0 { 0 } else { ports.agents.saturating_add(at) })
    });
    [("zookeeper", ports.zookeeper), ("exhibitor", ports.exhibitor), ("registry", ports.registry)]
        .map(|(name, port)| (name.to_owned(), port))
        .into_iter()
        .chain(masters)
        .chain(agents)
        .chain(spec.marathon.then(|| ("marathon".to_owned(), ports.marathon)))
        .chain([("scheduler".to_owned(), ports.scheduler)])
        .collect()
}

impl Plan {
    /// The containers of `spec`.
    pub fn of(spec: &LabSpec, around: &Surroundings) -> Self {
        let draft = Draft { spec, around, project: project(&spec.name) };
        let mut services = vec![draft.zookeeper(), draft.registry(), draft.exhibitor()];
        services.extend((0..spec.masters).map(|at| draft.master(at)));
        services.extend(spec.agents.iter().map(|agent| draft.agent(agent)));
        services.extend(spec.marathon.then(|| draft.marathon()));
        services.extend((!spec.marathon).then(|| draft.scheduler()));
        Self { project: draft.project, services }
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The network that all containers are in.
    pub fn network(&self) -> String {
        format!("{}_default", self.project)
    }

    /// Every volume, by its whole name.
    pub fn volumes(&self) -> Vec<&str> {
        self.services.iter().flat_map(Service::volumes).collect()
    }

    /// The name of a service's container, as Compose has it.
    pub fn container(&self, service: &str) -> String {
        container_name(&self.project, service)
    }
}

/// As Compose names the one container of a service.
pub fn container_name(project: &str, service: &str) -> String {
    format!("{project}-{service}-1")
}

impl Service {
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().filter_map(|mount| match mount {
            Mount::Volume { name, .. } => Some(name.as_str()),
            Mount::Engine { .. } => None,
        })
    }

    /// Changes with everything that a container cannot be given while it is there: of what image it is, too.
    pub fn config_hash(&self, image_id: &str) -> String {
        hash(&serde_json::json!([self, image_id]))
    }

    /// Changes with what an agent has said of itself for good: whoever starts on its state must say the same. The others
    /// are who they are.
    pub fn identity(&self) -> String {
        if !is_agent(&self.name) {
            return String::new();
        }
        let lasting = ["resources", "attributes", "hostname", "port"];
        let told = |line: &str, name: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        let flags = self.command.iter().filter_map(|argument| argument.strip_prefix("--"));
        let flags = flags.filter(|flag| lasting.iter().any(|name| told(flag, name)));
        let variables =
            lasting.iter().filter_map(|name| self.environment.get(&format!("MESOS_{}", name.to_uppercase())));
        hash(&serde_json::json!([flags.collect::<Vec<_>>(), variables.collect::<Vec<_>>()]))
    }
}

fn hash(value: &serde_json::Value) -> String {
    Sha256::digest(value.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A plan that is being drawn.
struct Draft<'a> {
    spec: &'a LabSpec,
    around: &'a Surroundings,
    project: String,
}

impl Draft<'_> {
    fn is_lite(&self) -> bool {
        self.spec.flavor == Flavor::Lite
    }

    fn service(&self, name: &str, component: &str, container_port: u16) -> Service {
        Service {
            name: name.to_owned(),
            image: self.around.image(component),
            command: Vec::new(),
            environment: BTreeMap::new(),
            port: Published { host: self.around.port(name), container: container_port },
            mounts: Vec::new(),
            after: Vec::new(),
            privileged: false,
            host_pids: false,
            init: false,
        }
    }

    fn volume(&self, service: &str, target: &str) -> Mount {
        Mount::Volume { name: format!("{}_{service}", self.project), target: target.to_owned() }
    }

    fn zookeeper(&self) -> Service {
        let service = self.service("zookeeper", "zookeeper", 2181);
        if self.is_lite() {
            let command = format!(
                "--listen 0.0.0.0:2181 --data-dir {DATA_DIR} --allow-networks {PRIVATE} --min-session-timeout 100ms \
                 --max-client-cnxns 0"
            );
            let mounts = vec![self.volume("zookeeper", DATA_DIR)];
            return Service { command: words(&command), mounts, ..service };
        }
        let environment = [
            ("ZOO_4LW_COMMANDS_WHITELIST", "*"),
            ("ZOO_ADMINSERVER_ENABLED", "false"),
            ("ZOO_MAX_CLIENT_CNXNS", "0"),
            ("ZOO_CFG_EXTRA", "extendedTypesEnabled=true"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mounts =
            ["data", "datalog"].map(|part| self.volume(&format!("zookeeper-{part}"), &format!("/{part}")));
        Service { environment, mounts: mounts.into(), ..service }
    }

    fn registry(&self) -> Service {
        let service = self.service("registry", "registry", 5000);
        if self.is_lite() {
            let command = format!("--listen 0.0.0.0:5000 --data-dir {DATA_DIR} --allow-networks {PRIVATE}");
            let mounts = vec![self.volume("registry", DATA_DIR)];
            return Service { command: words(&command), mounts, ..service };
        }
        let environment = BTreeMap::from([("REGISTRY_STORAGE_DELETE_ENABLED".to_owned(), "true".to_owned())]);
        Service { environment, mounts: vec![self.volume("registry", "/var/lib/registry")], ..service }
    }

    /// Always ours: the published image is of a format that no engine takes any more.
    fn exhibitor(&self) -> Service {
        let command = format!(
            "--listen 0.0.0.0:8181 --zookeeper zookeeper:2181 --allow-writes --allow-networks {PRIVATE}"
        );
        Service {
            command: words(&command),
            after: vec!["zookeeper".to_owned()],
            ..self.service("exhibitor", "exhibitor", 8181)
        }
    }

    fn master(&self, at: usize) -> Service {
        let name = master_name(at, self.spec.masters);
        let port = self.around.port(&name);
        let service = self.service(&name, "master", port);
        let master = &self.spec.master;
        let mut flags = vec![
            ("ip", "0.0.0.0".to_owned()),
            ("port", port.to_string()),
            ("hostname", name.clone()),
            ("zk", ZK_MESOS.to_owned()),
            ("quorum", (self.spec.masters / 2 + 1).to_string()),
            ("work_dir", WORK_DIR.to_owned()),
            ("cluster", self.spec.name.clone()),
            ("allocation_interval", mesos_duration(master.allocation_interval)),
            ("zk_session_timeout", mesos_duration(master.zk_session_timeout)),
        ];
        flags.extend(master.offer_timeout.map(|timeout| ("offer_timeout", mesos_duration(timeout))));
        let own = [
            ("allow_networks", PRIVATE.to_owned()),
            ("offer_freed_resources_at_once", master.offer_freed_resources_at_once.to_string()),
        ];
        let published = [("registry", "replicated_log".to_owned())];
        let mounts = vec![self.volume(&name, WORK_DIR)];
        self.of_mesos(Service { mounts, ..service }, flags, own.into(), published.into())
    }

    fn agent(&self, agent: &AgentSpec) -> Service {
        let name = &agent.name;
        let port = self.around.port(name);
        let volume = format!("{}_{name}", self.project);
        // The same path in the container and on the machine, whose engine mounts sandboxes into containers of tasks.
        let work_dir = format!("{}/{volume}/_data", self.around.volumes_dir);
        let mut flags = vec![
            ("ip", "0.0.0.0".to_owned()),
            ("port", port.to_string()),
            ("hostname", hostname(agent).to_owned()),
            ("master", ZK_MESOS.to_owned()),
            ("work_dir", work_dir.clone()),
            ("resources", agent.all_resources()),
            ("containerizers", "docker,mesos".to_owned()),
        ];
        flags.extend((!agent.attributes.is_empty()).then(|| ("attributes", agent.attributes.clone())));
        flags.push(("switch_user", "false".to_owned()));
        let own = [
            ("allow_networks", PRIVATE.to_owned()),
            ("docker_container", container_name(&self.project, name)),
        ];
        let published = [
            ("launcher", "posix"),
            ("isolation", "posix/cpu,posix/mem,filesystem/posix"),
            ("systemd_enable_support", "false"),
            ("executor_registration_timeout", "5mins"),
        ]
        .map(|(flag, value)| (flag, value.to_owned()));
        let engine =
            Mount::Engine { source: self.around.engine_socket.clone(), target: ENGINE_SOCKET.to_owned() };
        let mounts = vec![Mount::Volume { name: volume, target: work_dir }, engine];
        let service = Service {
            mounts,
            privileged: !self.is_lite(),
            host_pids: !self.is_lite(),
            init: self.is_lite(),
            ..self.service(name, "agent", port)
        };
        self.of_mesos(service, flags, own.into(), published.into())
    }

    /// Ours take flags, the published images the same in the environment.
    fn of_mesos(
        &self,
        service: Service,
        flags: Vec<(&str, String)>,
        own: Vec<(&str, String)>,
        published: Vec<(&str, String)>,
    ) -> Service {
        let service = Service { after: vec!["zookeeper".to_owned()], ..service };
        if self.is_lite() {
            let all = flags.into_iter().chain(own);
            let command = all.map(|(flag, value)| format!("--{flag}={value}")).collect();
            return Service { command, ..service };
        }
        let all = flags.into_iter().chain(published);
        let environment =
            all.map(|(flag, value)| (format!("MESOS_{}", flag.to_uppercase()), value)).collect();
        Service { environment, ..service }
    }

    fn marathon(&self) -> Service {
        let service =
            Service { after: vec!["zookeeper".to_owned()], ..self.service("marathon", "marathon", 8080) };
        if self.is_lite() {
            let command = format!(
                "--master {ZK_MESOS} --zk zk://zookeeper:2181/marathon --http_address 0.0.0.0 --http_port 8080 \
                 --hostname marathon --max_instances_per_offer 100 --allow-networks {PRIVATE}"
            );
            return Service { command: words(&command), ..service };
        }
        let environment = [
            ("MARATHON_MASTER", ZK_MESOS),
            ("MARATHON_ZK", "zk://zookeeper:2181/marathon"),
            ("MARATHON_HOSTNAME", "marathon"),
            ("MARATHON_HTTP_PORT", "8080"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Service { environment, ..service }
    }

    /// Where no Marathon runs it.
    fn scheduler(&self) -> Service {
        Service {
            command: scheduler_arguments(self.spec.flavor),
            mounts: vec![self.volume("scheduler", DATA_DIR)],
            after: vec!["zookeeper".to_owned()],
            ..self.service(SCHEDULER, "framework", SCHEDULER_PORT)
        }
    }
}

/// Where the scheduler answers in its container.
pub const SCHEDULER_PORT: u16 = 8090;

/// Where the masters elect their leader, as seen from a container.
const ZK_MESOS: &str = "zk://zookeeper:2181/mesos";

/// Where our program is in every image of ours.
const BINARY: &str = "/mesoslab";

/// What the framework's image is given, in a container of the lab's own or of Marathon's. Only our own agents have our
/// executor.
pub fn scheduler_arguments(flavor: Flavor) -> Vec<String> {
    let executor = match flavor {
        Flavor::Lite => format!("--executor-binary {BINARY}"),
        Flavor::Apache => String::new(),
    };
    words(&format!(
        "--master {ZK_MESOS} --state zk://zookeeper:2181/mesoslab/schedulers/lab --listen 0.0.0.0:8090 --work-dir {DATA_DIR} \
         --allow-networks {PRIVATE} {executor}"
    ))
}

/// What is known of the cluster that the scheduler's tasks run on, to whoever readies its settings.
pub fn scheduler_options(flavor: Flavor, options: Options) -> Options {
    // Whoever the agents run as.
    let options = Options { user: "root".to_owned(), ..options };
    match flavor {
        Flavor::Lite => options.with_executor_at(BINARY),
        Flavor::Apache => options,
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// As flags of Mesos have durations.
pub(in crate::provider) fn mesos_duration(duration: Duration) -> String {
    match duration.subsec_nanos() {
        0 => format!("{}secs", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SpecLayer;

    fn plan(text: &str) -> Plan {
        let spec = SpecLayer::parse("lab.toml", text, |_| Vec::new()).expect("valid").resolve();
        let ports = wished_ports(&spec).into_iter().collect();
        let around = Surroundings {
            images: BTreeMap::new(),
            ports,
            volumes_dir: "/var/lib/docker/volumes".to_owned(),
            engine_socket: ENGINE_SOCKET.to_owned(),
        };
        Plan::of(&spec, &around)
    }

    const TWO_AGENTS: &str = "[[agents]]\ncount = 2\nattributes = \"rack:a\"\n[lab]\nflavor = ";

    #[test]
    fn a_lite_lab_is_ours_throughout() {
        let plan = plan(&format!("{TWO_AGENTS}\"lite\"\n"));
        let names: Vec<_> = plan.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["zookeeper", "registry", "exhibitor", "master", "agent-1", "agent-2", "marathon"]);
        let agent = plan.service("agent-2").expect("there");
        assert_eq!(agent.port, Published { host: 5052, container: 5052 });
        assert!(agent.command.contains(&"--hostname=agent-2".to_owned()), "{:?}", agent.command);
        assert!(agent.environment.is_empty() && !agent.privileged);
        assert_eq!(plan.volumes().len(), 5);
    }

    #[test]
    fn published_images_are_told_by_their_environment() {
        let plan = plan(&format!("{TWO_AGENTS}\"apache\"\nmarathon = false\nmasters = 3\n"));
        let agent = plan.service("agent-1").expect("there");
        assert!(agent.command.is_empty() && agent.privileged);
        assert_eq!(agent.environment["MESOS_LAUNCHER"], "posix");
        assert_eq!(agent.environment["MESOS_ATTRIBUTES"], "rack:a");
        assert!(agent.environment["MESOS_RESOURCES"].contains("ports:[31000-31999]"));
        assert_eq!(plan.service("master-3").expect("there").environment["MESOS_QUORUM"], "2");
        assert!(plan.service("scheduler").is_some() && plan.service("marathon").is_none());
    }

    #[test]
    fn only_what_changes_a_container_changes_its_hash() {
        let text = format!("{TWO_AGENTS}\"lite\"\n");
        let (one, other) = (plan(&text), plan(&text.replace("rack:a", "rack:b")));
        let hash = |plan: &Plan, name: &str| plan.service(name).expect("there").config_hash("sha256:1");
        assert_eq!(hash(&one, "master"), hash(&other, "master"));
        assert_ne!(hash(&one, "agent-1"), hash(&other, "agent-1"));
        assert_ne!(hash(&one, "master"), one.service("master").expect("there").config_hash("sha256:2"));
    }
}
