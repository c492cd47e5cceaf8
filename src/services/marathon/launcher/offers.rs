//! Every offer is answered at once: the apps that wait take from it in turn, or it is declined for long.

use rand::seq::SliceRandom;

use super::{
    Launcher, calls,
    change::delay_key,
    fleet::AppState,
    matching::{Candidate, Share, Surroundings, site, site::Site},
    task::{assignments, task_info},
};
use crate::{
    mesos::v1::{
        Offer, TaskInfo,
        scheduler::{Call, call},
    },
    services::marathon::model::{
        AppDefinition, AppId, Health, Instance, InstanceId, InstanceState, Timestamp,
    },
};

impl Launcher {
    pub(super) fn offers(&mut self, offers: Vec<Offer>) {
        let mut unused = Vec::new();
        for offer in offers {
            let id = offer.id.clone();
            let tasks = self.launch_on(Candidate::new(offer));
            if tasks.is_empty() {
                unused.push(id);
            } else {
                self.call(|framework_id| calls::accept(framework_id, id, tasks));
            }
        }
        if !unused.is_empty() {
            let refuse = self.options.decline_for.as_secs_f64();
            self.call(|framework_id| calls::decline(framework_id, unused, refuse));
        }
    }

    /// The apps take turns in random order, until none can use what is left.
    fn launch_on(&mut self, mut candidate: Candidate) -> Vec<TaskInfo> {
        let allocated = candidate.offer.allocation_info.as_ref().and_then(|info| info.role.clone());
        let role = allocated.unwrap_or_else(|| self.options.role.clone());
        let mut tasks = Vec::new();
        if self.framework_id.is_none() {
            return tasks;
        }
        let mut turns = self.apps_to_launch(&role);
        turns.shuffle(&mut self.rng);
        let mut turns = std::collections::VecDeque::from(turns);
        while let Some(app) = turns.pop_front() {
            if tasks.len() >= self.options.max_instances_per_offer {
                break;
            }
            if let Some(task) = self.launch_one(&app, &role, &mut candidate) {
                tasks.push(task);
                turns.push_back(app);
            }
        }
        tasks
    }

    fn apps_to_launch(&self, role: &str) -> Vec<AppId> {
        let may_launch = |state: &AppState| {
            state.waiting().any(|instance| instance.role == role && self.may_launch(instance))
        };
        self.fleet.apps().filter(|(_, state)| may_launch(state)).map(|(id, _)| id.clone()).collect()
    }

    /// Whether the waits after failures let it be launched.
    pub(super) fn may_launch(&self, instance: &Instance) -> bool {
        let app = self.fleet.definition(instance);
        app.is_some_and(|app| self.backoff.allows(self.now, &delay_key(app)))
    }

    /// Launches the next instance of an app that waits.
    fn launch_one(&mut self, app_id: &AppId, role: &str, candidate: &mut Candidate) -> Option<TaskInfo> {
        let state = self.fleet.app(app_id)?;
        let next = state.waiting().find(|instance| instance.role == role && self.may_launch(instance))?;
        let (id, app) = (next.id.clone(), state.definition(next)?.clone());
        let is_placed = |instance: &&Instance| {
            !app.constraints.is_empty()
                && instance.is_of(&app)
                && (instance.state.is_active() || instance.state == InstanceState::UnreachableInactive)
        };
        let placed: Vec<_> = state.instances().filter(is_placed).map(Site::of_instance).collect();
        let around = Surroundings {
            now: self.now,
            placed: &placed,
            region: self.region.as_deref(),
            draining: self.options.draining,
        };
        let result = candidate.match_app(&app, &around, &mut self.rng);
        let statistics = &mut self.fleet.app_mut(app_id)?.statistics;
        match result {
            Ok(share) => {
                statistics.used(self.now);
                candidate.pool.take(&share);
                Some(self.provision(&id, &app, candidate, &share))
            }
            Err(reasons) => {
                statistics.unused(self.now, &candidate.offer, reasons);
                None
            }
        }
    }

    fn provision(&mut self, id: &InstanceId, app: &AppDefinition, at: &Candidate, share: &Share) -> TaskInfo {
        let incarnation = self.fleet.instance(id).map_or(0, |instance| instance.incarnation) + 1;
        let task_id = id.task(incarnation);
        let prefix = self.options.env_prefix.clone();
        let task = task_info(app, task_id.clone(), &at.offer, share, &prefix, &mut self.rng);
        if let Some(instance) = self.fleet.instance(id) {
            let now = Timestamp::from(self.now);
            let provisioned = Instance {
                version: app.version,
                incarnation,
                task_id: task_id.value,
                state: InstanceState::Provisioned,
                agent_id: Some(at.offer.agent_id.value.clone()),
                host: at.offer.hostname.clone(),
                ports: assignments::given(&share.host_ports),
                ip_addresses: Vec::new(),
                staged_at: Some(now),
                started_at: None,
                since: now,
                region: site::region(at.offer.domain.as_ref()).map(str::to_owned),
                zone: site::zone(&at.offer).map(str::to_owned),
                attributes: at.attributes.clone(),
                unreachable_since: None,
                health: app.health_checks.iter().map(|_| Health::unknown(id)).collect(),
                ..instance.clone()
            };
            self.put(provisioned, None);
        }
        task
    }

    /// What was to be launched waits for another offer.
    pub(super) fn call_failed(&mut self, call: &Call) {
        if call.r#type() != call::Type::Accept {
            return;
        }
        let operations = call.accept.iter().flat_map(|accept| &accept.operations);
        let tasks = operations
            .filter_map(|operation| operation.launch.as_ref())
            .flat_map(|launch| &launch.task_infos);
        for task in tasks {
            let id = InstanceId::of_task(task.task_id.as_str());
            let Some(instance) = id.and_then(|id| self.fleet.instance(&id)) else { continue };
            if instance.task_id == task.task_id.as_str() && instance.state == InstanceState::Provisioned {
                let since = Timestamp::from(self.now);
                let instance = Instance { state: InstanceState::Scheduled, since, ..instance.clone() };
                self.put(instance, None);
            }
        }
    }
}
