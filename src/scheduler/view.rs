//! The scheduler as its HTTP API shows it.

use crate::{
    mesos::v1::{TaskId, TaskState},
    scheduler::{
        Options, Scheduler,
        api::{ConfigView, Counts, Health, OfferList, Phase, State, TaskList, TaskView},
        config::SchedulerConfig,
        offers::NO_EXECUTOR,
        task::Task,
    },
};

/// So much of a failure's message stands in the summary, in letters.
const LONGEST_MESSAGE: usize = 160;

impl Scheduler {
    pub fn config(&self) -> &SchedulerConfig {
        &self.config
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn config_view(&self) -> ConfigView {
        ConfigView { version: self.version, config: self.config.clone() }
    }

    /// Whether a task of this id is there to be killed.
    pub fn has_task(&self, id: &TaskId) -> bool {
        self.fleet.task(id).is_some()
    }

    pub fn phase(&self) -> Phase {
        self.link.phase
    }

    pub fn state(&self) -> State {
        let counts = self.counts();
        State {
            name: self.config.name.clone(),
            framework_id: self.framework_id.as_ref().map(ToString::to_string),
            phase: self.link.phase,
            master: self.link.master.clone(),
            problem: self.link.problem.clone(),
            config_version: self.version,
            suppressed: self.market.suppressed,
            summary: self.summary(&counts),
            counts,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at.as_secs_f64(),
        }
    }

    /// Why it is not subscribed.
    pub(super) fn problem(&self) -> &str {
        self.link.problem.as_deref().unwrap_or("connecting")
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            wanted: self.fleet.target() as u64,
            unplaced: self.fleet.vacancies(self.now) as u64,
            backing_off: self.fleet.waiting(self.now).count() as u64,
            completed: self.fleet.completed() as u64,
            ..Counts::default()
        };
        for task in self.fleet.tasks() {
            self.count(task, &mut counts);
        }
        counts
    }

    fn count(&self, task: &Task, counts: &mut Counts) {
        let field = match task.state {
            TaskState::TaskUnreachable => &mut counts.unreachable,
            TaskState::TaskKilling => &mut counts.killing,
            _ if task.kill.is_some() => &mut counts.killing,
            TaskState::TaskRunning => &mut counts.running,
            _ => &mut counts.starting,
        };
        *field += 1;
        counts.outdated += u64::from(self.is_outdated(task));
        counts.unhealthy += u64::from(task.healthy == Some(false));
    }

    fn is_outdated(&self, task: &Task) -> bool {
        task.fingerprint != self.fingerprint
    }

    fn summary(&self, counts: &Counts) -> String {
        let mut parts = vec![format!("{}/{} tasks running", counts.running, counts.wanted)];
        let others = [
            (counts.starting, "starting"),
            (counts.killing, "ending"),
            (counts.unplaced, "without an offer"),
            (counts.backing_off, "waiting after a failure"),
            (counts.unreachable, "unreachable"),
            (counts.completed, "completed"),
            (counts.outdated, "outdated"),
            (counts.unhealthy, "unhealthy"),
        ];
        parts.extend(
            others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")),
        );
        parts.extend(self.last_failure().map(|message| format!("last failure: {message}")));
        if self.lacks_executor() {
            parts.push(NO_EXECUTOR.to_owned());
        }
        match self.link.phase {
            Phase::Subscribed => {}
            Phase::Disconnected => parts.push("not subscribed with a master".to_owned()),
            Phase::Stopped => parts.push(format!("given up: {}", self.problem())),
        }
        parts.join(", ")
    }

    /// What was said of the failure after which a place waits.
    fn last_failure(&self) -> Option<String> {
        let messages = self.fleet.waiting(self.now).filter_map(|(_, slot)| slot.last_message.as_deref());
        let first = messages.flat_map(str::lines).map(str::trim).find(|line| !line.is_empty())?;
        Some(first.chars().take(LONGEST_MESSAGE).collect())
    }

    pub fn tasks(&self) -> TaskList {
        let mut tasks: Vec<_> = self.fleet.tasks().collect();
        tasks.sort_by_key(|task| (task.launched_at, task.slot));
        TaskList {
            tasks: tasks.into_iter().map(|task| self.task_view(task)).collect(),
            ended: self.fleet.ended().map(|task| self.task_view(task)).collect(),
        }
    }

    pub(super) fn task_view(&self, task: &Task) -> TaskView {
        TaskView {
            id: task.id.to_string(),
            slot: task.slot,
            state: task.state.as_str_name().to_owned(),
            agent_id: task.agent.id.as_ref().map(ToString::to_string),
            hostname: task.agent.hostname.clone(),
            ports: task.ports.clone(),
            config_version: task.version,
            outdated: self.is_outdated(task),
            executor: task.executor,
            healthy: task.healthy,
            killing: task.kill.as_ref().map(|kill| kill.why),
            launched_at: task.launched_at.as_secs_f64(),
            running_since: task.running_since.map(|time| time.as_secs_f64()),
            updated_at: task.updated_at.as_secs_f64(),
            message: task.message.clone(),
            reason: task.reason.map(|reason| reason.as_str_name().to_owned()),
            restarts: task.restarts,
        }
    }

    pub fn offer_list(&self) -> OfferList {
        OfferList { offers: self.market.offers().cloned().collect() }
    }

    pub fn health(&self) -> Health {
        Health { healthy: self.link.phase == Phase::Subscribed, phase: self.link.phase }
    }
}
