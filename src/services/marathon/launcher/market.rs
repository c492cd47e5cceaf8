//! For which roles offers are wanted: suppressed where nothing waits, revived where something new does.

use std::{collections::BTreeSet, time::Duration};

use crate::mesos::time::Time;

#[derive(Clone, Debug)]
pub struct Market {
    min_interval: Duration,
    /// The roles that the master knows of.
    known: BTreeSet<String>,
    suppressed: BTreeSet<String>,
    /// Roles with something new to launch.
    pending: BTreeSet<String>,
    last_revive: Option<Time>,
}

/// What to tell the master.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// All roles, when they have changed.
    pub roles: Option<BTreeSet<String>>,
    pub suppress: BTreeSet<String>,
    pub revive: BTreeSet<String>,
}

impl Market {
    pub fn new(min_interval: Duration) -> Self {
        Self {
            min_interval,
            known: BTreeSet::new(),
            suppressed: BTreeSet::new(),
            pending: BTreeSet::new(),
            last_revive: None,
        }
    }

    /// A new subscription, of this role at least; nothing is suppressed.
    pub fn subscribed(&mut self, role: &str) {
        let pending = std::mem::take(&mut self.pending);
        *self = Self { known: [role.to_owned()].into(), pending, ..Self::new(self.min_interval) };
    }

    /// There is something new to launch in this role: what was declined is wanted again.
    pub fn refresh(&mut self, role: &str) {
        self.pending.insert(role.to_owned());
    }

    /// What to say, when the framework is to have `roles` and something could be launched in the `wanted` ones.
    pub fn orders(&mut self, now: Time, roles: BTreeSet<String>, wanted: &BTreeSet<String>) -> Orders {
        let mut orders = Orders::default();
        if self.known != roles {
            self.known.clone_from(&roles);
            self.suppressed.retain(|role| roles.contains(role));
            orders.roles = Some(roles);
        }
        orders.suppress =
            self.known.difference(wanted).filter(|role| !self.suppressed.contains(*role)).cloned().collect();
        self.suppressed.extend(orders.suppress.iter().cloned());
        self.pending.retain(|role| wanted.contains(role));
        self.pending.extend(self.suppressed.intersection(wanted).cloned());
        if !self.pending.is_empty() && self.may_revive(now) {
            orders.revive = std::mem::take(&mut self.pending);
            self.suppressed.retain(|role| !orders.revive.contains(role));
            self.last_revive = Some(now);
        }
        orders
    }

    fn may_revive(&self, now: Time) -> bool {
        self.last_revive.is_none_or(|last| last + self.min_interval <= now)
    }

    pub fn next_deadline(&self) -> Option<Time> {
        let last = self.last_revive.filter(|_| !self.pending.is_empty())?;
        Some(last + self.min_interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(roles: &[&str]) -> BTreeSet<String> {
        roles.iter().map(|role| (*role).to_owned()).collect()
    }

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn offers_are_suppressed_and_revived_but_not_too_often() {
        let mut market = Market::new(Duration::from_secs(5));
        market.subscribed("*");
        assert_eq!(market.orders(at(0), set(&["*"]), &set(&[])).suppress, set(&["*"]));
        assert_eq!(market.orders(at(1), set(&["*"]), &set(&[])), Orders::default());
        assert_eq!(market.orders(at(2), set(&["*"]), &set(&["*"])).revive, set(&["*"]));
        assert_eq!(market.orders(at(3), set(&["*"]), &set(&["*"])), Orders::default());
        market.refresh("*");
        assert_eq!(market.orders(at(3), set(&["*"]), &set(&["*"])), Orders::default());
        assert_eq!(market.next_deadline(), Some(at(7)));
        assert_eq!(market.orders(at(7), set(&["*"]), &set(&["*"])).revive, set(&["*"]));
        assert_eq!(market.next_deadline(), None);
    }

    #[test]
    fn roles_come_and_go_with_the_apps() {
        let mut market = Market::new(Duration::ZERO);
        market.subscribed("*");
        market.refresh("dev");
        let orders = market.orders(at(0), set(&["*", "dev"]), &set(&["dev"]));
        assert_eq!(orders.roles, Some(set(&["*", "dev"])));
        assert_eq!((orders.suppress, orders.revive), (set(&["*"]), set(&["dev"])));
        let orders = market.orders(at(1), set(&["*"]), &set(&[]));
        assert_eq!(orders, Orders { roles: Some(set(&["*"])), ..Orders::default() });
    }
}
