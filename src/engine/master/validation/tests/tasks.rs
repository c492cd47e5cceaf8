//! Tasks of a LAUNCH.

use super::{Ground, errors, executor, launch_of, parse, scalar, shell, task};
use crate::{
    engine::master::validation::operation,
    mesos::v1::{
        CheckInfo, ContainerInfo, DurationInfo, Environment, ExecutorInfo, HealthCheck, KillPolicy,
        LinuxInfo, OperationId, Task, TaskInfo, check_info, container_info, environment, health_check,
        task_status::Reason, value,
    },
};

#[test]
fn a_plain_task_is_fine() {
    let ground = Ground::new();
    assert_eq!(ground.check(task("a b")), Ok(()));
    for command in [shell(""), Default::default()] {
        assert_eq!(ground.check(TaskInfo { command: Some(command), ..task("t") }), Ok(()));
    }
    let free = vec![scalar("cpus", Some(0.0)), scalar("mem", Some(32.0))];
    assert_eq!(ground.check(TaskInfo { resources: free, ..task("t") }), Ok(()));
    let double = vec![scalar("cpus", Some(0.1)), scalar("cpus", Some(0.1)), scalar("mem", Some(32.0))];
    assert_eq!(ground.check(TaskInfo { resources: double, ..task("t") }), Ok(()));
}

#[test]
fn ids() {
    errors!(Ground::new(),
        "'a/b' contains invalid characters" => |task: &mut TaskInfo| task.task_id = "a/b".into(),
        "ID must not be empty" => |task: &mut TaskInfo| task.task_id = "".into(),
        "'.' is disallowed" => |task: &mut TaskInfo| task.task_id = ".".into(),
        "'..' is disallowed" => |task: &mut TaskInfo| task.task_id = "..".into(),
        "Task uses invalid agent nope while agent S0 is expected" => |task: &mut TaskInfo| task.agent_id = "nope".into(),
    );
    let mut ground = Ground::new();
    ground.tasks.insert("t".into(), Task::default());
    assert_eq!(ground.error(|_| {}), "Task has duplicate ID: t");
    ground.tasks.clear();
    ground.unreachable.push_back(Task { task_id: "t".into(), ..Task::default() });
    assert_eq!(ground.error(|_| {}), "Task reuses the ID of an unreachable task: t");
}

#[test]
fn resources() {
    errors!(Ground::new(),
        "Task uses no resources" => |task: &mut TaskInfo| task.resources.clear(),
        "Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0"
            => |task: &mut TaskInfo| task.resources[0] = scalar("cpus", Some(0.0001)),
        "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0"
            => |task: &mut TaskInfo| task.resources[0] = scalar("cpus", Some(-1.0)),
        "Resource 'cpus:0' is invalid: Invalid scalar resource"
            => |task: &mut TaskInfo| task.resources[0] = scalar("cpus", None),
        "Task uses invalid resources: Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
            => |task: &mut TaskInfo| task.resources[0] = scalar("gpus", Some(0.5)),
        "Total resources cpus(allocated: *):100; mem(allocated: *):32 required by task and its executor is more than \
         available ports(allocated: *):[31000-32000]; cpus(allocated: *):4; mem(allocated: *):4064; \
         disk(allocated: *):10240"
            => |task: &mut TaskInfo| task.resources[0] = scalar("cpus", Some(100.0)),
        "Total resources cpus(allocated: *):0.1; mem(allocated: *):32; foo(allocated: *):1 required by task and its \
         executor is more than available ports(allocated: *):[31000-32000]; cpus(allocated: *):4; \
         mem(allocated: *):4064; disk(allocated: *):10240"
            => |task: &mut TaskInfo| task.resources.push(scalar("foo", Some(1.0))),
        "Total resources cpus(allocated: *):0.1; mem(allocated: *):32; ports(allocated: *):[80-80] required by task \
         and its executor is more than available ports(allocated: *):[31000-32000]; cpus(allocated: *):4; \
         mem(allocated: *):4064; disk(allocated: *):10240"
            => |task: &mut TaskInfo| task.resources.extend(parse("ports:[80-80]").to_protos()),
        "Resource 'ports:[31000-31010, 31005-31020]' is invalid: Invalid ranges resource: overlapping ranges"
            => |task: &mut TaskInfo| {
                let mut ports = parse("ports:[31000-31010]").to_protos().remove(0);
                ports.ranges.get_or_insert_default().range.push(value::Range { begin: 31005, end: 31020 });
                task.resources.push(ports);
            },
    );
}

#[test]
fn the_role_of_the_offer_is_filled_in_and_only_one_is_allowed() {
    let ground = Ground::new();
    let text = ground.error(|task| {
        task.resources[0].allocation_info =
            Some(crate::mesos::v1::resource::AllocationInfo { role: Some("x".into()) });
    });
    assert_eq!(
        text,
        "Invalid task resources: The resources have multiple allocation roles ('*' and 'x') but only one allocation \
         role is allowed"
    );
}

#[test]
fn commands_and_executors() {
    let neither = "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present";
    let mut own = executor("e");
    own.framework_id = Some("zz".into());
    errors!(Ground::new(),
        neither => |task: &mut TaskInfo| task.command = None,
        neither => |task: &mut TaskInfo| task.executor = Some(executor("e")),
        "'ExecutorInfo.command' must be set" => |task: &mut TaskInfo| {
            task.command = None;
            task.executor = Some(ExecutorInfo { command: None, ..executor("e") });
        },
        "ExecutorInfo has an invalid FrameworkID (Actual: zz vs Expected: F0)" => |task: &mut TaskInfo| {
            task.command = None;
            task.executor = Some(own.clone());
        },
        "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'VALUE' must have a value set"
            => |task: &mut TaskInfo| {
                let variable = environment::Variable { name: "A".into(), ..Default::default() };
                let environment = Environment { variables: vec![variable] };
                task.command.get_or_insert_default().environment = Some(environment);
            },
    );
}

#[test]
fn an_executor_that_runs_already_must_be_the_same_and_is_not_paid_for_again() {
    let mut ground = Ground::new();
    let heavy = ExecutorInfo {
        resources: parse("cpus:3.95").allocated("*").to_protos(),
        framework_id: Some("F0".into()),
        ..executor("e")
    };
    let with =
        |executor: &ExecutorInfo| TaskInfo { command: None, executor: Some(executor.clone()), ..task("t") };
    assert!(ground.check(with(&heavy)).unwrap_err().starts_with("Total resources cpus(allocated: *):4.05; "));
    ground.executors.insert("e".into(), heavy.clone());
    assert_eq!(ground.check(with(&heavy)), Ok(()));
    let text = ground.check(with(&ExecutorInfo { name: Some("other".into()), ..heavy })).unwrap_err();
    let rule = "-".repeat(60);
    let body = "executor_id {\n  value: \"e\"\n}\nresources {\n  name: \"cpus\"\n  type: SCALAR\n  scalar {\n    value: 3.95\n  \
                }\n  allocation_info {\n    role: \"*\"\n  }\n}\ncommand {\n  value: \"./executor\"\n}\nframework_id {\n  \
                value: \"F0\"\n}\n";
    assert_eq!(
        text,
        format!(
            "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n{rule}\n\
             Existing ExecutorInfo:\n{body}\n{rule}\nExecutorInfo:\n{body}name: \"other\"\n\n{rule}\n"
        )
    );
}

#[test]
fn overlapping_ports_of_task_and_executor() {
    let text = Ground::new().error(|task| {
        task.command = None;
        task.resources = parse("cpus:0.1;ports:[31000-31005]").to_protos();
        let resources = parse("cpus:0.1;ports:[31005-31009]").to_protos();
        task.executor = Some(ExecutorInfo { resources, ..executor("e") });
    });
    assert_eq!(
        text,
        "There are overlapping resources in the task resources cpus(allocated: *):0.1; \
         ports(allocated: *):[31000-31005] and executor resources cpus(allocated: *):0.1; \
         ports(allocated: *):[31005-31009]"
    );
}

#[test]
fn checks() {
    let health =
        |kind: health_check::Type| HealthCheck { r#type: Some(kind.into()), ..HealthCheck::default() };
    let check = |kind: check_info::Type| CheckInfo { r#type: Some(kind.into()), ..CheckInfo::default() };
    errors!(Ground::new(),
        "Task uses invalid health check: HealthCheck must specify 'type'"
            => |task: &mut TaskInfo| task.health_check = Some(HealthCheck::default()),
        "Task uses invalid health check: Expecting 'http' to be set for HTTP health check"
            => |task: &mut TaskInfo| task.health_check = Some(health(health_check::Type::Http)),
        "Task uses invalid health check: Expecting 'tcp' to be set for TCP health check"
            => |task: &mut TaskInfo| task.health_check = Some(health(health_check::Type::Tcp)),
        "Task uses invalid health check: 'UNKNOWN' is not a valid health check type"
            => |task: &mut TaskInfo| task.health_check = Some(health(health_check::Type::Unknown)),
        "Task uses invalid health check: Command health check must contain 'shell command'"
            => |task: &mut TaskInfo| task.health_check =
                Some(HealthCheck { command: Some(Default::default()), ..HealthCheck::default() }),
        "Task uses invalid health check: The path 'x' of HTTP health check must start with '/'"
            => |task: &mut TaskInfo| {
                let http = health_check::HttpCheckInfo { path: Some("x".into()), ..Default::default() };
                task.health_check = Some(HealthCheck { http: Some(http), ..HealthCheck::default() });
            },
        "Task uses invalid check: CheckInfo must specify 'type'"
            => |task: &mut TaskInfo| task.check = Some(CheckInfo::default()),
        "Task uses invalid check: Expecting 'command' to be set for COMMAND check"
            => |task: &mut TaskInfo| task.check = Some(check(check_info::Type::Command)),
        "Task uses invalid check: Expecting 'interval_seconds' to be non-negative"
            => |task: &mut TaskInfo| task.check = Some(CheckInfo {
                tcp: Some(check_info::Tcp { port: 1 }),
                interval_seconds: Some(-1.0),
                ..check(check_info::Type::Tcp)
            }),
    );
    let typeless = HealthCheck { command: Some(shell("true")), ..HealthCheck::default() };
    assert_eq!(Ground::new().check(TaskInfo { health_check: Some(typeless), ..task("t") }), Ok(()));
}

#[test]
fn durations_and_limits() {
    let negative = DurationInfo { nanoseconds: -1 };
    let limit = |task: &mut TaskInfo, name: &str, value| {
        task.limits.extend([(name.into(), value::Scalar { value })]);
    };
    errors!(Ground::new(),
        "Task's 'kill_policy.grace_period' must be non-negative"
            => |task: &mut TaskInfo| task.kill_policy = Some(KillPolicy { grace_period: Some(negative) }),
        "Task's `max_completion_time` must be non-negative"
            => |task: &mut TaskInfo| task.max_completion_time = Some(negative),
        "The cpu limit must be greater than or equal to the cpu request"
            => |task: &mut TaskInfo| limit(task, "cpus", 0.05),
        "The memory limit must be greater than or equal to the memory request"
            => |task: &mut TaskInfo| limit(task, "mem", 31.0),
        "Only cpus and mem may be included in a task's resource limits"
            => |task: &mut TaskInfo| limit(task, "disk", 1.0),
        "When a CPU limit is specified, a CPU request must also be specified"
            => |task: &mut TaskInfo| {
                task.resources = parse("mem:32").to_protos();
                limit(task, "cpus", 1.0);
            },
    );
    let mut ground = Ground::new();
    let mut limited = task("t");
    limit(&mut limited, "mem", f64::INFINITY);
    limit(&mut limited, "cpus", 0.1);
    assert_eq!(ground.check(limited.clone()), Ok(()));
    ground.limits = false;
    assert_eq!(ground.check(limited).unwrap_err(), "Agent is not capable of handling task resource limits");
}

#[test]
fn containers() {
    let container =
        |kind: container_info::Type| ContainerInfo { r#type: kind.into(), ..ContainerInfo::default() };
    errors!(Ground::new(),
        "Task's `ContainerInfo` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
            => |task: &mut TaskInfo| task.container = Some(container(container_info::Type::Docker)),
        "Task's `ContainerInfo` is invalid: Invalid volume: Only one of them should be set: 'host_path', 'image' and \
         'source'"
            => |task: &mut TaskInfo| task.container = Some(ContainerInfo {
                volumes: vec![Default::default()],
                ..container(container_info::Type::Mesos)
            }),
        "Only tasks in a task group may have 'share_cgroups' set to 'false'"
            => |task: &mut TaskInfo| task.container = Some(ContainerInfo {
                linux_info: Some(LinuxInfo { share_cgroups: Some(false), ..LinuxInfo::default() }),
                ..container(container_info::Type::Mesos)
            }),
    );
}

#[test]
fn operations_that_are_not_whole() {
    let mut launch = launch_of(vec![task("t")]);
    assert_eq!(operation::invalid_reason(&launch), Some(Reason::TaskInvalid));
    launch.id = Some(OperationId::new("o"));
    assert_eq!(
        operation::validate(&launch).unwrap_err(),
        "The `id` field cannot be set on LAUNCH operations"
    );
    launch.launch = None;
    let text = "A LAUNCH offer operation must have the Offer.Operation.launch field set.";
    assert_eq!(operation::validate(&launch).unwrap_err(), text);
    assert_eq!(operation::validate(&Default::default()).unwrap_err(), "Unknown offer operation");
    assert_eq!(operation::invalid_reason(&Default::default()), None);
}
