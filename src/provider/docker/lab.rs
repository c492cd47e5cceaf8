//! Making an engine have the containers of a lab, and taking them away again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bollard::{
    models::{
        ContainerSummary, ContainerSummaryStateEnum, ContainerUpdateBody, RestartPolicy,
        RestartPolicyNameEnum, VolumeCreateRequest,
    },
    query_parameters::{
        CreateContainerOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
        LogsOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
    },
};
use futures_util::{
    StreamExt as _,
    future::{join_all, try_join_all},
};
use tokio_util::sync::CancellationToken;

use super::{
    LabError, around, body,
    images::PresentImage,
    made::{self, Belongings},
    network::{self, Subnet},
    plan::{self, Plan, Service, Surroundings},
    scheduler,
    steps::{self, Change, Present, Step},
};
use crate::{
    client::{
        docker::{
            Engine,
            labels::{self, LabName},
        },
        published::Published,
    },
    provider::{
        AgentName, Endpoints,
        embedded::PortInUse,
        ready::{self, NotReady},
        scheduler_app,
    },
    runtime::Clock,
    spec::LabSpec,
};

/// How long an agent may take to end its tasks before it is killed.
const AGENT_GRACE: Duration = Duration::from_secs(5);

/// How long a master may take to give its place up, in seconds.
const MASTER_GRACE: i32 = 2;

/// How often containers are looked at while they are waited for.
const LOOK: Duration = Duration::from_millis(200);

/// How many lines of an ended container are shown.
const LAST_LINES: &str = "15";

/// Images that the engine has, by component.
pub type PresentImages = BTreeMap<String, PresentImage>;

/// What a lab is to be and what there is of it.
#[derive(Debug)]
pub struct Drawn {
    pub plan: Plan,
    /// Hashes of the services' containers, by service.
    hashes: BTreeMap<String, String>,
    present: BTreeMap<String, Present>,
    pub changes: Vec<Change>,
    pub endpoints: Endpoints,
    pub in_use: Vec<PortInUse>,
    /// On the machine, by service.
    pub ports: BTreeMap<String, u16>,
}

impl Drawn {
    /// Whether there is no container of the lab at all.
    pub fn is_fresh(&self) -> bool {
        self.present.is_empty()
    }

    fn change(&self, service: &str) -> Option<&Step> {
        self.changes.iter().find(|change| change.service == service).map(|change| &change.step)
    }
}

/// What is made to die.
#[derive(Clone, Copy, Debug)]
pub enum Crash<'a> {
    Service(&'a str),
    /// Whose id begins so.
    Task(&'a str),
}

/// Which services are brought about together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// All that the scheduler needs.
    Cluster,
    /// The scheduler, where Marathon does not run it: its settings are in ZooKeeper by then.
    Scheduler,
}

impl Phase {
    fn has(self, service: &str) -> bool {
        (service == plan::SCHEDULER) == (self == Self::Scheduler)
    }
}

/// One lab on one engine.
#[derive(Clone, Debug)]
pub struct DockerLab {
    engine: Engine,
    lab: LabName,
    clock: Clock,
}

impl DockerLab {
    pub fn new(engine: Engine, lab: LabName, clock: Clock) -> Self {
        Self { engine, lab, clock }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What there is of the lab, for [`DockerLab::undo`].
    ///
    /// # Errors
    /// When the engine does not say, or a lab of this name is somebody else's.
    pub async fn belongings(&self) -> Result<Belongings, LabError> {
        Belongings::of(&self.engine, &self.lab).await
    }

    /// Takes away what was made since `before`, but what stands in place of something that was there; gives the services
    /// that were there and are not any more.
    ///
    /// # Errors
    /// What the engine refuses.
    pub async fn undo(&self, before: &Belongings) -> Result<Vec<String>, LabError> {
        made::undo(&self.engine, &self.lab, before, self.clock).await
    }

    /// What it takes to have the containers that `spec` wants.
    ///
    /// # Errors
    /// When the engine does not say what there is, or no port is free.
    pub async fn draw(
        &self,
        spec: &LabSpec,
        images: &PresentImages,
        last_ports: &BTreeMap<String, u16>,
    ) -> Result<Drawn, LabError> {
        let all = self.all_containers().await?;
        let runs_scheduler = |container: &ContainerSummary| {
            label(container, labels::TASK).is_some_and(|task| task.starts_with(scheduler_app::TASK_PREFIX))
        };
        let by_marathon = all.iter().any(runs_scheduler).then_some(plan::SCHEDULER);
        let there = by_service(all);
        let port = |(service, container): (&String, &ContainerSummary)| {
            Some((service.clone(), published(container).or_else(|| last_ports.get(service).copied())?))
        };
        let of_marathon = by_marathon.and_then(|name| Some((name.to_owned(), *last_ports.get(name)?)));
        let kept = there.iter().filter_map(port).chain(of_marathon).collect();
        let ports = around::ports(spec, &kept, last_ports).await?;
        let around = Surroundings {
            images: images
                .iter()
                .map(|(component, image)| (component.clone(), image.reference.clone()))
                .collect(),
            ports: ports.of.clone(),
            volumes_dir: around::volumes_dir(&self.engine).await?,
            engine_socket: around::socket(&self.engine),
        };
        let plan = Plan::of(spec, &around);
        let planned: Vec<_> = plan
            .services
            .iter()
            .map(|service| (service, service.config_hash(&id_of(images, service))))
            .collect();
        let present =
            there.iter().map(|(service, container)| (service.clone(), present(container))).collect();
        Ok(Drawn {
            changes: steps::changes(&planned, &present),
            hashes: planned.into_iter().map(|(service, hash)| (service.name.clone(), hash)).collect(),
            endpoints: endpoints(spec, &ports.of),
            in_use: ports.in_use,
            ports: ports.of,
            present,
            plan,
        })
    }

    /// The containers of the lab's services, by service.
    ///
    /// # Errors
    /// When the engine does not say.
    pub async fn containers(&self) -> Result<BTreeMap<String, ContainerSummary>, LabError> {
        Ok(by_service(self.all_containers().await?))
    }

    /// Those of tasks too.
    async fn all_containers(&self) -> Result<Vec<ContainerSummary>, LabError> {
        let options =
            ListContainersOptionsBuilder::new().all(true).filters(&labels::filter(&self.lab.name)).build();
        let listed = self.engine.api().list_containers(Some(options)).await;
        listed.map_err(LabError::when("list the lab's containers"))
    }

    /// Does what is drawn of one phase; the components need not be ready then.
    ///
    /// # Errors
    /// What the engine refuses; what was made until then stays, see [`DockerLab::undo`].
    pub async fn make(&self, drawn: &Drawn, phase: Phase) -> Result<(), LabError> {
        let subnet = network::ensure(&self.engine, &self.lab, &drawn.plan).await?;
        let services: Vec<_> =
            drawn.plan.services.iter().filter(|service| phase.has(&service.name)).collect();
        let removed = |change: &&Change| change.step == Step::Remove && phase == Phase::Cluster;
        let gone = drawn.changes.iter().filter(removed);
        try_join_all(gone.map(|change| self.remove(drawn, &change.service))).await?;
        let volumes = services.iter().flat_map(|service| service.volumes().map(move |name| (name, service)));
        try_join_all(volumes.map(|(name, service)| self.volume(&drawn.plan, name, service))).await?;
        let started: BTreeMap<&str, CancellationToken> =
            services.iter().map(|service| (service.name.as_str(), CancellationToken::new())).collect();
        try_join_all(services.iter().map(|service| self.bring(drawn, service, &started, subnet)))
            .await
            .map(drop)
    }

    /// The volume of a service; a fresh one where it is of an agent that was another one.
    async fn volume(&self, plan: &Plan, name: &str, service: &Service) -> Result<(), LabError> {
        let identity = service.identity();
        let there = self.engine.api().inspect_volume(name).await.ok();
        if let Some(there) = there {
            if let Some(owner) = self.lab.stranger(&there.labels) {
                return Err(LabError::Foreign { what: format!("volume {name}"), owner: owner.to_owned() });
            }
            if there.labels.get(labels::IDENTITY).is_none_or(|last| *last == identity) {
                return Ok(());
            }
            self.end_agent(&plan.container(&service.name)).await?;
            self.remove_tasks_of(&service.name).await?;
            made::remove_volume(&self.engine, name).await?;
        }
        let more = [("com.docker.compose.volume", service.name.as_str()), (labels::IDENTITY, &identity)];
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(self.lab.labels(&plan.project, more)),
            ..VolumeCreateRequest::default()
        };
        let created = self.engine.api().create_volume(request).await;
        created.map(drop).map_err(LabError::when(format!("create the volume {name}")))
    }

    /// Brings one service's container to where it is to be, once those before it are started.
    async fn bring(
        &self,
        drawn: &Drawn,
        service: &Service,
        started: &BTreeMap<&str, CancellationToken>,
        subnet: Option<Subnet>,
    ) -> Result<(), LabError> {
        let (name, step) = (drawn.plan.container(&service.name), drawn.change(&service.name));
        if step == Some(&Step::Replace) {
            made::remove_container(&self.engine, &name).await?;
        }
        if matches!(step, Some(Step::Create | Step::Replace)) {
            self.create(drawn, service, subnet).await?;
        }
        for before in service.after.iter().filter_map(|name| started.get(name.as_str())) {
            before.cancelled().await;
        }
        match step {
            Some(Step::Create | Step::Replace | Step::Start) => {
                self.start_as_far_as_it_may(drawn, service, subnet).await?;
            }
            Some(Step::Resume) => {
                let resumed = self.engine.api().unpause_container(&name).await;
                resumed.map_err(LabError::when(format!("resume {}", service.name)))?;
            }
            Some(Step::Remove) | None => {}
        }
        if let Some(latch) = started.get(service.name.as_str()) {
            latch.cancel();
        }
        Ok(())
    }

    /// With fewer privileges where the engine cannot give all.
    async fn start_as_far_as_it_may(
        &self,
        drawn: &Drawn,
        service: &Service,
        subnet: Option<Subnet>,
    ) -> Result<(), LabError> {
        let name = drawn.plan.container(&service.name);
        match self.start(&name, &service.name).await {
            Err(error) if service.privileged && is_out_of_reach(&error) => {
                made::remove_container(&self.engine, &name).await?;
                let humble = Service { privileged: false, ..service.clone() };
                self.create(drawn, &humble, subnet).await?;
                self.start(&name, &service.name).await
            }
            started => started,
        }
    }

    async fn create(&self, drawn: &Drawn, service: &Service, subnet: Option<Subnet>) -> Result<(), LabError> {
        let name = drawn.plan.container(&service.name);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let hash = drawn.hashes.get(&service.name).map_or("", String::as_str);
        let address = subnet.and_then(|subnet| subnet.address(&service.name));
        let body = body::container(&self.lab, &drawn.plan, service, hash, address);
        let created = self.engine.api().create_container(Some(options), body).await;
        created.map(drop).map_err(LabError::when(format!("create the container {name}")))
    }

    async fn start(&self, container: &str, service: &str) -> Result<(), LabError> {
        let started = self.engine.api().start_container(container, None::<StartContainerOptions>).await;
        started.map_err(LabError::when(format!("start {service}")))
    }

    /// An agent ends its tasks first; what is left of them, and its state, goes with it.
    async fn remove(&self, drawn: &Drawn, service: &str) -> Result<(), LabError> {
        let container = drawn.plan.container(service);
        if plan::is_agent(service) {
            self.end_agent(&container).await?;
            self.remove_tasks_of(service).await?;
            return made::remove_volume(&self.engine, &format!("{}_{service}", drawn.plan.project)).await;
        }
        made::remove_container(&self.engine, &container).await
    }

    /// Tells an agent to unregister, and removes it when its tasks have ended, or their time is over.
    async fn end_agent(&self, container: &str) -> Result<(), LabError> {
        self.unregister(container).await;
        made::remove_container(&self.engine, container).await
    }

    /// What does not run, or is no agent any more, is left to be killed.
    async fn unregister(&self, container: &str) {
        let api = self.engine.api();
        let never = RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None };
        let body = ContainerUpdateBody { restart_policy: Some(never), ..ContainerUpdateBody::default() };
        let signal = KillContainerOptionsBuilder::new().signal("SIGUSR1").build();
        if api.update_container(container, body).await.is_err()
            || api.kill_container(container, Some(signal)).await.is_err()
        {
            return;
        }
        let ended = async || match api.inspect_container(container, None).await {
            Ok(there) if there.state.as_ref().and_then(|state| state.running) == Some(true) => {
                Err(NotReady("it runs".to_owned()))
            }
            _ => Ok(()),
        };
        let _grace_is_over = ready::until(self.clock, AGENT_GRACE, ended).await;
    }

    /// A master that ends in order gives its place up at once; the next lab does not wait for its session to expire.
    async fn resign(&self, container: &str) {
        let options = StopContainerOptionsBuilder::new().t(MASTER_GRACE).build();
        let _killed_later = self.engine.api().stop_container(container, Some(options)).await;
    }

    async fn remove_tasks_of(&self, agent: &str) -> Result<(), LabError> {
        self.remove_where(|container| label(container, labels::AGENT).as_deref() == Some(agent)).await
    }

    /// Some are in the network of their agent's container, which some engines then keep.
    async fn remove_tasks(&self) -> Result<(), LabError> {
        self.remove_where(|container| label(container, labels::SERVICE).is_none()).await
    }

    async fn remove_where(&self, is_meant: impl Fn(&ContainerSummary) -> bool) -> Result<(), LabError> {
        let all = self.all_containers().await?;
        let meant = all.iter().filter(|container| is_meant(container));
        let ids = meant.filter_map(|container| container.id.as_deref());
        try_join_all(ids.map(|id| made::remove_container(&self.engine, id))).await.map(drop)
    }

    /// Kills the container of a service, or the one of a task whose id begins so; a service is started again.
    ///
    /// # Errors
    /// When there is none, or the engine refuses.
    pub async fn crash(&self, what: Crash<'_>) -> Result<(), LabError> {
        let all = self.all_containers().await?;
        let is_it = |container: &&ContainerSummary| match what {
            Crash::Service(name) => label(container, labels::SERVICE).as_deref() == Some(name),
            Crash::Task(prefix) => {
                label(container, labels::TASK).is_some_and(|task| task.starts_with(prefix))
            }
        };
        let id = all.iter().find(is_it).and_then(|container| container.id.as_deref());
        let id = id.ok_or_else(|| LabError::Other("there is no such container".to_owned()))?;
        let signal = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        let killed = self.engine.api().kill_container(id, Some(signal)).await;
        killed.map_err(LabError::when("kill the container"))?;
        match what {
            // The engine leaves alone what it was told to kill.
            Crash::Service(name) => self.start(id, name).await,
            Crash::Task(_) => Ok(()),
        }
    }

    /// Waits for a component to end that shall not, and says with what. One that was there `before` may be starting again,
    /// until what it needs is back.
    ///
    /// # Errors
    /// Always, once that has happened, or the engine has gone.
    pub async fn watch(&self, before: &Belongings) -> LabError {
        loop {
            match self.exited(before).await {
                Ok(None) => tokio::time::sleep(LOOK).await,
                Ok(Some(error)) | Err(error) => return error,
            }
        }
    }

    async fn exited(&self, before: &Belongings) -> Result<Option<LabError>, LabError> {
        let containers = self.containers().await?;
        let restarts = |container: &ContainerSummary| {
            container.state == Some(ContainerSummaryStateEnum::RESTARTING)
                && container.id.as_ref().is_some_and(|id| before.containers.contains_key(id))
        };
        let Some((service, container)) =
            containers.into_iter().find(|(name, container)| is_over(name, container) && !restarts(container))
        else {
            return Ok(None);
        };
        let code = exit_code(container.status.as_deref().unwrap_or_default());
        let lines = self.last_lines(&container.id.unwrap_or_default()).await;
        Ok(Some(LabError::Exited { service, code, lines }))
    }

    async fn last_lines(&self, id: &str) -> Vec<String> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(LAST_LINES).build();
        let mut output = self.engine.api().logs(id, Some(options));
        let mut text = String::new();
        while let Some(Ok(chunk)) = output.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk.into_bytes()));
        }
        text.lines().map(str::to_owned).collect()
    }

    /// Ends everything: agents with the grace of their tasks, then all containers and the network; with `purge` the
    /// volumes too.
    ///
    /// # Errors
    /// When the lab is somebody else's; what the engine refuses: the rest is removed all the same.
    pub async fn down(&self, endpoints: &Endpoints, purge: bool) -> Result<(), LabError> {
        self.belongings().await?;
        scheduler::forget(endpoints).await;
        let services = self.containers().await?;
        let agents = services.iter().filter(|(service, _)| plan::is_agent(service));
        let ids = agents.filter_map(|(_, container)| container.id.as_deref());
        join_all(ids.map(|id| self.unregister(id))).await;
        let contenders = services.iter().filter(|(service, _)| service.starts_with("master"));
        let ids = contenders.filter_map(|(_, container)| container.id.as_deref());
        join_all(ids.map(|id| self.resign(id))).await;
        self.remove_tasks().await?;
        let all = self.belongings().await?;
        let volumes = if purge { all.volumes.clone() } else { BTreeSet::new() };
        Belongings { volumes, ..all }.remove(&self.engine).await
    }
}

/// Whether a component has ended that shall not. The engine starts again what ends by itself: a scheduler that has merely
/// exited was told to stop.
fn is_over(service: &str, container: &ContainerSummary) -> bool {
    use ContainerSummaryStateEnum::{DEAD, EXITED, RESTARTING};
    match container.state {
        Some(RESTARTING | DEAD) => true,
        Some(EXITED) => service != plan::SCHEDULER,
        _ => false,
    }
}

/// An engine that may not do all itself, as in a container, can give no container everything.
fn is_out_of_reach(error: &LabError) -> bool {
    error.to_string().contains("unable to apply caps")
}

/// Of `Exited (2) 3 seconds ago` or `Restarting (2) 1 second ago`: when it is asked for, the engine may have started the
/// container anew.
fn exit_code(status: &str) -> i64 {
    let inside = status.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    inside.and_then(|(code, _)| code.parse().ok()).unwrap_or_default()
}

fn by_service(all: Vec<ContainerSummary>) -> BTreeMap<String, ContainerSummary> {
    let service = |container: &ContainerSummary| label(container, labels::SERVICE);
    all.into_iter().filter_map(|container| Some((service(&container)?, container))).collect()
}

fn label(container: &ContainerSummary, name: &str) -> Option<String> {
    container.labels.as_ref()?.get(name).cloned()
}

fn present(container: &ContainerSummary) -> Present {
    Present {
        id: container.id.clone().unwrap_or_default(),
        hash: label(container, labels::HASH).unwrap_or_default(),
        running: container.state == Some(ContainerSummaryStateEnum::RUNNING),
        paused: container.state == Some(ContainerSummaryStateEnum::PAUSED),
    }
}

/// The port of the machine on which a running container answers.
fn published(container: &ContainerSummary) -> Option<u16> {
    container.ports.as_ref()?.iter().find_map(|port| port.public_port)
}

fn id_of(images: &PresentImages, service: &Service) -> String {
    let image = images.values().find(|image| image.reference == service.image);
    image.map(|image| image.id.clone()).unwrap_or_default()
}

fn endpoints(spec: &LabSpec, ports: &BTreeMap<String, u16>) -> Endpoints {
    let at = |service: &str| ports.get(service).map(|port| format!("http://127.0.0.1:{port}"));
    let mut masters =
        (0..spec.masters).filter_map(|index| at(&crate::provider::master_name(index, spec.masters)));
    let agents =
        spec.agents.iter().filter_map(|agent| Some((AgentName(agent.name.clone()), at(&agent.name)?)));
    let mut endpoints = Endpoints {
        zookeeper: ports.get("zookeeper").map(|port| format!("zk://127.0.0.1:{port}/mesos")),
        exhibitor: at("exhibitor"),
        master: masters.next().unwrap_or_default(),
        more_masters: masters.collect(),
        agents: agents.collect(),
        marathon: spec.marathon.then(|| at("marathon")).flatten(),
        registry: at("registry"),
        scheduler: at("scheduler"),
        published: Published::default(),
    };
    endpoints.published = published_at(spec, &endpoints);
    endpoints
}

/// Masters by their names and agents by their host names: what they tell of themselves.
fn published_at(spec: &LabSpec, endpoints: &Endpoints) -> Published {
    let masters = endpoints.named_masters();
    let agents = spec.agents.iter().filter_map(|agent| {
        let url = endpoints.agents.get(&AgentName(agent.name.clone()))?;
        Some((plan::hostname(agent), url.as_str()))
    });
    Published::new(masters.iter().map(|(name, url)| (name.as_str(), *url)).chain(agents))
}

#[cfg(test)]
mod tests {
    use super::exit_code;

    #[test]
    fn the_engine_tells_the_code_in_its_words() {
        assert_eq!(exit_code("Restarting (137) 2 seconds ago"), 137);
        assert_eq!(exit_code("Exited (0) 5 minutes ago"), 0);
        assert_eq!(exit_code("Dead"), 0);
    }
}
