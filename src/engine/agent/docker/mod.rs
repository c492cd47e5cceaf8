//! Tasks with images: the container of Docker Engine that Mesos' docker containerizer and executor would run for a task.
//!
//! Pure, and in the engine's own words. Files by concern: `volumes`, `network`, `parameters` (the options of `docker run`
//! that a task may name).

mod network;
mod parameters;
mod volumes;

use std::{collections::BTreeMap, time::Duration};

use bollard::models::{ContainerCreateBody, HostConfig};

use self::{network::Network, volumes::Volumes};
use super::{
    Agent, AgentConfig,
    account::Account,
    environment::plain_variables,
    fetch::Uri,
    launch::{Place, Unsupported},
    setup,
};
use crate::mesos::{
    resources::Resources,
    v1::{
        CommandInfo, ContainerId, ContainerInfo, FrameworkId, TaskInfo, container_info,
        container_info::DockerInfo,
    },
};

/// What comes before the id of a container in its name, as in Mesos.
pub const NAME_PREFIX: &str = "mesos-";

/// Says whose container it is, by the agent's work directory.
pub const AGENT_LABEL: &str = "mesoslab.agent-dir";
/// Says that it outlives its agent's process.
pub const SURVIVES_LABEL: &str = "mesoslab.survives";
const FRAMEWORK_LABEL: &str = "mesoslab.framework";
const TASK_LABEL: &str = "mesoslab.task";

const CPU_SHARES_PER_CPU: f64 = 1024.0;
const LEAST_CPU_SHARES: i64 = 2;
/// Microseconds of processor time in a tenth of a second.
const CPU_PERIOD: f64 = 100_000.0;
const LEAST_CPU_QUOTA: i64 = 1000;
const BYTES_PER_MEGABYTE: f64 = 1024.0 * 1024.0;
const LEAST_MEMORY: i64 = 32 * 1024 * 1024;

/// How an agent runs images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig {
    /// Where the engine listens: a path, or a URL. None: where `docker` looks for it.
    pub socket: Option<String>,
    /// Where a container sees its sandbox.
    pub sandbox_directory: String,
    /// From TERM to KILL for tasks that do not say; none: as long as an executor may take to end.
    pub stop_timeout: Option<Duration>,
    /// How long ended containers are kept.
    pub remove_delay: Duration,
    /// Containers of an agent before this one that nobody knows are removed.
    pub kill_orphans: bool,
    /// Requests of processors are limits too.
    pub cpu_quota: bool,
    /// The container that the agent runs in: its network is the one of the host.
    pub own_container: Option<String>,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            socket: None,
            sandbox_directory: "/mnt/mesos/sandbox".to_owned(),
            stop_timeout: None,
            remove_delay: Duration::ZERO,
            kill_orphans: true,
            cpu_quota: false,
            own_container: None,
        }
    }
}

/// A container of Docker Engine to run.
#[derive(Clone, Debug, PartialEq)]
pub struct DockerRun {
    pub container_id: ContainerId,
    pub name: String,
    /// The sandbox, to be created.
    pub directory: String,
    /// A symbolic link to the sandbox, to be created or moved.
    pub latest: String,
    /// Directories in the sandbox that are mounted elsewhere too, to be created.
    pub directories: Vec<String>,
    pub image: String,
    /// The image is pulled even if it is there.
    pub force_pull: bool,
    pub body: Box<ContainerCreateBody>,
    /// It outlives the agent's process, for the next one to take over.
    pub survives: bool,
    /// To be fetched into the sandbox first.
    pub uris: Vec<Uri>,
    /// Whose the sandbox is; none: whoever runs the agent.
    pub account: Option<Account>,
}

/// The name of a container.
pub fn container_name(container_id: &ContainerId) -> String {
    format!("{NAME_PREFIX}{container_id}")
}

/// Whether a task brings an image for Docker Engine.
pub(super) fn is_docker(task: &TaskInfo) -> bool {
    let container = task.container.as_ref();
    task.executor.is_none()
        && container.is_some_and(|container| container.r#type() == container_info::Type::Docker)
}

impl Agent {
    /// The container of a task that brings an image, in the sandbox of `launch`.
    pub(super) fn prepare_docker(
        &self,
        framework_id: &FrameworkId,
        task: &TaskInfo,
        place: Place,
    ) -> Result<DockerRun, Unsupported> {
        let Some(docker) = &self.config.docker else { return Err(Unsupported::Container) };
        let uris = task.command.as_ref().map_or_else(|| Ok(Vec::new()), setup::of_command)?;
        let of = Wanted { config: &self.config, docker, framework_id, task, place };
        of.run(uris).map_err(Unsupported::Options)
    }
}

/// What a container is made of.
struct Wanted<'a> {
    config: &'a AgentConfig,
    docker: &'a DockerConfig,
    framework_id: &'a FrameworkId,
    task: &'a TaskInfo,
    place: Place,
}

/// A container that is being described.
#[derive(Default)]
struct Draft {
    body: ContainerCreateBody,
    host: HostConfig,
    environment: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    volumes: Volumes,
    network: Network,
}

impl Wanted<'_> {
    fn run(self, uris: Vec<Uri>) -> Result<DockerRun, String> {
        let container = self.task.container.clone().unwrap_or_default();
        let docker = container.docker.clone().ok_or("No docker info found in container info")?;
        let mut draft = Draft::default();
        self.describe(&mut draft, &container, &docker)?;
        for parameter in &docker.parameters {
            parameters::apply(&mut draft, &parameter.key, &parameter.value)?;
        }
        let directories = draft.volumes.directories.clone();
        let body = Box::new(draft.finish());
        let name = container_name(&self.place.container_id);
        let Place { container_id, directory, latest, survives, account } = self.place;
        Ok(DockerRun {
            container_id,
            name,
            directory,
            latest,
            directories,
            image: docker.image,
            force_pull: docker.force_pull_image.unwrap_or_default(),
            body,
            survives,
            uris,
            account,
        })
    }

    fn describe(
        &self,
        draft: &mut Draft,
        container: &ContainerInfo,
        docker: &DockerInfo,
    ) -> Result<(), String> {
        draft.body.image = Some(docker.image.clone());
        draft.host.privileged = docker.privileged;
        self.limit(&mut draft.host);
        draft.environment = self.environment();
        draft.labels = self.labels();
        draft.volumes.sandbox(&self.place.directory, &self.docker.sandbox_directory);
        #[expect(deprecated, reason = "Mesos 1.11 still looks at it")]
        let driver = docker.volume_driver.as_deref();
        for volume in &container.volumes {
            draft.volumes.add(volume, &self.place.directory, &self.docker.sandbox_directory, driver)?;
        }
        draft.network = Network::of(container, docker, self.docker.own_container.as_deref())?;
        if container.hostname.is_some() && draft.network.is_of_host() {
            return Err("Unable to set hostname with host network mode".to_owned());
        }
        draft.body.hostname.clone_from(&container.hostname);
        draft.network.map_ports(docker, &Resources::from(&self.task.resources))?;
        command(&mut draft.body, &self.task.command.clone().unwrap_or_default())
    }

    /// Shares of processors, and a limit of memory: what is asked for, or the limits that the task names.
    #[expect(clippy::cast_possible_truncation, reason = "shares, microseconds and bytes are whole")]
    fn limit(&self, host: &mut HostConfig) {
        let wanted = Resources::from(&self.task.resources);
        let limit = |name: &str| self.task.limits.get(name).map(|limit| limit.value);
        host.cpu_shares = wanted.cpus().map(|cpus| LEAST_CPU_SHARES.max((CPU_SHARES_PER_CPU * cpus) as i64));
        let most = limit("cpus").or(wanted.cpus().filter(|_| self.docker.cpu_quota));
        let most = most.filter(|cpus| cpus.is_finite());
        host.cpu_quota = most.map(|cpus| LEAST_CPU_QUOTA.max((CPU_PERIOD * cpus) as i64));
        let bytes = |megabytes: f64| LEAST_MEMORY.max((megabytes * BYTES_PER_MEGABYTE) as i64);
        match limit("mem") {
            Some(most) => {
                host.memory = most.is_finite().then(|| bytes(most.trunc()));
                host.memory_reservation = wanted.mem().map(bytes);
            }
            None => host.memory = wanted.mem().map(bytes),
        }
    }

    /// Those of the task, and what Mesos' executor adds.
    fn environment(&self) -> BTreeMap<String, String> {
        let own = self.task.command.as_ref().and_then(|command| command.environment.as_ref());
        let mut environment: BTreeMap<String, String> = own.into_iter().flat_map(plain_variables).collect();
        let role = super::environment::allocation_role(self.task);
        let name = container_name(&self.place.container_id);
        environment.extend(
            [
                ("MESOS_SANDBOX", self.docker.sandbox_directory.clone()),
                ("MESOS_CONTAINER_NAME", name),
                ("MESOS_ALLOCATION_ROLE", role),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        environment
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let labels = [
            (FRAMEWORK_LABEL, self.framework_id.to_string()),
            (TASK_LABEL, self.task.task_id.to_string()),
            (AGENT_LABEL, self.config.work_dir.clone()),
            (SURVIVES_LABEL, self.place.survives.to_string()),
        ];
        labels.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

/// A shell line takes the place of the image's entry point, an argument vector that of its command.
fn command(body: &mut ContainerCreateBody, info: &CommandInfo) -> Result<(), String> {
    if info.shell() {
        let line = info.value.clone().ok_or("Shell specified but no command value provided")?;
        body.entrypoint = Some(vec!["/bin/sh".to_owned()]);
        body.cmd = Some(vec!["-c".to_owned(), line]);
        return Ok(());
    }
    let arguments: Vec<String> = info.value.iter().chain(&info.arguments).cloned().collect();
    body.cmd = (!arguments.is_empty()).then_some(arguments);
    Ok(())
}

impl Draft {
    fn finish(self) -> ContainerCreateBody {
        let Self { mut body, mut host, environment, labels, volumes, network } = self;
        body.env = Some(environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect());
        body.labels = Some(labels.into_iter().collect());
        host.binds = (!volumes.binds.is_empty()).then_some(volumes.binds);
        host.mounts = Some(volumes.mounts);
        network.write(&mut body, &mut host);
        body.host_config = Some(host);
        body
    }
}

#[cfg(test)]
mod tests;
