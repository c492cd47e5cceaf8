//! The fields of a task, and the tasks of something else.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    cluster::task::{Status, Task},
    scheduler::api::KillReason,
    tui::{
        layer::detail::{Entry, entries::Form},
        model::Selected,
        tables::meaning::{self, Tone},
        view::{text::clean, units},
    },
};

/// More tasks than this are counted, and not listed.
const LISTED: usize = 500;

impl Form<'_> {
    pub(super) fn task(mut self, task: &Task) -> (String, Vec<Entry>) {
        self.field("id", &task.id)
            .field("name", &task.name)
            .state(meaning::task(task.state), task.since)
            .field("message", &task.message);
        if let Some(healthy) = task.healthy {
            let (text, tone) =
                if healthy { ("✓ healthy", Tone::Good) } else { ("✗ unhealthy", Tone::Bad) };
            self.toned("health", text, tone);
        }
        let started = self.moment(task.started);
        self.field("started", started)
            .linked("framework", &task.framework, Selected::Framework(task.framework_id.to_string()))
            .linked("agent", &task.agent, Selected::Agent(task.agent_id.to_string()));
        self.ours(task);
        self.history(&task.history);
        self.amounts(&[("has", &task.resources)]);
        self.more(task);
        (format!("task {}", clean(&task.id)), self.entries)
    }

    /// What our scheduler says of it.
    fn ours(&mut self, task: &Task) {
        let Some(ours) = &task.ours else {
            self.toned("scheduler", "another framework's, not ours", Tone::Dim);
            return;
        };
        let killing = ours.killing.map(|reason| match reason {
            KillReason::ScaledDown => "because fewer tasks are wanted",
            KillReason::Surplus => "because its place was taken when it came back",
            KillReason::Outdated => "because its definition has changed",
            KillReason::Requested => "because somebody asked for it",
        });
        let slot = ours.slot.map(|slot| slot.to_string());
        self.field("slot", slot.unwrap_or_default())
            .field("restarts", ours.restarts.to_string())
            .toned("ending", killing.unwrap_or_default(), Tone::Warning)
            .field("config", format!("version {}, executor {}", ours.config_version, ours.executor.word()))
            .toned("", if ours.outdated { "outdated: to be replaced" } else { "" }, Tone::Warning);
    }

    fn more(&mut self, task: &Task) {
        let more = &task.more;
        let executor = if task.executor_id == task.id { "" } else { &task.executor_id };
        let words = |word: &Option<String>| word.clone().unwrap_or_default();
        self.head("where it runs")
            .field("executor", executor)
            .field("agent id", &task.agent_id)
            .field("ports", &more.ports)
            .field("addresses", more.addresses.join(", "))
            .field("container", words(&more.container))
            .field("container id", words(&more.container_id))
            .field("in the pod", words(&more.pod))
            .field("user", words(&more.user))
            .field("discovery", words(&more.discovery));
        if !more.labels.is_empty() {
            self.head("labels");
            for (key, value) in &more.labels {
                self.line(format!("{key}: {value}"), Tone::Plain, None);
            }
        }
    }

    fn history(&mut self, history: &[Status]) {
        if history.is_empty() {
            return;
        }
        self.head("status history");
        for status in history {
            let sign = meaning::task(status.state);
            self.line(told(status), sign.tone, None);
        }
    }
}

/// `12:04:05  ✗ failed      REASON_COMMAND_EXECUTOR_FAILED  from the executor: Command exited with status 1`
fn told(status: &Status) -> String {
    let at = status.at.map_or_else(|| "--:--:--".to_owned(), units::clock);
    let mut text = format!("{at}  {:<13}", meaning::task(status.state).text());
    if let Some(reason) = status.reason {
        text += &format!("  {}", reason.as_str_name());
    }
    if let Some(source) = status.source {
        let source = source.as_str_name().trim_start_matches("SOURCE_").to_lowercase();
        text += &format!("  from the {source}");
    }
    if status.healthy == Some(false) {
        text += ", unhealthy";
    }
    if !status.message.is_empty() {
        text += &format!(": {}", status.message);
    }
    text.trim_end().to_owned()
}

/// How many there are in each state, then each.
pub(super) fn list(form: &mut Form<'_>, is_one: impl Fn(&Task) -> bool) {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tasks: Vec<&Task> = Vec::new();
    for task in form.cluster.tasks.iter().filter(|task| is_one(task)) {
        *states.entry(meaning::task(task.state).word).or_default() += 1;
        tasks.push(task);
    }
    let counts: Vec<_> = states.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let title = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    form.head(format!("tasks: {title}"));
    let rank = |task: &&Task| (task.is_over(), Reverse(task.order));
    let count = tasks.len();
    if count > LISTED {
        tasks.select_nth_unstable_by_key(LISTED, rank);
        tasks.truncate(LISTED);
    }
    tasks.sort_unstable_by_key(rank);
    for task in tasks {
        let sign = meaning::task(task.state);
        let age = units::since(form.now, task.since);
        let text = format!("{:<13}  {:>6}  {}", sign.text(), age, task.id);
        form.line(text, sign.tone, Some(Selected::Task(task.row().to_owned())));
    }
    if count > LISTED {
        form.line(format!("and {} more", units::count((count - LISTED) as u64)), Tone::Dim, None);
    }
}
