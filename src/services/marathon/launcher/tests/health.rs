//! Health checks: when they are made and what comes of them.

use super::*;
use crate::services::marathon::launcher::api::{Outcome, Probe, ProbeTarget};

const CHECK: &str = r#"{"protocol": "HTTP", "path": "/ok", "portIndex": 0, "gracePeriodSeconds": 20,
    "intervalSeconds": 10, "timeoutSeconds": 3, "maxConsecutiveFailures": 2}"#;

fn checked(check: &str) -> (Rig, String) {
    let mut rig = Rig::new();
    rig.scale(&sleeper(&format!(r#", "portDefinitions": [{{"port": 0}}], "healthChecks": [{check}]"#)), 1);
    let task = rig.run_on("a").remove(0);
    (rig, task)
}

fn probes(effects: &[Effect]) -> Vec<&Probe> {
    let probes = effects.iter().filter_map(|effect| match effect {
        Effect::Probe(probe) => Some(&**probe),
        _ => None,
    });
    probes.collect()
}

/// The next probe, and its answer.
fn answer(rig: &mut Rig, seconds: u64, outcome: Outcome) -> Vec<Effect> {
    let effects = rig.wait(seconds);
    let probe = probes(&effects)[0].id.clone();
    rig.say(Input::Probed { probe, outcome })
}

#[test]
fn a_running_task_is_probed_from_outside() {
    let (mut rig, _) = checked(CHECK);
    assert_eq!(rig.launcher.next_deadline(), Some(at(15)));
    let effects = rig.wait(5);
    let probe = probes(&effects)[0].clone();
    let port = rig.instances()[0].ports[0];
    assert_eq!(probe.target, ProbeTarget::Http { url: format!("http://a:{port}/ok") });
    assert_eq!(probe.timeout, Duration::from_secs(3));
    let effects = rig.say(Input::Probed { probe: probe.id, outcome: Outcome::Status(204) });
    assert!(matches!(events(&effects)[0], Event::HealthStatusChanged { alive: true, .. }));
    assert!(matches!(events(&effects)[1], Event::InstanceHealthChanged { healthy: Some(true), .. }));
    assert_eq!(rig.instances()[0].healthy(), Some(true));
    assert_eq!(probes(&rig.wait(9)).len(), 0);
    assert_eq!(probes(&rig.wait(1)).len(), 1);
}

#[test]
fn failures_count_after_the_grace_period_and_kill_in_the_end() {
    let (mut rig, task) = checked(CHECK);
    let failed = || Outcome::Failed("refused".to_owned());
    assert_eq!(events(&answer(&mut rig, 5, failed())).len(), 0, "in the grace period");
    assert_eq!(rig.instances()[0].healthy(), None);
    answer(&mut rig, 10, failed());
    let effects = answer(&mut rig, 10, Outcome::Status(503));
    assert!(matches!(events(&effects)[0], Event::HealthCheckFailed { .. }));
    assert_eq!(rig.instances()[0].healthy(), Some(false));
    assert_eq!(rig.instances()[0].health[0].last_failure_cause.as_deref(), Some("503 Service Unavailable"));
    assert_eq!(killed(&answer(&mut rig, 10, failed())), [""; 0]);
    let effects = answer(&mut rig, 10, failed());
    assert_eq!(killed(&effects), [task.as_str()]);
    assert!(events(&effects).iter().any(|event| matches!(event, Event::UnhealthyKill { .. })));
    let effects = rig.update(&task, TaskState::TaskKilled);
    assert_eq!(probes(&effects).len(), 0);
    assert_eq!(probes(&rig.wait(100)).len(), 0, "nobody probes the dead");
}

#[test]
fn once_healthy_there_is_no_grace() {
    let (mut rig, _) = checked(CHECK);
    answer(&mut rig, 5, Outcome::Status(200));
    let effects = answer(&mut rig, 10, Outcome::Status(404));
    assert!(
        events(&effects).iter().any(|event| matches!(event, Event::HealthStatusChanged { alive: false, .. }))
    );
    answer(&mut rig, 10, Outcome::Status(200));
    assert_eq!(rig.instances()[0].health[0].consecutive_failures, 0);
}

#[test]
fn never_killed_when_so_told() {
    let (mut rig, _) =
        checked(&CHECK.replace("\"maxConsecutiveFailures\": 2", "\"maxConsecutiveFailures\": 0"));
    answer(&mut rig, 5, Outcome::Status(200));
    for _ in 0..10 {
        assert_eq!(killed(&answer(&mut rig, 10, Outcome::Status(500))), [""; 0]);
    }
    assert_eq!(rig.instances()[0].health[0].consecutive_failures, 10);
}

#[test]
fn informational_answers_can_be_ignored() {
    let ignoring = CHECK.replace("\"path\"", "\"ignoreHttp1xx\": true, \"path\"");
    for (check, known) in [(ignoring.as_str(), false), (CHECK, true)] {
        let (mut rig, _) = checked(check);
        rig.wait(25);
        let effects = rig.wait(10);
        let probe = probes(&effects)[0].id.clone();
        rig.say(Input::Probed { probe, outcome: Outcome::Status(102) });
        assert_eq!(rig.instances()[0].health[0].is_known(), known);
    }
}

#[test]
fn tcp_connects_and_https_says_that_it_cannot() {
    let (mut rig, _) = checked(&CHECK.replace("HTTP", "TCP"));
    let effects = rig.wait(5);
    let port = rig.instances()[0].ports[0];
    assert_eq!(probes(&effects)[0].target, ProbeTarget::Tcp { host: "a".to_owned(), port });
    let (mut rig, _) = checked(&CHECK.replace("HTTP", "HTTPS"));
    rig.wait(25);
    assert_eq!(rig.instances()[0].healthy(), Some(false));
    assert!(rig.instances()[0].health[0].last_failure_cause.as_ref().unwrap().contains("TLS"));
}

#[test]
fn a_late_answer_for_an_earlier_task_is_nothing() {
    let (mut rig, task) = checked(CHECK);
    let effects = rig.wait(5);
    let probe = probes(&effects)[0].id.clone();
    rig.update(&task, TaskState::TaskKilled);
    rig.run_on("a");
    assert_eq!(rig.say(Input::Probed { probe, outcome: Outcome::Status(200) }), []);
}

#[test]
fn executors_say_of_their_checks_themselves() {
    let (mut rig, task) = checked(&CHECK.replace("HTTP", "MESOS_HTTP"));
    assert_eq!(probes(&rig.wait(60)).len(), 0);
    let healthy = TaskStatus { healthy: Some(true), ..status(&task, TaskState::TaskRunning) };
    let effects = rig.say(Input::Update(Box::new(healthy.clone())));
    assert!(matches!(events(&effects)[0], Event::StatusUpdate(_)));
    assert!(
        events(&effects)
            .iter()
            .any(|event| matches!(event, Event::InstanceHealthChanged { healthy: Some(true), .. }))
    );
    assert_eq!(events(&rig.say(Input::Update(Box::new(healthy)))).len(), 0);
}
