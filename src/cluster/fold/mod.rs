//! Folding changes into the read model. The parts: `tasks`, `agents`, `frameworks`, `offers`, `scheduler`, `links`
//! (connections, the master), `components`, and `tell`, which writes down what happened.

mod agents;
mod components;
mod frameworks;
mod links;
mod names;
mod offers;
mod scheduler;
mod tasks;
mod tell;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    client::published::Published,
    cluster::{Change, ClusterView, rows::Key, snapshot::Snapshot},
    mesos::{time::Time, v1::master::Event},
    scheduler::api::TaskView,
};

pub use names::Names;

/// What only the folding needs to remember.
#[derive(Debug, Default)]
pub struct Memory {
    now: Time,
    names: Names,
    /// A snapshot has come: what is new since has happened before our eyes.
    begun: bool,
    voice: tell::Voice,
    /// Of the newest task and offer.
    order: u64,
    /// Two frameworks have had tasks of one id.
    has_twins: bool,
    /// The tasks that are over, by when they ended.
    ended: BTreeSet<(Time, Key)>,
    /// By id of the agent, known or not.
    on_agent: HashMap<Arc<str>, Tally>,
    /// By id of the framework, known or not.
    of_framework: HashMap<Arc<str>, Tally>,
    published: Published,
    /// What agents are called among the components, by URL.
    agent_names: HashMap<String, Arc<str>>,
    /// What our scheduler says of its tasks, by id.
    views: HashMap<String, Arc<TaskView>>,
    /// The same of those that have ended before the master has told of them.
    past: HashMap<String, TaskView>,
    /// The offers that are no longer outstanding, by order.
    settled: BTreeMap<u64, Key>,
    master_problem: String,
    scheduler_problem: String,
}

/// How many tasks there are of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    all: usize,
    /// Not over.
    live: usize,
}

impl Memory {
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// What our scheduler says of its tasks, in no particular order.
    pub(super) fn scheduler_views(&self) -> Vec<Arc<TaskView>> {
        self.views.values().cloned().collect()
    }
}

impl ClusterView {
    /// The one entry: takes in a change.
    pub fn apply(&mut self, now: Time, change: Change) {
        self.fold.now = self.fold.now.max(now);
        self.rates.advance(now);
        match change {
            Change::MasterLink(link) => self.master_link(link),
            Change::SchedulerLink(link) => self.scheduler_link(link),
            Change::Published(published) => self.fold.published = published,
            Change::Master { url, answer, version } => self.master(url, &answer, version),
            Change::Snapshot(state) => self.snapshot(*state),
            Change::Event(event) => self.event(*event),
            Change::Refresh { agents, frameworks } => {
                self.agents(*agents);
                self.frameworks(*frameworks);
            }
            Change::Scheduler(event) => self.scheduler_event(*event),
            Change::Probed { component, round_trip } => self.probed(*component, round_trip),
            Change::Components(names) => self.components(&names),
            Change::Happened(happening) => {
                self.history.push(happening);
            }
        }
        self.rates.running(self.counts.running);
    }

    fn snapshot(&mut self, snapshot: Snapshot) {
        self.begin_snapshot();
        self.agents(snapshot.agents);
        self.frameworks(snapshot.frameworks);
        self.tasks(snapshot.tasks);
        self.end_snapshot();
        self.fold.names.forget_unused();
        self.fold.begun = true;
    }

    /// An event has one of these parts, a heartbeat none.
    fn event(&mut self, event: Event) {
        if let Some(state) = event.subscribed.and_then(|it| it.get_state) {
            self.snapshot(state.into());
        }
        if let Some(it) = event.task_added {
            self.task_added(it.task);
        }
        if let Some(it) = event.task_updated {
            self.task_updated(it);
        }
        if let Some(it) = event.agent_added {
            self.agent(it.agent);
        }
        if let Some(it) = event.agent_removed {
            self.agent_gone(it.agent_id.as_str());
        }
        if let Some(it) = event.framework_added {
            self.framework_news(&it.framework);
        }
        if let Some(it) = event.framework_updated {
            self.framework_news(&it.framework);
        }
        if let Some(it) = event.framework_removed {
            self.framework_removed(&it.framework_info);
        }
    }

    fn next_order(&mut self) -> u64 {
        self.fold.order += 1;
        self.fold.order
    }
}
