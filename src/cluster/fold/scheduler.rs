//! Our scheduler: its state, its settings, and what it says of its tasks.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    cluster::{
        ClusterView,
        history::{Kind, Weight},
        scheduler::SchedulerView,
        task::Ours,
    },
    scheduler::api::{ConfigView, Event, KillReason, OfferView, Phase, State, TaskView},
};

/// So many ended tasks that the master has not told of are remembered.
const PAST: usize = 1000;

impl ClusterView {
    pub(super) fn scheduler_event(&mut self, event: Event) {
        match event {
            Event::Snapshot { state, tasks, config, ended, offers } => {
                self.scheduler_snapshot(*state, *config, offers);
                self.scheduler_tasks(tasks, ended);
            }
            Event::State(state) => self.scheduler_state(*state),
            Event::Connection { phase, framework_id, master, problem } => {
                let Some(mut state) = self.scheduler.as_ref().map(|scheduler| scheduler.state.clone()) else {
                    return;
                };
                (state.phase, state.master, state.problem) = (phase, master, problem);
                state.framework_id = framework_id.or(state.framework_id);
                self.scheduler_state(state);
            }
            Event::Config(config) => self.scheduler_config(*config),
            Event::Task { task, ended } => self.scheduler_task(*task, ended),
            Event::Offers { offers, views, .. } => {
                self.rates.offered(offers);
                self.verdicts(views);
            }
        }
    }

    fn scheduler_snapshot(&mut self, state: State, config: ConfigView, offers: Vec<OfferView>) {
        if !self.scheduler_link.is_up() {
            let text = format!("connected to the scheduler: {}", state.summary);
            self.tell(Kind::Connection, Weight::Good, "", text);
            self.fold.scheduler_problem.clear();
        }
        if self.scheduler.is_some() {
            self.scheduler_state(state);
            self.scheduler_config(config);
        } else {
            self.scheduler = Some(SchedulerView { state, config });
            self.claim_framework();
        }
        offers.into_iter().rev().for_each(|view| self.verdict(view));
    }

    fn scheduler_state(&mut self, state: State) {
        let Some(scheduler) = &mut self.scheduler else { return };
        let before = std::mem::replace(&mut scheduler.state, state);
        let after = &scheduler.state;
        if before.phase != after.phase {
            let problem = after.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
            let master = after.master.clone().unwrap_or_else(|| "its master".to_owned());
            let (weight, text) = match after.phase {
                Phase::Subscribed => (Weight::Good, format!("the scheduler has subscribed with {master}")),
                Phase::Disconnected => {
                    (Weight::Bad, format!("the scheduler is not subscribed with {master}{problem}"))
                }
                Phase::Stopped => (Weight::Bad, format!("the scheduler has given up{problem}")),
            };
            self.tell(Kind::Scheduler, weight, "", text);
        }
        if self.scheduler.as_ref().is_some_and(|it| it.state.framework_id != before.framework_id) {
            self.claim_framework();
        }
    }

    /// Marks the framework that is our scheduler's.
    fn claim_framework(&mut self) {
        let ours = self.scheduler.as_ref().and_then(|scheduler| scheduler.state.framework_id.clone());
        for framework in self.frameworks.iter_mut() {
            framework.ours = ours.as_deref() == Some(&*framework.id);
        }
    }

    fn scheduler_config(&mut self, config: ConfigView) {
        let Some(scheduler) = &mut self.scheduler else { return };
        let before = std::mem::replace(&mut scheduler.config, config);
        let changes = differences(&before, &scheduler.config);
        if !changes.is_empty() {
            self.tell(Kind::Scheduler, Weight::Info, "", format!("settings: {}", changes.join(", ")));
        }
    }

    /// All its tasks. Those that it does not name any more keep what was last said of them.
    fn scheduler_tasks(&mut self, tasks: Vec<TaskView>, ended: Vec<TaskView>) {
        self.fold.views.clear();
        self.fold.past.clear();
        tasks.into_iter().for_each(|view| self.scheduler_task(view, false));
        ended.into_iter().for_each(|view| self.scheduler_task(view, true));
    }

    fn scheduler_task(&mut self, view: TaskView, ended: bool) {
        let is_known = self.put_ours(&view);
        if !ended {
            self.fold.views.insert(view.id.clone(), Arc::new(view));
            return;
        }
        self.fold.views.remove(&view.id);
        if !is_known {
            if self.fold.past.len() >= PAST {
                self.fold.past.clear();
            }
            self.fold.past.insert(view.id.clone(), view);
        }
    }

    /// Writes it to the row of the task; false while there is none.
    fn put_ours(&mut self, view: &TaskView) -> bool {
        let framework = self.scheduler.as_ref().and_then(|scheduler| scheduler.state.framework_id.as_deref());
        let key = self.task_key(framework.unwrap_or_default(), &view.id);
        let Some(task) = key.and_then(|key| self.tasks.get_mut(key)) else { return false };
        let before = task.ours.replace(Ours::of(view));
        if let Some(why) = view.killing.filter(|_| before.is_some_and(|ours| ours.killing.is_none())) {
            let text = format!("{} is to end: {}", view.id, reason(why));
            self.tell(Kind::Scheduler, Weight::Info, &view.id, text);
        }
        true
    }
}

fn reason(why: KillReason) -> &'static str {
    match why {
        KillReason::ScaledDown => "scaled down",
        KillReason::Surplus => "one too many",
        KillReason::Outdated => "its definition has changed",
        KillReason::Requested => "somebody asked for it",
    }
}

/// `num_of_node 3 → 5`
fn differences(before: &ConfigView, after: &ConfigView) -> Vec<String> {
    let fields = |view: &ConfigView| match serde_json::to_value(&view.config) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "unset".to_owned(),
    };
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    changed
        .map(|(name, value)| format!("{name} {} → {}", text(before.get(name)), text(Some(value))))
        .collect()
}
