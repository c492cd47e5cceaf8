//! Health checks: Marathon's own probes, made from outside, and what executors say of theirs.
//!
//! `HTTP` and `TCP` are probed; `HTTPS` always fails, with a cause that says so, as this Marathon speaks no TLS.
//! As in Marathon, a failure counts once the task has been healthy or its grace period is over, and a task is killed by the
//! failure that follows `maxConsecutiveFailures` of them.

use std::time::Duration;

use super::{
    Launcher,
    agenda::Agenda,
    api::{Effect, Event, Outcome, Probe, ProbeId, ProbeTarget},
    task::assignments::{address, assignments},
};
use crate::{
    mesos::v1::TaskStatus,
    services::marathon::model::{
        AppDefinition, Health, HealthCheck, HealthProtocol, Instance, InstanceId, InstanceState, TaskFailure,
        Timestamp,
    },
};

/// No first probe waits longer.
const FIRST_AFTER: Duration = Duration::from_secs(5);

/// When which probe is due.
pub type Probes = Agenda<ProbeId>;

impl Probes {
    /// All probes of an instance.
    pub fn remove_all(&mut self, instance: &InstanceId) {
        let first = ProbeId { instance: instance.clone(), incarnation: 0, check: 0 };
        let own: Vec<_> = self.keys_from(first).take_while(|id| id.instance == *instance).cloned().collect();
        own.iter().for_each(|id| self.remove(id));
    }
}

/// What a probe has shown.
enum Verdict {
    Healthy,
    Unhealthy(String),
    Ignored,
}

fn judge(check: &HealthCheck, outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Connected => Verdict::Healthy,
        Outcome::Status(200..400) => Verdict::Healthy,
        Outcome::Status(100..200) if check.ignore_http1xx == Some(true) => Verdict::Ignored,
        Outcome::Status(status) => {
            let known = http::StatusCode::from_u16(*status).map(|status| status.to_string());
            Verdict::Unhealthy(known.unwrap_or_else(|_| status.to_string()))
        }
        Outcome::Failed(cause) => Verdict::Unhealthy(cause.clone()),
    }
}

impl Launcher {
    /// Probes a running instance from now on, and others not.
    pub(super) fn watch_health(&mut self, id: &InstanceId) {
        let Some(instance) = self.fleet.instance(id) else { return };
        let Some(app) = self.fleet.definition(instance).filter(|app| !app.health_checks.is_empty()) else {
            return;
        };
        if instance.state != InstanceState::Running {
            self.probes.remove_all(id);
            return;
        }
        let own = app.health_checks.iter().enumerate().filter(|(_, check)| !check.protocol.is_mesos());
        for (check, definition) in own {
            let probe = ProbeId { instance: id.clone(), incarnation: instance.incarnation, check };
            if !self.probes.contains(&probe) {
                self.probes.set(probe, self.now + interval(definition).min(FIRST_AFTER));
            }
        }
    }

    /// Makes the probes that are due.
    pub(super) fn probe(&mut self) {
        for id in self.probes.due(self.now) {
            match self.probe_of(&id) {
                Some((result, interval)) => {
                    self.probes.set(id.clone(), self.now + interval);
                    match result {
                        Ok(probe) => self.effects.push(Effect::Probe(Box::new(probe))),
                        Err(cause) => self.probed(&id, &Outcome::Failed(cause)),
                    }
                }
                None => self.probes.remove(&id),
            }
        }
    }

    /// The probe, or why it cannot be made, and how long until the next one.
    fn probe_of(&self, id: &ProbeId) -> Option<(Result<Probe, String>, Duration)> {
        let instance = self.fleet.instance(&id.instance)?;
        if instance.incarnation != id.incarnation || instance.state != InstanceState::Running {
            return None;
        }
        let app = self.fleet.definition(instance)?;
        let check = app.health_checks.get(id.check)?;
        let probe = target(app, instance, check).map(|target| Probe {
            id: id.clone(),
            target,
            timeout: Duration::from_secs(check.timeout_seconds.into()),
        });
        Some((probe, interval(check)))
    }

    pub(super) fn probed(&mut self, id: &ProbeId, outcome: &Outcome) {
        let Some(instance) = self.fleet.instance(&id.instance) else { return };
        if instance.incarnation != id.incarnation || instance.state != InstanceState::Running {
            return;
        }
        let app = self.fleet.definition(instance);
        let Some(check) = app.and_then(|app| app.health_checks.get(id.check)).cloned() else { return };
        let instance = instance.clone();
        match judge(&check, outcome) {
            Verdict::Ignored => {}
            Verdict::Healthy => {
                let health = health_of(&instance, id.check).healthy_at(self.now.into());
                self.set_health(instance, id.check, health);
            }
            Verdict::Unhealthy(cause) => self.failed(instance, id.check, &check, cause),
        }
    }

    fn failed(&mut self, instance: Instance, index: usize, check: &HealthCheck, cause: String) {
        let before = health_of(&instance, index);
        let grace = Duration::from_secs(check.grace_period_seconds.into());
        if before.first_success.is_none() && instance.since.time() + grace > self.now {
            return;
        }
        self.tell(Event::HealthCheckFailed {
            id: instance.id.clone(),
            app_id: instance.app_id.clone(),
            check: Box::new(check.clone()),
        });
        let limit = check.max_consecutive_failures;
        if limit > 0 && before.consecutive_failures >= limit && !self.kills.contains(&instance.id) {
            self.kill_unhealthy(&instance, before.last_failure_cause.as_deref().unwrap_or("unknown"));
        }
        let health = before.unhealthy_at(self.now.into(), cause);
        self.set_health(instance, index, health);
    }

    fn kill_unhealthy(&mut self, instance: &Instance, reason: &str) {
        self.kills.add(&instance.id);
        self.tell(Event::UnhealthyKill {
            id: instance.id.clone(),
            task_id: instance.task_id.clone(),
            app_id: instance.app_id.clone(),
            version: instance.version,
            reason: reason.to_owned(),
            host: instance.host.clone(),
            agent_id: instance.agent_id.clone(),
        });
        let failure = TaskFailure {
            app_id: instance.app_id.clone(),
            host: instance.host.clone(),
            message: format!("Task was killed since health check failed. Reason: {reason}"),
            state: "TASK_KILLED".to_owned(),
            task_id: instance.task_id.clone(),
            timestamp: Timestamp::from(self.now),
            version: instance.version,
            slave_id: instance.agent_id.clone(),
        };
        self.effects.push(Effect::Failure(Box::new(failure)));
    }

    /// Keeps what a check has found; it is saved only when it says something else than before.
    fn set_health(&mut self, mut instance: Instance, index: usize, health: Health) {
        let (was_alive, alive) = (health_of(&instance, index).alive, health.alive);
        let before = instance.healthy();
        put_health(&mut instance, index, health);
        let (id, app_id, version) = (instance.id.clone(), instance.app_id.clone(), instance.version);
        self.fleet.put(instance);
        if was_alive != alive {
            self.effects.push(Effect::Save(id.clone()));
            self.tell(Event::HealthStatusChanged { id: id.clone(), app_id, version, alive });
        }
        self.tell_health(&id, before);
    }

    /// Tells when the instance as a whole is healthier or less so than before.
    pub(super) fn tell_health(&mut self, id: &InstanceId, before: Option<bool>) {
        let Some(instance) = self.fleet.instance(id) else { return };
        let healthy = instance.healthy();
        if healthy != before {
            let (app_id, version) = (instance.app_id.clone(), instance.version);
            self.tell(Event::InstanceHealthChanged { id: id.clone(), app_id, version, healthy });
        }
    }

    /// What the executor says of its checks; true when it says something new.
    pub(super) fn hear_of_health(&self, instance: &mut Instance, status: &TaskStatus) -> bool {
        let (Some(healthy), Some(app)) = (status.healthy, self.fleet.definition(instance)) else {
            return false;
        };
        let now = Timestamp::from(self.now);
        let mut is_new = false;
        for index in
            (0..app.health_checks.len()).filter(|index| app.health_checks[*index].protocol.is_mesos())
        {
            let before = health_of(instance, index);
            is_new |= !before.is_known() || before.alive != healthy;
            let health = match healthy {
                true => before.healthy_at(now),
                false => before.unhealthy_at(now, status.message().to_owned()),
            };
            put_health(instance, index, health);
        }
        is_new
    }
}

fn interval(check: &HealthCheck) -> Duration {
    Duration::from_secs(check.interval_seconds.max(1).into())
}

fn health_of(instance: &Instance, index: usize) -> Health {
    instance.health.get(index).cloned().unwrap_or_else(|| Health::unknown(&instance.id))
}

fn put_health(instance: &mut Instance, index: usize, health: Health) {
    let id = instance.id.clone();
    if instance.health.len() <= index {
        instance.health.resize_with(index + 1, || Health::unknown(&id));
    }
    instance.health[index] = health;
}

fn target(app: &AppDefinition, instance: &Instance, check: &HealthCheck) -> Result<ProbeTarget, String> {
    let host = address(app, &instance.host, &instance.ip_addresses)
        .ok_or("Health check failed: unable to get the task's effective IP address")?;
    let ports = assignments(app, &instance.host, &instance.ports, &instance.ip_addresses);
    let by_index = || {
        let assignment = ports.get(check.port_index.unwrap_or_default())?;
        assignment.address.as_ref().map(|(_, port)| *port)
    };
    let port =
        check.port.or_else(by_index).ok_or("Health check failed: unable to get the task's effectivePort")?;
    match check.protocol {
        HealthProtocol::Tcp => Ok(ProbeTarget::Tcp { host: host.to_owned(), port }),
        HealthProtocol::Https => {
            Err("HTTPS health checks are not made: this Marathon speaks no TLS".to_owned())
        }
        _ => {
            let path = check.path.as_deref().unwrap_or_default();
            let slash = if path.starts_with('/') { "" } else { "/" };
            Ok(ProbeTarget::Http { url: format!("http://{host}:{port}{slash}{path}") })
        }
    }
}
