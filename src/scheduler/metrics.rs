//! What the scheduler counts, in the text form of Prometheus.

use std::{fmt::Write as _, time::Duration};

use crate::{
    mesos::v1::TaskState,
    scheduler::{Scheduler, api::Phase, task::Standing},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters {
    pub subscriptions: u64,
    pub errors: u64,
    pub calls_failed: u64,
    pub offers_received: u64,
    pub offers_accepted: u64,
    pub offers_declined: u64,
    pub offers_rescinded: u64,
    pub launches: u64,
    pub kills: u64,
    pub revives: u64,
    pub suppresses: u64,
    pub reconciliations: u64,
    pub updates: u64,
    pub acknowledgements: u64,
    finished: u64,
    failed: u64,
    killed: u64,
    lost: u64,
    launch_seconds: f64,
    launches_seen_running: u64,
}

impl Counters {
    pub fn update(&mut self, state: TaskState) {
        self.updates += 1;
        match (state, Standing::of(state)) {
            (TaskState::TaskFinished, _) => self.finished += 1,
            (TaskState::TaskKilled, _) => self.killed += 1,
            (_, Standing::Ended) => self.failed += 1,
            (_, Standing::Lost | Standing::Unreachable) => self.lost += 1,
            _ => {}
        }
    }

    /// From the decision to launch to the news that it runs.
    pub fn launched_in(&mut self, time: Duration) {
        self.launch_seconds += time.as_secs_f64();
        self.launches_seen_running += 1;
    }

    fn totals(&self) -> [(&'static str, &'static str, u64); 18] {
        [
            ("subscriptions", "Subscriptions with a master.", self.subscriptions),
            ("errors", "ERROR events.", self.errors),
            ("calls_failed", "Calls that the master did not take.", self.calls_failed),
            ("offers_received", "Offers received.", self.offers_received),
            ("offers_accepted", "Offers that tasks were launched on.", self.offers_accepted),
            ("offers_declined", "Offers declined.", self.offers_declined),
            ("offers_rescinded", "Offers rescinded.", self.offers_rescinded),
            ("launches", "Tasks launched.", self.launches),
            ("kills", "KILL calls.", self.kills),
            ("revives", "REVIVE calls.", self.revives),
            ("suppresses", "SUPPRESS calls.", self.suppresses),
            ("reconciliations", "RECONCILE calls.", self.reconciliations),
            ("updates", "Status updates received.", self.updates),
            ("acknowledgements", "Status updates acknowledged.", self.acknowledgements),
            ("tasks_finished", "Updates of tasks that finished.", self.finished),
            ("tasks_failed", "Updates of tasks that failed.", self.failed),
            ("tasks_killed", "Updates of tasks that were killed.", self.killed),
            ("tasks_lost", "Updates of tasks that were lost or became unreachable.", self.lost),
        ]
    }
}

impl Scheduler {
    /// For `GET /metrics`.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        for (name, help, value) in self.counters.totals() {
            metric(&mut text, &format!("{name}_total"), "counter", help, value);
        }
        for (name, help, value) in self.gauges() {
            metric(&mut text, name, "gauge", help, value);
        }
        let name = "mesoslab_scheduler_launch_seconds";
        let _ = writeln!(text, "# HELP {name} From the decision to launch to the news that the task runs.");
        let _ = writeln!(text, "# TYPE {name} summary");
        let _ = writeln!(text, "{name}_sum {}", self.counters.launch_seconds);
        let _ = writeln!(text, "{name}_count {}", self.counters.launches_seen_running);
        text
    }

    fn gauges(&self) -> [(&'static str, &'static str, u64); 12] {
        let counts = self.counts();
        [
            (
                "subscribed",
                "1 while subscribed with a master.",
                u64::from(self.link.phase == Phase::Subscribed),
            ),
            ("suppressed", "1 while no offers are wanted.", u64::from(self.market.suppressed)),
            ("config_version", "Version of the configuration.", self.version),
            ("tasks_wanted", "num_of_node.", counts.wanted),
            ("tasks_running", "Tasks running.", counts.running),
            ("tasks_starting", "Tasks launched and not yet running.", counts.starting),
            ("tasks_killing", "Tasks that are to end.", counts.killing),
            ("tasks_unreachable", "Tasks on agents that cannot be reached.", counts.unreachable),
            ("tasks_unplaced", "Tasks that wait for an offer.", counts.unplaced),
            ("tasks_backing_off", "Tasks that wait after a failure.", counts.backing_off),
            ("tasks_completed", "Jobs that have ended for good.", counts.completed),
            ("tasks_outdated", "Tasks of an older definition.", counts.outdated),
        ]
    }
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let name = format!("mesoslab_scheduler_{name}");
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}
