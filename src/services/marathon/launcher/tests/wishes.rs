//! Scaling, launching beside, killing and stopping.

use super::*;
use crate::services::marathon::model::Goal;

#[test]
fn scaling_down_kills_the_youngest_and_forgets_it_when_it_is_dead() {
    let mut rig = Rig::new();
    let app = sleeper("");
    rig.scale(&app, 1);
    let old = rig.run_on("a").remove(0);
    rig.wait(10);
    rig.scale(&app, 2);
    let young = rig.run_on("a").remove(0);
    let effects = rig.scale(&app, 1);
    assert_eq!(killed(&effects), [young.as_str()]);
    assert!(matches!(events(&effects)[0], Event::InstanceChanged { goal: Goal::Decommissioned, .. }));
    let effects = rig.update(&young, TaskState::TaskKilled);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Forget(_))));
    assert_eq!(rig.instances().len(), 1);
    assert_eq!(rig.state_of(&old), Some(InstanceState::Running));
}

#[test]
fn the_oldest_goes_when_the_app_says_so_and_victims_before_all() {
    let app = sleeper(r#", "killSelection": "OLDEST_FIRST""#);
    let mut rig = Rig::new();
    let mut tasks = Vec::new();
    for count in 1..=3 {
        rig.scale(&app, count);
        tasks.extend(rig.run_on("a"));
        rig.wait(10);
    }
    assert_eq!(killed(&rig.scale(&app, 2)), [tasks[0].as_str()]);
    let victim = rig.instances().iter().find(|each| each.task_id == tasks[2]).unwrap().id.clone();
    let effects = rig.say(Input::Scale { app, count: 1, victims: vec![victim] });
    assert_eq!(killed(&effects), [tasks[2].as_str()]);
}

#[test]
fn what_has_no_task_yet_goes_first_and_at_once() {
    let mut rig = Rig::new();
    let app = sleeper("");
    rig.scale(&app, 1);
    rig.run_on("a");
    rig.wait(10);
    rig.scale(&app, 5);
    let effects = rig.scale(&app, 1);
    assert_eq!(killed(&effects), [""; 0]);
    assert_eq!(rig.states(), [InstanceState::Running]);
    assert_eq!(kinds(&effects), [call::Type::Suppress]);
}

#[test]
fn instances_beside_the_number_are_launched_and_go_one_by_one() {
    let mut rig = Rig::new();
    let first = sleeper("");
    rig.scale(&first, 2);
    rig.run_on("a");
    let second = app_at(50, r#"{"id": "/app", "cmd": "sleep 2", "cpus": 0.1, "mem": 32}"#);
    rig.second = 60;
    rig.say(Input::Launch { app: second.clone(), count: 1 });
    let new = rig.run_on("b").remove(0);
    assert_eq!(rig.instances().len(), 3);
    let old = rig.instances().iter().find(|each| each.version == first.version).unwrap().id.clone();
    let doomed = rig.launcher.instance(&old).unwrap().task_id.clone();
    assert_eq!(killed(&rig.say(Input::Decommission(vec![old]))), [doomed.as_str()]);
    rig.update(&doomed, TaskState::TaskKilled);
    assert_eq!(rig.instances().len(), 2, "nothing takes its place");
    rig.update(&new, TaskState::TaskKilled);
    rig.wait(10);
    let again = launched(&rig.offer(offer("b"))).remove(0);
    assert_eq!(again.command.unwrap().value.as_deref(), Some("sleep 2"), "its own version");
}

#[test]
fn killing_a_task_gives_its_instance_another() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = rig.run_on("a").remove(0);
    let instance = rig.instances()[0].id.clone();
    let kill = Input::Kill { instances: vec![instance.clone()], wipe: false };
    assert_eq!(killed(&rig.say(kill.clone())), [task.as_str()]);
    assert_eq!(killed(&rig.say(kill)), [""; 0], "one kill is enough");
    rig.update(&task, TaskState::TaskKilled);
    assert_eq!(rig.instances()[0].id, instance);
    let next = rig.run_on("a").remove(0);
    assert_eq!(killed(&rig.wait(60)), [""; 0], "the kill was for the task before");
    assert_eq!(rig.state_of(&next), Some(InstanceState::Running));
}

#[test]
fn wiping_forgets_the_instance_at_once() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = rig.run_on("a").remove(0);
    let instance = rig.instances()[0].id.clone();
    let effects = rig.say(Input::Kill { instances: vec![instance.clone()], wipe: true });
    assert_eq!(killed(&effects), [task]);
    assert!(effects.contains(&Effect::Forget(instance.clone())));
    assert_eq!(rig.states(), [InstanceState::Scheduled]);
    assert_ne!(rig.instances()[0].id, instance);
}

#[test]
fn killing_what_cannot_answer_replaces_it() {
    let strategy = r#", "unreachableStrategy": {"inactiveAfterSeconds": 600, "expungeAfterSeconds": 900}"#;
    let mut rig = Rig::new();
    rig.scale(&sleeper(strategy), 1);
    let task = rig.run_on("a").remove(0);
    rig.unreachable(&task);
    let instance = rig.instances()[0].id.clone();
    rig.say(Input::Kill { instances: vec![instance], wipe: false });
    assert_eq!(rig.states().iter().filter(|state| **state == InstanceState::Scheduled).count(), 1);
    assert_eq!(killed(&rig.update(&task, TaskState::TaskRunning)), [""; 0], "the kill is on its way");
    assert_eq!(killed(&rig.wait(30)), [task]);
}

#[test]
fn what_was_given_up_is_killed_when_it_returns() {
    let strategy = r#", "unreachableStrategy": {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 900}"#;
    let mut rig = Rig::new();
    rig.scale(&sleeper(strategy), 1);
    let task = rig.run_on("a").remove(0);
    rig.say(Input::Stop(id()));
    rig.unreachable(&task);
    assert_eq!(rig.state_of(&task), Some(InstanceState::UnreachableInactive));
    rig.wait(100);
    assert_eq!(killed(&rig.update(&task, TaskState::TaskRunning)), [task]);
}

#[test]
fn stopping_an_app_leaves_nothing_of_it() {
    let mut rig = Rig::new();
    let app = sleeper("");
    rig.scale(&app, 2);
    let tasks = rig.run_on("a");
    rig.scale(&app, 3);
    let effects = rig.say(Input::Stop(id()));
    assert_eq!(killed(&effects).len(), 2);
    assert_eq!(rig.instances().len(), 2, "the one that waited is gone");
    for task in tasks {
        rig.update(&task, TaskState::TaskKilled);
    }
    assert_eq!((rig.instances().len(), rig.launcher.queue().len()), (0, 0));
}

#[test]
fn kills_wait_for_a_subscription() {
    let mut rig = Rig::new();
    let app = sleeper("");
    rig.scale(&app, 1);
    let task = rig.run_on("a").remove(0);
    rig.say(Input::Disconnected);
    assert_eq!(calls(&rig.scale(&app, 0)), Vec::<&Call>::new());
    assert_eq!(killed(&rig.subscribe()), [task.as_str()]);
    assert_eq!(killed(&rig.subscribe()), [task], "nobody knows whether the first one arrived");
}

#[test]
fn scaling_only_leaves_running_instances_alone() {
    let mut rig = Rig::new();
    let app = sleeper("");
    rig.scale(&app, 1);
    rig.run_on("a");
    let mut scaled = AppDefinition::clone(&app);
    scaled.version = at(30).into();
    rig.second = 30;
    rig.scale(&Arc::new(scaled.clone()), 2);
    assert_eq!(rig.states().iter().filter(|state| **state == InstanceState::Running).count(), 1);
    let waiting = |rig: &Rig| {
        let of = rig.instances().into_iter().filter(|each| each.state == InstanceState::Scheduled);
        of.map(|each| each.version).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&rig), [scaled.version]);
    scaled.version = at(40).into();
    rig.scale(&Arc::new(scaled.clone()), 3);
    assert_eq!(waiting(&rig), [scaled.version; 2], "what waits runs what the app says now");
}
