//! Task groups.

use super::{Ground, executor, parse, shell, task};
use crate::{
    engine::master::validation::{Checked, group, operation},
    mesos::v1::{
        ContainerInfo, ExecutorInfo, LinuxInfo, TaskGroupInfo, TaskInfo, container_info,
        executor_info::Type,
        offer::{Operation, operation as body},
        task_status::Reason,
        value,
    },
};

fn default_executor() -> ExecutorInfo {
    ExecutorInfo {
        r#type: Some(Type::Default.into()),
        framework_id: Some("F0".into()),
        command: None,
        resources: parse("cpus:0.1;mem:32;disk:32").to_protos(),
        ..executor("default")
    }
}

fn check(executor: ExecutorInfo, tasks: Vec<TaskInfo>) -> Checked {
    let launch_group = body::LaunchGroup { executor, task_group: TaskGroupInfo { tasks } };
    let mut operation = Operation { launch_group: Some(launch_group), ..Operation::default() };
    operation.set_type(body::Type::LaunchGroup);
    assert_eq!(operation::invalid_reason(&operation), Some(Reason::TaskGroupInvalid));
    operation::validate(&operation)?;
    let ground = Ground::new();
    operation::normalize(&mut operation, "*", &ground.framework_id);
    let launch = operation.launch_group.unwrap_or_default();
    group::validate(&launch.task_group, &launch.executor, &ground.launch())
}

fn executor_error(change: impl Fn(&mut ExecutorInfo)) -> String {
    let mut executor = default_executor();
    change(&mut executor);
    check(executor, vec![task("g")]).unwrap_err()
}

fn task_error(change: impl Fn(&mut TaskInfo)) -> String {
    let mut second = task("g2");
    change(&mut second);
    check(default_executor(), vec![task("g1"), second]).unwrap_err()
}

#[test]
fn a_plain_group_is_fine_and_an_empty_one_too() {
    assert_eq!(check(default_executor(), vec![task("g1"), task("g2")]), Ok(()));
    assert_eq!(check(default_executor(), Vec::new()), Ok(()));
}

#[test]
fn executors() {
    let text = "'ExecutorInfo.command' must not be set for 'DEFAULT' executor";
    assert_eq!(executor_error(|it| it.command = Some(shell("true"))), text);
    assert_eq!(executor_error(|it| it.framework_id = None), "'ExecutorInfo.framework_id' must be set");
    assert_eq!(executor_error(|it| it.r#type = None), "'ExecutorInfo.type' must be set");
    let text = "Executor 'default' uses less CPUs (None) than the minimum required (0.01)";
    assert_eq!(executor_error(|it| it.resources = parse("mem:32;disk:32").to_protos()), text);
    let text = "Executor 'default' uses less memory (16MB) than the minimum required (32MB)";
    assert_eq!(executor_error(|it| it.resources = parse("cpus:1;mem:16;disk:32").to_protos()), text);
    let text = "Executor 'default' uses no disk";
    assert_eq!(executor_error(|it| it.resources = parse("cpus:1;mem:32").to_protos()), text);
    let text = "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0";
    assert_eq!(executor_error(|it| it.resources = vec![super::scalar("cpus", Some(-1.0))]), text);
}

#[test]
fn tasks() {
    let text = "Task 'g1' is invalid: Task has duplicate ID: g1";
    assert_eq!(task_error(|it| it.task_id = "g1".into()), text);
    let text = "Task 'g2' is invalid: Task uses no resources";
    assert_eq!(task_error(|it| it.resources.clear()), text);
    let text = "The `ExecutorInfo` of task 'g2' is different from executor 'default'";
    assert_eq!(task_error(|it| it.executor = Some(executor("x"))), text);
    let text = "Total resources cpus(allocated: *):9.2; mem(allocated: *):96; disk(allocated: *):32 required by task \
                group and its executor are more than available ports(allocated: *):[31000-32000]; \
                cpus(allocated: *):4; mem(allocated: *):4064; disk(allocated: *):10240";
    assert_eq!(task_error(|it| it.resources = parse("cpus:9;mem:32").to_protos()), text);
    let text = "There are overlapping resources in the task group's task resources { cpus(allocated: *):0.1; \
                mem(allocated: *):32, ports(allocated: *):[31000-31005] } and/or executor resources \
                cpus(allocated: *):0.1; mem(allocated: *):32; disk(allocated: *):32; ports(allocated: \
                *):[31005-31005]";
    let mut executor = default_executor();
    executor.resources.extend(parse("ports:[31005-31005]").to_protos());
    let ports = TaskInfo { resources: parse("ports:[31000-31005]").to_protos(), ..task("g2") };
    assert_eq!(check(executor, vec![task("g1"), ports]).unwrap_err(), text);
}

#[test]
fn cgroups_are_shared_by_all_or_by_none() {
    let own = |task: &mut TaskInfo| {
        let linux_info = Some(LinuxInfo { share_cgroups: Some(false), ..LinuxInfo::default() });
        let r#type = container_info::Type::Mesos.into();
        task.container = Some(ContainerInfo { r#type, linux_info, ..ContainerInfo::default() });
    };
    let text = "If set, the value of 'share_cgroups' must be the same for all tasks in each task group and under a \
                single executor";
    assert_eq!(task_error(own), text);
    let text = "Task 'g2' is invalid: Resource limits may only be set for tasks within a task group when the \
                'share_cgroups' field is set to 'false'.";
    let limit = |task: &mut TaskInfo| task.limits.extend([("cpus".into(), value::Scalar { value: 1.0 })]);
    assert_eq!(task_error(limit), text);
    let mut alone = task("g1");
    own(&mut alone);
    limit(&mut alone);
    assert_eq!(check(default_executor(), vec![alone]), Ok(()));
}
