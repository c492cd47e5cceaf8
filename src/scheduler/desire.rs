//! What is against what is wanted: after every input the difference is worked off, as far as it can be now.

use std::time::Duration;

use crate::{
    mesos::{
        time::Time,
        v1::{
            FrameworkInfo, TaskId,
            framework_info::{Capability, capability},
            scheduler::call,
        },
    },
    scheduler::{
        Effect, Phase, Scheduler,
        api::{self, KillReason},
        calls,
        config::{RestartPolicy, SchedulerConfig},
        market::Appetite,
        reconcile::Question,
        task::Kill,
    },
};

/// How many tasks one RECONCILE names.
const RECONCILE_AT_ONCE: usize = 1000;
const LONGEST_KILL_WAIT: Duration = Duration::from_secs(60);
/// The grace period of agents that are not told another.
const DEFAULT_GRACE: Duration = Duration::from_secs(3);

const CAPABILITIES: [capability::Type; 4] = [
    capability::Type::MultiRole,
    capability::Type::PartitionAware,
    capability::Type::TaskKillingState,
    capability::Type::ReservationRefinement,
];

impl Scheduler {
    /// While subscribed: asks, kills, rolls, and says whether offers are wanted.
    pub(super) fn strive(&mut self) {
        self.reconcile();
        self.roll();
        self.send_kills();
        match self.market.appetite(self.now, self.fleet.demand(self.now)) {
            Some(Appetite::Suppress) => {
                self.counters.suppresses += 1;
                self.call(calls::suppress);
            }
            Some(Appetite::Revive) => {
                self.counters.revives += 1;
                self.call(calls::revive);
            }
            None => {}
        }
    }

    fn reconcile(&mut self) {
        let known = self.fleet.tasks().map(|task| task.id.clone());
        let question = self.reconciler.due(self.now, known);
        match question {
            None => {}
            Some(Question::Everything) => {
                let all = self.fleet.tasks().map(|task| task.id.clone()).collect();
                self.ask_for(all);
                self.call(|id| calls::reconcile(id, Vec::new()));
                self.counters.reconciliations += 1;
            }
            Some(Question::Unanswered(ids)) => self.ask_for(ids),
        }
    }

    fn ask_for(&mut self, ids: Vec<TaskId>) {
        for some in ids.chunks(RECONCILE_AT_ONCE) {
            let tasks = some.iter().map(|id| call::reconcile::Task {
                task_id: id.clone(),
                agent_id: self.fleet.task(id).and_then(|task| task.agent.id.clone()),
            });
            let tasks = tasks.collect();
            self.call(|id| calls::reconcile(id, tasks));
            self.counters.reconciliations += 1;
        }
    }

    /// Notes that a task is to end; [`Scheduler::send_kills`] says so to the master.
    pub(super) fn kill(&mut self, id: &TaskId, why: KillReason) {
        if self.fleet.task(id).is_some_and(|task| task.kill.is_none()) {
            self.fleet.set_kill(id, Kill { why, attempts: 0, next: self.now });
            self.effects.push(Effect::SaveSoon);
            self.task_news(id);
        }
    }

    /// The first KILL leaves the task its grace period; what is still there well after it is killed at once.
    fn send_kills(&mut self) {
        let grace = self.config.kill_grace_period.map_or(DEFAULT_GRACE, |grace| grace.duration());
        for id in self.fleet.due_kills(self.now) {
            let Some(task) = self.fleet.task(&id) else { continue };
            let Some(kill) = task.kill.clone() else { continue };
            let agent_id = task.agent.id.clone();
            let patience = self.options.kill_patience * 2_u32.saturating_pow(kill.attempts.min(10));
            let next = self.now + grace + patience.min(LONGEST_KILL_WAIT);
            self.fleet.set_kill(&id, Kill { attempts: kill.attempts + 1, next, ..kill });
            self.call(|framework| calls::kill(framework, &id, agent_id.as_ref(), kill.attempts > 0));
            self.counters.kills += 1;
        }
    }

    /// Replaces tasks of an older definition one by one: the next when all others run.
    fn roll(&mut self) {
        if !self.rolling || self.config.restart != RestartPolicy::Always {
            return;
        }
        let outdated =
            self.fleet.tasks().filter(|task| task.slot.is_some() && task.fingerprint != self.fingerprint);
        let next = outdated
            .min_by_key(|task| (task.is_settled(false), task.launched_at))
            .map(|task| task.id.clone());
        let Some(next) = next else {
            self.rolling = false;
            return;
        };
        let is_whole = self.fleet.vacancies(self.now) == 0 && self.fleet.next_ready(self.now).is_none();
        if is_whole && self.others_are_settled() && self.next_proof().is_none() {
            self.kill(&next, KillReason::Outdated);
        }
    }

    /// While tasks are replaced: when the next of those whose place has seen failures has run for long enough. Until then
    /// no other is replaced, so that a definition that fails does not take the whole fleet.
    pub(super) fn next_proof(&self) -> Option<Time> {
        let reset_after = self.config.backoff.reset_after.duration();
        let proofs = self.fleet.troubled().filter_map(|task| Some(task.running_since? + reset_after));
        proofs.filter(|at| self.rolling && *at > self.now).min()
    }

    fn others_are_settled(&self) -> bool {
        let checked = self.config.health_check.is_some();
        self.fleet.tasks().filter(|task| !task.is_unreachable()).all(|task| {
            let is_new = task.fingerprint == self.fingerprint;
            task.kill.is_none() && (!is_new || task.is_settled(checked))
        })
    }

    /// Takes a new configuration, and starts to make it true.
    pub(super) fn configure(&mut self, config: SchedulerConfig) {
        if config == self.config {
            return;
        }
        let old = std::mem::replace(&mut self.config, config);
        self.version += 1;
        self.fingerprint = self.config.fingerprint();
        self.effects.push(Effect::SaveFirst);
        if self.config.fingerprint() != old.fingerprint() {
            self.rolling = true;
            self.fleet.forgive(self.now);
        }
        self.market.reconsider();
        for id in self.fleet.resize(self.config.num_of_node as usize) {
            self.kill(&id, KillReason::ScaledDown);
        }
        let framework =
            |config: &SchedulerConfig| (config.name.clone(), config.roles.clone(), config.failover_timeout);
        if framework(&old) != framework(&self.config) && self.link.phase == Phase::Subscribed {
            let subscription = self.subscription();
            self.call(|id| calls::update_framework(id, subscription));
        }
        self.effects.push(Effect::News(Box::new(api::Event::Config(Box::new(self.config_view())))));
    }

    /// Who we are, for SUBSCRIBE and UPDATE_FRAMEWORK.
    pub(super) fn subscription(&self) -> call::Subscribe {
        let suppressed_roles = if self.market.suppressed { self.config.roles.clone() } else { Vec::new() };
        call::Subscribe { framework_info: self.framework_info(), suppressed_roles, offer_constraints: None }
    }

    fn framework_info(&self) -> FrameworkInfo {
        FrameworkInfo {
            user: self.options.user.clone(),
            name: self.config.name.clone(),
            id: self.framework_id.clone(),
            failover_timeout: Some(self.config.failover_timeout.0),
            checkpoint: Some(true),
            roles: self.config.roles.clone(),
            hostname: self.options.hostname.clone(),
            principal: self.options.principal.clone(),
            webui_url: self.options.webui_url.clone(),
            capabilities: CAPABILITIES.map(|kind| Capability { r#type: Some(kind.into()) }).to_vec(),
            ..FrameworkInfo::default()
        }
    }
}
