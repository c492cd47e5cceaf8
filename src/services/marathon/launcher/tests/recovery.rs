//! A launcher that goes on where another one ended, and masters that have forgotten.

use super::*;
use crate::services::marathon::model::Goal;

/// The instances of a launcher, as they come back from the store.
fn saved(rig: &Rig) -> Vec<Instance> {
    let text = serde_json::to_string(&rig.instances()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn restored(instances: Vec<Instance>, apps: &[&Arc<AppDefinition>]) -> Rig {
    let mut launcher = Launcher::new(at(100), options(), 2);
    launcher.restore(instances, apps.iter().map(|app| (*app).clone()));
    Rig { launcher, second: 100 }
}

#[test]
fn what_was_saved_goes_on_and_is_asked_for() {
    let mut rig = Rig::new();
    let app = sleeper(r#", "portDefinitions": [{"port": 0}]"#);
    rig.scale(&app, 2);
    let tasks = rig.run_on("a");
    let mut next = restored(saved(&rig), &[&app]);
    assert_eq!(next.instances(), rig.instances());
    let effects = next.subscribe();
    let asked: Vec<_> = calls(&effects).into_iter().filter_map(|call| call.reconcile.as_ref()).collect();
    assert_eq!((asked[0].tasks.len(), asked[1].tasks.len()), (2, 0));
    next.scale(&app, 2);
    assert_eq!(next.instances().len(), 2, "none is doubled");
    next.lost(&tasks[0], task_status::Reason::Reconciliation);
    next.wait(0);
    assert_eq!(next.instances().len(), 2, "lost for good, as the strategy waits for nothing");
    assert_eq!(launched(&next.offer(offer("b"))).len(), 1);
}

#[test]
fn a_task_that_the_master_does_not_know_is_replaced() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = rig.run_on("a").remove(0);
    rig.lost(&task, task_status::Reason::TaskUnknown);
    assert_eq!(rig.states(), [InstanceState::Unknown]);
    assert_eq!(launched(&rig.offer(offer("b"))).len(), 1);
}

#[test]
fn instances_of_an_app_that_is_no_more_are_killed() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 2);
    let task = launched(&rig.offer(offer_of("a", &[scalar("cpus", 0.1), scalar("mem", 32.0)]))).remove(0);
    let task = task.task_id.value;
    let mut next = restored(saved(&rig), &[]);
    assert_eq!(next.instances().len(), 1, "the one that waited is gone");
    assert_eq!(next.instances()[0].goal, Goal::Decommissioned);
    assert_eq!(killed(&next.subscribe()), [task]);
}

#[test]
fn all_tasks_are_asked_for_from_time_to_time_and_on_demand() {
    let mut rig = Rig::new();
    assert_eq!(kinds(&rig.wait(599)), []);
    assert_eq!(kinds(&rig.wait(1)), [call::Type::Reconcile]);
    assert_eq!(kinds(&rig.say(Input::Reconcile)), [call::Type::Reconcile]);
}

#[test]
fn agents_may_register_before_the_master_is_asked() {
    let mut rig = Rig::with(Options::default());
    assert_eq!(rig.launcher.next_deadline(), Some(at(25)));
    assert_eq!(kinds(&rig.wait(14)), []);
    assert_eq!(kinds(&rig.wait(1)), [call::Type::Reconcile]);
    assert_eq!(rig.launcher.next_deadline(), Some(at(625)));
}

#[test]
fn roles_of_instances_are_the_frameworks() {
    let mut rig = Rig::new();
    let app = sleeper(r#", "role": "dev""#);
    rig.scale(&app, 1);
    let next = restored(saved(&rig), &[&app]);
    assert_eq!(next.launcher.roles(), ["*".to_owned(), "dev".to_owned()].into());
}
