//! One framework of the cluster.

use std::sync::Arc;

use crate::{
    cluster::{agent::time, amounts::quantities, fold::Names},
    mesos::{
        time::Time,
        v1::{self, master::response::get_frameworks},
    },
    scheduler::quantities::Quantities,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Framework {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub user: String,
    pub principal: String,
    pub hostname: String,
    pub webui_url: String,
    pub roles: Vec<String>,
    /// `PARTITION_AWARE`, ...
    pub capabilities: Vec<String>,
    pub state: FrameworkState,
    pub registered: Option<Time>,
    pub reregistered: Option<Time>,
    /// Seconds.
    pub failover_timeout: f64,
    pub checkpoint: bool,
    pub used: Quantities,
    pub offered: Quantities,
    /// Its dominant share of the cluster: the largest of its parts of cpus, mem and disk, 0 to 1.
    pub share: f64,
    /// Tasks of it that are not over.
    pub tasks: usize,
    /// Outstanding offers.
    pub offers: usize,
    /// It is our scheduler's.
    pub ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameworkState {
    Active,
    /// Connected, and wants no offers.
    Inactive,
    /// Its scheduler is away; it may come back within its failover timeout.
    Disconnected,
    /// Known from agents only, after a change of masters.
    Recovered,
    Completed,
}

impl FrameworkState {
    fn of(framework: &get_frameworks::Framework) -> Self {
        match (framework.recovered, framework.connected, framework.active) {
            (true, _, _) => Self::Recovered,
            (false, true, true) => Self::Active,
            (false, true, false) => Self::Inactive,
            (false, false, _) => Self::Disconnected,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Disconnected => "disconnected",
            Self::Recovered => "recovered",
            Self::Completed => "completed",
        }
    }
}

impl Framework {
    pub(super) fn read(framework: &get_frameworks::Framework, names: &mut Names) -> Self {
        Self {
            state: FrameworkState::of(framework),
            registered: framework.registered_time.map(time),
            reregistered: framework.reregistered_time.map(time),
            used: quantities(&framework.allocated_resources),
            offered: quantities(&framework.offered_resources),
            offers: framework.offers.len(),
            ..Self::completed(&framework.framework_info, names)
        }
    }

    /// One of which nothing but its info is left.
    #[expect(deprecated, reason = "frameworks of old have one role")]
    pub(super) fn completed(info: &v1::FrameworkInfo, names: &mut Names) -> Self {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let role = info.role.iter().filter(|_| info.roles.is_empty());
        Self {
            id: names.get(info.id.as_ref().map_or("", v1::FrameworkId::as_str)),
            name: names.get(&info.name),
            user: info.user.clone(),
            principal: text(&info.principal),
            hostname: text(&info.hostname),
            webui_url: text(&info.webui_url),
            roles: info.roles.iter().chain(role).cloned().collect(),
            capabilities: info.capabilities.iter().map(|it| it.r#type().as_str_name().to_owned()).collect(),
            state: FrameworkState::Completed,
            registered: None,
            reregistered: None,
            failover_timeout: info.failover_timeout(),
            checkpoint: info.checkpoint(),
            used: Quantities::default(),
            offered: Quantities::default(),
            share: 0.0,
            tasks: 0,
            offers: 0,
            ours: false,
        }
    }
}
