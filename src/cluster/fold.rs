//! Folding changes into the read model.

use crate::{
    cluster::{Change, ClusterView},
    mesos::time::Time,
};

/// What only the folding needs to remember.
#[derive(Debug, Default)]
pub struct Memory {}

impl ClusterView {
    /// The one entry: takes in a change.
    pub fn apply(&mut self, now: Time, change: Change) {
        self.rates.advance(now);
        match change {
            Change::MasterLink(link) => self.master_link = link,
            Change::SchedulerLink(link) => self.scheduler_link = link,
            Change::Happened(happening) => drop(self.history.push(happening)),
            _ => {}
        }
    }
}
