//! Asks each component how it does, every few seconds and whenever a connection comes or goes.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};

use crate::{
    client::{
        ClientError, agent::AgentApi, masters::Masters, operator::Operator, scheduler_api::SchedulerApi,
        services,
    },
    cluster::{
        Change,
        agent::address_of,
        component::{Component, Container, Health, Kind, Registration, scheduler_health},
        watch::{
            Addresses,
            containers::Containers,
            feed::{Feed, words},
        },
    },
    mesos::{time::Time, v1::master::response::GetAgents},
};

const EVERY: Duration = Duration::from_secs(5);
/// Connections that come and go in a row are looked after once.
const SOON: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(3);
const AT_ONCE: usize = 8;
/// So many agents of someone else's cluster are asked.
const AGENTS: usize = 50;

pub async fn run(feed: Feed) -> Infallible {
    let mut versions = HashMap::new();
    let mut names = Vec::new();
    let mut containers = Containers::default();
    loop {
        match feed.locate() {
            Ok(addresses) => {
                let parts = parts(&feed, &addresses).await;
                let now: Vec<_> = parts.iter().map(|part| part.component.name.clone()).collect();
                if names != now {
                    names.clone_from(&now);
                    feed.send(Change::Components(now)).await;
                }
                let there = match &addresses.engine {
                    Some(engine) => containers.look(engine).await,
                    None => HashMap::new(),
                };
                probe(&feed, parts, &mut versions, there).await;
            }
            Err(problem) => down(&feed, &parts_that_were(&names), &problem).await,
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = feed.stir.notified() => tokio::time::sleep(SOON).await,
        }
    }
}

/// A component, and whom to ask.
struct Part {
    component: Component,
    whom: Whom,
}

enum Whom {
    /// The master has been asked already, for its agents.
    Master(Operator),
    Agent {
        /// None while the master does not say.
        registration: Option<Registration>,
        /// Of a lab of ours, which can be reached from here.
        ours: bool,
    },
    /// One of several masters.
    OneMaster,
    Service,
    Scheduler(Option<String>),
}

/// What a component says.
struct Answer {
    health: Health,
    state: String,
    version: Option<String>,
    started: Option<Time>,
    round_trip: Option<Duration>,
}

fn component(name: &str, kind: Kind, url: &str) -> Component {
    Component {
        name: name.to_owned(),
        kind,
        url: url.to_owned(),
        health: Health::Unknown,
        state: String::new(),
        version: String::new(),
        started: None,
        restarts: 0,
        last_ping: None,
        round_trip: None,
        container: None,
    }
}

/// All that there is to be asked.
async fn parts(feed: &Feed, addresses: &Addresses) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut agents = None;
    if let Ok(masters) = Masters::parse(&addresses.master) {
        let operator = Operator::new(feed.http.clone(), masters.published_at(addresses.published.clone()));
        agents = tokio::time::timeout(PATIENCE, operator.get_agents()).await.ok().and_then(Result::ok);
        let url = super::master::url(&operator);
        let whole = Part { component: component("master", Kind::Master, &url), whom: Whom::Master(operator) };
        parts.extend(addresses.masters.is_empty().then_some(whole));
    }
    parts.extend(
        addresses
            .masters
            .iter()
            .map(|(name, url)| Part { component: component(name, Kind::Master, url), whom: Whom::OneMaster }),
    );
    parts.extend(
        addresses
            .services
            .iter()
            .map(|(name, url)| Part { component: component(name, Kind::of(name), url), whom: Whom::Service }),
    );
    match (&agents, addresses.agents.is_empty()) {
        (agents, false) => parts.extend(lab_agents(&addresses.agents, agents.as_ref())),
        (Some(agents), true) => parts.extend(named_agents(agents)),
        (None, true) => {}
    }
    let url = addresses.scheduler.as_deref().unwrap_or_default();
    let absent = addresses.scheduler.is_none().then(|| addresses.no_scheduler.clone());
    parts.push(Part {
        component: component("scheduler", Kind::Scheduler, url),
        whom: Whom::Scheduler(absent),
    });
    parts
}

fn lab_agents<'a>(
    agents: &'a BTreeMap<String, String>,
    known: Option<&'a GetAgents>,
) -> impl Iterator<Item = Part> + 'a {
    agents.iter().map(move |(name, url)| {
        let registration = known.map(|known| Registration::at(url, known));
        Part { component: component(name, Kind::Agent, url), whom: Whom::Agent { registration, ours: true } }
    })
}

/// Agents of someone else's cluster, by hostname as far as that tells them apart.
fn named_agents(known: &GetAgents) -> impl Iterator<Item = Part> + '_ {
    let mut hostnames: HashMap<&str, usize> = HashMap::new();
    for agent in &known.agents {
        *hostnames.entry(agent.agent_info.hostname.as_str()).or_default() += 1;
    }
    known.agents.iter().take(AGENTS).map(move |agent| {
        let hostname = agent.agent_info.hostname.as_str();
        let address = agent.pid.as_deref().map(address_of).unwrap_or_default();
        let name = if hostnames.get(hostname) == Some(&1) { hostname } else { address };
        let component = component(name, Kind::Agent, &format!("http://{address}"));
        let registration = Some(Registration::of(agent));
        Part { component, whom: Whom::Agent { registration, ours: false } }
    })
}

async fn probe(
    feed: &Feed,
    parts: Vec<Part>,
    versions: &mut HashMap<String, String>,
    mut containers: HashMap<String, Container>,
) {
    let asked = stream::iter(parts).map(|part| {
        let version = versions.get(&part.component.name).cloned();
        ask(feed, part, version)
    });
    let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
    for (mut component, round_trip) in answers {
        component.container = containers.remove(&component.name);
        match component.health {
            Health::Down => drop(versions.remove(&component.name)),
            _ => drop(versions.insert(component.name.clone(), component.version.clone())),
        }
        feed.send(Change::Probed { component: Box::new(component), round_trip }).await;
    }
}

async fn ask(feed: &Feed, part: Part, version: Option<String>) -> (Component, Option<Duration>) {
    let Part { mut component, whom } = part;
    let version = version.filter(|version| !version.is_empty());
    let answer = match whom {
        Whom::Master(operator) => within(ask_master(feed, &operator, version)).await,
        Whom::Agent { registration, ours } => {
            ask_agent(feed, &component.url, version, registration, ours).await
        }
        Whom::OneMaster | Whom::Service => within(ask_service(feed, &component.name, &component.url)).await,
        Whom::Scheduler(Some(absent)) => Answer { health: Health::Stopped, ..Answer::bad(absent) },
        Whom::Scheduler(None) => within(ask_scheduler(feed, &component.url)).await,
    };
    component.health = answer.health;
    component.state = answer.state;
    component.version = answer.version.unwrap_or_default();
    component.started = answer.started;
    (component, answer.round_trip)
}

impl Answer {
    fn bad(state: String) -> Self {
        Self { health: Health::Down, state, version: None, started: None, round_trip: None }
    }
}

async fn within(answer: impl Future<Output = Result<Answer, ClientError>>) -> Answer {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::bad(words(&error)),
        Err(_) => Answer::bad(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn ask_master(
    feed: &Feed,
    operator: &Operator,
    version: Option<String>,
) -> Result<Answer, ClientError> {
    let begun = feed.now();
    let answer = match operator.get_master().await {
        Err(error) if error.is_denial() => None,
        answer => Some(answer?),
    };
    let round_trip = Some(feed.now().since(begun));
    let version = match version {
        None => operator.get_version().await.ok().map(|version| version.version),
        known => known,
    };
    let started = answer.and_then(|answer| answer.start_time).and_then(Time::from_secs_f64);
    Ok(Answer { health: Health::Ready, state: "elected".to_owned(), version, started, round_trip })
}

async fn ask_agent(
    feed: &Feed,
    url: &str,
    version: Option<String>,
    registration: Option<Registration>,
    ours: bool,
) -> Answer {
    let unknown = (Health::Degraded, "the master does not say whether it is registered");
    let (health, state) = registration.map_or(unknown, Registration::health);
    let answer = within(ask_agent_itself(feed, url, version)).await;
    match answer.health {
        Health::Down if registration == Some(Registration::Active) && !ours => {
            let state = format!("registered, but not to be reached from here: {}", answer.state);
            Answer { health: Health::Degraded, state, ..answer }
        }
        Health::Down => answer,
        _ => Answer { health, state: state.to_owned(), ..answer },
    }
}

async fn ask_agent_itself(feed: &Feed, url: &str, version: Option<String>) -> Result<Answer, ClientError> {
    let agent = AgentApi::new(feed.http.clone(), url)?;
    let begun = feed.now();
    let uptime = match agent.uptime().await {
        Err(error) if error.is_denial() => None,
        uptime => uptime?,
    };
    let now = feed.now();
    let version = match version {
        None => agent.version().await.ok(),
        known => known,
    };
    Ok(Answer {
        health: Health::Ready,
        state: String::new(),
        version,
        started: uptime.map(|uptime| now - uptime),
        round_trip: Some(now.since(begun)),
    })
}

async fn ask_service(feed: &Feed, name: &str, url: &str) -> Result<Answer, ClientError> {
    let begun = feed.now();
    let condition = services::of(&feed.http, name, url).await?;
    Ok(Answer {
        health: if condition.ready { Health::Ready } else { Health::Degraded },
        state: condition.state,
        version: condition.version,
        started: None,
        round_trip: Some(feed.now().since(begun)),
    })
}

async fn ask_scheduler(feed: &Feed, url: &str) -> Result<Answer, ClientError> {
    let begun = feed.now();
    let state = SchedulerApi::new(feed.http.clone(), url)?.state().await?;
    let (health, words) = scheduler_health(&state);
    Ok(Answer {
        health,
        state: words,
        version: Some(state.version),
        started: Time::from_secs_f64(state.started_at).filter(|started| *started > Time::default()),
        round_trip: Some(feed.now().since(begun)),
    })
}

/// The names of the components that were there, or of the one that every cluster has.
fn parts_that_were(names: &[String]) -> Vec<String> {
    if names.is_empty() { vec!["master".to_owned()] } else { names.to_vec() }
}

/// There is nobody to be asked.
async fn down(feed: &Feed, names: &[String], problem: &str) {
    for name in names {
        let component = Component {
            health: Health::Down,
            state: problem.to_owned(),
            ..component(name, Kind::of(name), "")
        };
        feed.send(Change::Probed { component: Box::new(component), round_trip: None }).await;
    }
}
