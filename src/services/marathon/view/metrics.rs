//! `/metrics`: figures under Marathon's names.

use serde_json::{Map, Value, json};

use crate::services::marathon::{
    core::Marathon,
    model::{AppId, InstanceState},
};

impl Marathon {
    pub(in crate::services::marathon) fn metrics(&self) -> Value {
        let mut gauges = Map::new();
        for (name, value) in self.gauges() {
            gauges.insert(format!("marathon.{name}"), json!({"value": value}));
        }
        json!({
            "version": "4.0.0", "gauges": gauges, "counters": {}, "histograms": {}, "meters": {}, "timers": {},
        })
    }

    fn gauges(&self) -> [(&'static str, u64); 9] {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let in_state = |states: &[InstanceState]| {
            count(self.launcher.instances().filter(|instance| states.contains(&instance.state)).count())
        };
        let health = |healthy: bool| {
            let running = self.launcher.instances().filter(|i| i.state == InstanceState::Running);
            count(running.filter(|instance| instance.healthy() == Some(healthy)).count())
        };
        [
            ("apps.active.gauge", count(self.root.apps.len())),
            ("deployments.active.gauge", count(self.deployments.len())),
            ("groups.active.gauge", count(1 + self.groups_below(&AppId::root()))),
            ("instances.healthy.gauge", health(true)),
            ("instances.running.gauge", in_state(&[InstanceState::Running])),
            (
                "instances.staged.gauge",
                in_state(&[InstanceState::Provisioned, InstanceState::Staging, InstanceState::Starting]),
            ),
            ("instances.unhealthy.gauge", health(false)),
            ("mesos.subscribed.gauge", u64::from(self.link.subscribed)),
            ("uptime.gauge.seconds", self.now.since(self.started_at).as_secs()),
        ]
    }

    fn groups_below(&self, group: &AppId) -> usize {
        let inner = self.root.groups_in(group);
        inner.iter().map(|group| 1 + self.groups_below(group)).sum()
    }
}
