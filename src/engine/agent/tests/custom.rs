//! The words of scenarios for custom executors: `custom E new|old OPTION... TASK` launches one task in E,
//! `subscribe E STREAM`, `says E TASK STATE N` (N makes the uuid), `message`, `tell`, `heartbeat`, `gone STREAM`.

use super::*;
use crate::{
    engine::{agent::ExecutorAnswer, executor::custom::ExecutorStream},
    mesos::v1::{
        Environment, TaskState,
        environment::Variable,
        executor::{Call, Event, call},
    },
};

/// The request of calls that are no SUBSCRIBE.
const CALL: ExecutorStream = ExecutorStream(0);

pub(super) fn command(value: &str, user: Option<String>) -> CommandInfo {
    let variable = Variable { name: "FOO".to_owned(), value: Some("bar".to_owned()), ..Variable::default() };
    CommandInfo {
        value: Some(value.to_owned()),
        environment: Some(Environment { variables: vec![variable] }),
        user,
        ..CommandInfo::default()
    }
}

fn uuid(n: &str) -> bytes::Bytes {
    let uuid = uuid::Builder::from_random_bytes([n.parse().unwrap(); 16]).into_uuid();
    bytes::Bytes::copy_from_slice(uuid.as_bytes())
}

fn status(words: &[&str]) -> TaskStatus {
    let [task, state, n, rest @ ..] = words else { panic!("no update in {words:?}") };
    TaskStatus {
        task_id: TaskId::new(*task),
        state: TaskState::from_str_name(&format!("TASK_{state}")).unwrap().into(),
        source: Some(task_status::Source::Executor.into()),
        uuid: Some(uuid(n)),
        agent_id: rest.iter().find_map(|word| word.strip_prefix("agent=")).map(AgentId::new),
        ..TaskStatus::default()
    }
}

fn call(executor: &str, kind: call::Type) -> Call {
    Call {
        r#type: Some(kind.into()),
        executor_id: ExecutorId::new(executor),
        framework_id: FrameworkId::new("F"),
        ..Call::default()
    }
}

fn said(call: Call) -> Input {
    Input::Executor { request: CALL, call: Box::new(call) }
}

/// `E STREAM [task=T...] [update=T:STATE:N...]`.
fn subscribe(rest: &[&str]) -> Input {
    let named =
        |name: &'static str| rest.iter().filter_map(move |word| word.strip_prefix(name)?.strip_prefix('='));
    let task = |id: &str| TaskInfo { task_id: TaskId::new(id), ..TaskInfo::default() };
    let update = |text: &str| call::Update { status: status(&text.split(':').collect::<Vec<_>>()) };
    let subscribe = call::Subscribe {
        unacknowledged_tasks: named("task").map(task).collect(),
        unacknowledged_updates: named("update").map(update).collect(),
    };
    let call = Call { subscribe: Some(subscribe), ..call(rest[0], call::Type::Subscribe) };
    Input::Executor { request: ExecutorStream(rest[1].parse().unwrap()), call: Box::new(call) }
}

pub(super) fn input(verb: &str, rest: &[&str]) -> Input {
    let data = || bytes::Bytes::from(rest[1].to_owned());
    match verb {
        "custom" => run(rest),
        "subscribe" => subscribe(rest),
        "says" => said(Call {
            update: Some(call::Update { status: status(&rest[1..]) }),
            ..call(rest[0], call::Type::Update)
        }),
        "message" => {
            said(Call { message: Some(call::Message { data: data() }), ..call(rest[0], call::Type::Message) })
        }
        "heartbeat" => said(call(rest[0], call::Type::Heartbeat)),
        "unknown" => said(call(rest[0], call::Type::Unknown)),
        "tell" => Input::Master(ToAgent::FrameworkMessage {
            agent_id: AgentId::new("S"),
            framework_id: FrameworkId::new("F"),
            executor_id: ExecutorId::new(rest[0]),
            data: data(),
        }),
        "gone" => Input::ExecutorGone(ExecutorStream(rest[0].parse().unwrap())),
        other => panic!("unknown verb `{other}`"),
    }
}

fn run(words: &[&str]) -> Input {
    let [executor_id, age, rest @ ..] = words else { panic!("no executor in {words:?}") };
    let id = rest.last().copied().unwrap();
    let uris =
        rest.contains(&"uri").then(|| Uri { value: "http://there/executor".to_owned(), ..Uri::default() });
    let executor = ExecutorInfo {
        r#type: Some(executor_info::Type::Custom.into()),
        executor_id: ExecutorId::new(*executor_id),
        framework_id: Some(FrameworkId::new("F")),
        command: Some(CommandInfo {
            uris: uris.into_iter().collect(),
            ..command("executor", option(rest, "runs-as"))
        }),
        ..ExecutorInfo::default()
    };
    let task = TaskInfo { executor: Some(executor), command: None, ..task_info(&[&[id], rest].concat()) };
    Input::Master(ToAgent::RunTask {
        framework: Box::new(framework(rest)),
        task: Box::new(task),
        launch: LaunchTerms { executor: *age == "new", ..LaunchTerms::default() },
    })
}

pub(super) fn show(effect: &Effect) -> String {
    match effect {
        Effect::ExecutorAnswer { request, answer } => {
            let answer = match answer {
                ExecutorAnswer::Subscribed => "subscribed".to_owned(),
                ExecutorAnswer::Accepted => "accepted".to_owned(),
                ExecutorAnswer::BadRequest(text) => format!("400 {text:?}"),
                ExecutorAnswer::Forbidden(text) => format!("403 {text:?}"),
                ExecutorAnswer::NotImplemented => "501".to_owned(),
            };
            format!("answer {} {answer}", request.0)
        }
        Effect::Event { stream, event } => format!("event {} {}", stream.0, show_event(event)),
        Effect::Close(stream) => format!("close {}", stream.0),
        other => panic!("{other:?}"),
    }
}

fn show_event(event: &Event) -> String {
    let mut words = vec![event.r#type().as_str_name().to_owned()];
    words.extend(event.subscribed.as_ref().map(|it| it.executor_info.executor_id.to_string()));
    words.extend(event.launch.as_ref().map(|launch| launch.task.task_id.to_string()));
    let group = event.launch_group.iter().flat_map(|launch| &launch.task_group.tasks);
    words.extend(group.map(|task| task.task_id.to_string()));
    words.extend(event.kill.as_ref().map(|kill| kill.task_id.to_string()));
    let policy = event.kill.as_ref().and_then(|kill| kill.kill_policy.as_ref()?.grace_period);
    words.extend(policy.map(|grace| format!("grace={}", grace.nanoseconds / 1_000_000_000)));
    words.extend(event.acknowledged.as_ref().map(|it| format!("{} {}", it.task_id, it.uuid[0])));
    words.extend(event.message.as_ref().map(|it| String::from_utf8_lossy(&it.data).into_owned()));
    words.join(" ")
}

#[test]
fn the_environment_of_an_executor_is_the_one_of_mesos() {
    let mut stage = Stage::new();
    stage.play("0 connect");
    stage.play("0 registered S");
    stage.play("0 custom cx new t1");
    let launch = stage.raw.iter().find_map(|effect| match effect {
        Effect::Launch(launch) => Some(launch),
        _ => None,
    });
    let launch = launch.unwrap();
    let sandbox = format!("/lab/slaves/S/frameworks/F/executors/cx/runs/{}", launch.container_id);
    let expected = BTreeMap::from(
        [
            ("FOO", "bar"),
            ("LIBPROCESS_IP", "127.0.0.1"),
            ("LIBPROCESS_PORT", "0"),
            ("MESOS_AGENT_ENDPOINT", "127.0.0.1:5051"),
            ("MESOS_CHECKPOINT", "0"),
            ("MESOS_DIRECTORY", sandbox.as_str()),
            ("MESOS_EXECUTOR_ID", "cx"),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
            ("MESOS_FRAMEWORK_ID", "F"),
            ("MESOS_HTTP_COMMAND_EXECUTOR", "0"),
            ("MESOS_SANDBOX", sandbox.as_str()),
            ("MESOS_SLAVE_ID", "S"),
            ("MESOS_SLAVE_PID", "slave(1)@127.0.0.1:5051"),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(launch.environment, expected);
    assert_eq!(launch.directory, sandbox);
    assert_eq!(launch.command, Command::Shell("executor".to_owned()));
}

/// What an agent launches for an executor that is described in JSON, or what it says of the task.
fn launched(mut executor: serde_json::Value) -> Result<Launch, String> {
    executor["executor_id"] = serde_json::json!({ "value": "cx" });
    let executor: ExecutorInfo = crate::mesos::json::from_value(&executor).unwrap();
    let task = TaskInfo { executor: Some(executor), command: None, ..task_info(&["t"]) };
    let mut stage = Stage::new();
    stage.play("0 connect");
    stage.play("0 registered S");
    let run = ToAgent::RunTask {
        framework: Box::new(framework(&[])),
        task: Box::new(task),
        launch: LaunchTerms { executor: true, ..LaunchTerms::default() },
    };
    let effects = stage.agent.handle(Time::default(), Input::Master(run));
    let launch = effects.iter().find_map(|effect| match effect {
        Effect::Launch(launch) => Some(Launch::clone(launch)),
        _ => None,
    });
    let update = effects.iter().find_map(|effect| match effect {
        Effect::Master(message) => match &**message {
            ToMaster::StatusUpdate(update) => update.status.message.clone(),
            _ => None,
        },
        _ => None,
    });
    launch.ok_or(update.unwrap_or_default())
}

#[test]
fn an_executor_gets_what_its_command_and_its_container_name() {
    let launch = launched(serde_json::json!({
        "command": {
            "value": "./executor",
            "uris": [{ "value": "http://there/executor", "executable": true }],
            "environment": { "variables": [
                { "name": "S", "type": "SECRET", "secret": { "type": "VALUE", "value": { "data": "czM=" } } },
            ] },
        },
        "container": {
            "type": "MESOS",
            "volumes": [{ "container_path": "data", "host_path": "/srv", "mode": "RW" }],
            "rlimit_info": { "rlimits": [{ "type": "RLMT_NOFILE", "soft": 7, "hard": 8 }] },
        },
    }));
    let launch = launch.unwrap();
    assert_eq!(launch.environment["S"], "s3");
    assert_eq!(launch.setup.uris.len(), 1);
    assert!(launch.setup.uris[0].executable);
    assert_eq!(
        (launch.setup.links[0].source.as_str(), launch.setup.links[0].target.as_str()),
        ("/srv", "data")
    );
    assert_eq!(launch.setup.limits[0].most, Some((7, 8)));
}

#[test]
fn an_executor_that_names_what_cannot_be_had_fails_with_its_task() {
    let refusal = |executor| launched(executor).unwrap_err();
    let uris = serde_json::json!([{ "value": "/a", "output_file": "/etc/a" }]);
    assert_eq!(
        refusal(serde_json::json!({ "command": { "value": "true", "uris": uris } })),
        "Failed to launch container: Could not fetch: URI output file must be within the sandbox directory"
    );
    let docker = serde_json::json!({ "type": "DOCKER", "docker": { "image": "i" } });
    assert_eq!(
        refusal(serde_json::json!({ "command": { "value": "true" }, "container": docker })),
        "Failed to launch container: custom executors in Docker containers are not supported by this agent"
    );
}
