//! Histories of one executor: what it says of its tasks to an agent that hears everything, late, twice or never.

use serde_json::{Value, json};

use super::*;
use crate::{
    engine::executor::exit::Exit,
    mesos::v1::{TaskState, task_status::Source},
};

const GRACE: Duration = Duration::from_secs(5);

struct Lab {
    executor: OwnExecutor,
    now: Time,
}

fn at(seconds: u64) -> Time {
    Time::from_epoch(Duration::from_secs(seconds))
}

impl Lab {
    fn new() -> Self {
        let terms = Terms {
            framework_id: "F".into(),
            executor_id: "e".into(),
            sandbox: "/sandbox".to_owned(),
            environment: BTreeMap::from([
                ("A".to_owned(), "agent".to_owned()),
                ("B".to_owned(), "b".to_owned()),
            ]),
            shutdown_grace_period: GRACE,
            seed: 1,
        };
        Self { executor: OwnExecutor::new(terms), now: at(100) }
    }

    /// One that has subscribed.
    fn subscribed() -> Self {
        let mut lab = Self::new();
        lab.executor.subscribe();
        assert_eq!(lab.hear(subscribed()), []);
        lab
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.executor.handle(self.now, input);
        effects.retain(|effect| !matches!(effect, Effect::Log(_)));
        effects
    }

    fn hear(&mut self, event: Value) -> Vec<Effect> {
        self.handle(Input::Event(Box::new(json::from_value(&event).unwrap())))
    }

    fn happens(&mut self, task: &str, input: executor::Input) -> Vec<Effect> {
        self.handle(Input::Process { container_id: task.into(), input })
    }

    fn acknowledge(&mut self, status: &TaskStatus) -> Vec<Effect> {
        let (task_id, uuid) = (status.task_id.clone(), status.uuid.clone().unwrap());
        let acknowledged = Some(event::Acknowledged { task_id, uuid });
        let event =
            Event { r#type: Some(event::Type::Acknowledged.into()), acknowledged, ..Event::default() };
        self.handle(Input::Event(Box::new(event)))
    }

    /// A task that runs, all of which has been acknowledged.
    fn running(&mut self, task: &str) {
        self.hear(json!({"type": "LAUNCH", "launch": {"task": with_data(task, &sleep())}}));
        for status in said(&self.happens(task, executor::Input::Launched)) {
            self.acknowledge(&status);
        }
    }
}

fn subscribed() -> Value {
    json!({"type": "SUBSCRIBED", "subscribed": {
        "executor_info": {"executor_id": {"value": "e"}},
        "framework_info": {"user": "u", "name": "n", "capabilities": [{"type": "TASK_KILLING_STATE"}]},
        "agent_info": {"hostname": "h"}}})
}

fn sleep() -> Value {
    json!({"value": "sleep 100", "environment": {"variables": [{"name": "A", "value": "task"}]}})
}

fn task(id: &str) -> Value {
    json!({"name": id, "task_id": {"value": id}, "agent_id": {"value": "S"}})
}

fn with_data(id: &str, command: &Value) -> Value {
    let task: TaskInfo = json::from_value(&task(id)).unwrap();
    let data = Some(command.to_string().into_bytes().into());
    json::to_json(&TaskInfo { data, ..task })
}

fn kill(id: &str) -> Value {
    json!({"type": "KILL", "kill": {"task_id": {"value": id}}})
}

/// The statuses of the updates that are sent.
fn said(effects: &[Effect]) -> Vec<TaskStatus> {
    let calls = effects.iter().filter_map(|effect| match effect {
        Effect::Say(call) => call.update.clone(),
        _ => None,
    });
    calls.map(|update| update.status).collect()
}

fn states(effects: &[Effect]) -> Vec<TaskState> {
    said(effects).iter().map(TaskStatus::state).collect()
}

fn signals(effects: &[Effect]) -> Vec<(&str, Signal)> {
    let signals = effects.iter().filter_map(|effect| match effect {
        Effect::Signal { container_id, signal } => Some((container_id.value.as_str(), *signal)),
        _ => None,
    });
    signals.collect()
}

fn ended(effects: &[Effect]) -> bool {
    effects.contains(&Effect::End(Ok(())))
}

#[test]
fn a_task_runs_its_command_and_the_executor_ends_with_it() {
    let mut lab = Lab::subscribed();
    let launched = lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("t", &sleep())}}));
    let [Effect::Launch(launch)] = &launched[..] else { panic!("{launched:?}") };
    assert_eq!(launch.command, Command::Shell("sleep 100".to_owned()));
    assert_eq!(launch.directory, "/sandbox");
    let variable = |name: &str| launch.environment.get(name).map(String::as_str);
    assert_eq!(
        ["A", "B", "MESOS_TASK_ID"].map(variable),
        [Some("task"), Some("b"), Some("t")],
        "the task's own words win"
    );
    let started = lab.happens("t", executor::Input::Launched);
    assert_eq!(states(&started), [TaskState::TaskStarting, TaskState::TaskRunning]);
    for status in said(&started) {
        assert_eq!(
            (status.source(), status.executor_id.as_ref().map(ToString::to_string)),
            (Source::Executor, Some("e".to_owned()))
        );
        assert_eq!(lab.acknowledge(&status), []);
    }
    let exited = lab.happens("t", executor::Input::Exited(Exit::Code(0)));
    assert_eq!(states(&exited), [TaskState::TaskFinished]);
    assert!(!ended(&exited), "the agent has not heard it");
    assert!(ended(&lab.acknowledge(&said(&exited)[0])));
}

#[test]
fn what_the_agent_may_not_have_heard_is_said_again() {
    let mut lab = Lab::subscribed();
    lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("t", &sleep())}}));
    lab.handle(Input::Disconnected);
    let unheard = lab.happens("t", executor::Input::Launched);
    assert_eq!(states(&unheard), [], "there is nobody to say it to");
    let subscribe = lab.executor.subscribe().subscribe.unwrap();
    let (tasks, updates) = (&subscribe.unacknowledged_tasks, &subscribe.unacknowledged_updates);
    assert_eq!(tasks.iter().map(|task| task.task_id.as_str()).collect::<Vec<_>>(), ["t"]);
    let of = |update: &call::Update| update.status.state();
    assert_eq!(updates.iter().map(of).collect::<Vec<_>>(), [TaskState::TaskStarting, TaskState::TaskRunning]);
    // It ends while we wait for the answer: SUBSCRIBE could not say that.
    assert_eq!(states(&lab.happens("t", executor::Input::Exited(Exit::Code(1)))), []);
    assert_eq!(states(&lab.hear(subscribed())), [TaskState::TaskFailed]);
    lab.acknowledge(&updates[0].status);
    let subscribe = lab.executor.subscribe().subscribe.unwrap();
    assert_eq!(subscribe.unacknowledged_tasks, [], "the agent knows the task");
    assert_eq!(
        subscribe.unacknowledged_updates.iter().map(of).collect::<Vec<_>>(),
        [TaskState::TaskRunning, TaskState::TaskFailed]
    );
}

#[test]
fn an_acknowledgement_that_comes_twice_changes_nothing() {
    let mut lab = Lab::subscribed();
    lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("t", &sleep())}}));
    let started = said(&lab.happens("t", executor::Input::Launched));
    lab.acknowledge(&started[0]);
    lab.acknowledge(&started[0]);
    let left = lab.executor.subscribe().subscribe.unwrap().unacknowledged_updates;
    assert_eq!(left.len(), 1);
}

#[test]
fn a_task_without_a_command_fails_and_says_why() {
    let mut lab = Lab::subscribed();
    let nothing = lab.hear(json!({"type": "LAUNCH", "launch": {"task": task("t")}}));
    assert_eq!(states(&nothing), [TaskState::TaskFailed]);
    let message = said(&nothing)[0].message.clone().unwrap();
    assert!(message.contains("TaskInfo.data is to hold a CommandInfo"), "{message}");
    let garbage = lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("u", &json!([1]))}}));
    let message = said(&garbage)[0].message.clone().unwrap();
    assert!(message.starts_with("TaskInfo.data is no CommandInfo in JSON: "), "{message}");
    let empty = lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("v", &json!({}))}}));
    assert_eq!(said(&empty)[0].message.as_deref(), Some("The command has no value"));
    let fetches = json!({"value": "true", "uris": [{"value": "/a"}]});
    let fetches = lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("w", &fetches)}}));
    let message = "An executor fetches nothing: '/a' belongs to the executor's command";
    assert_eq!(said(&fetches)[0].message.as_deref(), Some(message));
}

#[test]
fn a_program_that_cannot_be_started_fails_its_task() {
    let mut lab = Lab::subscribed();
    lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("t", &sleep())}}));
    let failed = lab.happens("t", executor::Input::Missing("no memory".to_owned()));
    assert_eq!(states(&failed), [TaskState::TaskFailed]);
    assert!(ended(&lab.acknowledge(&said(&failed)[0])));
}

#[test]
fn a_kill_takes_the_grace_period_of_the_task() {
    let mut lab = Lab::subscribed();
    lab.running("t");
    let killing = lab.hear(kill("t"));
    assert_eq!(states(&killing), [TaskState::TaskKilling]);
    assert_eq!(signals(&killing), [("t", Signal::Terminate)]);
    lab.now = lab.executor.next_deadline().unwrap();
    assert_eq!(lab.now, at(103), "Mesos' default");
    assert_eq!(signals(&lab.handle(Input::Tick)), [("t", Signal::Kill)]);
    let killed = lab.happens("t", executor::Input::Exited(Exit::signal(9)));
    assert_eq!(states(&killed), [TaskState::TaskKilled]);
    assert_eq!(lab.hear(kill("nobody")), []);
}

#[test]
fn a_group_ends_with_the_first_that_fails() {
    let mut lab = Lab::subscribed();
    let member = |id: &str| {
        let mut task = task(id);
        task["command"] = sleep();
        task
    };
    let group = json!({"tasks": [member("a"), member("b"), member("c")]});
    let launched = lab.hear(json!({"type": "LAUNCH_GROUP", "launch_group": {"task_group": group}}));
    assert_eq!(launched.len(), 3);
    for id in ["a", "b", "c"] {
        lab.happens(id, executor::Input::Launched);
    }
    let finished = lab.happens("a", executor::Input::Exited(Exit::Code(0)));
    assert_eq!((states(&finished).len(), signals(&finished)), (1, vec![]), "the others go on");
    let failed = lab.happens("b", executor::Input::Exited(Exit::Code(1)));
    assert_eq!(states(&failed), [TaskState::TaskFailed, TaskState::TaskKilling]);
    assert_eq!(signals(&failed), [("c", Signal::Terminate)]);
}

#[test]
fn a_shutdown_ends_everything_and_then_the_executor() {
    let mut lab = Lab::subscribed();
    lab.running("t");
    lab.running("u");
    let shutdown = lab.hear(json!({"type": "SHUTDOWN"}));
    assert_eq!(signals(&shutdown), [("t", Signal::Terminate), ("u", Signal::Terminate)]);
    assert_eq!(lab.hear(json!({"type": "SHUTDOWN"})), [], "said twice");
    let late = lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("v", &sleep())}}));
    assert_eq!(states(&late), [TaskState::TaskFailed]);
    lab.now = at(104);
    let killed = lab.handle(Input::Tick);
    assert_eq!(signals(&killed), [("t", Signal::Kill), ("u", Signal::Kill)], "a second is left to say it");
    lab.happens("t", executor::Input::Exited(Exit::signal(9)));
    let last = lab.happens("u", executor::Input::Exited(Exit::signal(9)));
    assert!(!ended(&last), "the agent has not heard it");
    lab.now = at(105);
    assert!(ended(&lab.handle(Input::Tick)), "and is not waited for without end");
}

#[test]
fn one_that_nobody_hears_ends_with_its_tasks() {
    let mut lab = Lab::subscribed();
    lab.running("t");
    lab.handle(Input::Disconnected);
    assert_eq!(signals(&lab.handle(Input::Stop)), [("t", Signal::Terminate)]);
    assert!(ended(&lab.happens("t", executor::Input::Exited(Exit::signal(15)))));
    let mut idle = Lab::new();
    assert!(ended(&idle.handle(Input::Stop)));
}

#[test]
fn a_task_that_is_known_is_not_started_twice() {
    let mut lab = Lab::subscribed();
    lab.running("t");
    assert_eq!(lab.hear(json!({"type": "LAUNCH", "launch": {"task": with_data("t", &sleep())}})), []);
}

#[test]
fn an_error_ends_it() {
    let mut lab = Lab::subscribed();
    let effects = lab.hear(json!({"type": "ERROR", "error": {"message": "no"}}));
    assert_eq!(effects, [Effect::End(Err("the agent says: no".to_owned()))]);
}

#[test]
fn checks_are_made_and_what_they_say_is_told() {
    let mut lab = Lab::subscribed();
    let mut checked = with_data("t", &sleep());
    checked["health_check"] = json!({"type": "TCP", "tcp": {"port": 1}, "delay_seconds": 0});
    lab.hear(json!({"type": "LAUNCH", "launch": {"task": checked}}));
    let started = lab.happens("t", executor::Input::Launched);
    let probes = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Probe { .. })).count();
    assert_eq!(probes(&started), 1);
    let outcome = Ok(executor::check::tcp_status(true));
    let kind = executor::check::CheckKind::Health;
    let healthy = lab.happens("t", executor::Input::Probed { kind, outcome });
    assert_eq!(said(&healthy)[0].healthy, Some(true));
}
