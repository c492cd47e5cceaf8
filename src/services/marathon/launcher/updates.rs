//! Status updates: each changes its instance, or shows a task that nobody knows, and is acknowledged.

use super::{
    Launcher,
    api::{Effect, Event, StatusUpdate},
    calls,
    change::delay_key,
};
use crate::{
    mesos::v1::{TaskState, TaskStatus, task_status::Reason},
    services::marathon::model::{
        Instance, InstanceId, InstanceState, TaskFailure, Timestamp, UnreachableStrategy,
    },
};

impl Launcher {
    pub(super) fn update(&mut self, status: &TaskStatus) {
        let state = InstanceState::of(status);
        let id = InstanceId::of_task(status.task_id.as_str());
        let known = id.as_ref().and_then(|id| self.fleet.instance(id));
        match (known, id) {
            (Some(instance), _) if instance.task_id == status.task_id.as_str() => {
                let instance = instance.clone();
                self.task_changed(instance, state, status);
            }
            (None, Some(id)) if state.is_terminal() || state == InstanceState::Unreachable => {
                let app_id = id.app();
                self.tell(Event::UnknownTerminated { id, app_id, state });
            }
            _ if state.is_alive() => self.kill_unknown(status),
            _ => {}
        }
        if let Some(call) = self.framework_id.as_ref().and_then(|id| calls::acknowledge(id, status)) {
            self.effects.push(Effect::Call(Box::new(call)));
        }
    }

    fn kill_unknown(&mut self, status: &TaskStatus) {
        let (task_id, agent) = (status.task_id.clone(), status.agent_id.clone());
        self.call(|framework_id| calls::kill(framework_id, task_id, agent));
    }

    fn task_changed(&mut self, before: Instance, state: InstanceState, status: &TaskStatus) {
        if before.state.is_terminal() || before.state == InstanceState::Scheduled {
            return;
        }
        let now = Timestamp::from(self.now);
        let mut instance = before.clone();
        if state == InstanceState::Unreachable {
            instance.unreachable_since.get_or_insert_with(|| unreachable_since(status).unwrap_or(now));
        } else {
            instance.unreachable_since = None;
        }
        if !(state == InstanceState::Unreachable && before.state.is_unreachable()) {
            instance.state = state;
        }
        if instance.state != before.state {
            instance.since = now;
        }
        if state == InstanceState::Running {
            instance.started_at.get_or_insert(now);
            instance.ip_addresses = ip_addresses(status);
        }
        if let Some(agent) = &status.agent_id {
            instance.agent_id = Some(agent.value.clone());
        }
        let is_new_health = self.hear_of_health(&mut instance, status);
        if is_draining(status) {
            self.forgive(&instance);
        }
        if instance.state == before.state && !is_new_health {
            if instance != before {
                self.fleet.put(instance.clone());
                self.effects.push(Effect::Save(instance.id));
            }
            return;
        }
        let update = update_of(&instance, status);
        if state.is_failure() && instance.state != before.state {
            let failure = failure_of(&instance, status, now);
            self.effects.push(Effect::Failure(Box::new(failure)));
        }
        let health_before = before.healthy();
        let (id, is_drained) = (instance.id.clone(), is_draining(status));
        self.put(instance, Some(update));
        if is_drained && let Some(instance) = self.fleet.instance(&id).cloned() {
            self.forgive(&instance);
        }
        self.tell_health(&id, health_before);
    }

    /// An end that the operator wanted makes no launch wait.
    fn forgive(&mut self, instance: &Instance) {
        if let Some(app) = self.fleet.definition(instance) {
            let key = delay_key(app);
            self.backoff.reset(&key);
        }
    }

    /// What has been unreachable for too long: another is launched in its place, or it is forgotten.
    pub(super) fn give_up(&mut self, instance: Instance) {
        let Some((inactive_at, expunge_at)) = self.patience_with(&instance) else { return };
        let id = instance.id.clone();
        if instance.state == InstanceState::Unreachable && inactive_at <= self.now.into() {
            let (state, since) = (InstanceState::UnreachableInactive, self.now.into());
            self.put(Instance { state, since, ..instance }, None);
        }
        let now = self.fleet.instance(&id).map(|instance| instance.state);
        if now == Some(InstanceState::UnreachableInactive) && expunge_at <= self.now.into() {
            self.expunge(&id);
        }
    }

    /// When an unreachable instance becomes inactive, and when it is forgotten; none when never. At once when its app is no
    /// more.
    pub(super) fn patience_with(&self, instance: &Instance) -> Option<(Timestamp, Timestamp)> {
        let since = instance.unreachable_since?;
        let strategy = self.fleet.definition(instance).map(|app| app.unreachable_strategy);
        match strategy.unwrap_or_default() {
            UnreachableStrategy::Disabled => None,
            UnreachableStrategy::Enabled { inactive_after_seconds, expunge_after_seconds } => {
                let after = |seconds| Timestamp::from(since.time() + std::time::Duration::from_secs(seconds));
                Some((after(inactive_after_seconds), after(expunge_after_seconds)))
            }
        }
    }
}

fn unreachable_since(status: &TaskStatus) -> Option<Timestamp> {
    let told = status.unreachable_time.as_ref();
    told.map(|time| crate::mesos::time::Time::from_nanos(time.nanoseconds).into())
}

fn ip_addresses(status: &TaskStatus) -> Vec<String> {
    let networks = status.container_status.iter().flat_map(|container| &container.network_infos);
    networks.flat_map(|network| &network.ip_addresses).filter_map(|ip| ip.ip_address.clone()).collect()
}

fn is_draining(status: &TaskStatus) -> bool {
    matches!(status.state(), TaskState::TaskKilled | TaskState::TaskGoneByOperator)
        && status.reason.is_some()
        && status.reason() == Reason::AgentDraining
}

fn update_of(instance: &Instance, status: &TaskStatus) -> StatusUpdate {
    StatusUpdate {
        agent_id: status.agent_id.as_ref().map(|id| id.value.clone()).unwrap_or_default(),
        task_id: instance.task_id.clone(),
        state: status.state(),
        message: status.message().to_owned(),
        app_id: instance.app_id.clone(),
        host: instance.host.clone(),
        ip_addresses: instance.ip_addresses.clone(),
        ports: instance.ports.clone(),
        version: instance.version,
    }
}

fn failure_of(instance: &Instance, status: &TaskStatus, now: Timestamp) -> TaskFailure {
    TaskFailure {
        app_id: instance.app_id.clone(),
        host: instance.host.clone(),
        message: status.message().to_owned(),
        state: status.state().as_str_name().to_owned(),
        task_id: instance.task_id.clone(),
        timestamp: now,
        version: instance.version,
        slave_id: status.agent_id.as_ref().map(|id| id.value.clone()),
    }
}
