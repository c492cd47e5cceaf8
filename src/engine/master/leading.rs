//! Whether this master leads: one of several follows until it is elected, and leads once it has recovered the registry.
//!
//! A master that no longer leads has nothing to say and nothing to keep: its host throws it away and makes a new one, as
//! the supervisor of a `mesos-master` does, which ends its process then.

use super::{Master, MasterConfig};
use crate::mesos::{time::Time, v1::MasterInfo};

/// Where a master stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Another one leads, or none.
    Following,
    /// Elected, and not yet told what masters before it have written down.
    Recovering,
    Leading,
}

impl Master {
    /// One of several masters, of which none is known to lead.
    pub fn contending(config: MasterConfig, now: Time, seed: u64) -> Self {
        Self { leader: None, elected_at: None, recovered: false, ..Self::new(config, now, seed) }
    }

    pub fn standing(&self) -> Standing {
        match (self.elected_at, self.recovered) {
            (None, _) => Standing::Following,
            (Some(_), false) => Standing::Recovering,
            (Some(_), true) => Standing::Leading,
        }
    }

    pub(super) fn leads(&self) -> bool {
        self.standing() == Standing::Leading
    }

    /// A leader that is elected once more stays one; only its time is new, as in Mesos.
    pub(super) fn led_by(&mut self, leader: Option<MasterInfo>) {
        let is_own = leader.as_ref().is_some_and(|leader| leader.id == self.info.id);
        self.elected_at = is_own.then_some(self.now);
        self.leader = leader;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{
        master::Input,
        wire::{AgentLink, AgentRegistration, ToMaster},
    };

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    fn register(master: &mut Master) -> usize {
        let message =
            ToMaster::Register(AgentRegistration::new(Default::default(), "slave(1)@127.0.0.1:5051"));
        master.handle(at(1), Input::Agent { link: AgentLink(1), message: Box::new(message) });
        master.agents.len()
    }

    #[test]
    fn leads_once_it_is_elected_and_has_recovered() {
        let mut master = Master::contending(MasterConfig::default(), at(1), 1);
        assert_eq!((master.standing(), &master.leader), (Standing::Following, &None));
        assert_eq!(register(&mut master), 0, "who does not lead hears no agent");

        let other = MasterInfo { id: "other".into(), ..MasterInfo::default() };
        master.handle(at(2), Input::Leading(Some(Box::new(other.clone()))));
        assert_eq!((master.standing(), master.leader.as_ref()), (Standing::Following, Some(&other)));

        let own = master.info.clone();
        master.handle(at(3), Input::Leading(Some(Box::new(own))));
        assert_eq!((master.standing(), master.elected_at), (Standing::Recovering, Some(at(3))));
        assert_eq!(register(&mut master), 0, "nor who has not recovered");

        master.recover([]);
        assert_eq!(master.standing(), Standing::Leading);
        assert_eq!(register(&mut master), 1);

        master.handle(at(10), Input::Leading(None));
        assert_eq!((master.standing(), master.elected_at), (Standing::Following, None));
    }
}
