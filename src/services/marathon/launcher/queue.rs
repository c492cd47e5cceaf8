//! What waits for offers, as `/v2/queue` shows it.

use super::{
    Launcher,
    api::QueueItem,
    change::delay_key,
    fleet::{AppState, is_launchable},
};
use crate::services::marathon::model::{Instance, InstanceState, Timestamp};

impl Launcher {
    /// One item for each app with instances that wait for an offer, or for the answer to their launch.
    pub fn queue(&self) -> Vec<QueueItem> {
        self.fleet.apps().filter_map(|(_, state)| self.queue_item(state)).collect()
    }

    fn queue_item(&self, state: &AppState) -> Option<QueueItem> {
        let is_queued =
            |instance: &&Instance| is_launchable(instance) || instance.state == InstanceState::Provisioned;
        let queued: Vec<_> = state.instances().filter(is_queued).collect();
        let app = state.definition(queued.first()?)?.clone();
        let delay = self.backoff.get(&delay_key(&app));
        let until = delay.map(super::backoff::Delay::until);
        Some(QueueItem {
            count: u32::try_from(queued.iter().filter(|each| is_launchable(each)).count())
                .unwrap_or(u32::MAX),
            role: app.role.clone(),
            time_left_seconds: until.map_or(0, |until| until.since(self.now).as_secs()),
            overdue: until.is_none_or(|until| self.now.since(until).as_secs() >= 1),
            since: state.queued_since.unwrap_or_else(|| Timestamp::from(self.now)),
            offers: state.statistics.summary(),
            last_unused_offers: state.statistics.last_unused_offers(),
            app,
        })
    }
}
