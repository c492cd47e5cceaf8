//! Keeps instances running, without IO: what to launch on which offer, what has become of each task, whom to kill.
//!
//! ```text
//! Input: offers, updates, what the apps are to be, results of probes, time
//!    └─> Launcher::handle(now, input) ─> Effects: what to save, calls, probes, events
//! ```
//!
//! - [`api`] says what it is told and what it wants done.
//! - `fleet` holds apps and instances; `change` is the one way in which an instance changes, and says what follows.
//! - `offers` launches what waits; [`matching`] decides, `task` builds.
//! - `updates` follows the tasks, `wishes` what is wanted of apps, `striving` what time brings.
//! - `health` has Marathon's own health checks.
//!
//! *Architecture Invariant*: an instance is saved before the call that launches its task, and before the acknowledgement
//! of the update that changed it.

mod agenda;
pub mod api;
mod backoff;
mod calls;
mod change;
mod condition;
mod fleet;
mod health;
mod kills;
mod market;
pub mod matching;
mod offers;
mod queue;
mod scaling;
mod statistics;
mod striving;
mod task;
#[cfg(test)]
mod tests;
mod updates;
mod wishes;

use std::{collections::BTreeSet, sync::Arc};

use agenda::Agenda;
use api::{Effect, Event, Input, Options};
use backoff::Backoff;
use fleet::Fleet;
use health::Probes;
use kills::Kills;
use market::Market;
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
    mesos::{
        time::Time,
        v1::{FrameworkId, scheduler::Call},
    },
    services::marathon::model::{AppDefinition, AppId, Goal, Instance, InstanceId, Timestamp},
};

/// The launcher.
#[derive(Clone, Debug)]
pub struct Launcher {
    options: Options,
    /// While subscribed.
    framework_id: Option<FrameworkId>,
    /// The master's.
    region: Option<String>,
    fleet: Fleet,
    /// By app and the version of its last change but for scaling.
    backoff: Backoff<(AppId, Timestamp)>,
    market: Market,
    kills: Kills,
    probes: Probes,
    /// When a state that must not last ends.
    patience: Agenda<InstanceId>,
    reconcile_at: Time,
    /// Apps that may have too few or too many instances.
    unsettled: BTreeSet<AppId>,
    rng: SmallRng,
    now: Time,
    effects: Vec<Effect>,
}

impl Launcher {
    /// One without apps. `seed` makes ids of instances that no earlier run has used.
    pub fn new(now: Time, options: Options, seed: u64) -> Self {
        Self {
            market: Market::new(options.min_revive_interval),
            kills: Kills::new(options.kills_at_once, options.kill_retry),
            options,
            framework_id: None,
            region: None,
            fleet: Fleet::default(),
            backoff: Backoff::default(),
            probes: Probes::default(),
            patience: Agenda::default(),
            reconcile_at: now,
            unsettled: BTreeSet::new(),
            rng: SmallRng::seed_from_u64(seed),
            now,
            effects: Vec::new(),
        }
    }

    /// Goes on with saved instances, once and before anything else happens. `apps` are the definitions of all versions
    /// that they run, as far as they exist; instances of an app without any are killed.
    pub fn restore(
        &mut self,
        instances: impl IntoIterator<Item = Instance>,
        apps: impl IntoIterator<Item = Arc<AppDefinition>>,
    ) {
        for app in apps {
            self.fleet.define(&app);
        }
        for instance in instances {
            let is_orphan = self.fleet.definition(&instance).is_none();
            let id = instance.id.clone();
            self.fleet.put(instance);
            self.watch_patience(&id);
            self.watch_health(&id);
            if is_orphan {
                self.decommission(&id);
            }
        }
        self.kill_the_decommissioned();
    }

    /// The one entry.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        self.now = self.now.max(now);
        self.backoff.tidy(self.now);
        match input {
            Input::Subscribed { framework_id, region } => self.subscribed(framework_id, region),
            Input::Disconnected => self.framework_id = None,
            Input::Offers(offers) => self.offers(offers),
            Input::Update(status) => self.update(&status),
            Input::CallFailed(call) => self.call_failed(&call),
            Input::Reconcile => self.reconcile_at = self.now,
            Input::Scale { app, count, victims } => self.scale(app, count, victims),
            Input::Launch { app, count } => self.launch(&app, count),
            Input::Decommission(ids) => self.decommission_all(&ids),
            Input::Kill { instances, wipe } => self.kill_tasks(&instances, wipe),
            Input::Stop(app) => self.stop(&app),
            Input::ResetDelay(app) => self.reset_delay(&app),
            Input::Probed { probe, outcome } => self.probed(&probe, &outcome),
            Input::Rescinded(_) | Input::Tick => {}
        }
        self.strive();
        std::mem::take(&mut self.effects)
    }

    fn subscribed(&mut self, framework_id: FrameworkId, region: Option<String>) {
        self.framework_id = Some(framework_id);
        self.region = region;
        self.market.subscribed(&self.options.role);
        self.kills.doubt();
        self.kill_the_decommissioned();
        self.reconcile_at = self.now + self.options.reconcile_delay;
    }

    fn kill_the_decommissioned(&mut self) {
        let doomed =
            |instance: &&Instance| instance.goal == Goal::Decommissioned && instance.state.is_active();
        let doomed: Vec<_> = self.fleet.instances().filter(doomed).map(|each| each.id.clone()).collect();
        doomed.iter().for_each(|id| self.kills.add(id));
    }

    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.fleet.instance(id)
    }

    /// All instances, by app and id.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.fleet.instances()
    }

    pub fn instances_of(&self, app: &AppId) -> impl Iterator<Item = &Instance> {
        self.fleet.app(app).into_iter().flat_map(fleet::AppState::instances)
    }

    /// The roles with which to subscribe: the framework's own, and those of the instances.
    pub fn roles(&self) -> BTreeSet<String> {
        let own = std::iter::once(self.options.role.clone());
        own.chain(self.fleet.roles().cloned()).collect()
    }

    fn call(&mut self, call: impl FnOnce(&FrameworkId) -> Call) {
        if let Some(id) = &self.framework_id {
            let call = call(id);
            self.effects.push(Effect::Call(Box::new(call)));
        }
    }

    fn tell(&mut self, event: Event) {
        self.effects.push(Effect::Event(Box::new(event)));
    }
}
