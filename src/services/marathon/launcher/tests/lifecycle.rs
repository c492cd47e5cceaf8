//! Tasks from launch to end, and what follows.

use super::*;

#[test]
fn an_instance_goes_from_scheduled_to_running() {
    let mut rig = Rig::new();
    let effects = rig.scale(&sleeper(""), 1);
    assert_eq!(kinds(&effects), [call::Type::Revive]);
    assert_eq!(rig.states(), [InstanceState::Scheduled]);
    let task = launched(&rig.offer(offer("a"))).remove(0).task_id.value;
    assert_eq!(rig.state_of(&task), Some(InstanceState::Provisioned));
    rig.update(&task, TaskState::TaskStarting);
    assert_eq!(rig.state_of(&task), Some(InstanceState::Starting));
    rig.second += 2;
    let effects = rig.update(&task, TaskState::TaskRunning);
    let instance = rig.instances()[0];
    assert_eq!(instance.started_at, Some(at(12).into()));
    assert_eq!((instance.host.as_str(), instance.agent_id.as_deref()), ("a", Some("agent-a")));
    let told = events(&effects);
    assert!(matches!(told[0], Event::StatusUpdate(update) if update.state == TaskState::TaskRunning));
    assert!(matches!(told[1], Event::InstanceChanged { state: InstanceState::Running, .. }));
    let saved = effects.iter().position(|effect| matches!(effect, Effect::Save(_))).unwrap();
    let acknowledged = effects.iter().position(|effect| matches!(effect, Effect::Call(_))).unwrap();
    assert!(saved < acknowledged);
}

#[test]
fn nothing_new_is_acknowledged_and_not_told() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = rig.run_on("a").remove(0);
    let effects = rig.update(&task, TaskState::TaskRunning);
    assert_eq!((kinds(&effects), effects.len()), (vec![call::Type::Acknowledge], 1));
    let answer = TaskStatus { uuid: None, ..status(&task, TaskState::TaskRunning) };
    assert_eq!(rig.say(Input::Update(Box::new(answer))), [], "the answer to a reconciliation");
}

#[test]
fn an_instance_that_fails_waits_and_gets_its_next_task() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(r#", "backoffSeconds": 10, "backoffFactor": 2"#), 1);
    let task = rig.run_on("a").remove(0);
    rig.wait(10);
    let effects = rig.update(&task, TaskState::TaskFailed);
    let failure = effects.iter().find_map(|effect| match effect {
        Effect::Failure(failure) => Some(failure),
        _ => None,
    });
    assert_eq!(failure.unwrap().state, "TASK_FAILED");
    assert_eq!(rig.states(), [InstanceState::Failed]);
    let item = &rig.launcher.queue()[0];
    assert_eq!((item.count, item.time_left_seconds, item.overdue), (1, 10, false));
    assert_eq!(launched(&rig.offer(offer("a"))), []);
    assert_eq!(rig.launcher.next_deadline(), Some(at(30)));
    assert_eq!(kinds(&rig.wait(10)), [call::Type::Revive]);
    let next = launched(&rig.offer(offer("a"))).remove(0).task_id.value;
    assert_eq!(next, task.replace("._app.1", "._app.2"));
    rig.update(&next, TaskState::TaskFailed);
    assert_eq!(rig.launcher.queue()[0].time_left_seconds, 20);
    rig.say(Input::ResetDelay(id()));
    assert_eq!(launched(&rig.offer(offer("a"))).len(), 1);
}

#[test]
fn a_killed_task_is_replaced_without_a_wait() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = rig.run_on("a").remove(0);
    rig.update(&task, TaskState::TaskKilled);
    assert!(rig.launcher.queue()[0].overdue);
    assert_eq!(launched(&rig.offer(offer("a"))).len(), 1);
    rig.update(&task, TaskState::TaskFailed);
    assert_eq!(rig.states(), [InstanceState::Provisioned], "the old task says nothing of the new one");
}

#[test]
fn draining_an_agent_makes_no_launch_wait() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = rig.run_on("a").remove(0);
    let drained = TaskStatus {
        reason: Some(task_status::Reason::AgentDraining.into()),
        ..status(&task, TaskState::TaskGoneByOperator)
    };
    rig.say(Input::Update(Box::new(drained)));
    assert_eq!(rig.states(), [InstanceState::Gone]);
    assert_eq!(rig.launcher.queue()[0].time_left_seconds, 0);
    assert_eq!(launched(&rig.offer(offer("b"))).len(), 1);
}

#[test]
fn a_task_that_stays_silent_is_killed() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let task = launched(&rig.offer(offer("a"))).remove(0).task_id.value;
    assert_eq!(killed(&rig.wait(299)), [""; 0]);
    assert_eq!(killed(&rig.wait(1)), [task.as_str()]);
    assert_eq!(killed(&rig.wait(29)), [""; 0]);
    assert_eq!(killed(&rig.wait(1)), [task.as_str()], "again, as nobody answers");
    rig.update(&task, TaskState::TaskKilled);
    assert_eq!(killed(&rig.wait(60)), [""; 0]);
}

#[test]
fn an_unreachable_instance_is_replaced_in_time_and_forgotten_later() {
    let strategy = r#", "unreachableStrategy": {"inactiveAfterSeconds": 60, "expungeAfterSeconds": 100}"#;
    let mut rig = Rig::new();
    rig.scale(&sleeper(strategy), 1);
    let task = rig.run_on("a").remove(0);
    rig.unreachable(&task);
    assert_eq!(rig.states(), [InstanceState::Unreachable]);
    assert_eq!(rig.launcher.next_deadline(), Some(at(70)));
    rig.wait(60);
    assert_eq!(rig.state_of(&task), Some(InstanceState::UnreachableInactive));
    assert_eq!(rig.states().len(), 2);
    rig.wait(39);
    assert_eq!(rig.states().len(), 2);
    let effects = rig.wait(1);
    assert!(
        events(&effects)
            .iter()
            .any(|event| matches!(event, Event::InstanceChanged { state: InstanceState::Killed, .. }))
    );
    assert_eq!(rig.state_of(&task), None);
    assert_eq!(killed(&rig.update(&task, TaskState::TaskRunning)), [task], "it comes back, a stranger");
    assert_eq!(rig.states().len(), 1);
}

#[test]
fn an_instance_that_returns_is_one_too_many() {
    let strategy = r#", "unreachableStrategy": {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 1000}"#;
    let mut rig = Rig::new();
    rig.scale(&sleeper(strategy), 1);
    let task = rig.run_on("a").remove(0);
    rig.wait(5);
    rig.unreachable(&task);
    assert_eq!(rig.state_of(&task), Some(InstanceState::UnreachableInactive));
    rig.wait(5);
    let second = rig.run_on("b").remove(0);
    rig.wait(5);
    let effects = rig.update(&task, TaskState::TaskRunning);
    assert_eq!(killed(&effects), [second.as_str()], "the youngest goes");
    rig.update(&second, TaskState::TaskKilled);
    assert_eq!(rig.states(), [InstanceState::Running]);
    assert_eq!(rig.instances()[0].started_at, Some(at(10).into()));
}

#[test]
fn unreachable_instances_are_waited_for_without_end_when_so_told() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(r#", "unreachableStrategy": "disabled""#), 1);
    let task = rig.run_on("a").remove(0);
    rig.unreachable(&task);
    rig.wait(1_000_000);
    assert_eq!(rig.states(), [InstanceState::Unreachable]);
}

#[test]
fn tasks_that_nobody_knows_are_killed_or_told_of() {
    let mut rig = Rig::new();
    let stranger = "other_app.instance-1._app.1";
    let effects = rig.update(stranger, TaskState::TaskRunning);
    assert_eq!(kinds(&effects), [call::Type::Kill, call::Type::Acknowledge]);
    let effects = rig.update(stranger, TaskState::TaskFinished);
    assert_eq!(kinds(&effects), [call::Type::Acknowledge]);
    assert!(matches!(
        events(&effects)[0],
        Event::UnknownTerminated { app_id, state: InstanceState::Finished, .. } if app_id.as_str() == "/other/app"
    ));
    assert_eq!(killed(&rig.update("no-task-of-ours", TaskState::TaskRunning)), ["no-task-of-ours"]);
}
