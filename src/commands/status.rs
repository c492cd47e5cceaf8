//! `mesoslab status`: what the lab is made of, and how each part does.

use std::{collections::HashMap, time::Duration};

use serde::Serialize;

use crate::{
    cli::{self, Format},
    client::{
        ClientError, Http,
        operator::Operator,
        services::{self, Condition},
    },
    cluster::{
        agent::address_of,
        amounts::quantities,
        component::{self, Health, Registration, scheduler_health},
        watch::containers::Containers,
    },
    error::{Context, Failure, Result},
    mesos::v1,
    printer::Rows,
    provider::{
        self, Endpoints,
        ready::{self, NotReady},
        state::{LabRecord, StateDir},
    },
    runtime::Clock,
    settings::{self, Settings},
    spec::ProviderKind,
};

/// How often `--watch` looks.
const WATCH: Duration = Duration::from_millis(500);
/// From one look at the containers to the next, which tells what they use.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// How long a lab whose master does not answer may take to turn out dead.
const DYING: Duration = Duration::from_millis(500);

/// What `-o json` prints. Times are seconds since the epoch.
#[derive(Debug, PartialEq, Serialize)]
struct Status {
    name: String,
    provider: &'static str,
    /// `running`, `degraded`, `stopped` or `crashed`.
    state: &'static str,
    pid: Option<u32>,
    started_at: f64,
    components: Vec<Component>,
    cluster: Option<Cluster>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Component {
    name: String,
    url: String,
    /// Whether it does what it is there for.
    ready: bool,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<Container>,
}

/// Of a lab of containers, what the engine says of this one; `memory` in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Container {
    state: String,
    restarts: u32,
    /// Cores in use.
    cpus: Option<f64>,
    memory: Option<u64>,
}

/// Sums over the agents; `mem` in MB.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Cluster {
    version: String,
    agents: usize,
    frameworks: usize,
    tasks_running: usize,
    cpus: Gauge,
    mem: Gauge,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Gauge {
    used: f64,
    offered: f64,
    total: f64,
}

pub async fn run(settings: &Settings, args: &cli::Status, clock: Clock) -> Result<()> {
    let format = args.output.output;
    if !args.watch {
        let (status, failure) = look(settings, clock).await?;
        show(settings, format, &status, clock)?;
        return failure.map_or(Ok(()), Err);
    }
    let mut last = None;
    loop {
        let (status, _) = look(settings, clock).await?;
        if last.as_ref() != Some(&status) {
            settings.printer.clear()?;
            show(settings, format, &status, clock)?;
            last = Some(status);
        }
        tokio::time::sleep(WATCH).await;
    }
}

/// The status, and what is wrong with a lab that does not run.
async fn look(settings: &Settings, clock: Clock) -> Result<(Status, Option<Failure>)> {
    if let Some(master) = settings.master_flag() {
        return Ok((of_cluster(settings, master).await?, None));
    }
    let (state, record) = settings.record()?;
    if state.is_running() {
        let status = of_lab(&record).await?;
        let is_master = |part: &&Component| part.name.starts_with("master");
        let answers = status.components.iter().filter(is_master).any(|master| master.ready);
        if answers || !is_dying(&state, clock).await {
            return Ok((status, None));
        }
    }
    Ok((of_dead(&record), Some(settings::not_running(&record))))
}

/// A process that dies gives its sockets up a moment before its lock.
async fn is_dying(state: &StateDir, clock: Clock) -> bool {
    let gone = async || match state.is_running() {
        true => Err(NotReady("the process of the lab is there".to_owned())),
        false => Ok(()),
    };
    ready::until(clock, DYING, gone).await.is_ok()
}

fn of_dead(record: &LabRecord) -> Status {
    Status {
        name: record.spec.name.clone(),
        provider: provider_of(record),
        state: if record.stopped { "stopped" } else { "crashed" },
        pid: None,
        started_at: record.started_at,
        components: Vec::new(),
        cluster: None,
    }
}

async fn of_lab(record: &LabRecord) -> Result<Status> {
    let endpoints = &record.endpoints;
    let operator = endpoints.operator().context("talk to the master")?;
    let http = Http::new();
    let (agents, masters, services, mut containers) = tokio::join!(
        operator.get_agents(),
        masters(&http, endpoints),
        services(&http, endpoints),
        containers(record)
    );
    let agents = agents.unwrap_or_default();
    let (mut components, upon_mesos): (Vec<_>, Vec<_>) =
        services.into_iter().partition(|part| provider::is_below_mesos(&part.name));
    components.extend(masters);
    components.extend(endpoints.agents.iter().map(|(name, url)| agent(&name.0, url, &agents)));
    components.extend(upon_mesos);
    components.push(scheduler(endpoints.scheduler.as_deref()).await);
    for component in &mut components {
        component.container = containers.remove(&component.name);
        let machine = if component.name.starts_with("agent-") { &component.name } else { "master" };
        if !component.ready && record.halted.iter().any(|halted| halted == machine) {
            component.state = format!("machine halted: mesoslab vagrant resume {machine}");
        }
    }
    let degraded = components.iter().any(|component| !component.ready);
    Ok(Status {
        name: record.spec.name.clone(),
        provider: provider_of(record),
        state: if degraded { "degraded" } else { "running" },
        pid: Some(record.pid).filter(|pid| *pid != 0),
        started_at: record.started_at,
        components,
        cluster: cluster(&operator, &agents).await.ok(),
    })
}

async fn of_cluster(settings: &Settings, flag: &str) -> Result<Status> {
    let url = settings.master()?;
    let operator = settings.operator()?;
    let agents = operator.get_agents().await.context(format_args!("ask the master at {flag}"))?;
    let master =
        Component { name: "master".into(), url, ready: true, state: "answers".into(), container: None };
    let others = agents.agents.iter().map(|agent| Component {
        name: agent.agent_info.hostname.clone(),
        url: agent.pid.as_deref().map(|pid| format!("http://{}", address_of(pid))).unwrap_or_default(),
        ready: agent.active,
        state: if agent.active { "active".into() } else { "inactive".into() },
        container: None,
    });
    Ok(Status {
        name: flag.to_owned(),
        provider: "attach",
        state: "running",
        pid: None,
        started_at: operator.get_master().await.ok().and_then(|master| master.start_time).unwrap_or_default(),
        components: std::iter::once(master).chain(others).collect(),
        cluster: Some(cluster(&operator, &agents).await?),
    })
}

fn provider_of(record: &LabRecord) -> &'static str {
    match record.spec.provider {
        ProviderKind::Auto => ProviderKind::Embedded.word(),
        known => known.word(),
    }
}

/// What the engine of a lab of containers says of them, by component.
async fn containers(record: &LabRecord) -> HashMap<String, Container> {
    let Some(there) = &record.containers else { return HashMap::new() };
    let of = (there.engine.clone(), record.spec.name.clone());
    let mut looks = Containers::default();
    looks.look(&of).await;
    tokio::time::sleep(BETWEEN_LOOKS).await;
    let seen = looks.look(&of).await;
    let told = |(name, container): (String, component::Container)| {
        let component::Container { state, restarts, cores, memory } = container;
        (name, Container { state, restarts, cpus: cores.map(hundredths), memory })
    };
    seen.into_iter().map(told).collect()
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

async fn masters(http: &Http, endpoints: &Endpoints) -> Vec<Component> {
    let asked = endpoints
        .named_masters()
        .into_iter()
        .map(async |(name, url)| Component::of(name, url, services::master(http, url).await));
    futures_util::future::join_all(asked).await
}

async fn services(http: &Http, endpoints: &Endpoints) -> Vec<Component> {
    let asked = endpoints
        .services()
        .map(async |(name, url)| Component::of(name.to_owned(), url, services::of(http, name, url).await));
    futures_util::future::join_all(asked).await
}

impl Component {
    fn of(name: String, url: &str, condition: Result<Condition, ClientError>) -> Self {
        let (ready, state) = match condition {
            Ok(condition) => (condition.ready, condition.state),
            Err(error) => (false, error.to_string()),
        };
        Self { name, url: url.to_owned(), ready, state, container: None }
    }
}

fn agent(name: &str, url: &str, agents: &v1::master::response::GetAgents) -> Component {
    let (health, state) = Registration::at(url, agents).health();
    Component {
        name: name.to_owned(),
        url: url.to_owned(),
        ready: health == Health::Ready,
        state: state.into(),
        container: None,
    }
}

async fn scheduler(url: Option<&str>) -> Component {
    let name = "scheduler".to_owned();
    let Some(url) = url else {
        return Component {
            name,
            url: String::new(),
            ready: false,
            state: "stopped".into(),
            container: None,
        };
    };
    let state = match provider::scheduler_api(url) {
        Ok(api) => api.state().await,
        Err(error) => Err(error),
    };
    match state {
        Ok(state) => {
            let (health, state) = scheduler_health(&state);
            Component { name, url: url.to_owned(), ready: health == Health::Ready, state, container: None }
        }
        Err(error) => {
            Component { name, url: url.to_owned(), ready: false, state: error.to_string(), container: None }
        }
    }
}

async fn cluster(operator: &Operator, agents: &v1::master::response::GetAgents) -> Result<Cluster> {
    let (version, frameworks, tasks) =
        tokio::join!(operator.get_version(), operator.get_frameworks(), operator.get_tasks());
    let running = |task: &&v1::Task| task.state() == v1::TaskState::TaskRunning;
    let mut cluster = Cluster {
        version: version.context("ask the master for its version")?.version,
        agents: agents.agents.iter().filter(|agent| agent.active).count(),
        frameworks: frameworks.context("ask the master for its frameworks")?.frameworks.len(),
        tasks_running: tasks.context("ask the master for its tasks")?.tasks.iter().filter(running).count(),
        ..Cluster::default()
    };
    for agent in &agents.agents {
        let [used, offered, total] =
            [&agent.allocated_resources, &agent.offered_resources, &agent.total_resources]
                .map(|resources| quantities(resources));
        cluster.cpus.add([used, offered, total].map(|amounts| amounts.cpus));
        cluster.mem.add([used, offered, total].map(|amounts| amounts.mem));
    }
    Ok(cluster)
}

impl Gauge {
    fn add(&mut self, [used, offered, total]: [f64; 3]) {
        let thousandths = |sum: f64| (sum * 1000.0).round() / 1000.0;
        self.used = thousandths(self.used + used);
        self.offered = thousandths(self.offered + offered);
        self.total = thousandths(self.total + total);
    }
}

fn show(settings: &Settings, format: Format, status: &Status, clock: Clock) -> Result<()> {
    if matches!(format, Format::Table | Format::Wide) {
        settings.printer.data(head(status, clock.now().as_secs_f64()))?;
    }
    let in_containers = status.components.iter().any(|component| component.container.is_some());
    settings.printer.show(format, status, |_| {
        let mut rows = if status.components.is_empty() {
            Rows::default()
        } else {
            let more = ["container", "restarts", "cpus", "memory"].into_iter().filter(|_| in_containers);
            Rows::new(["", "component", "address", "state"].into_iter().chain(more).collect::<Vec<_>>())
        };
        for component in &status.components {
            let mark = if component.ready { settings.printer.tick() } else { settings.printer.cross() };
            let row = [mark, component.name.clone(), component.url.clone(), component.state.clone()];
            let more = in_containers.then(|| container_cells(component.container.as_ref()));
            rows.push(row.into_iter().chain(more.into_iter().flatten()).collect::<Vec<_>>());
        }
        rows
    })
}

fn container_cells(container: Option<&Container>) -> [String; 4] {
    let Some(container) = container else { return Default::default() };
    let cpus = container.cpus.map(|cpus| format!("{cpus:.2}")).unwrap_or_default();
    let memory = container.memory.map(|bytes| format!("{:.1} MB", bytes as f64 / 1e6)).unwrap_or_default();
    [container.state.clone(), container.restarts.to_string(), cpus, memory]
}

fn head(status: &Status, now: f64) -> String {
    let age = if status.started_at > 0.0 { super::age(now - status.started_at) } else { "?".to_owned() };
    let pid = status.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    let mut text = format!(
        "lab `{}`: {}, provider {}, started {age} ago{pid}\n",
        status.name, status.state, status.provider
    );
    if let Some(cluster) = &status.cluster {
        text += &format!(
            "Mesos {}: {} agents, {} frameworks, {} tasks running; cpus {}/{} used, mem {}/{} MB used\n",
            cluster.version,
            cluster.agents,
            cluster.frameworks,
            cluster.tasks_running,
            cluster.cpus.used,
            cluster.cpus.total,
            cluster.mem.used,
            cluster.mem.total,
        );
    }
    text
}
