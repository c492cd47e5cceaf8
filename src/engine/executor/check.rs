//! Checks and health checks of a task: when the next probe is due, and what its outcome means.
//!
//! The probes themselves (a command, an HTTP request, a TCP connection) are IO and done by the caller.

use std::time::Duration;

use crate::mesos::{
    time::Time,
    v1::network_info::Protocol,
    v1::{CheckInfo, CheckStatusInfo, CommandInfo, HealthCheck, check_info, check_status_info, health_check},
};

/// Which of the two kinds a probe belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckKind {
    /// `TaskInfo.check`: reported to the framework, nothing more.
    Check,
    /// `TaskInfo.health_check`: kills the task when it fails too often.
    Health,
}

/// One probe to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    pub kind: CheckKind,
    pub target: ProbeTarget,
    /// None: no limit.
    pub timeout: Option<Duration>,
}

/// What a probe asks. Network probes go to the loopback address.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeTarget {
    Command(Box<CommandInfo>),
    Http { scheme: String, port: u16, path: String, ipv6: bool },
    Tcp { port: u16 },
}

/// What a probe found; `Err` when it could not be made or took too long.
pub type ProbeOutcome = Result<CheckStatusInfo, String>;

/// The rhythm of one check: the first probe after `delay`, each next one `interval` after the last has ended.
#[derive(Clone, Debug)]
struct Schedule {
    interval: Duration,
    timeout: Option<Duration>,
    next: Option<Time>,
}

impl Schedule {
    fn start(now: Time, delay: f64, interval: f64, timeout: f64) -> Option<Self> {
        let timeout = seconds(timeout)?;
        Some(Self {
            interval: seconds(interval)?,
            timeout: (!timeout.is_zero()).then_some(timeout),
            next: Some(now + seconds(delay)?),
        })
    }

    fn due(&mut self, now: Time) -> bool {
        self.next.take_if(|next| *next <= now).is_some()
    }
}

fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

fn port(value: u32) -> Option<u16> {
    u16::try_from(value).ok()
}

/// A running `TaskInfo.check`.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    schedule: Schedule,
    target: ProbeTarget,
    previous: CheckStatusInfo,
}

impl Checker {
    /// None when the check lacks what its type needs; Mesos then runs the task without it.
    pub fn start(now: Time, check: &CheckInfo) -> Option<Self> {
        Some(Self {
            schedule: Schedule::start(
                now,
                check.delay_seconds(),
                check.interval_seconds(),
                check.timeout_seconds(),
            )?,
            target: check_target(check)?,
            previous: empty_status(check.r#type()),
        })
    }

    pub fn deadline(&self) -> Option<Time> {
        self.schedule.next
    }

    pub fn probe(&mut self, now: Time) -> Option<Probe> {
        self.schedule.due(now).then(|| Probe {
            kind: CheckKind::Check,
            target: self.target.clone(),
            timeout: self.schedule.timeout,
        })
    }

    /// The status to report, if it has changed.
    pub fn probed(&mut self, now: Time, outcome: ProbeOutcome) -> Option<CheckStatusInfo> {
        self.schedule.next = Some(now + self.schedule.interval);
        let status = outcome.unwrap_or_else(|_| empty_status(self.previous.r#type()));
        if status == self.previous {
            return None;
        }
        self.previous = status;
        Some(status)
    }
}

fn check_target(check: &CheckInfo) -> Option<ProbeTarget> {
    match check.r#type() {
        check_info::Type::Command => {
            Some(ProbeTarget::Command(Box::new(check.command.as_ref()?.command.clone())))
        }
        check_info::Type::Http => {
            let http = check.http.as_ref()?;
            Some(ProbeTarget::Http {
                scheme: "http".to_owned(),
                port: port(http.port)?,
                path: http.path().to_owned(),
                ipv6: false,
            })
        }
        check_info::Type::Tcp => Some(ProbeTarget::Tcp { port: port(check.tcp.as_ref()?.port)? }),
        check_info::Type::Unknown => None,
    }
}

/// The status of a check that has no result: the type, and the empty message of that type.
pub(super) fn empty_status(kind: check_info::Type) -> CheckStatusInfo {
    let mut status = CheckStatusInfo { r#type: Some(kind.into()), ..CheckStatusInfo::default() };
    match kind {
        check_info::Type::Command => status.command = Some(check_status_info::Command::default()),
        check_info::Type::Http => status.http = Some(check_status_info::Http::default()),
        check_info::Type::Tcp => status.tcp = Some(check_status_info::Tcp::default()),
        check_info::Type::Unknown => {}
    }
    status
}

/// The status of a probe that a command answered.
pub fn command_status(exit_code: i32) -> CheckStatusInfo {
    let mut status = empty_status(check_info::Type::Command);
    status.command = Some(check_status_info::Command { exit_code: Some(exit_code) });
    status
}

/// The status of a probe that an HTTP server answered.
pub fn http_status(code: u16) -> CheckStatusInfo {
    let mut status = empty_status(check_info::Type::Http);
    status.http = Some(check_status_info::Http { status_code: Some(code.into()) });
    status
}

/// The status of a probe of a TCP port.
pub fn tcp_status(succeeded: bool) -> CheckStatusInfo {
    let mut status = empty_status(check_info::Type::Tcp);
    status.tcp = Some(check_status_info::Tcp { succeeded: Some(succeeded) });
    status
}

/// A running `TaskInfo.health_check`.
#[derive(Clone, Debug)]
pub(super) struct HealthChecker {
    schedule: Schedule,
    target: ProbeTarget,
    started_at: Time,
    grace_period: Duration,
    tolerated_failures: u32,
    failures: u32,
    initializing: bool,
}

/// What a health probe means for the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy,
    Unhealthy { kill: bool },
}

impl HealthChecker {
    /// None when the health check lacks what its type needs; Mesos then runs the task without it.
    pub fn start(now: Time, check: &HealthCheck) -> Option<Self> {
        Some(Self {
            schedule: Schedule::start(
                now,
                check.delay_seconds(),
                check.interval_seconds(),
                check.timeout_seconds(),
            )?,
            target: health_target(check)?,
            started_at: now,
            grace_period: seconds(check.grace_period_seconds())?,
            tolerated_failures: check.consecutive_failures(),
            failures: 0,
            initializing: true,
        })
    }

    pub fn deadline(&self) -> Option<Time> {
        self.schedule.next
    }

    pub fn probe(&mut self, now: Time) -> Option<Probe> {
        self.schedule.due(now).then(|| Probe {
            kind: CheckKind::Health,
            target: self.target.clone(),
            timeout: self.schedule.timeout,
        })
    }

    /// What to report: every counted failure, and success when it is news.
    pub fn probed(&mut self, now: Time, outcome: ProbeOutcome) -> Option<Health> {
        self.schedule.next = Some(now + self.schedule.interval);
        if outcome.is_ok_and(|status| healthy(&status)) { self.success() } else { self.failure(now) }
    }

    fn success(&mut self) -> Option<Health> {
        let news = self.initializing || self.failures > 0;
        self.initializing = false;
        self.failures = 0;
        news.then_some(Health::Healthy)
    }

    fn failure(&mut self, now: Time) -> Option<Health> {
        let graced = self.initializing
            && !self.grace_period.is_zero()
            && now.since(self.started_at) <= self.grace_period;
        if graced {
            return None;
        }
        self.failures += 1;
        Some(Health::Unhealthy { kill: self.failures >= self.tolerated_failures })
    }
}

fn health_target(check: &HealthCheck) -> Option<ProbeTarget> {
    match check.r#type() {
        health_check::Type::Command => Some(ProbeTarget::Command(Box::new(check.command.clone()?))),
        health_check::Type::Http => {
            let http = check.http.as_ref()?;
            Some(ProbeTarget::Http {
                scheme: http.scheme.clone().unwrap_or_else(|| "http".to_owned()),
                port: port(http.port)?,
                path: http.path().to_owned(),
                ipv6: http.protocol() == Protocol::IPv6,
            })
        }
        health_check::Type::Tcp => Some(ProbeTarget::Tcp { port: port(check.tcp.as_ref()?.port)? }),
        health_check::Type::Unknown => None,
    }
}

/// Whether a probe's answer counts as health: exit 0, a status from 200 to 399, an accepted connection.
fn healthy(status: &CheckStatusInfo) -> bool {
    match status.r#type() {
        check_info::Type::Command => status.command.as_ref().is_some_and(|command| command.exit_code() == 0),
        check_info::Type::Http => {
            status.http.as_ref().is_some_and(|http| (200..400).contains(&http.status_code()))
        }
        check_info::Type::Tcp => status.tcp.as_ref().is_some_and(|tcp| tcp.succeeded()),
        check_info::Type::Unknown => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    fn health(failures: u32, grace: f64) -> HealthChecker {
        let check = HealthCheck {
            delay_seconds: Some(0.0),
            interval_seconds: Some(1.0),
            consecutive_failures: Some(failures),
            grace_period_seconds: Some(grace),
            r#type: Some(health_check::Type::Tcp.into()),
            tcp: Some(health_check::TcpCheckInfo { port: 80, ..Default::default() }),
            ..HealthCheck::default()
        };
        HealthChecker::start(at(100), &check).unwrap()
    }

    #[test]
    fn probes_one_interval_after_the_last_answer() {
        let mut health = health(3, 0.0);
        assert!(health.probe(at(100)).is_some());
        assert!(health.probe(at(107)).is_none(), "one is under way");
        assert_eq!(health.probed(at(107), Ok(tcp_status(true))), Some(Health::Healthy));
        assert_eq!(health.deadline(), Some(at(108)));
    }

    #[test]
    fn failures_in_the_grace_period_count_for_nothing() {
        let mut health = health(1, 5.0);
        assert_eq!(health.probed(at(105), Err("timed out".to_owned())), None);
        assert_eq!(
            health.probed(at(106), Err("timed out".to_owned())),
            Some(Health::Unhealthy { kill: true })
        );
    }

    #[test]
    fn success_resets_the_count_and_ends_the_grace() {
        let mut health = health(2, 50.0);
        assert_eq!(health.probed(at(101), Ok(tcp_status(true))), Some(Health::Healthy));
        assert_eq!(health.probed(at(102), Ok(tcp_status(true))), None);
        assert_eq!(health.probed(at(103), Ok(tcp_status(false))), Some(Health::Unhealthy { kill: false }));
        assert_eq!(health.probed(at(104), Ok(tcp_status(true))), Some(Health::Healthy));
        assert_eq!(health.probed(at(105), Ok(tcp_status(false))), Some(Health::Unhealthy { kill: false }));
        assert_eq!(health.probed(at(106), Ok(tcp_status(false))), Some(Health::Unhealthy { kill: true }));
    }

    #[test]
    fn a_check_reports_changes_only() {
        let check = CheckInfo {
            delay_seconds: Some(0.0),
            r#type: Some(check_info::Type::Tcp.into()),
            tcp: Some(check_info::Tcp { port: 80 }),
            ..CheckInfo::default()
        };
        let mut checker = Checker::start(at(0), &check).unwrap();
        assert_eq!(checker.probed(at(1), Err("no".to_owned())), None, "as empty as before");
        assert_eq!(checker.probed(at(2), Ok(tcp_status(false))), Some(tcp_status(false)));
        assert_eq!(checker.probed(at(3), Ok(tcp_status(false))), None);
        assert_eq!(checker.probed(at(4), Err("no".to_owned())), Some(empty_status(check_info::Type::Tcp)));
    }

    #[test]
    fn a_check_without_what_its_type_needs_does_not_run() {
        let check = CheckInfo { r#type: Some(check_info::Type::Http.into()), ..CheckInfo::default() };
        assert!(Checker::start(at(0), &check).is_none());
    }
}
