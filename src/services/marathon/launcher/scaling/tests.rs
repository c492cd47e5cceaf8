//! Which instances go, by table and against the documentation of constraints.

use super::*;
use crate::services::marathon::model::{AppId, Health};

fn app(constraints: &str, selection: &str) -> AppDefinition {
    let json = format!(
        r#"{{"id": "/app", "cmd": "x", "constraints": {constraints}, "killSelection": "{selection}"}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn moment(second: u64) -> Timestamp {
    Timestamp::parse(&format!("2026-01-01T00:{:02}:{:02}.000Z", second / 60, second % 60)).unwrap()
}

fn instance(name: u64, state: InstanceState, host: &str) -> Instance {
    let json = serde_json::json!({
        "id": format!("app.instance-{name:03}"), "appId": "/app", "version": moment(0), "incarnation": 1,
        "taskId": "", "state": state, "goal": "Running", "host": host, "role": "*", "since": moment(name),
        "stagedAt": moment(name), "startedAt": moment(name),
    });
    serde_json::from_value(json).unwrap()
}

fn gone(app: &AppDefinition, instances: &[Instance], count: usize) -> Vec<String> {
    let all: Vec<_> = instances.iter().collect();
    let proposal = propose(app, &all, &BTreeSet::new(), count);
    let short = |id: InstanceId| id.as_str().rsplit('-').next().unwrap().to_owned();
    proposal.decommission.into_iter().map(short).collect()
}

#[test]
fn the_selection_decides_among_equals() {
    let instances: Vec<_> = (1..=3).map(|n| instance(n, InstanceState::Running, "a")).collect();
    assert_eq!(gone(&app("[]", "YOUNGEST_FIRST"), &instances, 1), ["003", "002"]);
    assert_eq!(gone(&app("[]", "OLDEST_FIRST"), &instances, 1), ["001", "002"]);
}

#[test]
fn who_has_come_least_far_goes_first() {
    use InstanceState::*;
    let states = [Running, Starting, Staging, Unreachable, Scheduled, Running];
    let mut instances: Vec<_> =
        states.into_iter().zip(1..).map(|(state, n)| instance(n, state, "a")).collect();
    instances[5].health = vec![Health { last_failure: Some(moment(9)), ..Health::unknown(&instances[5].id) }];
    let order = gone(&app("[]", "OLDEST_FIRST"), &instances, 0);
    assert_eq!(order, ["005", "004", "003", "002", "006", "001"]);
}

#[test]
fn those_that_are_given_up_do_not_count_and_the_missing_are_started() {
    let mut lost = instance(1, InstanceState::UnreachableInactive, "a");
    let mut instances = vec![lost.clone(), instance(2, InstanceState::Running, "b")];
    lost.goal = Goal::Decommissioned;
    instances.push(Instance { id: InstanceId::new(&AppId::new("/app"), "x"), ..lost });
    let all: Vec<_> = instances.iter().collect();
    let proposal = propose(&app("[]", "YOUNGEST_FIRST"), &all, &BTreeSet::new(), 3);
    assert_eq!(proposal, Proposal { decommission: Vec::new(), start: 2 });
}

#[test]
fn victims_go_even_when_none_is_too_many() {
    let instances: Vec<_> = (1..=3).map(|n| instance(n, InstanceState::Running, "a")).collect();
    let all: Vec<_> = instances.iter().collect();
    let victims = [instances[0].id.clone()].into();
    let proposal = propose(&app("[]", "YOUNGEST_FIRST"), &all, &victims, 3);
    assert_eq!(proposal, Proposal { decommission: vec![instances[0].id.clone()], start: 1 });
}

#[test]
fn groups_stay_even() {
    let grouped = app(r#"[["hostname", "GROUP_BY"]]"#, "YOUNGEST_FIRST");
    let hosts = |counts: &[(&str, u64)]| -> Vec<Instance> {
        let names = counts.iter().flat_map(|(host, count)| (0..*count).map(move |_| *host));
        names.zip(1..).map(|(host, n)| instance(n, InstanceState::Running, host)).collect()
    };
    let left = |instances: &[Instance], count: usize| {
        let gone = gone(&grouped, instances, count);
        let mut left = BTreeMap::<String, usize>::new();
        for each in instances.iter().filter(|each| !gone.iter().any(|id| each.id.as_str().ends_with(id))) {
            *left.entry(each.host.clone()).or_default() += 1;
        }
        left.into_values().collect::<Vec<_>>()
    };
    assert_eq!(left(&hosts(&[("a", 10), ("b", 10)]), 10), [5, 5]);
    assert_eq!(left(&hosts(&[("a", 20), ("b", 10)]), 20), [10, 10]);
    assert_eq!(left(&hosts(&[("a", 4), ("b", 1), ("c", 1)]), 3), [1, 1, 1]);
}

#[test]
fn two_constraints_stay_even_together() {
    let grouped = app(r#"[["rack", "GROUP_BY"], ["color", "GROUP_BY"]]"#, "YOUNGEST_FIRST");
    let instances: Vec<_> = (0..40)
        .map(|n| {
            let mut each = instance(n, InstanceState::Running, "a");
            each.attributes.insert("rack".to_owned(), (n / 20).to_string());
            each.attributes.insert("color".to_owned(), (n / 10 % 2).to_string());
            each
        })
        .collect();
    let gone = gone(&grouped, &instances, 20);
    assert_eq!(gone.len(), 20);
    for field in ["rack", "color"] {
        let on_zero = instances.iter().filter(|each| each.attributes[field] == "0");
        let gone_on_zero = on_zero.filter(|each| gone.iter().any(|id| each.id.as_str().ends_with(id)));
        assert_eq!(gone_on_zero.count(), 10, "{field}");
    }
}
