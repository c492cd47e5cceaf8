//! What quotas leave to give during one allocation: how much of his quota everybody has consumed, and how much has to be
//! kept back so that all guarantees can still be met.
//!
//! A role consumes its quota by what is reserved to it or to a role below it, and by what else they hold. Only roles at
//! the top of the tree have quotas. As in Mesos, a limit holds back the very role that it was set for: those below it
//! consume it, and are not held back by it.

use std::collections::BTreeMap;

use super::{Agent, Allocator, Quantities, Quota};
use crate::mesos::{resources::Resources, time::Time, v1::Resource};

#[derive(Clone, Copy, Debug)]
pub(super) struct HoldOff {
    agents: usize,
    pub until: Time,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// By role, of those that have a quota.
    consumed: BTreeMap<String, Quantities>,
    /// What is still missing to meet all guarantees.
    required: Quantities,
    /// What is free for anybody.
    available: Quantities,
}

impl Ledger {
    fn count(&mut self, agent: &Agent) {
        for resource in agent.total().iter().filter(|it| it.scalar.is_some()) {
            if let Some(consumed) = resource.reservation_role().and_then(|role| self.consumed_mut(role)) {
                consumed.add_any_kind(resource);
            }
        }
        for resource in agent.held().values().flat_map(Resources::iter).filter(|it| is_under_quota(it)) {
            if let Some(consumed) = resource.allocation_role().and_then(|role| self.consumed_mut(role)) {
                consumed.add_any_kind(resource);
            }
        }
        let free = agent.available().iter().filter(|it| is_under_quota(it));
        free.for_each(|resource| self.available.add_any_kind(resource));
    }

    fn consumed_mut(&mut self, role: &str) -> Option<&mut Quantities> {
        self.consumed.get_mut(role.split('/').next().unwrap_or(role))
    }

    /// What the guarantees of `role` lack.
    pub fn missing(&self, role: &str, quota: &Quota) -> Quantities {
        self.consumed.get(role).map_or_else(Quantities::default, |consumed| quota.guarantees.minus(consumed))
    }

    /// As much of `resources` as the role's own limits leave, `besides` being given to it as well.
    pub fn within_limits(
        &self,
        resources: &Resources,
        role: &str,
        quota: Option<&Quota>,
        besides: &Quantities,
    ) -> Resources {
        let (Some(quota), Some(consumed)) = (quota, self.consumed.get(role)) else {
            return resources.clone();
        };
        quota.limits.minus(consumed).minus(besides).cut(resources)
    }

    /// As much of `resources` as no guarantee needs.
    pub fn surplus(&self, resources: &Resources) -> Resources {
        if self.required.is_empty() {
            return resources.clone();
        }
        self.available.minus(&self.required).cut(resources)
    }

    /// A role has been given so much, `guaranteed` of it to meet its guarantees. Whether less has to be kept back next
    /// time than in the rest of this allocation: what is given in common is not counted towards guarantees, as in Mesos.
    pub fn give(&mut self, role: &str, given: &Quantities, guaranteed: &Quantities) -> bool {
        self.required = self.required.minus(guaranteed);
        self.available = self.available.minus(given);
        let is_more = given != guaranteed;
        self.consumed_mut(role).is_some_and(|consumed| {
            *consumed += given;
            is_more
        })
    }
}

/// Reservations belong to their role anyway, and of what can be revoked or is no scalar nobody has a quota.
pub(super) fn is_under_quota(resource: &Resource) -> bool {
    resource.is_unreserved() && !resource.is_revocable() && resource.scalar.is_some()
}

impl Allocator {
    /// A role's quota in place of the one before; it counts from the next tick on.
    pub fn update_quota(&mut self, now: Time, role: &str, quota: Quota) {
        self.quotas.remove(role);
        if !quota.is_default() {
            self.quotas.insert(role.to_owned(), quota);
        }
        self.schedule.defer_all(now);
    }

    /// For a master that has been one before: quotas, and how many agents to wait for if there are any.
    pub fn recover(&mut self, now: Time, quotas: impl IntoIterator<Item = (String, Quota)>, agents: usize) {
        self.quotas.extend(quotas);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded down, as Mesos does"
        )]
        let agents = (agents as f64 * self.config.agent_recovery_factor) as usize;
        if !self.quotas.is_empty() && agents > 0 {
            self.hold_off = Some(HoldOff { agents, until: now + self.config.recovery_timeout });
        }
    }

    pub(super) fn holds_off(&mut self, now: Time) -> bool {
        let holds_off = self.hold_off.is_some_and(|wait| self.agents.len() < wait.agents && now < wait.until);
        if !holds_off {
            self.hold_off = None;
        }
        holds_off
    }

    /// With quotas, what comes or goes on one agent decides what may be given of all others.
    pub(super) fn spread_changes(&mut self, now: Time) {
        if std::mem::take(&mut self.has_changed) && !self.quotas.is_empty() {
            self.schedule.defer_all(now);
        }
    }

    /// `None` when there are no quotas.
    pub(super) fn ledger(&self) -> Option<Ledger> {
        if self.quotas.is_empty() {
            return None;
        }
        let consumed = self.quotas.keys().map(|role| (role.clone(), Quantities::default())).collect();
        let mut ledger = Ledger { consumed, ..Ledger::default() };
        self.agents.values().for_each(|agent| ledger.count(agent));
        for (role, quota) in &self.quotas {
            let missing = ledger.missing(role, quota);
            ledger.required += &missing;
        }
        Some(ledger)
    }
}
