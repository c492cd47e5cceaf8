//! Which agent of this process hears of which container, and what nobody has heard yet. Pure but for the sending.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use rustix::process::Signal;
use tokio::sync::mpsc::UnboundedSender;

use super::message::KeptContainer;
use crate::{
    engine::{agent::Launch, executor::exit::Exit},
    host::process::Event,
    mesos::v1::ContainerId,
};

/// Why a container that was about to start does not.
const KEEPER_DIED: &str = "the keeper of task processes has died";

#[derive(Debug, Default)]
pub(super) struct Routes(BTreeMap<ContainerId, Route>);

#[derive(Debug, Default)]
struct Route {
    sandbox: PathBuf,
    pid: Option<u32>,
    ended: bool,
    /// Nobody will claim it.
    discarded: bool,
    agent: Option<UnboundedSender<Event>>,
    /// For whoever claims it.
    unheard: Vec<Event>,
}

impl Route {
    fn tell(&mut self, event: Event) {
        let unheard = match &self.agent {
            Some(agent) => agent.send(event).err().map(|unsent| unsent.0),
            None => Some(event),
        };
        if let Some(event) = unheard {
            self.agent = None;
            self.unheard.push(event);
        }
    }

    fn is_claimed(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| !agent.is_closed())
    }
}

impl Routes {
    /// Of containers that are there to be claimed.
    pub fn of(kept: &[KeptContainer]) -> Self {
        let route = |kept: &KeptContainer| Route {
            sandbox: PathBuf::from(&kept.launch.directory),
            pid: kept.pid,
            ended: kept.has_ended(),
            unheard: kept.end().into_iter().collect(),
            ..Route::default()
        };
        Self(kept.iter().map(|kept| (kept.container_id().clone(), route(kept))).collect())
    }

    /// False, and nothing is changed, when the container is known already.
    pub fn enter(&mut self, launch: &Launch, agent: UnboundedSender<Event>) -> bool {
        if self.0.contains_key(&launch.container_id) {
            return false;
        }
        let sandbox = PathBuf::from(&launch.directory);
        let route = Route { sandbox, agent: Some(agent), ..Route::default() };
        self.0.insert(launch.container_id.clone(), route);
        true
    }

    /// From now on this agent hears of the container, and at once what nobody has heard.
    pub fn claim(&mut self, container_id: &ContainerId, agent: UnboundedSender<Event>) {
        if let Some(route) = self.0.get_mut(container_id) {
            route.agent = Some(agent);
            std::mem::take(&mut route.unheard).into_iter().for_each(|event| route.tell(event));
        }
    }

    pub fn hear(&mut self, event: Event) {
        let container_id = event.container_id().clone();
        let Some(route) = self.0.get_mut(&container_id) else { return };
        match event {
            Event::Launched { pid, .. } => route.pid = Some(pid),
            Event::LaunchFailed { .. } | Event::Exited { .. } => route.ended = true,
        }
        if route.ended && route.discarded {
            self.0.remove(&container_id);
        } else {
            route.tell(event);
        }
    }

    /// An agent has noted the end of this container.
    pub fn forget(&mut self, container_id: &ContainerId) {
        if self.0.get(container_id).is_some_and(|route| route.ended) {
            self.0.remove(container_id);
        }
    }

    /// Nobody wants to hear of this container.
    pub fn discard(&mut self, container_id: &ContainerId) {
        if let Some(route) = self.0.get_mut(container_id) {
            (route.discarded, route.agent) = (true, None);
            self.forget(container_id);
        }
    }

    pub fn unclaimed(&self) -> Vec<ContainerId> {
        let unclaimed = self.0.iter().filter(|(_, route)| !route.discarded && !route.is_claimed());
        unclaimed.map(|(container_id, _)| container_id.clone()).collect()
    }

    /// The sessions and sandboxes of what runs.
    pub fn alive(&self) -> (BTreeSet<i32>, Vec<PathBuf>) {
        let alive = || self.0.values().filter(|route| !route.ended);
        let sessions = alive().filter_map(|route| i32::try_from(route.pid?).ok()).collect();
        (sessions, alive().map(|route| route.sandbox.clone()).collect())
    }

    /// Whatever ran has been killed.
    pub fn all_killed(&mut self) {
        let alive = self.0.iter().filter(|(_, route)| !route.ended);
        let killed: Vec<Event> = alive
            .map(|(container_id, route)| match (container_id.clone(), route.pid) {
                (container_id, Some(_)) => {
                    Event::Exited { container_id, exit: Exit::signal(Signal::KILL.as_raw()) }
                }
                (container_id, None) => Event::LaunchFailed { container_id, message: KEEPER_DIED.to_owned() },
            })
            .collect();
        killed.into_iter().for_each(|event| self.hear(event));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::host::keeper::tests::{id, launch};

    fn routes(names: &[&str]) -> (Routes, UnboundedReceiver<Event>) {
        let (agent, events) = unbounded_channel();
        let mut routes = Routes::default();
        for name in names {
            assert!(routes.enter(&launch(Path::new("/work_dir"), name, "true"), agent.clone()));
        }
        (routes, events)
    }

    fn launched(name: &str) -> Event {
        Event::Launched { container_id: id(name), pid: 7 }
    }

    fn exited(name: &str, exit: Exit) -> Event {
        Event::Exited { container_id: id(name), exit }
    }

    #[test]
    fn what_nobody_hears_waits_for_a_claim() {
        let (mut routes, events) = routes(&["a"]);
        drop(events);
        routes.hear(launched("a"));
        routes.hear(exited("a", Exit::Code(3)));
        assert_eq!(routes.unclaimed(), [id("a")]);
        let (agent, mut events) = unbounded_channel();
        routes.claim(&id("a"), agent);
        assert_eq!(events.try_recv().unwrap(), launched("a"));
        assert_eq!(events.try_recv().unwrap(), exited("a", Exit::Code(3)));
        assert!(routes.unclaimed().is_empty());
        routes.forget(&id("a"));
        assert!(routes.0.is_empty());
    }

    #[test]
    fn the_death_of_the_keeper_is_the_end_of_what_runs() {
        let (mut routes, mut events) = routes(&["ended", "runs", "starts"]);
        for event in [launched("ended"), exited("ended", Exit::Code(0)), launched("runs")] {
            routes.hear(event);
            events.try_recv().unwrap();
        }
        let (sessions, sandboxes) = routes.alive();
        assert_eq!((sessions, sandboxes.len()), ([7].into(), 2));
        routes.all_killed();
        assert_eq!(events.try_recv().unwrap(), exited("runs", Exit::signal(9)));
        assert!(matches!(events.try_recv().unwrap(), Event::LaunchFailed { .. }));
        assert!(events.try_recv().is_err());
        assert!(routes.alive().1.is_empty());
    }

    #[test]
    fn the_discarded_are_silent() {
        let (mut routes, mut events) = routes(&["ended", "runs"]);
        routes.hear(exited("ended", Exit::Code(0)));
        events.try_recv().unwrap();
        routes.discard(&id("ended"));
        routes.discard(&id("runs"));
        assert!(routes.unclaimed().is_empty());
        routes.hear(exited("runs", Exit::signal(9)));
        assert!(routes.0.is_empty() && events.try_recv().is_err());
    }
}
