//! Waiting until a lab is truly ready: by asking its public APIs until they say so, never by guessing a time.

use std::{collections::BTreeSet, time::Duration};

use super::{AgentName, Endpoints, embedded::port_of};
use crate::{
    client::{
        Http,
        operator::Operator,
        scheduler_api::SchedulerApi,
        services::{self, Condition},
    },
    mesos::time::Time,
    runtime::Clock,
    scheduler::api,
};

/// The pause between two questions: short at first, since most labs are ready within milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// More than two allocation intervals of a master with Mesos' defaults.
const QUIET: Duration = Duration::from_millis(2500);

/// What has not come in time, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// Asks `question` until it answers.
///
/// # Errors
/// The last reason why not, when `deadline` has passed.
pub async fn until<T, F>(
    clock: Clock,
    patience: Duration,
    mut question: impl FnMut() -> F,
) -> Result<T, NotReady>
where
    F: Future<Output = Result<T, NotReady>>,
{
    let deadline = clock.now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        match question().await {
            Ok(answer) => return Ok(answer),
            Err(reason) if clock.now() >= deadline => return Err(reason),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits for the master's election.
///
/// # Errors
/// When it is not elected in time.
pub async fn master(operator: &Operator, clock: Clock, patience: Duration) -> Result<(), NotReady> {
    until(clock, patience, async || match operator.get_master().await {
        Ok(_) => Ok(()),
        Err(error) => Err(NotReady(format!("the master does not answer: {error}"))),
    })
    .await
}

/// Waits until `zookeeper`, `exhibitor`, `marathon` or `registry` does what it is there for.
///
/// # Errors
/// Why it does not, when time is up.
pub async fn service(
    http: &Http,
    name: &str,
    url: &str,
    clock: Clock,
    patience: Duration,
) -> Result<Condition, NotReady> {
    until(clock, patience, async || match services::of(http, name, url).await {
        Ok(condition) if condition.ready => Ok(condition),
        Ok(condition) => Err(NotReady(condition.state)),
        Err(error) => Err(NotReady(error.to_string())),
    })
    .await
}

/// Waits until every agent of the lab is registered; `seen` hears of each once.
///
/// # Errors
/// The agents that are missing, when time is up.
pub async fn agents(
    operator: &Operator,
    endpoints: &Endpoints,
    clock: Clock,
    patience: Duration,
    mut seen: impl FnMut(&AgentName),
) -> Result<(), NotReady> {
    let mut missing: BTreeSet<&AgentName> = endpoints.agents.keys().collect();
    let deadline = clock.now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        let ports = registered_ports(operator).await;
        let came: Vec<_> = missing
            .iter()
            .copied()
            .filter(|name| port_of(&endpoints.agents[*name]).is_some_and(|port| ports.contains(&port)))
            .collect();
        for name in came {
            missing.remove(name);
            seen(name);
        }
        if missing.is_empty() {
            return Ok(());
        }
        if clock.now() >= deadline {
            let names: Vec<_> = missing.iter().map(|name| name.0.as_str()).collect();
            return Err(NotReady(format!("not registered: {}", names.join(", "))));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn registered_ports(operator: &Operator) -> BTreeSet<u16> {
    let agents = operator.get_agents().await.map(|answer| answer.agents).unwrap_or_default();
    agents
        .iter()
        .filter(|agent| agent.active)
        .filter_map(|agent| agent.pid.as_deref())
        .filter_map(port_of)
        .collect()
}

/// Waits until our scheduler is subscribed.
///
/// # Errors
/// Why it is not, when time is up.
pub async fn scheduler(api: &SchedulerApi, clock: Clock, patience: Duration) -> Result<api::State, NotReady> {
    until(clock, patience, async || match api.state().await {
        Ok(state) if state.phase == api::Phase::Subscribed => Ok(state),
        Ok(state) => Err(NotReady(match state.problem {
            Some(problem) => format!("the scheduler is not subscribed: {problem}"),
            None => "the scheduler is not subscribed".into(),
        })),
        Err(error) => Err(NotReady(format!("the scheduler does not answer: {error}"))),
    })
    .await
}

/// How the tasks came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// As many run as are wanted.
    All,
    /// What fits runs; so many find no place.
    Short { unplaced: u64 },
}

/// Waits until as many tasks run as are wanted, or as fit; `seen` hears of every change.
///
/// # Errors
/// How many run, when time is up.
pub async fn tasks(
    api: &SchedulerApi,
    clock: Clock,
    patience: Duration,
    mut seen: impl FnMut(&api::Counts),
) -> Result<(api::Counts, Rest), NotReady> {
    let mut last: Option<(api::Counts, Time)> = None;
    let deadline = clock.now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        let state = api.state().await.map_err(|error| NotReady(format!("the scheduler is gone: {error}")))?;
        let now = clock.now();
        let since = match last {
            Some((counts, since)) if counts == state.counts => since,
            _ => {
                seen(&state.counts);
                now
            }
        };
        last = Some((state.counts, since));
        let unchanged = if now >= deadline { Duration::MAX } else { now.since(since) };
        if let Some(rest) = rest(&state.counts, unchanged) {
            return Ok((state.counts, rest));
        }
        if now >= deadline {
            return Err(NotReady(state.summary));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Tasks without a place have come to rest when nothing has changed for longer than two rounds of offers.
fn rest(counts: &api::Counts, unchanged: Duration) -> Option<Rest> {
    if counts.starting + counts.killing + counts.outdated + counts.backing_off > 0 {
        return None;
    }
    match counts.unplaced {
        0 if counts.running + counts.completed == counts.wanted => Some(Rest::All),
        0 => None,
        unplaced => (unchanged > QUIET).then_some(Rest::Short { unplaced }),
    }
}
