//! For which roles offers are wanted: suppressed where nothing waits, revived where something new does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{mesos::time::Time, services::marathon::model::InstanceId};

#[derive(Clone, Debug)]
pub struct Market {
    min_interval: Duration,
    /// The roles that the master knows of.
    known: BTreeSet<String>,
    suppressed: BTreeSet<String>,
    /// Roles with something new to launch.
    pending: BTreeSet<String>,
    last_revive: Option<Time>,
    /// What could be launched when we last looked.
    seen: BTreeSet<InstanceId>,
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
            seen: BTreeSet::new(),
        }
    }

    /// A new subscription, of this role at least; nothing is suppressed.
    pub fn subscribed(&mut self, role: &str) {
        *self = Self { known: [role.to_owned()].into(), ..Self::new(self.min_interval) };
    }

    /// What to say, when the framework is to have `roles` and `launchable` could be launched now, each in its role.
    pub fn orders(
        &mut self,
        now: Time,
        roles: BTreeSet<String>,
        launchable: &BTreeMap<InstanceId, String>,
    ) -> Orders {
        let new = launchable.iter().filter(|(id, _)| !self.seen.contains(*id));
        self.pending.extend(new.map(|(_, role)| role.clone()));
        self.seen = launchable.keys().cloned().collect();
        let wanted: BTreeSet<String> = launchable.values().cloned().collect();
        let mut orders = Orders::default();
        if self.known != roles {
            self.known.clone_from(&roles);
            self.suppressed.retain(|role| roles.contains(role));
            orders.roles = Some(roles);
        }
        orders.suppress =
            self.known.difference(&wanted).filter(|role| !self.suppressed.contains(*role)).cloned().collect();
        self.suppressed.extend(orders.suppress.iter().cloned());
        self.pending.retain(|role| wanted.contains(role));
        self.pending.extend(self.suppressed.intersection(&wanted).cloned());
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
    use crate::services::marathon::model::AppId;

    fn set(roles: &[&str]) -> BTreeSet<String> {
        roles.iter().map(|role| (*role).to_owned()).collect()
    }

    fn launchable(list: &[(u32, &str)]) -> BTreeMap<InstanceId, String> {
        list.iter().map(|(n, role)| (InstanceId::new(&AppId::new("/a"), n), (*role).to_owned())).collect()
    }

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn offers_are_suppressed_and_revived_but_not_too_often() {
        let mut market = Market::new(Duration::from_secs(5));
        market.subscribed("*");
        let none = launchable(&[]);
        assert_eq!(market.orders(at(0), set(&["*"]), &none).suppress, set(&["*"]));
        assert_eq!(market.orders(at(1), set(&["*"]), &none), Orders::default());
        assert_eq!(market.orders(at(2), set(&["*"]), &launchable(&[(1, "*")])).revive, set(&["*"]));
        assert_eq!(market.orders(at(3), set(&["*"]), &launchable(&[(1, "*")])), Orders::default());
        assert_eq!(market.orders(at(3), set(&["*"]), &launchable(&[(1, "*"), (2, "*")])), Orders::default());
        assert_eq!(market.next_deadline(), Some(at(7)));
        assert_eq!(market.orders(at(7), set(&["*"]), &launchable(&[(1, "*"), (2, "*")])).revive, set(&["*"]));
        assert_eq!(market.next_deadline(), None);
    }

    #[test]
    fn roles_come_and_go_with_the_apps() {
        let mut market = Market::new(Duration::ZERO);
        market.subscribed("*");
        let orders = market.orders(at(0), set(&["*", "dev"]), &launchable(&[(1, "dev")]));
        assert_eq!(orders.roles, Some(set(&["*", "dev"])));
        assert_eq!((orders.suppress, orders.revive), (set(&["*"]), set(&["dev"])));
        let orders = market.orders(at(1), set(&["*"]), &launchable(&[]));
        assert_eq!(orders, Orders { roles: Some(set(&["*"])), ..Orders::default() });
    }
}
