//! How an app is restarted: new instances come up and old ones go, within what its upgrade strategy allows.

use crate::services::marathon::model::{AppDefinition, Goal, Instance, InstanceId, InstanceState};

/// What holds during one restart, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rolling {
    /// How many old ones go before any new one is ready.
    kill_at_once: usize,
    /// How many may be there together.
    most: usize,
    /// How many old ones were told to go.
    killed: usize,
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    pub launch: u32,
    pub decommission: Vec<InstanceId>,
    /// All new instances are ready, and no old one is left.
    pub done: bool,
}

impl Rolling {
    pub fn new(app: &AppDefinition, instances: &[&Instance]) -> Self {
        let wanted = app.instances as usize;
        let healthy = instances.iter().filter(|i| i.goal == Goal::Running && is_ready(app, i)).count();
        let least = share(wanted, app.upgrade_strategy.minimum_health_capacity).1;
        let mut most = wanted + share(wanted, app.upgrade_strategy.maximum_over_capacity).0;
        let mut kill_at_once = healthy.saturating_sub(least);
        if least == most && most <= healthy {
            most += 1;
        }
        if wanted < instances.len() {
            kill_at_once = kill_at_once.max(instances.len() - wanted);
        }
        Self { kill_at_once, most, killed: 0 }
    }

    /// Old instances without a task go at once: nobody would miss them, and they are not to get one.
    pub fn next(&mut self, app: &AppDefinition, instances: &[&Instance]) -> Moves {
        let wanted = app.instances as usize;
        let (new, old): (Vec<&Instance>, Vec<&Instance>) =
            instances.iter().copied().partition(|i| i.version >= app.config_version());
        let new: Vec<&Instance> = new.into_iter().filter(|i| i.goal == Goal::Running).collect();
        let ready = new.iter().filter(|i| is_ready(app, i)).count();
        let stays = old.iter().copied().filter(|i| i.goal == Goal::Running);
        let (idle, mut staying): (Vec<&Instance>, Vec<&Instance>) = stays.partition(|i| !i.state.is_active());
        staying.sort_by_key(|i| (is_ready(app, i), i.since));
        let due = (self.kill_at_once + ready).saturating_sub(self.killed);
        let mut decommission: Vec<InstanceId> = staying
            .iter()
            .take(if ready >= wanted { usize::MAX } else { due })
            .map(|i| i.id.clone())
            .collect();
        self.killed += decommission.len();
        decommission.extend(idle.iter().map(|i| i.id.clone()));
        let room = self.most.saturating_sub(old.len() - idle.len() + new.len());
        let launch = wanted.saturating_sub(new.len()).min(room);
        Moves {
            launch: u32::try_from(launch).unwrap_or(u32::MAX),
            decommission,
            done: ready >= wanted && old.is_empty(),
        }
    }
}

/// Running, and healthy where anything looks.
pub fn is_ready(app: &AppDefinition, instance: &Instance) -> bool {
    let healthy = app.health_checks.is_empty() || instance.healthy() == Some(true);
    instance.state == InstanceState::Running && healthy
}

/// A share of a count, rounded down and up.
fn share(of: usize, share: f64) -> (usize, usize) {
    #[expect(clippy::cast_precision_loss, reason = "a number of instances")]
    let exact = of as f64 * share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of instances"
    )]
    (exact.floor() as usize, exact.ceil() as usize)
}
