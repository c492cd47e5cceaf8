//! The parts of the lab, as they answer when they are asked how they do.

use std::time::Duration;

use crate::cluster::{
    ClusterView,
    component::{self, Component, Health},
    history::{Kind, Weight},
};

/// Start times differ by less than this between two answers of one process, and by what its answers take.
const SAME: Duration = Duration::from_millis(100);

impl ClusterView {
    /// What a component does not say now stays as it was.
    pub(super) fn probed(&mut self, mut component: Component, round_trip: Option<Duration>) {
        component.round_trip = round_trip;
        if component.kind == component::Kind::Agent {
            self.agent_component(&component.url, &component.name);
        }
        component.last_ping = round_trip.map(|_| self.fold.now);
        let mut before = Health::Unknown;
        if let Some(old) = self.components.find(&component.name) {
            before = old.health;
            let restarted = has_restarted(old, &component);
            component.restarts = old.restarts + u32::from(restarted);
            let by_engine = component.container.as_ref().map(|container| container.restarts);
            component.restarts = component.restarts.max(by_engine.unwrap_or_default());
            component.last_ping = component.last_ping.or(old.last_ping);
            component.started = if restarted { component.started } else { old.started.or(component.started) };
            if component.url.is_empty() && component.health == Health::Down {
                component.url.clone_from(&old.url);
            }
            if component.version.is_empty() {
                component.version.clone_from(&old.version);
            }
        }
        self.tell_component(&component, before);
        self.components.put(&component.name.clone(), component);
    }

    fn tell_component(&mut self, component: &Component, before: Health) {
        let weight = match component.health {
            Health::Ready => Weight::Good,
            Health::Degraded => Weight::Warning,
            Health::Down => Weight::Bad,
            Health::Stopped | Health::Unknown => Weight::Info,
        };
        let is_news = before != component.health && (before != Health::Unknown || weight >= Weight::Warning);
        if is_news {
            let text = format!("{}: {}", component.name, component.state);
            self.tell(Kind::Connection, weight, &component.name, text);
        }
    }

    pub(super) fn components(&mut self, names: &[String]) {
        let gone = self.components.iter().map(|component| &component.name);
        let gone: Vec<_> = gone.filter(|name| !names.contains(name)).cloned().collect();
        gone.into_iter().for_each(|name| drop(self.components.remove(&name)));
    }
}

fn has_restarted(old: &Component, new: &Component) -> bool {
    match (old.started, new.started) {
        (Some(before), Some(after)) => after.since(before) > SAME + new.round_trip.unwrap_or_default(),
        _ => false,
    }
}
