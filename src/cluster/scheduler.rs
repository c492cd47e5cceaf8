//! Our scheduler, as its own API tells it.

use crate::scheduler::api::{ConfigView, State};

#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerView {
    pub state: State,
    pub config: ConfigView,
}
